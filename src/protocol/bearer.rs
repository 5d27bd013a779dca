//! The bearer token in an `Authorization` header ([RFC 6750] §2.1).
//!
//! [RFC 6750]: https://www.rfc-editor.org/rfc/rfc6750

use crate::protocol::error::{ErrorCode, OAuthError};
use crate::types::Secret;

/// The longest bearer token that is read.
pub const LONGEST_TOKEN: usize = 8 * 1024;

/// How an access token is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// By whoever has it (RFC 6750).
    Bearer,
    /// By whoever holds the key that it is bound to (RFC 9449 §7.1).
    Dpop,
}

impl Scheme {
    /// What stands before the token.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

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
    match access_token(authorization)? {
        (Scheme::Bearer, token) => Ok(token),
        (Scheme::Dpop, _) => Err(InvalidBearer::Scheme),
    }
}

/// Reads `Bearer <token>` or `DPoP <token>`; the scheme's case does not matter (RFC 9110 §11.1).
///
/// # Errors
///
/// As [`bearer_token`].
pub fn access_token(authorization: Option<&str>) -> Result<(Scheme, Secret), InvalidBearer> {
    let header = authorization.ok_or(InvalidBearer::Missing)?;
    let (name, token) = header.split_once(' ').unwrap_or((header, ""));
    let scheme = match name {
        name if name.eq_ignore_ascii_case("Bearer") => Scheme::Bearer,
        name if name.eq_ignore_ascii_case("DPoP") => Scheme::Dpop,
        _ => return Err(InvalidBearer::Scheme),
    };
    let token = token.trim_start_matches(' ');
    if token.len() > LONGEST_TOKEN || !is_b64token(token) {
        return Err(InvalidBearer::Malformed);
    }
    Ok((scheme, Secret::new(token)))
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
    fn a_token_is_used_by_either_scheme_in_any_case() {
        for (header, expected) in [
            ("DPoP a.b", Scheme::Dpop),
            ("dPoP a.b", Scheme::Dpop),
            ("dpop a.b", Scheme::Dpop),
            ("bEARER a.b", Scheme::Bearer),
        ] {
            let (scheme, token) = access_token(Some(header)).unwrap();
            assert_eq!((scheme, token.reveal()), (expected, "a.b"), "{header}");
        }
        assert_eq!(bearer_token(Some("DPoP a.b")).unwrap_err(), InvalidBearer::Scheme);
        assert_eq!(access_token(Some("DPoP ")).unwrap_err(), InvalidBearer::Malformed);
        assert_eq!(access_token(Some("DPoPa.b")).unwrap_err(), InvalidBearer::Scheme);
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
