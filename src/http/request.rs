//! A request as it comes from the network, read within limits. actix's own `Json` and `Form` answer in
//! plain text and hide what is repeated, so the body stays raw.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http;
use actix_web::http::header;
use actix_web::http::header::HeaderName;
use actix_web::http::header::HeaderValue;
use actix_web::web::Payload;
use futures_util::StreamExt as _;

use crate::config::LimitSettings;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::exchange::METHOD_FIELD;
use crate::endpoints::exchange::Method;
use crate::http::entrance::Entrance;
use crate::protocol::ErrorCode;
use crate::protocol::OAuthError;
use crate::protocol::client_certificate_field::InvalidClientCertificateField;
use crate::types::RequestId;
use crate::types::Secret;
use crate::types::Timestamp;

/// Says that a request and its repetition are one.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Proves that the sender holds a key (RFC 9449 §4.1).
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// Why a request cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// A header that may stand once stands twice: each reader could believe another one.
    #[error("the header `{0}` is repeated")]
    Repeated(HeaderName),
    /// A header holds what a header may not.
    #[error("the header `{0}` is not plain ASCII")]
    NotAscii(HeaderName),
    /// The certificate that a proxy speaks of.
    #[error(transparent)]
    Certificate(InvalidClientCertificateField),
    /// The body is longer than we read.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// The body ended early, or was not framed as HTTP frames it.
    #[error("the body did not arrive whole")]
    Truncated,
    /// The body took too long.
    #[error("the body took too long to arrive")]
    Slow,
}

impl From<Unreadable> for OAuthError {
    fn from(unreadable: Unreadable) -> Self {
        let code = match &unreadable {
            Unreadable::TooLarge(_) => ErrorCode::PayloadTooLarge,
            // RFC 9449 §4.3: one header, and one well-formed JWT in it.
            Unreadable::Repeated(name) | Unreadable::NotAscii(name) if *name == DPOP => {
                ErrorCode::InvalidDpopProof
            }
            Unreadable::Repeated(_)
            | Unreadable::NotAscii(_)
            | Unreadable::Certificate(_)
            | Unreadable::Truncated
            | Unreadable::Slow => ErrorCode::InvalidRequest,
        };
        Self::new(code, unreadable.to_string())
    }
}

/// What the listener knows of a request before it is read.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) request_id: RequestId,
    pub(super) now: Timestamp,
}

/// What a listener and a route want to know beyond the usual.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) entrance: &'a Entrance,
    pub(super) fields: &'static [&'static str],
}

/// Reads a request whole.
pub(super) async fn read(
    request: &HttpRequest,
    payload: Payload,
    limits: &LimitSettings,
    asked: Asked<'_>,
    arrival: Arrival,
) -> Result<Incoming, Unreadable> {
    // What the route asks for it judges by itself.
    let header = |name: HeaderName| {
        if asked.fields.contains(&name.as_str()) { Ok(None) } else { single(request, name) }
    };
    Ok(Incoming {
        method: method(request.method()),
        path: request.path().to_owned(),
        segments: request
            .match_info()
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        query: Some(request.query_string()).filter(|query| !query.is_empty()).map(Secret::new),
        content_type: header(header::CONTENT_TYPE)?,
        authorization: header(header::AUTHORIZATION)?.map(Secret::new),
        accept: header(header::ACCEPT)?,
        if_match: header(header::IF_MATCH)?,
        if_none_match: header(header::IF_NONE_MATCH)?,
        idempotency_key: header(IDEMPOTENCY_KEY)?.map(Secret::new),
        dpop: header(DPOP)?.map(Secret::new),
        door: asked.entrance.door(),
        presented: asked.entrance.presented(request)?,
        fields: further(request, asked.fields),
        body: body(request, payload, limits.body_bytes, limits.body_timeout).await?,
        request_id: arrival.request_id,
        now: arrival.now,
    })
}

/// The fields that a route asks for. One that stands twice is put together (RFC 9110 §5.2), and what is
/// not UTF-8 becomes a character that no route expects, so that the route itself refuses both.
fn further(
    request: &HttpRequest,
    names: &'static [&'static str],
) -> BTreeMap<&'static str, Secret> {
    let mut fields = BTreeMap::new();
    for name in names {
        if *name == METHOD_FIELD {
            fields.insert(*name, Secret::new(request.method().as_str()));
            continue;
        }
        let found = request.headers().get_all(*name);
        let values: Vec<_> = found.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        if !values.is_empty() {
            fields.insert(*name, Secret::new(values.join(", ")));
        }
    }
    fields
}

/// The endpoints' word for a method.
pub(super) fn method(method: &http::Method) -> Method {
    match *method {
        http::Method::GET | http::Method::HEAD => Method::Get,
        http::Method::POST => Method::Post,
        http::Method::PUT => Method::Put,
        http::Method::PATCH => Method::Patch,
        http::Method::DELETE => Method::Delete,
        _ => Method::Other,
    }
}

pub(super) fn single(
    request: &HttpRequest,
    name: HeaderName,
) -> Result<Option<String>, Unreadable> {
    let mut found = request.headers().get_all(&name);
    let Some(value) = found.next() else { return Ok(None) };
    let read = |value: &HeaderValue| value.to_str().map(str::to_owned);
    let mut text = read(value).map_err(|_| Unreadable::NotAscii(name.clone()))?;
    for more in found {
        // A list may stand in several fields (RFC 9110 §5.3).
        if name != header::ACCEPT {
            return Err(Unreadable::Repeated(name));
        }
        text.push(',');
        text.push_str(&read(more).map_err(|_| Unreadable::NotAscii(name.clone()))?);
    }
    Ok(Some(text))
}

/// How much of a body that is too large is read all the same, in bytes. Over HTTP/2 a stream that is
/// given up before its end takes its own answer with it, so the sender would never learn why.
const MOST_DISCARDED: usize = 4 * 1024 * 1024;

async fn body(
    request: &HttpRequest,
    mut payload: Payload,
    most: usize,
    longest: Duration,
) -> Result<Vec<u8>, Unreadable> {
    let promised =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let promised = promised.and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    if promised > MOST_DISCARDED {
        return Err(Unreadable::TooLarge(most));
    }
    match tokio::time::timeout(longest, collect(&mut payload, most)).await {
        Ok(collected) => collected,
        Err(_) => Err(Unreadable::Slow),
    }
}

/// The body, or what is wrong with it; of one that is too large nothing is kept.
async fn collect(payload: &mut Payload, most: usize) -> Result<Vec<u8>, Unreadable> {
    let (mut body, mut length) = (Vec::new(), 0_usize);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Unreadable::Truncated)?;
        length = length.saturating_add(chunk.len());
        if length > MOST_DISCARDED {
            break;
        }
        if length <= most {
            body.extend_from_slice(&chunk);
        }
    }
    if length <= most { Ok(body) } else { Err(Unreadable::TooLarge(most)) }
}
