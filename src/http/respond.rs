//! From a request to its response: read, tell the story, render.

use std::sync::atomic::Ordering;

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::header::ALLOW;
use actix_web::http::header::HeaderValue;
use actix_web::web::Payload;

use crate::endpoints::Failure;
use crate::endpoints::exchange::Answer;
use crate::endpoints::exchange::Incoming;
use crate::http::answer;
use crate::http::boundary::Shared;
use crate::http::error;
use crate::http::request;
use crate::http::request::Arrival;
use crate::http::request::Asked;
use crate::http::routes::Stories;
use crate::http::routes::Story;
use crate::http::unwinding::Caught;
use crate::protocol::ErrorCode;
use crate::protocol::OAuthError;

/// Answers a request at a path that has stories.
pub(super) async fn respond(
    shared: &Shared,
    stories: &Stories,
    http: HttpRequest,
    payload: Payload,
    arrival: Arrival,
) -> HttpResponse {
    if !shared.entrance.admits(http.peer_addr()) {
        return not_a_proxy();
    }
    let Some(story) = stories.find(request::method(http.method())) else {
        return method_not_allowed(stories);
    };
    let asked = Asked { entrance: &shared.entrance, fields: stories.fields };
    let incoming = match request::read(&http, payload, &shared.limits, asked, arrival).await {
        Ok(incoming) => incoming,
        Err(unreadable) => return error::render(&unreadable.into(), None),
    };
    let tried = incoming.authorization.clone();
    match tell(shared, story, incoming).await {
        Ok(answer) => answer::render(answer),
        Err(failure) => {
            let refusal = failure.into_error();
            let response = error::render(&refusal, tried.as_ref());
            let by_method = refusal.code == ErrorCode::MethodNotAllowed;
            if by_method { allowing(stories, response) } else { response }
        }
    }
}

/// Tells a story; should it panic, the caller hears of an error of ours and the panic is counted.
async fn tell(shared: &Shared, story: &Story, incoming: Incoming) -> Result<Answer, Failure> {
    let told = Caught(Box::pin(async move { story(incoming).await })).await;
    told.unwrap_or_else(|_panic| {
        shared.panics.fetch_add(1, Ordering::Relaxed);
        let failed = OAuthError::new(ErrorCode::ServerError, "the server failed");
        Err(failed.with_detail("a request caused a panic").into())
    })
}

/// SEC-32: who is no proxy could say to be any client.
fn not_a_proxy() -> HttpResponse {
    let refusal =
        OAuthError::new(ErrorCode::AccessDenied, "this listener answers its proxies alone");
    error::render(&refusal, None)
}

/// There is nothing at this path.
pub(super) fn not_found() -> HttpResponse {
    error::render(&OAuthError::new(ErrorCode::NotFound, "there is nothing at this address"), None)
}

fn method_not_allowed(stories: &Stories) -> HttpResponse {
    let description = format!("this address answers {}", stories.allowed());
    let refusal = OAuthError::new(ErrorCode::MethodNotAllowed, description);
    allowing(stories, error::render(&refusal, None))
}

/// RFC 9110 §15.5.6: who is told that a method is not allowed is told which ones are.
fn allowing(stories: &Stories, mut response: HttpResponse) -> HttpResponse {
    if let Ok(value) = HeaderValue::from_str(&stories.allowed()) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}
