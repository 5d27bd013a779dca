//! The facts of a token: may this client have a token for this scope now?

use std::collections::BTreeSet;

use super::NO_AGREEMENT;
use super::Offer;
use super::OutOfRange;
use super::PERIOD;
use super::SenderConstraint;
use super::TOKEN_LIFE;
use super::short_set;
use super::within;
use crate::partners::AgreementStatus;
use crate::partners::ApiProduct;
use crate::partners::ClientRecord;
use crate::partners::Entitlement;
use crate::partners::EntitlementState;
use crate::partners::Environment;
use crate::partners::State as _;
use crate::types::ReasonCode;
use crate::types::Scope;
use crate::types::Timestamp;

/// Everything that a token is decided from.
#[derive(Debug, Clone, Copy)]
pub struct TokenInput<'a> {
    /// The client and what its standing depends on.
    pub record: &'a ClientRecord,
    /// What the token is for.
    pub scope: &'a Scope,
    /// The RFC 7638 thumbprint of the key that the client authenticated with, if with a key.
    pub thumbprint: Option<&'a str>,
    /// How the token will be bound.
    pub sender_constraint: SenderConstraint,
    /// How long it will live.
    pub requested_ttl_seconds: i64,
    /// Where this server stands.
    pub environment: Environment,
    /// The reasons that live waivers lift.
    pub waivers: &'a BTreeSet<ReasonCode>,
    /// The conditions of earlier decisions that are overdue.
    pub overdue_conditions: &'a BTreeSet<String>,
}

/// What the rules learn about the entitlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntitlementFacts {
    /// `in_use`, `expired` or `not_in_use`.
    pub status: &'static str,
    /// How long it still holds.
    pub seconds_to_expiry: i64,
    /// How long its review is overdue; negative while it is not.
    pub review_overdue_seconds: i64,
}

/// What the rules learn about the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialFacts {
    /// The name of its state.
    pub status: &'static str,
    /// How long it may still be used.
    pub seconds_to_expiry: i64,
}

/// The facts of one token at one instant.
#[derive(Debug, Clone)]
pub struct TokenFacts<'a> {
    input: TokenInput<'a>,
    pub(in crate::policy) offer: Offer,
    pub(in crate::policy) agreement: AgreementStatus,
    pub(in crate::policy) max_token_seconds: i64,
    pub(in crate::policy) entitlement: Option<EntitlementFacts>,
    pub(in crate::policy) credential: Option<CredentialFacts>,
}

impl<'a> TokenFacts<'a> {
    /// The facts as they are `now`.
    #[must_use]
    pub fn new(input: TokenInput<'a>, now: Timestamp) -> Self {
        let TokenInput { record, scope, thumbprint, environment, .. } = input;
        let product = record.product(scope);
        let offered = product.and_then(|product| Some((product, product.scope(scope)?)));
        let status = |(product, _): (&ApiProduct, _)| {
            AgreementStatus::of(&record.agreements, &product.id, environment, now)
        };
        Self {
            input,
            offer: offered.map_or(Offer::Unknown, |(product, offered)| {
                Offer::new(product.is_live(now), offered.tier)
            }),
            agreement: offered.map_or(NO_AGREEMENT, status),
            // A scope that nobody offers is refused for that alone.
            max_token_seconds: offered
                .map_or(*TOKEN_LIFE.end(), |(_, offered)| offered.max_token_seconds),
            entitlement: record.entitlement(scope).map(|held| entitlement(held, now)),
            credential: thumbprint.and_then(|thumbprint| record.credential(thumbprint)).map(
                |key| CredentialFacts {
                    status: key.state.name(),
                    seconds_to_expiry: key.not_after.since(now),
                },
            ),
        }
    }

    /// What they were made from.
    #[must_use]
    pub const fn input(&self) -> &TokenInput<'a> {
        &self.input
    }

    /// Whether every fact lies in the range that rules are written for.
    ///
    /// # Errors
    ///
    /// The first fact that does not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        within("requestedTtlSecs", self.input.requested_ttl_seconds, &TOKEN_LIFE)?;
        within("scope.maxTokenTtlSecs", self.max_token_seconds, &TOKEN_LIFE)?;
        if let Some(held) = self.entitlement {
            within("entitlement.secsToExpiry", held.seconds_to_expiry, &PERIOD)?;
            within("entitlement.reviewOverdueSecs", held.review_overdue_seconds, &PERIOD)?;
        }
        if let Some(key) = self.credential {
            within("credential.secsToExpiry", key.seconds_to_expiry, &PERIOD)?;
        }
        short_set("overdueConditions", self.input.overdue_conditions.iter().map(String::as_str))
    }
}

fn entitlement(held: &Entitlement, now: Timestamp) -> EntitlementFacts {
    let status = match held.state {
        EntitlementState::Active | EntitlementState::Due | EntitlementState::Renewed => "in_use",
        EntitlementState::Expired => "expired",
        EntitlementState::Requested | EntitlementState::Reduced | EntitlementState::Revoked => {
            "not_in_use"
        }
    };
    EntitlementFacts {
        status,
        seconds_to_expiry: held.expires_at.since(now),
        review_overdue_seconds: now.since(held.review_due),
    }
}
