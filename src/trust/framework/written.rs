//! A trust framework as its file says it. Unknown members are refused by the parser, with their line.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use crate::protocol::registration::EnvelopeClaim;
use crate::protocol::registration::RequestFormat;
use crate::trust::claim_rule::MergeMode;
use crate::trust::framework::InitialAccess;
use crate::trust::framework::TrustEnvironment;
use crate::trust::framework::binding_settings::WrittenCertificate;
use crate::trust::framework::client_table::Client;
use crate::trust::framework::status_directory::WrittenStatusDirectory;
use crate::trust::framework::written_terms::{
    DuplicatePolicy, WrittenAuthentication, WrittenManagement, WrittenQuotas, WrittenUnused,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) name: Spanned<String>,
    pub(super) title: Spanned<String>,
    pub(super) environment: TrustEnvironment,
    /// Whether a server loads the file at all; for `enabled_in`.
    #[serde(default)]
    #[expect(dead_code, reason = "it is read before everything else, and must be known here")]
    pub(super) enabled: Option<bool>,
    #[serde(default)]
    pub(super) issuers: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub(super) echo: Option<Spanned<Value>>,
    pub(super) keys: Keys,
    pub(super) statement: Statement,
    pub(super) request: Request,
    #[serde(default)]
    pub(super) certificate: Option<Spanned<WrittenCertificate>>,
    pub(super) facts: Facts,
    #[serde(default)]
    pub(super) status: Vec<Status>,
    #[serde(default)]
    pub(super) status_source: Option<Spanned<StatusSource>>,
    #[serde(default)]
    pub(super) status_directory: Option<Spanned<WrittenStatusDirectory>>,
    #[serde(default)]
    pub(super) client_keys: ClientKeys,
    pub(super) claims: BTreeMap<String, Spanned<Claim>>,
    #[serde(default)]
    pub(super) roles: Option<Roles>,
    #[serde(default)]
    pub(super) client: Client,
    pub(super) duplicates: Spanned<DuplicatePolicy>,
    #[serde(default)]
    pub(super) clients_per_software_product: Option<Spanned<u32>>,
    pub(super) management: WrittenManagement,
    #[serde(default)]
    pub(super) initial_access_token: InitialAccess,
    #[serde(default)]
    pub(super) quotas: WrittenQuotas,
    #[serde(default)]
    pub(super) unused: Option<WrittenUnused>,
    #[serde(default)]
    pub(super) authentication: Option<WrittenAuthentication>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    pub(super) source: Spanned<KeySourceName>,
    #[serde(default)]
    pub(super) jwks_uri: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) jwks: Option<Spanned<Value>>,
    #[serde(default)]
    pub(super) file: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) anchors: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub(super) revocations: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub(super) obtain: Option<String>,
    #[serde(default)]
    pub(super) allow_loopback: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeySourceName {
    JwksUri,
    Jwks,
    File,
    X5c,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Statement {
    pub(super) algorithms: Spanned<Vec<String>>,
    #[serde(default = "jwt")]
    pub(super) types: Vec<String>,
    pub(super) max_age_seconds: Spanned<i64>,
    pub(super) max_lifetime_seconds: Spanned<i64>,
    pub(super) skew_seconds: Spanned<i64>,
    pub(super) expiry: Presence,
    pub(super) audience: Presence,
    #[serde(default)]
    pub(super) audiences: Option<Spanned<Vec<String>>>,
    pub(super) jti: StatementUse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Presence {
    Required,
    Optional,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StatementUse {
    SingleUse,
    NotChecked,
}

/// What is said of signatures is for signed requests alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) binding: Spanned<Value>,
    pub(super) formats: Spanned<Vec<RequestFormat>>,
    #[serde(default)]
    pub(super) algorithms: Option<Spanned<Vec<String>>>,
    #[serde(default = "jwt")]
    pub(super) types: Vec<String>,
    #[serde(default)]
    pub(super) max_lifetime_seconds: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) skew_seconds: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) audiences: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub(super) required: Option<Spanned<Vec<EnvelopeClaim>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    pub(super) software_id: Spanned<String>,
    pub(super) software_name: Spanned<String>,
    pub(super) organisation_id: Spanned<String>,
    #[serde(default)]
    pub(super) organisation_name: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) environment: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Status {
    pub(super) claim: Spanned<String>,
    pub(super) accepted: Spanned<Vec<String>>,
    #[serde(default)]
    pub(super) required: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StatusSource {
    Statement,
    Directory,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ClientKeys {
    pub(super) allowed_hosts: Option<Spanned<Vec<String>>>,
    pub(super) allow_loopback: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    pub(super) statement: Spanned<String>,
    pub(super) mode: Spanned<MergeMode>,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) required_in_request: bool,
    #[serde(default)]
    pub(super) if_absent: Option<Spanned<IfAbsent>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum IfAbsent {
    Nothing,
    Request,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Roles {
    pub(super) claim: Spanned<String>,
    #[serde(default)]
    pub(super) role_member: Option<String>,
    #[serde(default)]
    pub(super) status_member: Option<String>,
    #[serde(default)]
    pub(super) accepted: Vec<String>,
    #[serde(default)]
    pub(super) ceilings: BTreeMap<String, Spanned<Ceiling>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ceiling {
    pub(super) scope: String,
    #[serde(default)]
    pub(super) grant_types: Option<Vec<String>>,
    #[serde(default)]
    pub(super) authorization_details_types: Option<Vec<String>>,
    #[serde(default)]
    pub(super) audiences: Option<Vec<String>>,
}

fn jwt() -> Vec<String> {
    vec!["JWT".to_owned()]
}
