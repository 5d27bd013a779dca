//! An endpoint's answer as HTTP.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::http::header::HeaderName;
use actix_web::http::header::HeaderValue;

use crate::endpoints::exchange::Answer;
use crate::endpoints::exchange::Caching;

/// Renders an answer; nothing is looked up or decided here.
pub(super) fn render(answer: Answer) -> HttpResponse {
    let Ok(status) = StatusCode::from_u16(answer.status) else {
        return HttpResponse::InternalServerError().finish();
    };
    let mut response = HttpResponse::build(status);
    if !answer.content_type.is_empty() {
        response.insert_header((header::CONTENT_TYPE, answer.content_type));
    }
    match answer.caching {
        Caching::Never => {
            response.insert_header((header::CACHE_CONTROL, "no-store"));
            response.insert_header((header::PRAGMA, "no-cache"));
        }
        Caching::Seconds(seconds) => {
            response.insert_header((header::CACHE_CONTROL, format!("public, max-age={seconds}")));
        }
    }
    for (name, value) in answer.headers {
        // What is no header would otherwise end the connection.
        let header = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(header), Ok(value)) = (header, HeaderValue::from_str(&value)) {
            response.append_header((header, value));
        } else {
            tracing::error!(header = name, "a header cannot be sent");
        }
    }
    response.body(answer.body)
}
