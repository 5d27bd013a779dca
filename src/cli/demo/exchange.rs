//! One request and its answer, kept as they were sent so that they can be shown and repeated.

use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::cli::error::CommandError;

/// No server of the demo takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// Where to.
    pub url: String,
    /// The `Authorization` header, if there is one.
    pub authorization: Option<Given>,
    /// The `DPoP` header (RFC 9449 §4.1), if there is one.
    pub proof: Option<Given>,
    /// What it carries.
    pub body: Body,
}

/// What a request carries.
#[derive(Debug, Clone)]
pub enum Body {
    /// Nothing.
    Empty,
    /// A JSON document.
    Json(Value),
    /// A signed request, `application/jose`.
    Signed(Given),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(&'static str, Given)>),
}

/// A value as it was sent, and, where it serves once, the shell words that make a fresh one.
#[derive(Debug, Clone)]
pub struct Given {
    /// As it was sent.
    pub value: String,
    /// What to write in its place.
    pub again: Option<String>,
}

impl Given {
    /// A value that can be sent again.
    pub fn lasting(value: impl Into<String>) -> Self {
        Self { value: value.into(), again: None }
    }

    /// A value that is secret or serves once, and the shell words that stand for it.
    pub fn once(value: impl Into<String>, again: impl Into<String>) -> Self {
        Self { value: value.into(), again: Some(again.into()) }
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `WWW-Authenticate`, if there is one.
    pub challenge: Option<String>,
    /// The body; null if it is empty or no JSON.
    pub body: Value,
}

impl Request {
    /// A request without a body.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self { method, url: url.into(), authorization: None, proof: None, body: Body::Empty }
    }

    /// A request that carries something.
    pub fn post(url: impl Into<String>, body: Body) -> Self {
        Self { body, ..Self::new(Method::POST, url) }
    }

    /// Adds an `Authorization` header.
    #[must_use]
    pub fn authorized(mut self, authorization: Given) -> Self {
        self.authorization = Some(authorization);
        self
    }

    /// Adds a proof of possession.
    #[must_use]
    pub fn proved(mut self, proof: Given) -> Self {
        self.proof = Some(proof);
        self
    }

    /// Its content type.
    #[must_use]
    pub const fn content_type(&self) -> Option<&'static str> {
        match &self.body {
            Body::Empty => None,
            Body::Json(_) => Some("application/json"),
            Body::Signed(_) => Some("application/jose"),
            Body::Form(_) => Some("application/x-www-form-urlencoded"),
        }
    }

    /// Its body as bytes go.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.body {
            Body::Empty => String::new(),
            Body::Json(document) => document.to_string(),
            Body::Signed(jws) => jws.value.clone(),
            Body::Form(parameters) => {
                let pairs = parameters.iter().map(|(name, given)| (name, &given.value));
                url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
            }
        }
    }

    /// Sends it.
    ///
    /// # Errors
    ///
    /// Nobody answers.
    pub async fn send(&self, client: &reqwest::Client) -> Result<Answer, CommandError> {
        let mut request = client.request(self.method.clone(), &self.url);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", &authorization.value);
        }
        if let Some(proof) = &self.proof {
            request = request.header("dpop", &proof.value);
        }
        if let Some(content_type) = self.content_type() {
            request = request.header("content-type", content_type).body(self.text());
        }
        let response = request.send().await.map_err(|error| self.unanswered(&error))?;
        let status = response.status().as_u16();
        let challenge = response.headers().get("www-authenticate");
        let challenge = challenge.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let bytes = response.bytes().await.map_err(|error| self.unanswered(&error))?;
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Answer { status, challenge, body })
    }

    fn unanswered(&self, error: &reqwest::Error) -> CommandError {
        let deepest =
            std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        CommandError::Unreachable {
            address: self.url.clone(),
            cause: deepest.last().map(ToString::to_string).unwrap_or_default(),
            hint: "is it running, and is this its address?".to_owned(),
        }
    }
}

/// A client that trusts one authority.
///
/// # Errors
///
/// The authority's file cannot be read.
pub fn client(authority: &Path) -> Result<reqwest::Client, CommandError> {
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let failed = |cause: &dyn std::fmt::Display| {
        CommandError::failed(format!("`{}`: {cause}", authority.display()))
    };
    let pem = std::fs::read(authority).map_err(|error| failed(&error))?;
    let authorities =
        reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| failed(&error))?;
    reqwest::Client::builder()
        .https_only(true)
        .no_proxy()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only(authorities)
        .build()
        .map_err(|error| failed(&error))
}
