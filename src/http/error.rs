//! How a refusal looks as HTTP (STY-11): the status is a function of the code, and this is the only
//! file that knows it ([RFC 6749] §5.2, RFC 6750 §3, RFC 7591 §3.2.2).
//!
//! [RFC 6749]: https://www.rfc-editor.org/rfc/rfc6749

use actix_web::HttpResponse;
use actix_web::http::ConnectionType;

use crate::endpoints::exchange::Answer;
use crate::http::answer;
use crate::jose::Algorithm;
use crate::protocol::ErrorCode;
use crate::protocol::OAuthError;
use crate::protocol::dpop::ALGORITHMS;
use crate::types::Secret;

/// How long somebody waits before trying again, in seconds.
const RETRY_AFTER: u32 = 1;

/// The status of an answer with this code.
pub(super) const fn status(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::InvalidRequest
        | ErrorCode::InvalidGrant
        | ErrorCode::UnauthorizedClient
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::InvalidScope
        | ErrorCode::InvalidTarget
        | ErrorCode::UnsupportedTokenType
        | ErrorCode::InvalidRedirectUri
        | ErrorCode::InvalidWebhookUris
        | ErrorCode::InvalidClientMetadata
        | ErrorCode::InvalidSoftwareStatement
        | ErrorCode::UnapprovedSoftwareStatement
        | ErrorCode::InvalidDpopProof
        | ErrorCode::UseDpopNonce => 400,
        ErrorCode::InvalidClient
        | ErrorCode::InvalidToken
        | ErrorCode::InsufficientUserAuthentication
        | ErrorCode::InvalidSenderProof
        | ErrorCode::UseSenderNonce => 401,
        ErrorCode::InsufficientScope | ErrorCode::AccessDenied => 403,
        ErrorCode::NotFound => 404,
        ErrorCode::MethodNotAllowed => 405,
        ErrorCode::UnknownProxy => 407,
        ErrorCode::Conflict => 409,
        ErrorCode::PreconditionFailed => 412,
        ErrorCode::PayloadTooLarge => 413,
        ErrorCode::TooManyRequests => 429,
        ErrorCode::ServerError => 500,
        ErrorCode::TemporarilyUnavailable => 503,
    }
}

/// Renders a refusal and tells the log. `tried` is the request's `Authorization` header.
pub(super) fn render(refusal: &OAuthError, tried: Option<&Secret>) -> HttpResponse {
    let status = status(refusal.code);
    note(refusal, status);
    let mut told = Answer::json(status, &refusal.body());
    // An endpoint that knows more challenges by itself.
    let own = refusal.headers.iter().any(|(name, _)| *name == "www-authenticate");
    if let Some(challenge) = challenge(refusal.code, tried).filter(|_| !own) {
        told = told.with_header("www-authenticate", challenge);
    }
    for (name, value) in &refusal.headers {
        told = told.with_header(name, value.as_str());
    }
    let passing = (status == 503).then_some(RETRY_AFTER);
    if let Some(seconds) = refusal.retry_after.or(passing) {
        told = told.with_header("retry-after", seconds.to_string());
    }
    let mut response = answer::render(told);
    if status == 413 {
        // What is still on its way is not worth reading.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

/// One event per failure, here at the boundary (STY-37).
fn note(refusal: &OAuthError, status: u16) {
    let (code, description) = (refusal.code.as_str(), refusal.description.as_str());
    let detail = refusal.detail.as_deref();
    if status >= 500 {
        tracing::error!(
            error.code = code,
            error.description = description,
            error.detail = detail,
            "failed"
        );
    } else {
        tracing::info!(
            error.code = code,
            error.description = description,
            error.detail = detail,
            "refused"
        );
    }
}

/// How to authenticate: with the scheme that was tried, otherwise with the one that fits the code.
/// Who has not tried at all is not told of an error (RFC 6750 §3.1).
///
/// A client that tried no header is not asked for a password by `Basic` (RFC 6749 §5.2), at which a
/// browser would open a dialogue. RFC 9110 §15.5.2 wants a challenge in every 401, so it gets one of a
/// scheme that says no more than that the request must authenticate a client.
fn challenge(code: ErrorCode, tried: Option<&Secret>) -> Option<String> {
    let scheme = tried.and_then(|header| header.reveal().split(' ').next()).unwrap_or_default();
    let is_client = match code {
        ErrorCode::InvalidClient => true,
        ErrorCode::InvalidToken
        | ErrorCode::InsufficientScope
        | ErrorCode::InsufficientUserAuthentication => false,
        ErrorCode::InvalidSenderProof | ErrorCode::UseSenderNonce => return Some(dpop(code)),
        ErrorCode::InvalidRequest
        | ErrorCode::InvalidGrant
        | ErrorCode::UnauthorizedClient
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::InvalidScope
        | ErrorCode::InvalidTarget
        | ErrorCode::UnsupportedTokenType
        | ErrorCode::InvalidRedirectUri
        | ErrorCode::InvalidWebhookUris
        | ErrorCode::InvalidClientMetadata
        | ErrorCode::InvalidSoftwareStatement
        | ErrorCode::UnapprovedSoftwareStatement
        | ErrorCode::InvalidDpopProof
        | ErrorCode::UseDpopNonce
        | ErrorCode::NotFound
        | ErrorCode::MethodNotAllowed
        | ErrorCode::UnknownProxy
        | ErrorCode::PayloadTooLarge
        | ErrorCode::Conflict
        | ErrorCode::PreconditionFailed
        | ErrorCode::TooManyRequests
        | ErrorCode::AccessDenied
        | ErrorCode::ServerError
        | ErrorCode::TemporarilyUnavailable => return None,
    };
    if is_client && tried.is_none() {
        return Some("ClientAuthentication realm=\"countersign\"".to_owned());
    }
    if is_client && !scheme.eq_ignore_ascii_case("Bearer") {
        return Some("Basic realm=\"countersign\", charset=\"UTF-8\"".to_owned());
    }
    if tried.is_none() {
        return Some("Bearer realm=\"countersign\"".to_owned());
    }
    let code = if is_client { ErrorCode::InvalidToken } else { code };
    if scheme.eq_ignore_ascii_case("DPoP") {
        return Some(dpop(code));
    }
    Some(format!("Bearer realm=\"countersign\", error=\"{}\"", code.as_str()))
}

/// RFC 9449 §7.1: the scheme of tokens that are bound to a key, and how that key may sign.
fn dpop(code: ErrorCode) -> String {
    let algorithms = ALGORITHMS.map(Algorithm::name).join(" ");
    format!("DPoP realm=\"countersign\", error=\"{}\", algs=\"{algorithms}\"", code.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_names_the_scheme_that_was_tried() {
        let said = |code, tried: Option<&str>| challenge(code, tried.map(Secret::new).as_ref());
        let basic = said(ErrorCode::InvalidClient, Some("Basic eDp5")).unwrap();
        assert!(basic.starts_with("Basic "), "{basic}");
        // RFC 6749 §5.2, RFC 9110 §15.5.2.
        let untried = said(ErrorCode::InvalidClient, None).unwrap();
        assert_eq!(untried, "ClientAuthentication realm=\"countersign\"");
        let bearer = said(ErrorCode::InvalidToken, Some("Bearer x")).unwrap();
        assert_eq!(bearer, "Bearer realm=\"countersign\", error=\"invalid_token\"");
        let untried = said(ErrorCode::InvalidToken, None).unwrap();
        assert_eq!(untried, "Bearer realm=\"countersign\"");
        assert_eq!(said(ErrorCode::InvalidGrant, None), None);
        let bound = |code, tried| said(code, Some(tried)).unwrap();
        let token = bound(ErrorCode::InvalidToken, "dPoP x");
        let algorithms = "algs=\"ES256 PS256 EdDSA\"";
        assert_eq!(
            token,
            format!("DPoP realm=\"countersign\", error=\"invalid_token\", {algorithms}")
        );
        let nonce = bound(ErrorCode::UseSenderNonce, "DPoP x");
        assert_eq!(
            nonce,
            format!("DPoP realm=\"countersign\", error=\"use_dpop_nonce\", {algorithms}")
        );
        assert!(bound(ErrorCode::InvalidSenderProof, "Bearer x").starts_with("DPoP "));
        assert_eq!(said(ErrorCode::InvalidDpopProof, None), None);
    }

    #[test]
    fn a_proof_is_refused_with_400_where_tokens_are_issued_and_401_where_they_are_used() {
        for (code, expected) in [
            (ErrorCode::InvalidDpopProof, 400),
            (ErrorCode::UseDpopNonce, 400),
            (ErrorCode::InvalidSenderProof, 401),
            (ErrorCode::UseSenderNonce, 401),
        ] {
            let refusal = OAuthError::new(code, "no").with_header("dpop-nonce", "n");
            let response = render(&refusal, None);
            assert_eq!(response.status(), expected);
            assert_eq!(response.headers().get("dpop-nonce").unwrap(), "n");
        }
    }

    #[test]
    fn a_refusal_is_json_that_nobody_keeps() {
        let refusal = OAuthError::new(ErrorCode::InvalidToken, "no").with_detail("private");
        let response = render(&refusal, None);
        assert_eq!(response.status(), 401);
        let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap();
        assert_eq!(header("content-type"), "application/json");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("pragma"), "no-cache");
        assert!(header("www-authenticate").starts_with("Bearer"));
        let away = OAuthError::new(ErrorCode::TemporarilyUnavailable, "later");
        assert!(render(&away, None).headers().contains_key("retry-after"));
        let many = OAuthError::new(ErrorCode::TooManyRequests, "later").with_retry_after(90);
        let response = render(&many, None);
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers().get("retry-after").unwrap(), "90");
    }
}
