//! Token revocation ([RFC 7009]).
//!
//! [RFC 7009]: https://www.rfc-editor.org/rfc/rfc7009

use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::parameters::{InvalidParameters, Parameters};
use crate::types::Secret;

/// A well-formed request. An unknown `token_type_hint` is ignored (RFC 7009 §2.1).
#[derive(Debug, Clone)]
pub struct RevocationRequest {
    /// The token that is to end.
    pub token: Secret,
}

impl RevocationRequest {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// There is no `token`.
    pub fn parse(parameters: &Parameters) -> Result<Self, InvalidParameters> {
        Ok(Self { token: Secret::new(parameters.required("token")?) })
    }
}

/// Why a token is not revoked. An invalid token is no error: its end is already reached (§2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RevocationRefused {
    /// The token was issued to another client (§2.1).
    #[error("the token was issued to another client")]
    AnotherClient,
}

impl From<RevocationRefused> for OAuthError {
    fn from(refused: RevocationRefused) -> Self {
        match refused {
            RevocationRefused::AnotherClient => {
                Self::new(ErrorCode::InvalidGrant, refused.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::parameters::FORM;

    #[test]
    fn a_request_needs_a_token_and_no_hint() {
        let parse = |body: &str| {
            let parameters = Parameters::parse(Some(FORM), body.as_bytes(), &[]).unwrap();
            RevocationRequest::parse(&parameters)
        };
        assert_eq!(parse("token=x&token_type_hint=odd").unwrap().token.reveal(), "x");
        assert!(parse("token_type_hint=access_token").is_err());
    }
}
