//! From what a framework's file says to a framework: every rule that the file's shape cannot hold.

use serde_json::{Map, Value};
use toml::Spanned;

use crate::protocol::registration::RequestFormat;
use crate::protocol::registration::StatementRules;
use crate::protocol::registration::StatusRule;
use crate::trust::framework::ClientKeySettings;
use crate::trust::framework::FactPaths;
use crate::trust::framework::Framework;
use crate::trust::framework::KeySource;
use crate::trust::framework::binding_settings::Binding;
use crate::trust::framework::binding_settings::binding;
use crate::trust::framework::client_table::{AbsentScope, ClientTable};
use crate::trust::framework::key_settings::keys;
use crate::trust::framework::problem::Notes;
use crate::trust::framework::request_settings::audiences;
use crate::trust::framework::request_settings::request;
use crate::trust::framework::rows;
use crate::trust::framework::status_directory::status_directory;
use crate::trust::framework::value::MOST_SKEW;
use crate::trust::framework::value::algorithms;
use crate::trust::framework::value::hosts;
use crate::trust::framework::value::path;
use crate::trust::framework::value::within;
use crate::trust::framework::written::{Facts, Presence, Statement, StatementUse, Status, Written};
use crate::trust::framework::written_terms::{self, Proofs};
use crate::types::FrameworkName;

/// S19: the longest window in use where a statement may come without `exp`, that of the UK.
const MOST_AGE: i64 = 1800;
/// The longest window where a statement ends by itself and works once.
const MOST_AGE_OF_ONE_TIME_STATEMENTS: i64 = 2_592_000;
const YEAR: i64 = 31_536_000;
/// What the answer says itself, or what no answer may say.
const NEVER_ECHOED: [&str; 18] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "client_secret",
    "client_id_issued_at",
    "client_secret_expires_at",
    "registration_access_token",
    "registration_client_uri",
    "software_statement",
    "decisions",
    "policy_digest",
    "error",
    "problems",
];

/// Checks everything and notes every problem; `None` only where something could not be read at all.
pub(super) fn check(written: &Written, notes: &mut Notes<'_>) -> Option<Framework> {
    let name = name(&written.name, notes);
    let (environment, table) = (written.environment, written.certificate.as_ref());
    let binding = binding(&written.request.binding, table, environment, notes);
    let self_signed = matches!(binding, Some(Binding::X5c));
    let issuers = issuers(written, self_signed, notes);
    let echo = echo(written.echo.as_ref(), notes);
    let keys = keys(&written.keys, environment, notes);
    let statement = statement(&written.statement, &issuers, &written.status, notes);
    let request = request(&written.request, binding.as_ref(), notes);
    let facts = facts(&written.facts, notes);
    let client_keys = client_keys(written, notes);
    let status_directory = status_directory(written, notes);
    let claims = rows::claims(&written.claims, self_signed, notes);
    let roles = written.roles.as_ref();
    let ceilings = roles.map(|roles| rows::ceilings(roles, notes)).unwrap_or_default();
    let roles = roles.and_then(|roles| rows::roles(roles, notes));
    let client = ClientTable::check(&written.client, environment, notes);
    rows::members_of_directory(&client, &claims, notes);
    let defaults = rows::defaults(&written.client, notes);
    let json = request.formats.contains(&RequestFormat::Json);
    // What could not be read is told of, and its consequences are not.
    let certified = match &binding {
        Some(binding) => binding.requires_certificate(),
        None => table.is_some(),
    };
    if !certified {
        written.client.without_authorities(notes);
    }
    let terms = written_terms::terms(written, Proofs { json, certified, self_signed }, notes);
    sources_fit(written, keys.as_ref().map(|keys| &keys.source), binding.as_ref(), notes);
    Some(Framework {
        name: name?,
        title: written.title.get_ref().clone(),
        environment,
        issuers,
        echo,
        keys: keys?,
        statement: statement?,
        statement_audiences: audiences(
            written.statement.audiences.as_ref(),
            "statement.audiences",
            notes,
        ),
        single_use_statements: written.statement.jti == StatementUse::SingleUse,
        binding: binding?,
        request,
        facts: facts?,
        client_keys,
        status_directory,
        claims,
        roles,
        ceilings,
        absent_scope_is_all_of_role: written.client.absent_scope == AbsentScope::AllOfRole,
        client,
        defaults,
        terms,
        warnings: Vec::new(),
    })
}

/// A statement that its software signs itself is believed for its certificate, and for nothing else.
fn sources_fit(
    written: &Written,
    source: Option<&KeySource>,
    binding: Option<&Binding>,
    notes: &mut Notes<'_>,
) {
    let (Some(source), Some(binding)) = (source, binding) else { return };
    let certificates = matches!(source, KeySource::Certificates(_));
    if certificates != matches!(binding, Binding::X5c) {
        let message = "the binding `x5c` and the source `x5c` go together: the certificate that \
                       signed the statement is the proof";
        notes.refuse(Some(written.keys.source.span()), "keys.source", message);
    }
}

fn client_keys(written: &Written, notes: &mut Notes<'_>) -> ClientKeySettings {
    let hosts = written.client_keys.allowed_hosts.as_ref().map(|listed| hosts(listed, notes));
    let hosts = hosts.unwrap_or_default();
    if let Some(row) = written.claims.get("jwks_uri").filter(|_| hosts.is_empty()) {
        let message = "without a host, no `jwks_uri` is ever fetched";
        notes.refuse(Some(row.span()), "client_keys.allowed_hosts", message);
    }
    ClientKeySettings { hosts, on_loopback: written.client_keys.allow_loopback }
}

fn name(written: &Spanned<String>, notes: &mut Notes<'_>) -> Option<FrameworkName> {
    match FrameworkName::parse(written.get_ref().as_str()) {
        Ok(name) => Some(name),
        Err(error) => {
            notes.refuse(Some(written.span()), "name", error.to_string());
            None
        }
    }
}

/// An empty list would admit nobody, and is more likely a mistake (PEER-9).
fn issuers(written: &Written, self_signed: bool, notes: &mut Notes<'_>) -> Vec<String> {
    let span = written.issuers.as_ref().map(Spanned::span);
    let listed = written.issuers.as_ref().map(Spanned::get_ref).cloned().unwrap_or_default();
    let bad =
        |text: &String| text.is_empty() || text.len() > 255 || text.chars().any(char::is_control);
    if self_signed && !listed.is_empty() {
        let message = "with the binding `x5c` each software is its own issuer: leave it out";
        notes.refuse(span.clone(), "issuers", message);
    }
    if !self_signed && (listed.is_empty() || listed.iter().any(bad)) {
        let message = "at least one issuer is needed, each a text of 1 to 255 characters";
        notes.refuse(span, "issuers", message);
    }
    listed
}

/// A list of claims, or `all`.
fn echo(written: Option<&Spanned<Value>>, notes: &mut Notes<'_>) -> Echo {
    let Some(written) = written else { return Echo::Claims(Vec::new()) };
    if written.get_ref() == "all" {
        return Echo::All;
    }
    let listed = written.get_ref().as_array();
    let names: Option<Vec<String>> = listed
        .and_then(|listed| listed.iter().map(|one| one.as_str().map(str::to_owned)).collect());
    let Some(names) = names else {
        notes.refuse(Some(written.span()), "echo", "it is a list of claims, or `all`");
        return Echo::Claims(Vec::new());
    };
    for name in names.iter().filter(|name| NEVER_ECHOED.contains(&name.as_str())) {
        notes.refuse(Some(written.span()), "echo", format!("`{name}` is never echoed"));
    }
    Echo::Claims(names)
}

/// What an answer repeats of a statement (REG-E5).
#[derive(Debug, Clone)]
pub(super) enum Echo {
    /// These claims.
    Claims(Vec<String>),
    /// All but what is never repeated; the UK flattens every claim.
    All,
}

impl Echo {
    pub(super) fn of(&self, claims: &Map<String, Value>) -> Map<String, Value> {
        let repeated = |name: &String| match self {
            Self::Claims(names) => names.contains(name),
            Self::All => !NEVER_ECHOED.contains(&name.as_str()),
        };
        let held = claims.iter().filter(|(name, _)| repeated(name));
        held.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

fn statement(
    written: &Statement,
    issuers: &[String],
    statuses: &[Status],
    notes: &mut Notes<'_>,
) -> Option<StatementRules> {
    let statuses: Vec<_> = statuses.iter().map(|status| status_rule(status, notes)).collect();
    let mut seconds = |written, field, least, most| within(written, field, least, most, notes);
    let (age, lifetime) = (&written.max_age_seconds, &written.max_lifetime_seconds);
    // What comes back for days must end by itself, and be used up.
    let bounded = written.expiry == Presence::Required && written.jti == StatementUse::SingleUse;
    let most = if bounded { MOST_AGE_OF_ONE_TIME_STATEMENTS } else { MOST_AGE };
    let max_age_seconds = seconds(age, "statement.max_age_seconds", 1, most);
    let max_lifetime_seconds = seconds(lifetime, "statement.max_lifetime_seconds", 1, YEAR);
    let skew_seconds = seconds(&written.skew_seconds, "statement.skew_seconds", 0, MOST_SKEW);
    Some(StatementRules {
        algorithms: algorithms(&written.algorithms, "statement.algorithms", notes),
        types: written.types.clone(),
        issuers: issuers.to_vec(),
        skew_seconds,
        max_age_seconds,
        max_lifetime_seconds,
        expiry_required: written.expiry == Presence::Required,
        audiences: Vec::new(),
        audience_required: written.audience == Presence::Required,
        jti_required: written.jti == StatementUse::SingleUse,
        statuses: statuses.into_iter().collect::<Option<_>>()?,
    })
}

fn status_rule(written: &Status, notes: &mut Notes<'_>) -> Option<StatusRule> {
    if written.accepted.get_ref().is_empty() {
        let message = "at least one value must be accepted";
        notes.refuse(Some(written.accepted.span()), "status.accepted", message);
    }
    Some(StatusRule {
        claim: path(&written.claim, "status.claim", notes)?,
        accepted: written.accepted.get_ref().clone(),
        required: written.required,
    })
}

fn facts(written: &Facts, notes: &mut Notes<'_>) -> Option<FactPaths> {
    let mut optional = |written: Option<&Spanned<String>>, field: &str| match written {
        Some(text) => path(text, field, notes).map(Some),
        None => Some(None),
    };
    let organisation_name = optional(written.organisation_name.as_ref(), "facts.organisation_name");
    let environment = optional(written.environment.as_ref(), "facts.environment");
    let software_id = path(&written.software_id, "facts.software_id", notes);
    let software_name = path(&written.software_name, "facts.software_name", notes);
    let organisation_id = path(&written.organisation_id, "facts.organisation_id", notes);
    Some(FactPaths {
        software_id: software_id?,
        software_name: software_name?,
        organisation_id: organisation_id?,
        organisation_name: organisation_name?,
        environment: environment?,
    })
}
