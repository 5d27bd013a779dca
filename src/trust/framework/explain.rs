//! A framework in plain words, for whoever writes its file.

use crate::protocol::client::Supported;
use crate::protocol::registration::EnvelopeClaim;
use crate::trust::framework::Binding;
use crate::trust::framework::Duplicates;
use crate::trust::framework::Framework;
use crate::trust::framework::KeySource;
use crate::trust::framework::Management;
use crate::trust::framework::ManagementMethod;
use crate::trust::framework::OnOutage;
use crate::trust::framework::StatusList;
use crate::trust::framework::authorities::Authorities;

impl Framework {
    /// What the file means: subjects and sentences. `server` is what the server serves.
    #[must_use]
    pub fn explain(&self, server: &Supported) -> Vec<(&'static str, String)> {
        vec![
            ("Who is believed", self.explain_issuers()),
            ("By what keys", self.explain_keys()),
            ("How a presenter proves itself", self.explain_binding()),
            ("How fresh a statement must be", self.explain_freshness()),
            ("Where standing is learnt from", self.explain_standing()),
            ("What each role may have", self.explain_roles()),
            ("What statement and request decide", self.explain_claims()),
            ("What happens at a second registration", self.explain_duplicates()),
            ("Who manages a registration", self.explain_management()),
            ("How much a partner may use", self.explain_quotas()),
            ("What can be registered and is not served yet", self.explain_unserved(server)),
        ]
    }

    fn explain_issuers(&self) -> String {
        if self.issuers.is_empty() {
            return "each software itself: its `iss` is a URI of its certificate".to_owned();
        }
        format!("statements whose `iss` is {}", quoted(&self.issuers))
    }

    fn explain_keys(&self) -> String {
        match &self.keys.source {
            KeySource::JwksUri(uri) => format!("those at {}, fetched and cached", uri.as_str()),
            KeySource::Jwks(keys) => format!("{} keys, fixed in a file", keys.keys().len()),
            KeySource::Certificates(authorities) => {
                format!("the certificate in the statement, {}", chain(authorities))
            }
        }
    }

    fn explain_binding(&self) -> String {
        let proof = match &self.binding {
            Binding::RequestJws { .. } => "a key of the software signs the request",
            Binding::Certificate(_) => "by its client certificate",
            Binding::X5c => "the statement itself is fresh and signed by the software",
            Binding::None => "NOT AT ALL: whoever copies a statement can register with it",
        };
        let certificate = self.binding.certificate().map(|certificate| {
            format!(
                "the client certificate, {}, must have {}",
                chain(certificate.authorities()),
                certificate.requirements().join(", and ")
            )
        });
        let formats: Vec<&str> = self.request.formats.iter().map(|one| one.media_type()).collect();
        let formats = Some(format!("requests are {}", formats.join(" or ")));
        let signed = (!self.request.algorithms.is_empty()).then(|| {
            let claims: Vec<&str> =
                self.request.required.iter().map(|one| EnvelopeClaim::name(*one)).collect();
            let most = self.request.max_lifetime_seconds;
            format!("a signed one has {} and lives {most} seconds at most", claims.join(", "))
        });
        let rest = [certificate, formats, signed].into_iter().flatten();
        std::iter::once(proof.to_owned()).chain(rest).collect::<Vec<_>>().join("; ")
    }

    fn explain_freshness(&self) -> String {
        let rules = &self.statement;
        let expiry = if rules.expiry_required { "must end" } else { "need not end" };
        let used = if self.single_use_statements { "works once" } else { "may be used again" };
        format!(
            "issued at most {} seconds ago; it {expiry}, at most {} seconds after it began; it {used}",
            rules.max_age_seconds, rules.max_lifetime_seconds
        )
    }

    fn explain_standing(&self) -> String {
        let Some(directory) = self.status_directory() else {
            return "each statement, when it is presented".to_owned();
        };
        let lists = [&directory.software, &directory.organisations].into_iter().flatten();
        let lists: Vec<String> = lists.map(StatusList::explain).collect();
        let outage = match directory.on_outage {
            OnOutage::Refuse => "nobody registers",
            OnOutage::LastKnown => "what it said last counts",
        };
        format!(
            "each statement, and the directory: {}; asked every {} seconds; while it is silent, {outage}; \
             after {} seconds of silence its software is withdrawn",
            lists.join(", and "),
            directory.refresh_seconds,
            directory.fail_closed_after_seconds
        )
    }

    fn explain_roles(&self) -> String {
        if self.ceilings.is_empty() {
            return "the file has no table: the policy alone decides".to_owned();
        }
        let role = |(role, ceiling): (&String, &super::Ceiling)| {
            let grants = ceiling.grant_types.as_ref().map(|grants| {
                let grants: Vec<&str> = grants.iter().map(String::as_str).collect();
                format!(", grants {}", grants.join(" "))
            });
            format!("{role}: {}{}", ceiling.scope, grants.unwrap_or_default())
        };
        let rows: Vec<String> = self.ceilings.iter().map(role).collect();
        let absent = if self.absent_scope_is_all_of_role { "all of its roles" } else { "nothing" };
        format!("{}; who names no scope gets {absent}", rows.join("; "))
    }

    fn explain_claims(&self) -> String {
        let rows: Vec<String> = self
            .claims
            .values()
            .map(|rule| format!("{} by `{}`", rule.member.name, rule.claim.as_str()))
            .collect();
        rows.join(", ")
    }

    fn explain_duplicates(&self) -> String {
        match self.terms.duplicates {
            Duplicates::Reject => "it is refused while the first one is live".to_owned(),
            Duplicates::IdempotentReturn => "it gets the client that is there".to_owned(),
            Duplicates::Update => "it updates the client that is there".to_owned(),
            Duplicates::AllowMany { most } => format!("it gets another client, {most} at most"),
        }
    }

    fn explain_management(&self) -> String {
        let who = match &self.terms.management.authorisation {
            Management::RegistrationAccessToken => {
                "whoever holds its registration access token".to_owned()
            }
            Management::ClientCredentials { scope: None } => {
                "the client, with any access token of its own".to_owned()
            }
            Management::ClientCredentials { scope: Some(scope) } => {
                format!("the client, with an access token for `{scope}`")
            }
        };
        let verbs: Vec<&str> =
            self.terms.management.methods.iter().map(|one| ManagementMethod::name(*one)).collect();
        let certificate =
            if self.terms.management.certificate { ", with its certificate" } else { "" };
        let statement = if self.terms.management.statement_on_update {
            "; an update needs a statement"
        } else {
            ""
        };
        let ends = self.management_token_seconds();
        let ends = ends.map(|seconds| format!("; the token ends after {seconds} seconds"));
        let ends = ends.unwrap_or_default();
        format!("{who}{certificate}: {}{statement}{ends}", verbs.join(", "))
    }

    fn explain_quotas(&self) -> String {
        let quotas = &self.terms.quotas;
        let limits: Vec<String> = [
            (quotas.clients_per_organisation, "clients of an organisation"),
            (
                quotas.registrations_per_organisation_per_hour,
                "registrations of an organisation in an hour",
            ),
            (
                quotas.registrations_per_software_per_hour,
                "registrations of a software product in an hour",
            ),
            (
                quotas.registrations_per_certificate_per_hour,
                "registrations with a certificate in an hour",
            ),
        ]
        .into_iter()
        .filter_map(|(most, what)| most.map(|most| format!("{most} {what}")))
        .collect();
        if limits.is_empty() { "as much as it likes".to_owned() } else { limits.join(", ") }
    }

    fn explain_unserved(&self, server: &Supported) -> String {
        let found: Vec<String> = self
            .unserved(server)
            .into_iter()
            .map(|one| match one.values.as_slice() {
                [] => one.field.to_owned(),
                values => format!("{} ({})", one.field, values.join(", ")),
            })
            .collect();
        if found.is_empty() { "nothing".to_owned() } else { found.join("; ") }
    }
}

fn quoted(texts: &[String]) -> String {
    texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(" or ")
}

fn chain(authorities: &Authorities) -> String {
    let revocation = if authorities.checks_revocation() {
        "and not revoked"
    } else {
        "revocation is not looked at"
    };
    format!("with a chain to one of {} authorities, {revocation}", authorities.count())
}
