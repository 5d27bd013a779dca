//! What surrounds every request: its name, its line in the log, and the headers that every answer
//! carries (SEC-38). Never in the log: query strings, bodies, headers.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use actix_web::Error;
use actix_web::HttpMessage as _;
use actix_web::body::MessageBody;
use actix_web::dev::ServiceRequest;
use actix_web::dev::ServiceResponse;
use actix_web::http::header;
use actix_web::http::header::HeaderMap;
use actix_web::http::header::HeaderName;
use actix_web::http::header::HeaderValue;
use actix_web::middleware::Next;
use actix_web::web::Data;
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::clock::Stopwatch;
use crate::config::LimitSettings;
use crate::http::entrance::Entrance;
use crate::http::request::Arrival;
use crate::random;
use crate::types::RequestId;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// On every answer; an endpoint may set its own instead.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
];

/// What all requests of a listener share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) limits: LimitSettings,
    pub(super) entrance: Entrance,
    /// How many requests have ended in a panic: it should stay 0.
    pub(super) panics: Arc<AtomicU64>,
}

/// Goes around every request, those without a route among them.
pub(super) async fn surround<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let watch = Stopwatch::start();
    let request_id = RequestId::from_random(&random::identifier());
    let span = tracing::info_span!(
        "request",
        request.id = request_id.as_str(),
        http.method = request.method().as_str(),
    );
    if let Some(shared) = request.app_data::<Data<Shared>>() {
        let arrival = Arrival { request_id: request_id.clone(), now: shared.clock.now() };
        request.extensions_mut().insert(arrival);
    }
    async move {
        let mut response = next.call(request).await?;
        dress(response.headers_mut(), &request_id);
        tracing::info!(
            http.route = response.request().match_pattern().as_deref().unwrap_or("none"),
            http.status = response.status().as_u16(),
            duration_us = watch.microseconds(),
            "answered"
        );
        Ok(response)
    }
    .instrument(span)
    .await
}

fn dress(headers: &mut HeaderMap, request_id: &RequestId) {
    for (name, value) in HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if let Ok(value) = HeaderValue::from_str(request_id.as_str()) {
        headers.insert(REQUEST_ID, value);
    }
}
