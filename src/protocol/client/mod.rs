//! A client's metadata ([RFC 7591 §2], OpenID Connect Registration 1.0 §2, and the extensions that
//! this server knows).
//!
//! [`metadata::parse`] is the one way from a registrant's JSON to a [`ClientMetadata`]. What it does
//! not name is ignored and never stored (REG-E7, REG-X9).
//!
//! [RFC 7591 §2]: https://www.rfc-editor.org/rfc/rfc7591#section-2

mod address;
mod australia;
mod backchannel;
mod brazil;
#[cfg(test)]
mod capability_tests;
mod choices;
mod cross_field;
mod display_text;
#[cfg(test)]
mod ecosystem_tests;
mod extension;
#[cfg(test)]
mod extension_tests;
#[cfg(test)]
mod generated_tests;
mod keys;
mod logout;
mod member_reader;
pub mod metadata;
#[cfg(test)]
mod metadata_tests;
mod mutual_tls;
mod openid;
mod redirect_uri;
mod script;
pub mod sector_identifier;
mod signed_introspection;
mod signed_response;
mod supported;
mod udap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::HttpsUri;
use crate::types::ScopeSet;
use crate::types::SoftwareId;

pub use address::AmbiguousAddress;
pub use australia::AustraliaMetadata;
pub use backchannel::BackchannelMetadata;
pub use brazil::BrazilMetadata;
pub use display_text::DisplayTexts;
pub use extension::ExtensionMetadata;
pub use logout::LogoutMetadata;
pub use mutual_tls::MutualTlsMetadata;
pub use openid::OpenIdMetadata;
pub use redirect_uri::{InvalidRedirectUri, RedirectKind, RedirectUri};
pub use signed_introspection::SignedIntrospectionMetadata;
pub use signed_response::SignedResponseMetadata;
pub use supported::{CERTIFICATE_SUBJECTS, ECOSYSTEM_MEMBERS, FORCIBLE_FLAGS, Supported};
pub use udap::UdapMetadata;

/// The metadata of a client as registered, every default filled in. An unset member is omitted,
/// never `null` or `""` (REG-E6). What few clients say is boxed, for the whole is moved about much.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientMetadata {
    /// Where the user agent may be sent; compared byte for byte (REG-M1).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<RedirectUri>,
    /// How the client authenticates at the token endpoint (REG-M2).
    pub token_endpoint_auth_method: String,
    /// The algorithm it signs its assertions with; any supported one if absent (REG-M22).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// The grant types it may use (REG-M3).
    pub grant_types: Vec<String>,
    /// The response types it may use (REG-M4).
    pub response_types: Vec<String>,
    /// What it may ask for (REG-M6).
    #[serde(skip_serializing_if = "ScopeSet::is_empty")]
    pub scope: ScopeSet,
    /// Whom to ask about it (REG-M7).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Its keys, by value (REG-M9).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Its keys, by address (REG-M8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<HttpsUri>,
    /// What the directory calls the software (REG-M10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<SoftwareId>,
    /// The version of the software (REG-M11).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// `client_name` and the addresses shown to people, with their `#lang` variants (REG-M5).
    #[serde(flatten)]
    pub display: DisplayTexts,
    /// The members of OpenID Connect Registration 1.0 (REG-M14 to M28).
    #[serde(flatten)]
    pub openid: Box<OpenIdMetadata>,
    /// The members of RFC 8705 (REG-M29 to M32).
    #[serde(flatten)]
    pub mutual_tls: Box<MutualTlsMetadata>,
    /// The members of extensions that add one each (REG-M33, M34, M37, M38).
    #[serde(flatten)]
    pub extension: ExtensionMetadata,
    /// The members of JARM (REG-M35, M36).
    #[serde(flatten)]
    pub signed_response: SignedResponseMetadata,
    /// The members of CIBA (REG-M39 to M42).
    #[serde(flatten)]
    pub backchannel: Box<BackchannelMetadata>,
    /// The members of the logout standards (REG-M43 to M45).
    #[serde(flatten)]
    pub logout: Box<LogoutMetadata>,
    /// The members of RFC 9701 (REG-M46).
    #[serde(flatten)]
    pub signed_introspection: SignedIntrospectionMetadata,
    /// The members of Open Finance Brasil (REG-M52, M53).
    #[serde(flatten)]
    pub brazil: BrazilMetadata,
    /// The members of the Consumer Data Right (REG-M54).
    #[serde(flatten)]
    pub australia: Box<AustraliaMetadata>,
    /// The members of UDAP (REG-M55).
    #[serde(flatten)]
    pub udap: UdapMetadata,
}

impl ClientMetadata {
    /// The client's name without a language tag.
    #[must_use]
    pub fn client_name(&self) -> Option<&str> {
        self.display.get("client_name")
    }

    /// Whether the client may use this grant type.
    #[must_use]
    pub fn allows_grant(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|allowed| allowed == grant_type)
    }
}
