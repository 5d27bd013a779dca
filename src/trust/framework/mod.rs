//! A trust framework: whose statements are believed, and how (REG-G6). It is data; this room reads and
//! checks it, so that no mistake in it waits for a request to be found.

mod authorities;
mod binding_settings;
mod check;
mod client_table;
#[cfg(test)]
mod client_table_tests;
mod explain;
mod key_settings;
mod problem;
mod request_settings;
mod rows;
mod status_directory;
#[cfg(test)]
mod status_directory_tests;
mod template;
mod terms;
#[cfg(test)]
mod terms_tests;
#[cfg(test)]
mod tests;
mod value;
mod written;
mod written_terms;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::jose::Algorithm;
use crate::jose::JwkSet;
use crate::protocol::client::Supported;
use crate::protocol::registration::ClaimPath;
use crate::protocol::registration::EnvelopeClaim;
use crate::protocol::registration::RegistrationRequest;
use crate::protocol::registration::RequestError;
use crate::protocol::registration::RequestFormat;
use crate::protocol::registration::RequestProblem;
use crate::protocol::registration::RequestRules;
use crate::protocol::registration::SoftwareStatement;
use crate::protocol::registration::StatementRules;
use crate::trust::claim_rule::ClaimRule;
use crate::trust::framework::check::Echo;
use crate::trust::framework::client_table::{ClientTable, TLS_CLIENT_AUTH};
use crate::trust::framework::problem::Notes;
use crate::trust::framework::request_settings::our_names;
use crate::trust::framework::terms::Terms;
use crate::trust::host_pattern::HostPattern;
use crate::trust::status::RoleClaims;
use crate::types::FrameworkName;
use crate::types::HttpsUri;
use crate::types::Issuer;
use crate::types::ResourceUri;
use crate::types::ScopeSet;
use crate::types::Timestamp;
use crate::x509::Usage;

pub use authorities::Authorities;
pub use binding_settings::{Binding, CertificateBinding};
pub use client_table::Unserved;
pub use problem::{FrameworkProblem, ReadFile};
pub use status_directory::{
    InvalidStatusList, Listed, OnOutage, StatusDirectory, StatusList, Statuses, Unlisted,
};
pub use terms::{
    AssertionAudience, AssertionTerms, Duplicates, InitialAccess, Management, ManagementMethod,
    Quotas, UnusedRule, UpdateBody,
};

/// Whether a framework is the real thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustEnvironment {
    /// It vouches for real software.
    Production,
    /// It vouches for software under test.
    Sandbox,
}

/// Where the keys that sign statements come from; never from a statement (REG-G2).
#[derive(Debug, Clone)]
pub enum KeySource {
    /// An address that is fetched and cached.
    JwksUri(HttpsUri),
    /// The file itself, or one beside it.
    Jwks(JwkSet),
    /// The certificate in the statement's header, if a chain leads from it to these authorities.
    Certificates(Authorities),
}

/// A trust framework, checked.
#[derive(Debug, Clone)]
pub struct Framework {
    name: FrameworkName,
    title: String,
    environment: TrustEnvironment,
    issuers: Vec<String>,
    echo: Echo,
    keys: KeySettings,
    pub(super) statement: StatementRules,
    statement_audiences: Vec<String>,
    single_use_statements: bool,
    pub(super) binding: Binding,
    request: RequestSettings,
    pub(super) facts: FactPaths,
    pub(super) client_keys: ClientKeySettings,
    status_directory: Option<StatusDirectory>,
    pub(super) claims: BTreeMap<&'static str, ClaimRule>,
    pub(super) roles: Option<RoleClaims>,
    pub(super) ceilings: BTreeMap<String, Ceiling>,
    pub(super) absent_scope_is_all_of_role: bool,
    client: ClientTable,
    pub(super) defaults: Map<String, Value>,
    terms: Terms,
    warnings: Vec<FrameworkProblem>,
}

/// Where the keys of the framework are.
#[derive(Debug, Clone)]
struct KeySettings {
    source: KeySource,
    on_loopback: bool,
}

/// Where the keys of its clients may be.
#[derive(Debug, Clone)]
pub(super) struct ClientKeySettings {
    pub(super) hosts: Vec<HostPattern>,
    on_loopback: bool,
}

#[derive(Debug, Clone)]
struct RequestSettings {
    formats: BTreeSet<RequestFormat>,
    algorithms: Vec<Algorithm>,
    types: Vec<String>,
    audiences: Vec<String>,
    required: BTreeSet<EnvelopeClaim>,
    max_lifetime_seconds: i64,
    skew_seconds: i64,
}

/// Where a statement says whose software it is.
#[derive(Debug, Clone)]
pub(super) struct FactPaths {
    pub(super) software_id: ClaimPath,
    pub(super) software_name: ClaimPath,
    pub(super) organisation_id: ClaimPath,
    pub(super) organisation_name: Option<ClaimPath>,
    pub(super) environment: Option<ClaimPath>,
}

/// The most that a role may have (REG-S14).
#[derive(Debug, Clone)]
pub(super) struct Ceiling {
    pub(super) scope: ScopeSet,
    pub(super) grant_types: Option<BTreeSet<String>>,
    pub(super) authorization_details_types: Option<BTreeSet<String>>,
    audiences: Option<BTreeSet<ResourceUri>>,
}

impl Framework {
    /// Reads and checks the file of a framework that names no other files. `file` is only what the
    /// problems call it.
    ///
    /// # Errors
    ///
    /// As [`Framework::parse_with`].
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<FrameworkProblem>> {
        Self::parse_with(file, text, &|_| Err("there is no folder to read it from".to_owned()))
    }

    /// Reads and checks the file of a framework; `read` reads the files that it names, by their
    /// paths beside it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, with file, line and field; for what is no TOML or has a
    /// member that is not known, that alone. What this server cannot do yet is among the errors.
    pub fn parse_with(
        file: &str,
        text: &str,
        read: ReadFile<'_>,
    ) -> Result<Self, Vec<FrameworkProblem>> {
        let mut notes = Notes { file, text, read, problems: Vec::new(), warnings: Vec::new() };
        let written: written::Written = match toml::from_str(text) {
            Ok(written) => written,
            Err(error) => {
                notes.refuse(error.span(), "", error.message().trim().replace('\n', ", "));
                return Err(notes.problems);
            }
        };
        match check::check(&written, &mut notes) {
            Some(framework) if notes.problems.is_empty() => {
                Ok(Self { warnings: notes.warnings, ..framework })
            }
            Some(_) | None => Err(notes.problems),
        }
    }

    /// Whether a server loads this file: one that ships as an example says `enabled = false`. What
    /// is no TOML is enabled, so that its error is told.
    #[must_use]
    pub fn is_enabled(text: &str) -> bool {
        let parsed: Result<toml::Table, _> = toml::from_str(text);
        let enabled = parsed.ok().and_then(|table| table.get("enabled")?.as_bool());
        enabled.unwrap_or(true)
    }

    /// What loads and should be known: said at every start.
    #[must_use]
    pub fn warnings(&self) -> &[FrameworkProblem] {
        &self.warnings
    }

    /// Its name, unique among the frameworks.
    #[must_use]
    pub const fn name(&self) -> &FrameworkName {
        &self.name
    }

    /// Its name for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Whether it is the real thing.
    #[must_use]
    pub const fn environment(&self) -> TrustEnvironment {
        self.environment
    }

    /// The `iss` of its statements.
    #[must_use]
    pub fn issuers(&self) -> &[String] {
        &self.issuers
    }

    /// Where the keys that sign its statements come from.
    #[must_use]
    pub const fn key_source(&self) -> &KeySource {
        &self.keys.source
    }

    /// Whether those keys may be fetched from this very machine.
    #[must_use]
    pub const fn keys_on_loopback(&self) -> bool {
        self.keys.on_loopback
    }

    /// Where the keys of its clients may lie.
    #[must_use]
    pub fn client_key_hosts(&self) -> &[HostPattern] {
        &self.client_keys.hosts
    }

    /// Whether the keys of its clients may be fetched from this very machine.
    #[must_use]
    pub const fn client_keys_on_loopback(&self) -> bool {
        self.client_keys.on_loopback
    }

    /// What its statements must be (S3 to S9). `us` is this server's issuer, which an `aud` may name.
    #[must_use]
    pub fn statement_rules(&self, us: &Issuer) -> StatementRules {
        let mut rules = self.statement.clone();
        rules.audiences = our_names(&self.statement_audiences, us);
        rules
    }

    /// How a presenter proves that it holds the software.
    #[must_use]
    pub const fn binding(&self) -> &Binding {
        &self.binding
    }

    /// Whether a presenter must show a client certificate (S0).
    #[must_use]
    pub const fn requires_certificate(&self) -> bool {
        self.binding.requires_certificate()
    }

    /// The authorities of its clients' certificates, and what those must be issued for; nothing where
    /// it looks at no certificates (RFC 8705 §2.1).
    #[must_use]
    pub fn client_authorities(&self) -> Option<(&Authorities, Usage)> {
        self.binding.certificate().map(|binding| (&binding.authorities, binding.usage))
    }

    /// Whether a statement may be used once only (S8): then its `jti` is to be consumed.
    #[must_use]
    pub const fn single_use_statements(&self) -> bool {
        self.single_use_statements
    }

    /// The last instant at which a statement could be accepted: so long its `jti` is to be remembered.
    #[must_use]
    pub fn acceptable_until(&self, statement: &SoftwareStatement) -> Timestamp {
        let stale = statement.issued_at().plus(self.statement.max_age_seconds);
        let expired = statement.expires_at().map(|at| at.plus(self.statement.skew_seconds));
        expired.map_or(stale, |expired| expired.min(stale))
    }

    /// What its signed requests must be (S11, S12).
    #[must_use]
    pub fn request_rules(&self, us: &Issuer, software_id: &str) -> RequestRules {
        RequestRules {
            required: self.request.required.clone(),
            algorithms: self.request.algorithms.clone(),
            types: self.request.types.clone(),
            issuer: software_id.to_owned(),
            audiences: our_names(&self.request.audiences, us),
            max_lifetime_seconds: self.request.max_lifetime_seconds,
            skew_seconds: self.request.skew_seconds,
        }
    }

    /// Whether it takes requests in this format (E1).
    ///
    /// # Errors
    ///
    /// It takes others.
    pub fn check_format(&self, request: &RegistrationRequest) -> Result<(), RequestError> {
        if self.request.formats.contains(&request.format()) {
            return Ok(());
        }
        let accepted: Vec<&str> = self.request.formats.iter().map(|f| f.media_type()).collect();
        Err(RequestProblem::FormatNotAccepted { accepted: accepted.join(" or ") }.into())
    }

    /// What its clients may ask of a server that can do `server`.
    #[must_use]
    pub fn supported(&self, server: &Supported) -> Supported {
        let mut supported = self.client.supported(server);
        // RFC 8705 §2.1: nobody could vouch for the certificate of such a client.
        if self.client_authorities().is_none() {
            supported.token_endpoint_auth_methods.retain(|method| *method != TLS_CLIENT_AUTH);
        }
        supported
    }

    /// What its clients may register although `server` does not serve it: it stays inert.
    #[must_use]
    pub fn unserved(&self, server: &Supported) -> Vec<Unserved> {
        self.client.unserved(server)
    }

    /// Every scope that its table of roles names. One that no API product has is a mistake in the
    /// file, to be refused at start (PEER-3).
    #[must_use]
    pub fn role_scopes(&self) -> ScopeSet {
        self.ceilings.values().flat_map(|ceiling| &ceiling.scope).cloned().collect()
    }

    /// The resource servers that software with these roles may have tokens for, where the table of
    /// roles names any (REG-S14).
    #[must_use]
    pub fn audience_ceiling(&self, roles: &BTreeSet<String>) -> Option<BTreeSet<ResourceUri>> {
        // A file in which only some roles name them does not load.
        self.ceilings.values().find_map(|ceiling| ceiling.audiences.as_ref())?;
        let held = self.ceilings.iter().filter(|(role, _)| roles.contains(*role));
        Some(held.filter_map(|(_, ceiling)| ceiling.audiences.clone()).flatten().collect())
    }

    /// The claims that the answer to a registration repeats (REG-E5), of those in `claims`.
    #[must_use]
    pub fn echo(&self, claims: &Map<String, Value>) -> Map<String, Value> {
        self.echo.of(claims)
    }
}
