//! A request and its answer, as endpoints see them: bytes and words, no HTTP library.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::types::RequestId;
use crate::types::Secret;
use crate::types::Timestamp;
use crate::x509::PresentedCertificates;

/// Under this name a route asks for the method itself, as HTTP/2 calls it (RFC 9113 §8.3.1).
pub const METHOD_FIELD: &str = ":method";

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`, and `HEAD`, whose answer loses its body on the way out.
    Get,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
    /// Any other.
    Other,
}

/// The door that a request came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Door {
    /// Nobody is asked for a certificate.
    #[default]
    Public,
    /// Mutual TLS, our own or that of a proxy: whoever has a certificate shows it (RFC 8705).
    MutualTls,
}

impl Method {
    /// The names of the requests that arrive as this method.
    #[must_use]
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Get => &["GET", "HEAD"],
            Self::Post => &["POST"],
            Self::Put => &["PUT"],
            Self::Patch => &["PATCH"],
            Self::Delete => &["DELETE"],
            Self::Other => &[],
        }
    }
}

/// A request that has passed the door: its headers were not repeated, its body was not too large.
///
/// What a client sends may be a secret, so it does not print.
#[derive(Clone)]
pub struct Incoming {
    /// The method.
    pub method: Method,
    /// The path, as it was sent.
    pub path: String,
    /// What the route's `{name}` segments matched, decoded once.
    pub segments: BTreeMap<String, String>,
    /// The query, undecoded and without its `?`.
    pub query: Option<Secret>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The `Authorization` header.
    pub authorization: Option<Secret>,
    /// The `Accept` header.
    pub accept: Option<String>,
    /// The `If-Match` header (RFC 9110 §13.1.1).
    pub if_match: Option<String>,
    /// The `If-None-Match` header (RFC 9110 §13.1.2).
    pub if_none_match: Option<String>,
    /// The `Idempotency-Key` header: whoever knows it may ask for an answer again.
    pub idempotency_key: Option<Secret>,
    /// The door.
    pub door: Door,
    /// The client certificate that was shown there, with proof that its key is held. Who issued it is
    /// for the endpoint to judge.
    pub presented: Option<PresentedCertificates>,
    /// The `DPoP` header (RFC 9449 §4.1).
    pub dpop: Option<Secret>,
    /// The fields that the route asked for; and under [`METHOD_FIELD`] the method as it was written.
    pub fields: BTreeMap<&'static str, Secret>,
    /// The body.
    pub body: Vec<u8>,
    /// The name of this request, for log and audit.
    pub request_id: RequestId,
    /// When it arrived; the clock is read once per request.
    pub now: Timestamp,
}

impl Incoming {
    /// The media type of the body: lower case, without parameters.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let essence = self.content_type.as_deref()?.split(';').next()?.trim();
        (!essence.is_empty()).then(|| essence.to_ascii_lowercase())
    }

    /// A field that the route asked for; an empty one counts as absent.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(Secret::reveal).filter(|text| !text.is_empty())
    }

    /// What the route's segment `{name}` matched; empty where the route has none of that name.
    #[must_use]
    pub fn segment(&self, name: &str) -> &str {
        self.segments.get(name).map_or("", String::as_str)
    }
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Incoming")
            .field("request_id", &self.request_id)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// Whether somebody else may keep an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// Nobody (RFC 6749 §5.1).
    Never,
    /// Anybody, for so many seconds: public documents such as keys and metadata.
    Seconds(u32),
}

/// What an endpoint answers when it does not refuse. The body may hold a token: it does not print.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// Who may keep it.
    pub caching: Caching,
    /// Further headers, such as `Location`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A JSON answer that nobody may keep.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, "application/json", body.to_string().into_bytes())
    }

    /// An answer in another media type, or one that is JSON already, that nobody may keep.
    #[must_use]
    pub const fn bytes(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status, content_type, caching: Caching::Never, headers: Vec::new(), body }
    }

    /// `204 No Content`.
    #[must_use]
    pub const fn no_content() -> Self {
        Self::bytes(204, "", Vec::new())
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same answer, which anybody may keep for so many seconds.
    #[must_use]
    pub const fn kept_for(mut self, seconds: u32) -> Self {
        self.caching = Caching::Seconds(seconds);
        self
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(content_type: Option<&str>) -> Incoming {
        Incoming {
            method: Method::Post,
            path: "/token".to_owned(),
            segments: BTreeMap::new(),
            query: None,
            content_type: content_type.map(str::to_owned),
            authorization: Some(Secret::new("Bearer hush")),
            accept: None,
            if_match: None,
            if_none_match: None,
            idempotency_key: None,
            door: Door::Public,
            presented: None,
            dpop: Some(Secret::new("hush")),
            fields: BTreeMap::new(),
            body: b"hush".to_vec(),
            request_id: RequestId::from_random("r"),
            now: Timestamp::EARLIEST,
        }
    }

    #[test]
    fn a_media_type_is_compared_without_case_and_parameters() {
        let read = |text| incoming(text).media_type();
        assert_eq!(read(Some("Application/JSON ; charset=utf-8")).unwrap(), "application/json");
        assert_eq!(read(Some("application/jwt")).unwrap(), "application/jwt");
        assert_eq!(read(Some(" ; charset=utf-8")), None);
        assert_eq!(read(None), None);
    }

    #[test]
    fn a_request_and_its_answer_print_nothing_that_may_be_a_secret() {
        assert!(!format!("{:?}", incoming(None)).contains("hush"));
        let answer = Answer::bytes(200, "application/json", b"hush".to_vec());
        assert!(!format!("{answer:?}").contains("hush"));
        assert!(!format!("{answer:?}").contains("104"));
    }
}
