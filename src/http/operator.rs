//! The routes of the operator listener: every operation of the table, and nothing else.

use std::sync::Arc;

use crate::app::App;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::operator::BASE;
use crate::endpoints::operator::Operation;
use crate::http::Routes;

/// Every route of the operator API.
#[must_use]
pub fn routes(app: Arc<App>) -> Routes<App> {
    Operation::ALL.iter().fold(Routes::new(app), |routes, operation| {
        let path = format!("{BASE}{}", operation.path());
        routes.on(operation.method(), &path, async |app: Arc<App>, incoming: Incoming| {
            operation.answer(&app, &incoming).await
        })
    })
}
