//! What the bank knows of the partner behind a statement, and what policy makes of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::app::{App, KnownPartner};
use crate::endpoints::failure::Failure;
use crate::partners::{
    ApiProduct, Environment, Organisation, SoftwareProduct, SoftwareProductState,
};
use crate::policy::decision::Finding;
use crate::policy::reason::Class;
use crate::policy::{
    Decision, GrantFacts, GrantInput, ItemDecision, Reason, SenderConstraint, StatementFacts,
};
use crate::protocol::client::ClientMetadata;
use crate::protocol::{ErrorCode, OAuthError};
use crate::storage::Reader;
use crate::types::{ReasonCode, ResourceUri, ScopeSet, Timestamp};

use super::evidence::{Evidence, Proof};

/// The bank's side of a registration.
#[derive(Debug)]
pub(super) struct Partner {
    known: Arc<KnownPartner>,
    /// The resource servers that the software's roles allow, where they bound them (REG-S14).
    audiences: Option<BTreeSet<ResourceUri>>,
    /// None if this software has never registered.
    pub(super) software: Option<SoftwareProduct>,
}

impl Partner {
    /// Finds everything in one go. What may have changed since the bank's side was read is read anew;
    /// whether the software has registered is always read.
    pub(super) async fn look_up(
        app: &App,
        proof: &Proof,
        evidence: &Evidence,
    ) -> Result<Self, Failure> {
        let framework = proof.framework.name().clone();
        let organisation_id = proof.facts.organisation_id.clone();
        let software_id = proof.facts.software_id.clone();
        let key = (framework.clone(), organisation_id, evidence.metadata.scope.clone());
        let software = move |reader: &mut Reader<'_>| {
            reader.software_product_in_directory(&framework, &software_id)
        };
        let (known, software) = app.partners.find(&app.database, key, software).await?;
        let audiences = proof.framework.audience_ceiling(&proof.facts.roles);
        Ok(Self { known, audiences, software })
    }

    /// None if the bank does not know the organisation.
    pub(super) fn organisation(&self) -> Option<&Organisation> {
        self.known.organisation()
    }

    /// The products that offer the scopes asked for.
    pub(super) fn products(&self) -> &[ApiProduct] {
        self.known.products()
    }

    /// A software product belongs to one organisation (REG-T2), and only an active one registers.
    pub(super) fn check_software(&self) -> Result<(), Failure> {
        let Some(software) = &self.software else { return Ok(()) };
        if self.organisation().is_none_or(|owner| owner.id != software.organisation_id) {
            return Err(belongs_to_another().into());
        }
        if software.state != SoftwareProductState::Active {
            let description =
                format!("the bank holds the software product as `{}`", software.state);
            return Err(unapproved(ReasonCode::SoftwareProductNotActive, description).into());
        }
        Ok(())
    }

    /// The products that the software's roles may have tokens for (REG-S14).
    pub(super) fn reachable(&self) -> impl Iterator<Item = &ApiProduct> {
        let within = |product: &&ApiProduct| {
            self.audiences.as_ref().is_none_or(|most| most.contains(&product.audience))
        };
        self.products().iter().filter(within)
    }

    /// The scopes of those, where the roles bound them at all.
    fn within_roles(&self) -> Option<ScopeSet> {
        self.audiences.as_ref()?;
        let scopes = self.reachable().flat_map(|product| &product.scopes);
        Some(scopes.map(|offered| offered.scope.clone()).collect())
    }

    /// Decides each scope.
    pub(super) fn decide(
        &self,
        app: &App,
        proof: &Proof,
        evidence: &Evidence,
        now: Timestamp,
    ) -> Decision {
        let (no_waivers, no_conditions) = (BTreeSet::new(), BTreeSet::new());
        let rules = proof.framework.statement_rules(&app.settings.server.issuer);
        let within_roles = self.within_roles();
        let facts = GrantFacts::new(
            GrantInput {
                software_id: &proof.facts.software_id,
                organisation: self.organisation(),
                agreements: self.known.agreements(),
                products: self.products(),
                statement: StatementFacts {
                    // Evidence exists only for a statement that was verified and is burnt now.
                    verified: true,
                    jti_fresh: true,
                    issued_at: proof.statement.issued_at(),
                    longest_age_seconds: longest_age(proof, rules.max_age_seconds, now),
                    skew_seconds: rules.skew_seconds,
                    environment: environment(proof, app.settings.server.environment),
                },
                role_scopes: within_roles.as_ref(),
                client_auth_method: &evidence.metadata.token_endpoint_auth_method,
                sender_constraint: sender_constraint(&evidence.metadata),
                environment: app.settings.server.environment,
                waivers: &no_waivers,
                overdue_conditions: &no_conditions,
            },
            now,
        );
        app.policy.decide_grants(&facts, &evidence.metadata.scope)
    }
}

/// How old the statement may be: one that stands was new when it was presented.
fn longest_age(proof: &Proof, most: i64, now: Timestamp) -> i64 {
    if proof.stands { now.since(proof.statement.issued_at()).max(most) } else { most }
}

/// How the client's tokens will be bound, by what it registers.
const fn sender_constraint(metadata: &ClientMetadata) -> SenderConstraint {
    if metadata.extension.dpop_bound_access_tokens {
        SenderConstraint::Dpop
    } else if metadata.mutual_tls.tls_client_certificate_bound_access_tokens {
        SenderConstraint::Mtls
    } else {
        SenderConstraint::None
    }
}

/// A sound statement that is not accepted, for one reason.
pub(super) fn unapproved(code: ReasonCode, description: impl Into<String>) -> OAuthError {
    OAuthError::new(ErrorCode::UnapprovedSoftwareStatement, description)
        .with_member("reasons", serde_json::json!([Reason::of(code)]))
}

/// REG-T2: two directories, or one that has changed its mind, disagree about whose software it is.
pub(super) fn belongs_to_another() -> OAuthError {
    let description = "the software is known as another organisation's";
    unapproved(ReasonCode::SoftwareProductNotActive, description)
}

/// Refuses what the bank has withdrawn from this very client: an update is no way around a
/// revocation (GOV-RV-7).
pub(super) fn withhold(decision: &mut Decision, withdrawn: &ScopeSet) {
    let finding = Finding { code: ReasonCode::EntitlementNotActive, class: Class::Hard };
    for decided in &mut decision.items {
        if withdrawn.contains(decided.item.scope()) {
            *decided = ItemDecision::denied(decided.item.clone(), [finding]);
        }
    }
}

/// The environment that the statement names. A word that nobody knows counts as the wrong one.
fn environment(proof: &Proof, ours: Environment) -> Option<Environment> {
    let named = proof.facts.environment.as_deref()?.to_ascii_lowercase();
    let known = match named.as_str() {
        "production" | "live" => Some(Environment::Production),
        "sandbox" | "test" => Some(Environment::Sandbox),
        _ => None,
    };
    known.or(Some(match ours {
        Environment::Sandbox => Environment::Production,
        Environment::Production => Environment::Sandbox,
    }))
}
