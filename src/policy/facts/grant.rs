//! The facts of a registration: may this software product hold these scopes?

use std::collections::BTreeSet;

use serde_json::json;

use super::DAY;
use super::NO_AGREEMENT;
use super::Offer;
use super::OutOfRange;
use super::PERIOD;
use super::SenderConstraint;
use super::canonical_digest;
use super::short;
use super::short_set;
use super::within;
use crate::partners::Agreement;
use crate::partners::AgreementStatus;
use crate::partners::ApiProduct;
use crate::partners::ApiProductState;
use crate::partners::Environment;
use crate::partners::Organisation;
use crate::partners::State as _;
use crate::types::ReasonCode;
use crate::types::Scope;
use crate::types::ScopeSet;
use crate::types::SoftwareId;
use crate::types::Timestamp;

/// What is known of the software statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementFacts {
    /// Its signature, issuer and claims are as they should be.
    pub verified: bool,
    /// It has not been used before.
    pub jti_fresh: bool,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// How old the trust framework lets it be.
    pub longest_age_seconds: i64,
    /// How far the trust framework lets its clock run ahead of ours (GOV §6.2).
    pub skew_seconds: i64,
    /// The environment that it names, if it names one.
    pub environment: Option<Environment>,
}

/// Everything that a registration is decided from.
#[derive(Debug, Clone, Copy)]
pub struct GrantInput<'a> {
    /// What the directory calls the software.
    pub software_id: &'a SoftwareId,
    /// Whose it is; none if the bank does not know the organisation.
    pub organisation: Option<&'a Organisation>,
    /// The organisation's agreements, ended ones too.
    pub agreements: &'a [Agreement],
    /// The products that offer the scopes asked for.
    pub products: &'a [ApiProduct],
    /// The software statement.
    pub statement: StatementFacts,
    /// What the statement's roles allow; none if the framework does not map roles to scopes.
    pub role_scopes: Option<&'a ScopeSet>,
    /// How the client will authenticate (`token_endpoint_auth_method`).
    pub client_auth_method: &'a str,
    /// How its tokens will be bound.
    pub sender_constraint: SenderConstraint,
    /// Where this server stands.
    pub environment: Environment,
    /// The reasons that live waivers lift.
    pub waivers: &'a BTreeSet<ReasonCode>,
    /// The conditions of earlier decisions that are overdue.
    pub overdue_conditions: &'a BTreeSet<String>,
}

/// What the rules learn about one scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeFacts {
    /// Whether it is offered, and how risky it is.
    pub offer: Offer,
    /// How the agreements stand towards its product.
    pub agreement: AgreementStatus,
    /// Whether the statement's roles allow it.
    pub allowed_by_role: bool,
}

/// The facts of one registration at one instant.
#[derive(Debug, Clone)]
pub struct GrantFacts<'a> {
    input: GrantInput<'a>,
    now: Timestamp,
}

impl<'a> GrantFacts<'a> {
    /// The facts as they are `now`.
    #[must_use]
    pub const fn new(input: GrantInput<'a>, now: Timestamp) -> Self {
        Self { input, now }
    }

    /// What they were made from.
    #[must_use]
    pub const fn input(&self) -> &GrantInput<'a> {
        &self.input
    }

    /// The organisation's state, or `unknown`.
    #[must_use]
    pub fn organisation_status(&self) -> &'static str {
        self.input.organisation.map_or("unknown", |organisation| organisation.state.name())
    }

    /// The organisation's risk score. One that the bank does not know has the worst.
    #[must_use]
    pub fn risk_score(&self) -> i64 {
        self.input.organisation.map_or(100, |organisation| organisation.risk_score)
    }

    /// The roles that a regulator granted.
    pub fn regulated_roles(&self) -> impl Iterator<Item = &'a str> {
        let organisation = self.input.organisation.into_iter();
        organisation.flat_map(|organisation| &organisation.regulatory_roles).map(String::as_str)
    }

    /// The statement's age in seconds. One dated in the future by no more than a clock may err is
    /// brand-new; beyond that its age is negative.
    #[must_use]
    pub fn statement_age_seconds(&self) -> i64 {
        let age = self.now.since(self.input.statement.issued_at);
        let ahead = self.input.statement.skew_seconds.saturating_neg();
        if (ahead..0).contains(&age) { 0 } else { age }
    }

    /// The age of the organisation's attestation in whole days, rounded down: negative if it is
    /// dated in the future.
    #[must_use]
    pub fn attestation_age_days(&self) -> Option<i64> {
        let attestation = self.input.organisation?.attestation.as_ref()?;
        Some(self.now.since(attestation.issued_at).div_euclid(DAY))
    }

    /// What the rules learn about `scope`. A product that was never published does not count.
    #[must_use]
    pub fn scope(&self, scope: &Scope) -> ScopeFacts {
        let offers = self.input.products.iter().filter_map(|product| {
            let offered = product.scope(scope)?;
            let published = product.state != ApiProductState::Draft;
            published.then(|| (Offer::new(product.is_live(self.now), offered.tier), product))
        });
        let best = offers.max_by_key(|(offer, _)| *offer);
        ScopeFacts {
            offer: best.map_or(Offer::Unknown, |(offer, _)| offer),
            agreement: best.map_or(NO_AGREEMENT, |(_, product)| self.agreement(product)),
            allowed_by_role: self.input.role_scopes.is_none_or(|allowed| allowed.contains(scope)),
        }
    }

    fn agreement(&self, product: &ApiProduct) -> AgreementStatus {
        let GrantInput { agreements, environment, .. } = self.input;
        AgreementStatus::of(agreements, &product.id, environment, self.now)
    }

    /// Whether every fact lies in the range that rules are written for.
    ///
    /// # Errors
    ///
    /// The first fact that does not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        within("org.riskScore", self.risk_score(), &(0..=100))?;
        within("statement.ageSecs", self.statement_age_seconds(), &PERIOD)?;
        let longest = self.input.statement.longest_age_seconds;
        within("statement.longestAgeSecs", longest, &(0..=*PERIOD.end()))?;
        if let Some(days) = self.attestation_age_days() {
            within("attestation.ageDays", days, &PERIOD)?;
        }
        short("clientAuth.method", self.input.client_auth_method)?;
        short_set("org.regulatedRoles", self.regulated_roles())?;
        short_set("overdueConditions", self.input.overdue_conditions.iter().map(String::as_str))
    }

    /// The digest of the source facts and of `scopes` (GOV-ON-9): statuses and dates, nothing that
    /// follows from the time of day, so that it holds until a fact changes.
    #[must_use]
    pub fn digest(&self, scopes: &ScopeSet) -> String {
        let input = &self.input;
        let mut agreements: Vec<_> = input.agreements.iter().collect();
        agreements.sort_by(|one, other| one.id.cmp(&other.id));
        let mut products: Vec<_> = input.products.iter().collect();
        products.sort_by(|one, other| one.id.cmp(&other.id));
        canonical_digest(&json!({
            "agreements": agreements,
            "client_auth_method": input.client_auth_method,
            "environment": input.environment,
            "organisation": input.organisation,
            "overdue_conditions": input.overdue_conditions,
            "products": products,
            "role_scopes": input.role_scopes,
            "scope": scopes,
            "sender_constraint": input.sender_constraint,
            "software_id": input.software_id,
            "statement": {
                "verified": input.statement.verified,
                "jti_fresh": input.statement.jti_fresh,
                "issued_at": input.statement.issued_at,
                "longest_age_seconds": input.statement.longest_age_seconds,
                "skew_seconds": input.statement.skew_seconds,
                "environment": input.statement.environment,
            },
            "waivers": input.waivers,
        }))
    }
}
