//! A small resource server: it knows nothing of partners, and asks the authorization server about
//! every token (RFC 6750, RFC 7662).
//!
//! Where a token comes with a proof it asks whether the whole request may pass (`/authorize-request`).

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
use crate::protocol::bearer;
use crate::protocol::bearer::Scheme;
use crate::types::Secret;

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
    /// Where it asks whether a request may pass.
    pub authorize_request: String,
    /// By which scheme, host and port its clients know it.
    pub origin: String,
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
                if let Some(refusal) = this.check(&incoming, scope).await? {
                    return Ok(refusal);
                }
                Ok(Answer::bytes(200, "application/json", content.as_bytes().to_vec()))
            })
        })
    }

    /// RFC 6750 §3.1: who has no token, or one that does not hold, gets 401; who has one that does
    /// not reach this far, 403.
    async fn check(&self, incoming: &Incoming, scope: &str) -> Result<Option<Answer>, Failure> {
        let header = incoming.authorization.as_ref().map(Secret::reveal);
        match bearer::access_token(header).map_err(OAuthError::from)? {
            (Scheme::Bearer, token) => self.check_bearer(&token, scope).await.map(|()| None),
            (Scheme::Dpop, _) => self.ask(incoming, scope).await,
        }
    }

    /// Whoever has the token may use it, if it is bound to nothing.
    async fn check_bearer(&self, token: &Secret, scope: &str) -> Result<(), Failure> {
        let invalid = |why| Failure::from(OAuthError::new(ErrorCode::InvalidToken, why));
        let told = self.introspect(token.reveal()).await?;
        if told.get("active") != Some(&Value::Bool(true)) {
            return Err(invalid("the access token does not hold, or holds no longer"));
        }
        if !mentions_audience(&told, &self.audience) {
            return Err(invalid("the access token is for somebody else"));
        }
        if told.get("cnf").is_some() {
            return Err(invalid("the access token is bound to a key: prove that you hold it"));
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

    /// Asks whether this very request may pass, and hands on the refusal if it may not.
    async fn ask(&self, incoming: &Incoming, scope: &str) -> Result<Option<Answer>, Failure> {
        let unavailable = |why| Failure::from(Broken::Remote(why));
        let demands = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("scope", scope), ("origin", &self.origin)])
            .finish();
        let mut request = self
            .client
            .get(format!("{}?{demands}", self.authorize_request))
            .header("proxy-authorization", format!("Basic {}", self.credentials()))
            .header("x-original-method", incoming.method.names().first().copied().unwrap_or("GET"))
            .header("x-original-uri", &incoming.path);
        for (name, value) in [("authorization", &incoming.authorization), ("dpop", &incoming.dpop)]
        {
            request = value.iter().fold(request, |request, v| request.header(name, v.reveal()));
        }
        let answer = request.send().await.map_err(|error| unavailable(error.to_string()))?;
        let status = answer.status().as_u16();
        match status {
            200 => return Ok(None),
            401 | 403 => {}
            _ => return Err(unavailable(format!("authorize-request answered {status}"))),
        }
        let challenge = answer.headers().get("www-authenticate");
        let challenge =
            challenge.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let body = answer.bytes().await.map_err(|error| unavailable(error.to_string()))?;
        let refusal = Answer::bytes(status, "application/json", body.to_vec());
        Ok(Some(refusal.with_header("www-authenticate", challenge)))
    }

    fn credentials(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.id, self.secret))
    }

    async fn introspect(&self, token: &str) -> Result<Value, Failure> {
        let credentials = self.credentials();
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
