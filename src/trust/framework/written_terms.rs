//! The tables of a framework's file that settle a registration's life, as written and checked.

use serde::Deserialize;
use toml::Spanned;

use crate::protocol::client_authentication::client_assertion::LONGEST_LIFE;
use crate::trust::framework::problem::Notes;
use crate::trust::framework::terms::AssertionAudience;
use crate::trust::framework::terms::AssertionTerms;
use crate::trust::framework::terms::Duplicates;
use crate::trust::framework::terms::Management;
use crate::trust::framework::terms::ManagementMethod;
use crate::trust::framework::terms::ManagementTerms;
use crate::trust::framework::terms::Quotas;
use crate::trust::framework::terms::Terms;
use crate::trust::framework::terms::UnusedRule;
use crate::trust::framework::terms::UpdateBody;
use crate::trust::framework::value::within;
use crate::trust::framework::written::Written;
use crate::types::Scope;

/// The longest assertion in use, that of the UK's tool (REG-C5).
const LONGEST_ASSERTION: i64 = 3600;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
const DECADE: i64 = 315_360_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DuplicatePolicy {
    Reject,
    IdempotentReturn,
    Update,
    AllowMany,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenManagement {
    authorisation: Spanned<Authorisation>,
    #[serde(default)]
    scope: Option<Spanned<String>>,
    #[serde(default)]
    methods: Option<Spanned<Vec<ManagementMethod>>>,
    #[serde(default)]
    statement_on_update: Option<Spanned<bool>>,
    #[serde(default)]
    certificate: Option<Spanned<bool>>,
    #[serde(default)]
    token_lifetime_seconds: Option<Spanned<i64>>,
    #[serde(default)]
    update_body: Option<UpdateBody>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Authorisation {
    RegistrationAccessToken,
    ClientCredentials,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenQuotas {
    clients_per_organisation: Option<Spanned<u32>>,
    registrations_per_organisation_per_hour: Option<Spanned<u32>>,
    registrations_per_software_per_hour: Option<Spanned<u32>>,
    registrations_per_certificate_per_hour: Option<Spanned<u32>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenUnused {
    expire_after_seconds: Spanned<i64>,
    notice_seconds: Spanned<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenAuthentication {
    #[serde(default = "issuer")]
    assertion_audience: AssertionAudience,
    #[serde(default)]
    max_assertion_lifetime_seconds: Option<Spanned<i64>>,
}

const fn issuer() -> AssertionAudience {
    AssertionAudience::Issuer
}

/// What the rest of the file settles of how somebody proves who it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proofs {
    /// Whether requests may be plain JSON.
    pub(super) json: bool,
    /// Whether the binding looks at the presenter's certificate.
    pub(super) certified: bool,
    /// Whether software signs its own statements.
    pub(super) self_signed: bool,
}

pub(super) fn terms(written: &Written, proofs: Proofs, notes: &mut Notes<'_>) -> Terms {
    Terms {
        management: management(&written.management, proofs, notes),
        duplicates: duplicates(written, notes),
        initial_access: written.initial_access_token,
        quotas: quotas(&written.quotas, notes),
        unused: written.unused.as_ref().map(|written| unused(written, notes)),
        assertions: assertions(written.authentication.as_ref(), notes),
    }
}

fn duplicates(written: &Written, notes: &mut Notes<'_>) -> Duplicates {
    let most = written.clients_per_software_product.as_ref();
    if most.is_some_and(|most| *most.get_ref() == 0) {
        let span = most.map(Spanned::span);
        notes.refuse(span, "clients_per_software_product", "it must be at least 1");
    }
    match (written.duplicates.get_ref(), most) {
        (DuplicatePolicy::Reject, _) => Duplicates::Reject,
        (DuplicatePolicy::IdempotentReturn, _) => Duplicates::IdempotentReturn,
        (DuplicatePolicy::Update, _) => Duplicates::Update,
        (DuplicatePolicy::AllowMany, Some(most)) => Duplicates::AllowMany { most: *most.get_ref() },
        (DuplicatePolicy::AllowMany, None) => {
            let message = "`allow_many` needs a number";
            let span = Some(written.duplicates.span());
            notes.refuse(span, "clients_per_software_product", message);
            Duplicates::Reject
        }
    }
}

fn management(
    written: &WrittenManagement,
    proofs: Proofs,
    notes: &mut Notes<'_>,
) -> ManagementTerms {
    let Proofs { json, certified, self_signed } = proofs;
    let certificate = written.certificate.as_ref();
    if let Some(certificate) = certificate.filter(|it| *it.get_ref() && !certified) {
        let message = "there is no `[certificate]` table to check it by";
        notes.refuse(Some(certificate.span()), "management.certificate", message);
    }
    if let (Some(update), true) = (&written.statement_on_update, self_signed)
        && !*update.get_ref()
    {
        let message = "with the binding `x5c` the statement is the proof: an update needs one";
        notes.refuse(Some(update.span()), "management.statement_on_update", message);
    }
    let methods = match &written.methods {
        Some(methods) => methods.get_ref().iter().copied().collect(),
        None => ManagementMethod::ALL.into(),
    };
    let by_format = if json { UpdateBody::NamesClient } else { UpdateBody::LikeRegistration };
    ManagementTerms {
        authorisation: authorisation(written, notes),
        methods,
        statement_on_update: written.statement_on_update.as_ref().is_none_or(|it| *it.get_ref()),
        certificate: certificate.map_or(certified, |certificate| *certificate.get_ref()),
        token_seconds: token_seconds(written, notes),
        update_body: written.update_body.unwrap_or(by_format),
    }
}

/// How long a registration access token lasts. Those of clients end by themselves.
fn token_seconds(written: &WrittenManagement, notes: &mut Notes<'_>) -> Option<i64> {
    const FIELD: &str = "management.token_lifetime_seconds";
    let lifetime = written.token_lifetime_seconds.as_ref()?;
    if *written.authorisation.get_ref() == Authorisation::ClientCredentials {
        let message = "there are no registration access tokens here";
        notes.refuse(Some(lifetime.span()), FIELD, message);
    }
    Some(within(lifetime, FIELD, HOUR, DECADE, notes))
}

fn authorisation(written: &WrittenManagement, notes: &mut Notes<'_>) -> Management {
    let scope = written.scope.as_ref();
    match written.authorisation.get_ref() {
        Authorisation::RegistrationAccessToken => {
            if let Some(scope) = scope {
                let message = "a registration access token has no scope";
                notes.refuse(Some(scope.span()), "management.scope", message);
            }
            Management::RegistrationAccessToken
        }
        Authorisation::ClientCredentials => {
            let scope = scope.and_then(|scope| match Scope::parse(scope.get_ref().as_str()) {
                Ok(scope) => Some(scope),
                Err(error) => {
                    notes.refuse(Some(scope.span()), "management.scope", error.to_string());
                    None
                }
            });
            Management::ClientCredentials { scope }
        }
    }
}

fn quotas(written: &WrittenQuotas, notes: &mut Notes<'_>) -> Quotas {
    let mut most = |written: &Option<Spanned<u32>>, field: &str| {
        let most = written.as_ref()?;
        if *most.get_ref() == 0 {
            let message = "it must be at least 1; to admit nobody, remove the framework";
            notes.refuse(Some(most.span()), format!("quotas.{field}"), message);
        }
        Some(*most.get_ref())
    };
    Quotas {
        clients_per_organisation: most(
            &written.clients_per_organisation,
            "clients_per_organisation",
        ),
        registrations_per_organisation_per_hour: most(
            &written.registrations_per_organisation_per_hour,
            "registrations_per_organisation_per_hour",
        ),
        registrations_per_software_per_hour: most(
            &written.registrations_per_software_per_hour,
            "registrations_per_software_per_hour",
        ),
        registrations_per_certificate_per_hour: most(
            &written.registrations_per_certificate_per_hour,
            "registrations_per_certificate_per_hour",
        ),
    }
}

fn unused(written: &WrittenUnused, notes: &mut Notes<'_>) -> UnusedRule {
    let (after, notice) = (&written.expire_after_seconds, &written.notice_seconds);
    let expire_after_seconds = within(after, "unused.expire_after_seconds", DAY, DECADE, notes);
    // A client that ends unannounced looks like an outage to its owner (REG-W4).
    let notice_seconds = within(notice, "unused.notice_seconds", DAY, DECADE, notes);
    if notice_seconds >= expire_after_seconds {
        let message = "it must be shorter than `expire_after_seconds`";
        notes.refuse(Some(notice.span()), "unused.notice_seconds", message);
    }
    UnusedRule { expire_after_seconds, notice_seconds }
}

fn assertions(written: Option<&WrittenAuthentication>, notes: &mut Notes<'_>) -> AssertionTerms {
    const FIELD: &str = "authentication.max_assertion_lifetime_seconds";
    let longest = written.and_then(|written| written.max_assertion_lifetime_seconds.as_ref());
    AssertionTerms {
        audience: written.map_or_else(issuer, |written| written.assertion_audience),
        longest_life_seconds: longest
            .map_or(LONGEST_LIFE, |longest| within(longest, FIELD, 1, LONGEST_ASSERTION, notes)),
    }
}
