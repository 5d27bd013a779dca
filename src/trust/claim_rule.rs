//! One row of the merge table: which claim decides a member of the metadata, and how (REG-G3, P2).

use serde::{Deserialize, Serialize};

use crate::protocol::registration::ClaimPath;

/// How a claim of the statement and a member of the request become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeMode {
    /// The statement's value holds; what the request says is replaced and recorded.
    Override,
    /// The request may repeat the statement's value, nothing else.
    MustEqual,
    /// The request may name some of the statement's values, nothing else.
    MustBeSubset,
    /// The request's value holds; the statement's is the default.
    DefaultIfAbsent,
    /// The values that both name hold.
    Intersect,
    /// The values that either names hold.
    Union,
}

/// One row of the merge table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRule {
    /// The member of the metadata.
    pub member: &'static Member,
    /// Where the statement says it.
    pub claim: ClaimPath,
    /// How the two become one.
    pub mode: MergeMode,
    /// Whether the statement must say it.
    pub required: bool,
    /// Whether the request must say it, too.
    pub required_in_request: bool,
    /// Whether the request alone decides where the statement says nothing.
    pub request_may_decide: bool,
}

/// What the value of a member looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A text, or a number that stands for one.
    Text,
    /// An object.
    Object,
    /// An array of texts: a set, its order means nothing.
    List,
    /// Words with spaces between them: a set.
    Words,
}

impl Shape {
    /// Whether the value is a set.
    #[must_use]
    pub const fn is_set(self) -> bool {
        match self {
            Self::List | Self::Words => true,
            Self::Text | Self::Object => false,
        }
    }
}

/// A member of the metadata that a statement may decide.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// Whether it carries power: then the request never exceeds the statement (SEC-65 P1).
    pub guarded: bool,
    /// Whether only the directory may say it, even where the statement at hand says nothing.
    pub of_directory: bool,
}

const fn plain(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, guarded: false, of_directory: false }
}

const fn guarded(name: &'static str, shape: Shape, of_directory: bool) -> Member {
    Member { name, shape, guarded: true, of_directory }
}

static MEMBERS: [Member; 43] = [
    guarded("redirect_uris", Shape::List, true),
    guarded("jwks_uri", Shape::Text, true),
    guarded("jwks", Shape::Object, true),
    guarded("webhook_uris", Shape::List, true),
    guarded("legal_entity_id", Shape::Text, true),
    guarded("legal_entity_name", Shape::Text, true),
    guarded("org_id", Shape::Text, true),
    guarded("org_name", Shape::Text, true),
    guarded("client_description", Shape::Text, true),
    guarded("revocation_uri", Shape::Text, true),
    guarded("recipient_base_uri", Shape::Text, true),
    guarded("software_roles", Shape::Text, true),
    guarded("scope", Shape::Words, false),
    guarded("grant_types", Shape::List, false),
    guarded("response_types", Shape::List, false),
    guarded("authorization_details_types", Shape::List, false),
    plain("token_endpoint_auth_method", Shape::Text),
    plain("token_endpoint_auth_signing_alg", Shape::Text),
    plain("tls_client_auth_subject_dn", Shape::Text),
    plain("tls_client_auth_san_dns", Shape::Text),
    plain("tls_client_auth_san_uri", Shape::Text),
    plain("tls_client_auth_san_ip", Shape::Text),
    plain("tls_client_auth_san_email", Shape::Text),
    plain("application_type", Shape::Text),
    plain("sector_identifier_uri", Shape::Text),
    plain("subject_type", Shape::Text),
    plain("id_token_signed_response_alg", Shape::Text),
    plain("id_token_encrypted_response_alg", Shape::Text),
    plain("id_token_encrypted_response_enc", Shape::Text),
    plain("request_object_signing_alg", Shape::Text),
    plain("authorization_signed_response_alg", Shape::Text),
    plain("backchannel_client_notification_endpoint", Shape::Text),
    plain("initiate_login_uri", Shape::Text),
    plain("request_uris", Shape::List),
    plain("post_logout_redirect_uris", Shape::List),
    plain("client_name", Shape::Text),
    plain("client_uri", Shape::Text),
    plain("logo_uri", Shape::Text),
    plain("tos_uri", Shape::Text),
    plain("policy_uri", Shape::Text),
    plain("contacts", Shape::List),
    plain("software_version", Shape::Text),
    plain("backchannel_token_delivery_mode", Shape::Text),
];

impl Member {
    /// The member with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        MEMBERS.iter().find(|member| member.name == name)
    }

    /// Every name, for messages.
    #[must_use]
    pub fn names() -> String {
        MEMBERS.iter().map(|member| member.name).collect::<Vec<_>>().join(", ")
    }

    /// Whether it has `#lang` variants (RFC 7591 §2.2).
    #[must_use]
    pub fn has_languages(&self) -> bool {
        matches!(self.name, "client_name" | "client_uri" | "logo_uri" | "tos_uri" | "policy_uri")
    }
}
