//! Why a `DPoP` proof is refused ([RFC 9449] §4.3, §5, §7.1).
//!
//! [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449

use crate::jose::InvalidJws;
use crate::protocol::error::{ErrorCode, OAuthError};

/// Why a proof is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProof {
    /// There is none where there must be one.
    #[error("the request carries no DPoP proof")]
    Missing,
    /// The client's tokens are bound to a certificate, and a token is bound to one thing.
    #[error("the client's tokens are bound to its certificate, not to a DPoP key")]
    CertificateBound,
    /// Longer than we read.
    #[error("the DPoP proof is too long")]
    TooLong,
    /// No JWS, an algorithm that is not allowed, a key that is not public, a wrong signature.
    #[error("the DPoP proof: {0}")]
    Jws(#[from] InvalidJws),
    /// Another kind of JWT.
    #[error("the DPoP proof's `typ` is not `dpop+jwt`")]
    Type,
    /// The key is missing.
    #[error("the DPoP proof's header member `jwk` is missing")]
    NoKey,
    /// A claim is missing, or has the wrong type or length.
    #[error("the DPoP proof's claim `{0}` is missing, ill-typed or out of range")]
    Claim(&'static str),
    /// It was made for another method.
    #[error("the DPoP proof's `htm` is not the method of this request")]
    Method,
    /// It was made for another address.
    #[error("the DPoP proof's `htu` is not the address of this request")]
    Target,
    /// It holds no nonce of ours, or an old one.
    #[error("the DPoP proof must hold the nonce of the `DPoP-Nonce` header")]
    Nonce,
    /// It was made too long ago, or in the future.
    #[error("the DPoP proof's `iat` is too far from now")]
    Time,
    /// It was made for another access token.
    #[error("the DPoP proof's `ath` is not the hash of the access token")]
    AccessToken,
    /// The access token, or the code, is bound to another key.
    #[error("the DPoP proof is made with another key than the one bound")]
    AnotherKey,
    /// It has been used.
    #[error("the DPoP proof was used before")]
    Replayed,
    /// It is older than what the replay store remembers.
    #[error("the DPoP proof is too old to know whether it was used before")]
    Forgotten,
}

impl From<InvalidProof> for OAuthError {
    /// At an endpoint of the authorization server (RFC 9449 §5, §8).
    fn from(invalid: InvalidProof) -> Self {
        let code = if invalid == InvalidProof::Nonce {
            ErrorCode::UseDpopNonce
        } else {
            ErrorCode::InvalidDpopProof
        };
        Self::new(code, invalid.to_string())
    }
}

impl InvalidProof {
    /// Where an access token is used (RFC 9449 §7.1, §9).
    #[must_use]
    pub fn at_resource(&self) -> OAuthError {
        let code = if *self == Self::Nonce {
            ErrorCode::UseSenderNonce
        } else {
            ErrorCode::InvalidSenderProof
        };
        OAuthError::new(code, self.to_string())
    }
}
