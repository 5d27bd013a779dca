//! Fact sets for tests: the base of GOV §4.7, what is changed in it, and what must come of it.

use std::collections::BTreeSet;

use crate::partners::Agreement;
use crate::partners::ApiProduct;
use crate::partners::ClientRecord;
use crate::partners::Environment;
use crate::partners::Organisation;
use crate::partners::Tier;
use crate::partners::samples;
use crate::policy::Decision;
use crate::policy::GrantFacts;
use crate::policy::GrantInput;
use crate::policy::ItemDecision;
use crate::policy::PolicyEngine;
use crate::policy::SenderConstraint;
use crate::policy::StatementFacts;
use crate::policy::TokenFacts;
use crate::policy::TokenInput;
use crate::types::ReasonCode;
use crate::types::Scope;
use crate::types::ScopeSet;
use crate::types::SoftwareId;
use crate::types::Timestamp;

/// A registration.
#[derive(Debug, Clone)]
pub(crate) struct GrantCase {
    pub(crate) organisation: Option<Organisation>,
    pub(crate) agreements: Vec<Agreement>,
    pub(crate) products: Vec<ApiProduct>,
    pub(crate) statement: StatementFacts,
    pub(crate) role_scopes: Option<ScopeSet>,
    pub(crate) method: String,
    pub(crate) constraint: SenderConstraint,
    pub(crate) environment: Environment,
    pub(crate) waivers: BTreeSet<ReasonCode>,
    pub(crate) conditions: BTreeSet<String>,
    pub(crate) scope: Scope,
    pub(crate) now: Timestamp,
}

impl GrantCase {
    /// Active organisation, roles AISP and PISP, risk 20, current agreement for the product,
    /// statement 12 s old, `private_key_jwt`, mTLS, attestation 90 d, production.
    pub(crate) fn base(tier: Tier) -> Self {
        Self {
            organisation: Some(samples::organisation()),
            agreements: vec![samples::agreement()],
            products: Tier::ALL.map(samples::product).into(),
            statement: StatementFacts {
                verified: true,
                jti_fresh: true,
                issued_at: samples::now().plus(-12),
                longest_age_seconds: 300,
                skew_seconds: 30,
                environment: Some(Environment::Production),
            },
            role_scopes: Some(Tier::ALL.map(samples::scope).into_iter().collect()),
            method: "private_key_jwt".to_owned(),
            constraint: SenderConstraint::Mtls,
            environment: Environment::Production,
            waivers: BTreeSet::new(),
            conditions: BTreeSet::new(),
            scope: samples::scope(tier),
            now: samples::now(),
        }
    }

    /// The same in the sandbox.
    pub(crate) fn sandbox(&mut self) {
        self.environment = Environment::Sandbox;
        self.statement.environment = Some(Environment::Sandbox);
    }

    pub(crate) fn organisation(&mut self) -> &mut Organisation {
        self.organisation.as_mut().unwrap()
    }

    pub(crate) fn agreement(&mut self) -> &mut Agreement {
        &mut self.agreements[0]
    }

    pub(crate) fn ask<T>(&self, answer: impl FnOnce(&GrantFacts<'_>) -> T) -> T {
        let software_id = SoftwareId::parse("software-1").unwrap();
        let input = GrantInput {
            software_id: &software_id,
            organisation: self.organisation.as_ref(),
            agreements: &self.agreements,
            products: &self.products,
            statement: self.statement,
            role_scopes: self.role_scopes.as_ref(),
            client_auth_method: &self.method,
            sender_constraint: self.constraint,
            environment: self.environment,
            waivers: &self.waivers,
            overdue_conditions: &self.conditions,
        };
        answer(&GrantFacts::new(input, self.now))
    }

    pub(crate) fn decide(&self, engine: &PolicyEngine) -> ItemDecision {
        self.ask(|facts| engine.decide_grant(facts, &self.scope))
    }

    pub(crate) fn decide_all(&self, engine: &PolicyEngine, scopes: &ScopeSet) -> Decision {
        self.ask(|facts| engine.decide_grants(facts, scopes))
    }
}

/// A token.
#[derive(Debug, Clone)]
pub(crate) struct TokenCase {
    pub(crate) record: ClientRecord,
    pub(crate) scope: Scope,
    pub(crate) thumbprint: Option<&'static str>,
    pub(crate) constraint: SenderConstraint,
    pub(crate) ttl: i64,
    pub(crate) environment: Environment,
    pub(crate) waivers: BTreeSet<ReasonCode>,
    pub(crate) conditions: BTreeSet<String>,
    pub(crate) now: Timestamp,
}

impl TokenCase {
    /// A client in good standing that asks for the longest token it may have.
    pub(crate) fn base(tier: Tier) -> Self {
        Self {
            record: samples::record(),
            scope: samples::scope(tier),
            thumbprint: Some(samples::THUMBPRINT),
            constraint: SenderConstraint::Dpop,
            ttl: tier.longest_token_seconds(),
            environment: Environment::Production,
            waivers: BTreeSet::new(),
            conditions: BTreeSet::new(),
            now: samples::now(),
        }
    }

    pub(crate) fn decide(&self, engine: &PolicyEngine) -> ItemDecision {
        self.ask(|facts| engine.decide_token(facts))
    }

    pub(crate) fn ask<T>(&self, answer: impl FnOnce(&TokenFacts<'_>) -> T) -> T {
        let input = TokenInput {
            record: &self.record,
            scope: &self.scope,
            thumbprint: self.thumbprint,
            sender_constraint: self.constraint,
            requested_ttl_seconds: self.ttl,
            environment: self.environment,
            waivers: &self.waivers,
            overdue_conditions: &self.conditions,
        };
        answer(&TokenFacts::new(input, self.now))
    }
}

/// One row of a table: what is changed in the base, for which tier, and the true codes that must
/// come of it.
pub(crate) struct Row<C> {
    pub(crate) name: &'static str,
    pub(crate) tier: Tier,
    pub(crate) change: fn(&mut C),
    pub(crate) outcome: crate::policy::Outcome,
    pub(crate) codes: &'static [ReasonCode],
}
