//! The metadata of Open Finance Brasil (REG-M52, M53).

use serde::{Deserialize, Serialize};

use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::supported::Supported;
use crate::protocol::error::ErrorCode;
use crate::protocol::problem::shown;
use crate::types::HttpsUri;

const WEBHOOKS: &str = "webhook_uris";
const LONGEST_WEBHOOK: usize = 255;

/// What Brazil's profile adds to a client's metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BrazilMetadata {
    /// Below which addresses the client may be told of changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub webhook_uris: Vec<HttpsUri>,
    /// How it authenticates at the introspection endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint_auth_method: Option<String>,
    /// How it authenticates at the revocation endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint_auth_method: Option<String>,
}

impl BrazilMetadata {
    pub(super) fn read(reader: &mut MemberReader<'_>, supported: &Supported) -> Self {
        let mut method = |member: &str| {
            let used = supported.members.contains(member);
            used.then(|| reader.choice(member, &["private_key_jwt"])).flatten()
        };
        Self {
            introspection_endpoint_auth_method: method("introspection_endpoint_auth_method"),
            revocation_endpoint_auth_method: method("revocation_endpoint_auth_method"),
            webhook_uris: webhooks(reader, supported),
        }
    }
}

/// M52, with an error code of its own.
fn webhooks(reader: &mut MemberReader<'_>, supported: &Supported) -> Vec<HttpsUri> {
    if !supported.members.contains(WEBHOOKS) {
        return Vec::new();
    }
    let code = ErrorCode::InvalidWebhookUris;
    let mut uris = Vec::new();
    for (index, text) in reader.list_or(WEBHOOKS, code).unwrap_or_default() {
        match HttpsUri::parse(text) {
            Ok(uri) if is_webhook(text) => uris.push(uri),
            Ok(_) | Err(_) => reader.refuse_element(
                code,
                WEBHOOKS,
                index,
                format!("`{}` is no https address without query and final slash", shown(text)),
            ),
        }
    }
    uris
}

/// The pattern of Brazil's API description: no query, no empty segment, no slash at the end.
fn is_webhook(text: &str) -> bool {
    let rest = text.strip_prefix("https://").unwrap_or_default();
    text.len() <= LONGEST_WEBHOOK
        && !rest.contains(['?', '#'])
        && rest.split('/').all(|segment| !segment.is_empty())
}
