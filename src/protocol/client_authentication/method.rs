//! The ways in which a client may say who it is ([RFC 7591 §2], OpenID Connect Core §9, RFC 8705 §2).
//!
//! [RFC 7591 §2]: https://www.rfc-editor.org/rfc/rfc7591#section-2

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A `token_endpoint_auth_method`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientAuthenticationMethod {
    /// A secret in the `Authorization` header.
    ClientSecretBasic,
    /// A JWT made with a secret.
    ClientSecretJwt,
    /// A secret in the body.
    ClientSecretPost,
    /// None: a public client.
    None,
    /// A JWT signed with a key.
    PrivateKeyJwt,
    /// A certificate whose key the client has registered.
    SelfSignedTlsClientAuth,
    /// A certificate of an authority's.
    TlsClientAuth,
}

impl ClientAuthenticationMethod {
    /// Every method.
    pub const ALL: [Self; 7] = [
        Self::ClientSecretBasic,
        Self::ClientSecretJwt,
        Self::ClientSecretPost,
        Self::None,
        Self::PrivateKeyJwt,
        Self::SelfSignedTlsClientAuth,
        Self::TlsClientAuth,
    ];

    /// What FAPI allows (FAPI 2.0 §5.3.2.1): the methods of a server that says nothing else.
    pub const FAPI: [Self; 3] =
        [Self::PrivateKeyJwt, Self::TlsClientAuth, Self::SelfSignedTlsClientAuth];

    /// The name in metadata.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::ClientSecretPost => "client_secret_post",
            Self::None => "none",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
            Self::TlsClientAuth => "tls_client_auth",
        }
    }

    /// The method of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Whether the client holds a secret of our making.
    #[must_use]
    pub const fn has_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretJwt | Self::ClientSecretPost)
    }

    /// Whether the client shows a certificate in the TLS handshake.
    #[must_use]
    pub const fn has_certificate(self) -> bool {
        matches!(self, Self::SelfSignedTlsClientAuth | Self::TlsClientAuth)
    }

    /// Whether the client makes a JWT.
    #[must_use]
    pub const fn has_assertion(self) -> bool {
        matches!(self, Self::ClientSecretJwt | Self::PrivateKeyJwt)
    }
}

impl Serialize for ClientAuthenticationMethod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ClientAuthenticationMethod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| D::Error::custom("no authentication method has this name"))
    }
}

impl std::fmt::Display for ClientAuthenticationMethod {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_read_by_its_exact_name() {
        for method in ClientAuthenticationMethod::ALL {
            assert_eq!(ClientAuthenticationMethod::parse(method.name()), Some(method));
        }
        for bad in ["", "NONE", "private_key_jwt ", "client_secret"] {
            assert_eq!(ClientAuthenticationMethod::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_method_is_written_as_its_name() {
        for method in ClientAuthenticationMethod::ALL {
            let written = serde_json::to_string(&method).unwrap();
            assert_eq!(written, format!("\"{}\"", method.name()));
            assert_eq!(
                serde_json::from_str::<ClientAuthenticationMethod>(&written).unwrap(),
                method
            );
        }
        assert!(serde_json::from_str::<ClientAuthenticationMethod>("\"NONE\"").is_err());
    }

    #[test]
    fn fapi_allows_no_secret_and_nobody_unproved() {
        for method in ClientAuthenticationMethod::FAPI {
            assert!(!method.has_secret() && method != ClientAuthenticationMethod::None);
        }
    }
}
