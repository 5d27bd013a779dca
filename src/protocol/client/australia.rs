//! The metadata of Australia's Consumer Data Right (REG-M54, AU1): what its register says of a
//! client. A request cannot say it.

use serde::{Deserialize, Serialize};

use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::supported::Supported;
use crate::types::HttpsUri;
use crate::types::misleads;

/// What the register adds to a client's metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AustraliaMetadata {
    /// The legal entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_entity_id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_entity_name: Option<String>,
    /// The brand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_name: Option<String>,
    /// What the software does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_description: Option<String>,
    /// Where the client is told that an arrangement has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_uri: Option<HttpsUri>,
    /// Where its endpoints begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient_base_uri: Option<HttpsUri>,
    /// Its role: one text, not a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_roles: Option<String>,
}

impl AustraliaMetadata {
    pub(super) fn read(reader: &mut MemberReader<'_>, supported: &Supported) -> Self {
        let said =
            |member: &str| supported.members.contains(member) && supported.vouched.contains(member);
        let mut words = |member: &str| said(member).then(|| text(reader, member)).flatten();
        Self {
            legal_entity_id: words("legal_entity_id"),
            legal_entity_name: words("legal_entity_name"),
            org_id: words("org_id"),
            org_name: words("org_name"),
            client_description: words("client_description"),
            software_roles: words("software_roles"),
            revocation_uri: said("revocation_uri")
                .then(|| reader.https("revocation_uri"))
                .flatten(),
            recipient_base_uri: said("recipient_base_uri")
                .then(|| reader.https("recipient_base_uri"))
                .flatten(),
        }
    }
}

fn text(reader: &mut MemberReader<'_>, member: &str) -> Option<String> {
    let text = reader.text(member)?;
    if text.chars().any(misleads) {
        let message =
            format!("`{member}` holds control, invisible or direction-changing characters");
        reader.refuse(member, message);
        return None;
    }
    Some(text.to_owned())
}
