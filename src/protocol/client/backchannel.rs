//! The metadata of client-initiated backchannel authentication ([CIBA] §4; REG-M39 to M42).
//!
//! [CIBA]: https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html

use serde::{Deserialize, Serialize};

use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::supported::Supported;
use crate::types::HttpsUri;

/// The grant type of CIBA.
pub(super) const GRANT: &str = "urn:openid:params:grant-type:ciba";
const MODE: &str = "backchannel_token_delivery_mode";
const ENDPOINT: &str = "backchannel_client_notification_endpoint";
/// What the UK's profile calls `backchannel_user_code_parameter`.
const ALIAS: &str = "backchannel_user_code_parameter_supported";

/// What CIBA adds to a client's metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BackchannelMetadata {
    /// How it learns that its user has answered: `poll`, `ping` or `push`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_token_delivery_mode: Option<String>,
    /// Where it is told; never called before it has been checked by the guarded fetcher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_client_notification_endpoint: Option<HttpsUri>,
    /// How it signs its requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_authentication_request_signing_alg: Option<String>,
    /// Whether its users have a secret code.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub backchannel_user_code_parameter: bool,
}

impl BackchannelMetadata {
    pub(super) fn read(reader: &mut MemberReader<'_>, supported: &Supported) -> Self {
        if supported.backchannel_token_delivery_modes.is_empty() {
            return Self::default();
        }
        if supported.members.contains(ALIAS) && reader.flag(ALIAS) == Some(true) {
            reader.refuse(ALIAS, format!("`{ALIAS}` can only be false"));
        }
        Self {
            backchannel_token_delivery_mode: reader
                .choice(MODE, &supported.backchannel_token_delivery_modes),
            backchannel_client_notification_endpoint: reader.https(ENDPOINT),
            backchannel_authentication_request_signing_alg: reader.choice(
                "backchannel_authentication_request_signing_alg",
                &supported.backchannel_signing_algs,
            ),
            backchannel_user_code_parameter: reader
                .ability("backchannel_user_code_parameter", supported.backchannel_user_code),
        }
    }

    /// M39, M40: a mode goes with the grant, and whoever is to be told says where.
    pub(super) fn check(
        &self,
        has_grant: bool,
        supported: &Supported,
        reader: &mut MemberReader<'_>,
    ) {
        if supported.backchannel_token_delivery_modes.is_empty() {
            return;
        }
        match (has_grant, reader.value(MODE).is_some()) {
            (true, false) => reader.refuse(MODE, format!("grant type `{GRANT}` needs `{MODE}`")),
            (false, true) => reader.refuse(MODE, format!("`{MODE}` needs grant type `{GRANT}`")),
            (true, true) | (false, false) => {}
        }
        let told = matches!(self.backchannel_token_delivery_mode.as_deref(), Some("ping" | "push"));
        if told && reader.value(ENDPOINT).is_none() {
            reader.refuse(ENDPOINT, format!("modes `ping` and `push` need `{ENDPOINT}`"));
        }
    }
}
