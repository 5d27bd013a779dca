//! A small resource server: it knows nothing of partners, and asks the authorization server about
//! every token (RFC 6750, RFC 7662).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::cli::demo::exchange;
use crate::cli::demo::exchange::{Body, Given, Request};
use crate::endpoints::Broken;
use crate::endpoints::Failure;
use crate::endpoints::exchange::Answer;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::exchange::Method;
use crate::http::Routes;
use crate::protocol::ErrorCode;
use crate::protocol::OAuthError;

/// What it serves: the path, the scope that opens it, and what is there.
const RESOURCES: [(&str, &str, &str); 3] = [
    ("/branches", "branches:read", r#"[{"name":"Harbour Street"},{"name":"Station Square"}]"#),
    ("/accounts", "accounts:read", r#"[{"iban":"GB00DEMO00000000000001","currency":"GBP"}]"#),
    ("/payments", "payments:initiate", r#"[{"status":"nothing was paid: this is a demo"}]"#),
];

/// The resource server's credentials, and where it asks.
#[derive(Debug)]
pub struct ResourceServer {
    /// How it speaks to the authorization server.
    pub client: reqwest::Client,
    /// Where it introspects.
    pub introspection: String,
    /// As whom.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Whose tokens it takes.
    pub audience: String,
    /// Whoever wants to see what it asks and what it is told.
    pub observer: UnboundedSender<(Request, exchange::Answer)>,
}

impl ResourceServer {
    /// Its routes.
    #[must_use]
    pub fn routes(self) -> Routes<Self> {
        let routes = Routes::new(Arc::new(self));
        RESOURCES.into_iter().fold(routes, |routes, (path, scope, content)| {
            routes.on(Method::Get, path, async move |this: Arc<Self>, incoming: Incoming| {
                this.check(&incoming, scope).await?;
                Ok(Answer::bytes(200, "application/json", content.as_bytes().to_vec()))
            })
        })
    }

    /// RFC 6750 §3.1: who has no token, or one that does not hold, gets 401; who has one that does
    /// not reach this far, 403.
    async fn check(&self, incoming: &Incoming, scope: &str) -> Result<(), Failure> {
        let invalid = |why| Failure::from(OAuthError::new(ErrorCode::InvalidToken, why));
        let token = incoming
            .authorization
            .as_ref()
            .and_then(|header| header.reveal().strip_prefix("Bearer "))
            .ok_or_else(|| invalid("send an access token: `Authorization: Bearer …`"))?;
        let told = self.introspect(token).await?;
        if told.get("active") != Some(&Value::Bool(true)) {
            return Err(invalid("the access token does not hold, or holds no longer"));
        }
        if !mentions_audience(&told, &self.audience) {
            return Err(invalid("the access token is for somebody else"));
        }
        let scopes = told.get("scope").and_then(Value::as_str).unwrap_or_default();
        if scopes.split(' ').any(|granted| granted == scope) {
            return Ok(());
        }
        let description = format!("this needs the scope `{scope}`");
        Err(OAuthError::new(ErrorCode::InsufficientScope, description)
            .with_member("scope", scope)
            .into())
    }

    async fn introspect(&self, token: &str) -> Result<Value, Failure> {
        let credentials = STANDARD.encode(format!("{}:{}", self.id, self.secret));
        let request =
            Request::post(&self.introspection, Body::Form(vec![("token", Given::lasting(token))]))
                .authorized(Given::lasting(format!("Basic {credentials}")));
        let unavailable = |why| Failure::from(Broken::Remote(why));
        let answer =
            request.send(&self.client).await.map_err(|error| unavailable(error.to_string()))?;
        // Nobody may be listening any more; that changes nothing for the caller.
        drop(self.observer.send((request, answer.clone())));
        if answer.status == 200 {
            return Ok(answer.body);
        }
        Err(unavailable(format!("introspection answered {}", answer.status)))
    }
}

fn mentions_audience(told: &Value, audience: &str) -> bool {
    match told.get("aud") {
        Some(Value::Array(all)) => all.contains(&json!(audience)),
        Some(one) => *one == json!(audience),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_one_audience_or_several() {
        let told = |aud: Value| mentions_audience(&json!({ "aud": aud }), "https://a.example");
        assert!(told(json!("https://a.example")));
        assert!(told(json!(["https://b.example", "https://a.example"])));
        assert!(!told(json!("https://a.example/")));
        assert!(!told(json!([])));
        assert!(!mentions_audience(&json!({}), "https://a.example"));
    }
}
