//! The bearer token in an `Authorization` header ([RFC 6750] §2.1).
//!
//! [RFC 6750]: https://www.rfc-editor.org/rfc/rfc6750

use crate::protocol::error::{ErrorCode, OAuthError};
use crate::types::Secret;

/// The longest bearer token that is read.
pub const LONGEST_TOKEN: usize = 8 * 1024;

/// Why a header holds no bearer token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBearer {
    /// There is no `Authorization` header.
    #[error("the request carries no access token")]
    Missing,
    /// The scheme is another one.
    #[error("the authorization scheme is not `Bearer`")]
    Scheme,
    /// The token is empty, too long, or holds characters that no token has.
    #[error("the access token is malformed")]
    Malformed,
}

impl From<InvalidBearer> for OAuthError {
    fn from(invalid: InvalidBearer) -> Self {
        let code = match invalid {
            InvalidBearer::Missing | InvalidBearer::Scheme => ErrorCode::InvalidToken,
            InvalidBearer::Malformed => ErrorCode::InvalidRequest,
        };
        Self::new(code, invalid.to_string())
    }
}

/// Reads `Bearer <token>`; the scheme's case does not matter (RFC 9110 §11.1).
///
/// # Errors
///
/// No header, another scheme, or a malformed token.
pub fn bearer_token(authorization: Option<&str>) -> Result<Secret, InvalidBearer> {
    let header = authorization.ok_or(InvalidBearer::Missing)?;
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(InvalidBearer::Scheme);
    }
    let token = token.trim_start_matches(' ');
    if token.len() > LONGEST_TOKEN || !is_b64token(token) {
        return Err(InvalidBearer::Malformed);
    }
    Ok(Secret::new(token))
}

/// RFC 6750 §2.1: `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn is_b64token(token: &str) -> bool {
    let text = token.trim_end_matches('=');
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        for header in ["Bearer a.b-c_~+/==", "bearer a.b-c_~+/==", "BEARER  a.b-c_~+/=="] {
            assert_eq!(bearer_token(Some(header)).unwrap().reveal(), "a.b-c_~+/==");
        }
    }

    #[test]
    fn what_is_no_bearer_token_is_refused() {
        let refused = |header: &str| bearer_token(Some(header)).unwrap_err();
        assert_eq!(bearer_token(None).unwrap_err(), InvalidBearer::Missing);
        assert_eq!(refused("Basic a"), InvalidBearer::Scheme);
        assert_eq!(refused("a"), InvalidBearer::Scheme);
        for bad in ["Bearer", "Bearer ", "Bearer =", "Bearer a b", "Bearer a=b", "Bearer \u{e9}"] {
            assert_eq!(refused(bad), InvalidBearer::Malformed, "{bad}");
        }
        let long = format!("Bearer {}", "x".repeat(LONGEST_TOKEN + 1));
        assert_eq!(refused(&long), InvalidBearer::Malformed);
    }
}
