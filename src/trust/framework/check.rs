//! From what a framework's file says to a framework: every rule that the file's shape cannot hold.

use std::collections::BTreeSet;

use toml::Spanned;

use crate::protocol::registration::RequestFormat;
use crate::protocol::registration::StatementRules;
use crate::protocol::registration::StatusRule;
use crate::trust::framework::ClientKeySettings;
use crate::trust::framework::ClientLimits;
use crate::trust::framework::FactPaths;
use crate::trust::framework::Framework;
use crate::trust::framework::RequestSettings;
use crate::trust::framework::TrustEnvironment;
use crate::trust::framework::key_settings::keys;
use crate::trust::framework::problem::Notes;
use crate::trust::framework::rows;
use crate::trust::framework::value::algorithms;
use crate::trust::framework::value::hosts;
use crate::trust::framework::value::path;
use crate::trust::framework::value::within;
use crate::trust::framework::written::{
    AbsentScope, Binding, Client, Facts, Presence, Request, Statement, StatementUse, Status,
    StatusSource, Written,
};
use crate::trust::framework::written_terms;
use crate::types::FrameworkName;

/// S6: more than a minute of skew makes expiry meaningless.
const MOST_SKEW: i64 = 60;
/// S19: the longest window in use, that of the UK.
const MOST_AGE: i64 = 1800;
const YEAR: i64 = 31_536_000;
/// The longest lifetime in use for a signed request, that of the UK's tool.
const LONGEST_REQUEST: i64 = 3600;
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
    unsupported(written, notes);
    let name = name(&written.name, notes);
    let issuers = issuers(&written.issuers, notes);
    let echo = echo(written.echo.as_ref(), notes);
    let keys = keys(&written.keys, notes);
    let statement = statement(&written.statement, &issuers, &written.status, notes);
    let request = request(&written.request, notes);
    let facts = facts(&written.facts, notes);
    let client_keys = ClientKeySettings {
        hosts: hosts(&written.client_keys.allowed_hosts, notes),
        on_loopback: written.client_keys.allow_loopback,
    };
    let claims = rows::claims(&written.claims, notes);
    let roles = written.roles.as_ref();
    let ceilings = roles.map(|roles| rows::ceilings(roles, notes)).unwrap_or_default();
    let roles = roles.and_then(|roles| rows::roles(roles, notes));
    let client = client_limits(&written.client, written.environment, notes);
    let defaults = rows::defaults(&written.client, notes);
    let json = request.formats.contains(&RequestFormat::Json);
    let management = written_terms::management(&written.management, (json, false), notes);
    let duplicates = written_terms::duplicates(written, notes);
    let quotas = written_terms::quotas(&written.quotas, notes);
    let unused = written.unused.as_ref().map(|unused| written_terms::unused(unused, notes));
    let assertions = written_terms::assertions(written.authentication.as_ref(), notes);
    Some(Framework {
        name: name?,
        title: written.title.get_ref().clone(),
        environment: written.environment,
        issuers,
        echo,
        keys: keys?,
        statement: statement?,
        single_use_statements: written.statement.jti == StatementUse::SingleUse,
        request,
        facts: facts?,
        client_keys,
        claims,
        roles,
        ceilings,
        absent_scope_is_all_of_role: written.client.absent_scope == AbsentScope::AllOfRole,
        client,
        defaults,
        duplicates,
        management,
        initial_access: written.initial_access_token,
        quotas,
        unused,
        assertions,
    })
}

/// What the format can say and this server cannot do yet.
fn unsupported(written: &Written, notes: &mut Notes<'_>) {
    const LATER: &str = "is not supported by this version";
    let binding = &written.request.binding;
    match binding.get_ref() {
        Binding::RequestJws => {}
        Binding::Certificate | Binding::X5c => notes.refuse(
            Some(binding.span()),
            "request.binding",
            format!("a binding by certificate {LATER}; use `request_jws`"),
        ),
        Binding::None => notes.refuse(
            Some(binding.span()),
            "request.binding",
            "without a binding, whoever copies a statement can register with it; use `request_jws`",
        ),
    }
    if let Some(source) = &written.status_source
        && *source.get_ref() != StatusSource::Statement
    {
        notes.refuse(
            Some(source.span()),
            "status_source",
            format!("asking the directory {LATER}; use `statement`"),
        );
    }
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
fn issuers(written: &Spanned<Vec<String>>, notes: &mut Notes<'_>) -> Vec<String> {
    let listed = written.get_ref();
    let bad =
        |text: &String| text.is_empty() || text.len() > 255 || text.chars().any(char::is_control);
    if listed.is_empty() || listed.iter().any(bad) {
        let message = "at least one issuer is needed, each a text of 1 to 255 characters";
        notes.refuse(Some(written.span()), "issuers", message);
    }
    listed.clone()
}

fn echo(written: Option<&Spanned<Vec<String>>>, notes: &mut Notes<'_>) -> Vec<String> {
    let Some(written) = written else { return Vec::new() };
    for name in written.get_ref() {
        if NEVER_ECHOED.contains(&name.as_str()) {
            notes.refuse(Some(written.span()), "echo", format!("`{name}` is never echoed"));
        }
    }
    written.get_ref().clone()
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
    let max_age_seconds = seconds(age, "statement.max_age_seconds", 1, MOST_AGE);
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
        audiences: written.audiences.clone(),
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

fn request(written: &Request, notes: &mut Notes<'_>) -> RequestSettings {
    let formats: BTreeSet<RequestFormat> = written.formats.get_ref().iter().copied().collect();
    let signed = *written.binding.get_ref() == Binding::RequestJws;
    if formats.is_empty() {
        notes.refuse(Some(written.formats.span()), "request.formats", "at least one is needed");
    }
    if signed && formats.contains(&RequestFormat::Json) {
        let message = "`application/json` is not signed, and `request.binding` is `request_jws`";
        notes.refuse(Some(written.formats.span()), "request.formats", message);
    }
    let lifetime = &written.max_lifetime_seconds;
    RequestSettings {
        formats,
        algorithms: algorithms(&written.algorithms, "request.algorithms", notes),
        types: written.types.clone(),
        audiences: written.audiences.clone(),
        max_lifetime_seconds: within(
            lifetime,
            "request.max_lifetime_seconds",
            1,
            LONGEST_REQUEST,
            notes,
        ),
        skew_seconds: within(&written.skew_seconds, "request.skew_seconds", 0, MOST_SKEW, notes),
    }
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

fn client_limits(
    written: &Client,
    environment: TrustEnvironment,
    notes: &mut Notes<'_>,
) -> ClientLimits {
    let local = written.local_redirects.as_ref();
    if let Some(local) = local.filter(|local| *local.get_ref())
        && environment == TrustEnvironment::Production
    {
        let message = "a production framework sends nobody to `localhost`";
        notes.refuse(Some(local.span()), "client.local_redirects", message);
    }
    if let Some(listed) = &written.token_endpoint_auth_signing_algs {
        algorithms(listed, "client.token_endpoint_auth_signing_algs", notes);
    }
    let list = |written: &Option<Spanned<Vec<String>>>| {
        written.as_ref().map(|listed| listed.get_ref().clone())
    };
    ClientLimits {
        grant_types: list(&written.grant_types),
        token_endpoint_auth_methods: list(&written.token_endpoint_auth_methods),
        token_endpoint_auth_signing_algs: list(&written.token_endpoint_auth_signing_algs),
        local_redirects: local.is_some_and(|local| *local.get_ref()),
        hybrid_without_implicit: written.hybrid_without_implicit,
    }
}
