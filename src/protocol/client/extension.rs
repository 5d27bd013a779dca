//! Extensions that add one member each: request objects (RFC 9101), pushed requests (RFC 9126),
//! `DPoP` (RFC 9449) and rich requests (RFC 9396) (REG-M33, M34, M37, M38).

use serde::{Deserialize, Serialize};

use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::supported::Supported;

/// What these extensions add to a client's metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExtensionMetadata {
    /// RFC 9101 §10.5 (REG-M33).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_signed_request_object: bool,
    /// RFC 9126 §6 (REG-M34).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_pushed_authorization_requests: bool,
    /// RFC 9449 §5.2 (REG-M37).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dpop_bound_access_tokens: bool,
    /// RFC 9396 §10 (REG-M38).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types: Vec<String>,
}

impl ExtensionMetadata {
    pub(super) fn read(reader: &mut MemberReader<'_>, supported: &Supported) -> Self {
        Self {
            require_signed_request_object: reader.binding(
                "require_signed_request_object",
                !supported.request_object_signing_algs.is_empty(),
                supported,
            ),
            require_pushed_authorization_requests: reader.binding(
                "require_pushed_authorization_requests",
                supported.pushed_authorization_requests,
                supported,
            ),
            dpop_bound_access_tokens: reader.binding(
                "dpop_bound_access_tokens",
                supported.dpop,
                supported,
            ),
            authorization_details_types: reader
                .choices("authorization_details_types", &supported.authorization_details_types)
                .unwrap_or_default(),
        }
    }
}
