//! The metadata of signed and encrypted authorization responses ([JARM] §3; REG-M35, M36).
//!
//! [JARM]: https://openid.net/specs/oauth-v2-jarm-final.html

use serde::{Deserialize, Serialize};

use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::openid::encryption;
use crate::protocol::client::supported::Supported;

/// What JARM adds to a client's metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignedResponseMetadata {
    /// How responses are signed; never `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_signed_response_alg: Option<String>,
    /// How their keys are encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_encrypted_response_alg: Option<String>,
    /// How they are encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_encrypted_response_enc: Option<String>,
}

impl SignedResponseMetadata {
    pub(super) fn read(reader: &mut MemberReader<'_>, supported: &Supported) -> Self {
        let response = encryption(reader, "authorization_encrypted_response", supported);
        Self {
            authorization_signed_response_alg: reader
                .choice("authorization_signed_response_alg", &supported.authorization_signing_algs),
            authorization_encrypted_response_alg: response.alg,
            authorization_encrypted_response_enc: response.enc,
        }
    }
}
