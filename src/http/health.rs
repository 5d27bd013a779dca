//! Routes that are no endpoint of any standard: is the server alive, is it ready, and the floor that
//! load tests compare with.

use std::future::Future;
use std::sync::Arc;

use crate::endpoints::Failure;
use crate::endpoints::exchange::Answer;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::exchange::Method;
use crate::http::routes::Routes;

impl<S: Send + Sync + 'static> Routes<S> {
    /// `/health/live` answers as long as the process does; `/health/ready` tells `ready`, which fails
    /// while something that requests need is missing.
    #[must_use]
    pub fn with_health<F, T>(self, ready: F) -> Self
    where
        F: Fn(Arc<S>, Incoming) -> T + Send + Sync + 'static,
        T: Future<Output = Result<Answer, Failure>> + 'static,
    {
        let live = |_, _| async { Ok(Answer::bytes(200, JSON, b"{\"live\":true}".to_vec())) };
        self.on(Method::Get, "/health/live", live).on(Method::Get, "/health/ready", ready)
    }

    /// `/hello`: what a request costs that asks for nothing. Only where configured
    /// (`server.hello_route`).
    #[must_use]
    pub fn with_hello(self) -> Self {
        let hello =
            |_, _| async { Ok(Answer::bytes(200, JSON, b"{\"hello\":\"world\"}".to_vec())) };
        self.on(Method::Get, "/hello", hello)
    }
}

const JSON: &str = "application/json";
