//! The metadata of signed introspection responses ([RFC 9701] §6; REG-M46). A resource server that
//! says nothing gets RS256 or plain JSON, as it asks.
//!
//! [RFC 9701]: https://www.rfc-editor.org/rfc/rfc9701

use serde::{Deserialize, Serialize};

use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::openid::encryption;
use crate::protocol::client::supported::Supported;

/// What RFC 9701 adds to a client's metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignedIntrospectionMetadata {
    /// How responses are signed; never `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_signed_response_alg: Option<String>,
    /// How their keys are encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_encrypted_response_alg: Option<String>,
    /// How they are encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_encrypted_response_enc: Option<String>,
}

impl SignedIntrospectionMetadata {
    pub(super) fn read(reader: &mut MemberReader<'_>, supported: &Supported) -> Self {
        let offered = &supported.introspection_signing_algs;
        if offered.is_empty() {
            return Self::default();
        }
        let response = encryption(reader, "introspection_encrypted_response", supported);
        Self {
            introspection_signed_response_alg: reader
                .choice("introspection_signed_response_alg", offered),
            introspection_encrypted_response_alg: response.alg,
            introspection_encrypted_response_enc: response.enc,
        }
    }
}
