//! Facts as Cedar reads them, built without JSON (GOV-PO-3).

use std::str::FromStr as _;

use cedar_policy::Context;
use cedar_policy::Entities;
use cedar_policy::Entity;
use cedar_policy::EntityId;
use cedar_policy::EntityTypeName;
use cedar_policy::EntityUid;
use cedar_policy::Request;
use cedar_policy::RestrictedExpression;

use crate::partners::State as _;
use crate::partners::Tier;
use crate::policy::facts::CredentialFacts;
use crate::policy::facts::EntitlementFacts;
use crate::policy::facts::GrantFacts;
use crate::policy::facts::OutOfRange;
use crate::policy::facts::ScopeFacts;
use crate::policy::facts::TokenFacts;
use crate::types::Scope;

/// The action that decides about a registration.
pub(super) const GRANT: &str = "grantEntitlement";
/// The action that decides about a token.
pub(super) const TOKEN: &str = "issueToken";

/// What is put to Cedar.
pub(super) struct Question {
    pub(super) request: Request,
    pub(super) entities: Entities,
}

/// Why facts cannot be put to Cedar.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unaskable {
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    #[error("{0}")]
    Cedar(Box<dyn std::error::Error + Send + Sync>),
}

impl Unaskable {
    fn cedar(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Cedar(Box::new(error))
    }
}

/// The names that every question uses, parsed once.
pub(super) struct Vocabulary {
    software_product: EntityTypeName,
    client: EntityTypeName,
    scope: EntityTypeName,
    tiers: Vec<(Tier, EntityUid)>,
    pub(super) grant: EntityUid,
    pub(super) token: EntityUid,
}

impl Vocabulary {
    /// The names of the schema.
    pub(super) fn new() -> Result<Self, Box<cedar_policy::ParseErrors>> {
        let kind = |name: &str| EntityTypeName::from_str(name).map_err(Box::new);
        let named = |kind: &EntityTypeName, name: &str| {
            EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(name))
        };
        let (action, tier) = (kind("Action")?, kind("Tier")?);
        Ok(Self {
            software_product: kind("SoftwareProduct")?,
            client: kind("Client")?,
            scope: kind("Scope")?,
            tiers: Tier::ALL.iter().map(|known| (*known, named(&tier, known.name()))).collect(),
            grant: named(&action, GRANT),
            token: named(&action, TOKEN),
        })
    }

    /// The question that a registration puts.
    pub(super) fn grant(
        &self,
        facts: &GrantFacts<'_>,
        scope: &Scope,
        offered: ScopeFacts,
    ) -> Result<Question, Unaskable> {
        facts.check()?;
        let software_id = EntityId::new(facts.input().software_id.as_str());
        let principal =
            EntityUid::from_type_name_and_id(self.software_product.clone(), software_id);
        let context = grant_context(facts, offered)?;
        self.question(principal, self.grant.clone(), (scope, offered.offer.tier()), context)
    }

    /// The question that a token puts.
    pub(super) fn token(&self, facts: &TokenFacts<'_>) -> Result<Question, Unaskable> {
        facts.check()?;
        let client_id = EntityId::new(facts.input().record.client.id.as_str());
        let principal = EntityUid::from_type_name_and_id(self.client.clone(), client_id);
        let scope = (facts.input().scope, facts.offer.tier());
        self.question(principal, self.token.clone(), scope, token_context(facts)?)
    }

    fn question(
        &self,
        principal: EntityUid,
        action: EntityUid,
        (scope, tier): (&Scope, Option<Tier>),
        context: Vec<(String, RestrictedExpression)>,
    ) -> Result<Question, Unaskable> {
        let resource =
            EntityUid::from_type_name_and_id(self.scope.clone(), EntityId::new(scope.as_str()));
        let tiers = self.tiers.iter().filter(|(known, _)| Some(*known) == tier);
        let parents = tiers.map(|(_, uid)| uid.clone()).collect();
        let entity = Entity::new_no_attrs(resource.clone(), parents);
        let context = Context::from_pairs(context).map_err(Unaskable::cedar)?;
        Ok(Question {
            request: Request::new(principal, action, resource, context, None)
                .map_err(Unaskable::cedar)?,
            entities: Entities::from_entities([entity], None).map_err(Unaskable::cedar)?,
        })
    }
}

type Fact = (String, RestrictedExpression);

fn grant_context(facts: &GrantFacts<'_>, offered: ScopeFacts) -> Result<Vec<Fact>, Unaskable> {
    let input = facts.input();
    let sanctions_hit = input.organisation.is_some_and(|known| known.sanctions_hit);
    let mut statement = vec![
        bool("verified", input.statement.verified),
        bool("jtiFresh", input.statement.jti_fresh),
        long("ageSecs", facts.statement_age_seconds()),
        long("longestAgeSecs", input.statement.longest_age_seconds),
    ];
    statement.extend(input.statement.environment.map(|named| text("environment", named.name())));
    let mut context = vec![
        text("environment", input.environment.name()),
        record(
            "org",
            [
                text("status", facts.organisation_status()),
                bool("sanctionsHit", sanctions_hit),
                long("riskScore", facts.risk_score()),
                texts("regulatedRoles", facts.regulated_roles()),
            ],
        )?,
        record(
            "scope",
            [
                text("offer", offered.offer.name()),
                text("agreement", offered.agreement.name()),
                bool("allowedByRole", offered.allowed_by_role),
            ],
        )?,
        record("statement", statement)?,
        record("clientAuth", [text("method", input.client_auth_method)])?,
        text("senderConstraint", input.sender_constraint.name()),
        texts("waivers", input.waivers.iter().map(|code| code.as_str())),
        texts("overdueConditions", input.overdue_conditions.iter().map(String::as_str)),
    ];
    if let Some(days) = facts.attestation_age_days() {
        context.push(record("attestation", [long("ageDays", days)])?);
    }
    Ok(context)
}

fn token_context(facts: &TokenFacts<'_>) -> Result<Vec<Fact>, Unaskable> {
    let input = facts.input();
    let known = input.record;
    let mut context = vec![
        text("environment", input.environment.name()),
        record(
            "org",
            [
                text("status", known.organisation.state.name()),
                bool("sanctionsHit", known.organisation.sanctions_hit),
            ],
        )?,
        record("software", [text("status", known.software_product.state.name())])?,
        record("client", [text("status", known.client.state.name())])?,
        record(
            "scope",
            [
                text("offer", facts.offer.name()),
                text("agreement", facts.agreement.name()),
                long("maxTokenTtlSecs", facts.max_token_seconds),
            ],
        )?,
        text("senderConstraint", input.sender_constraint.name()),
        long("requestedTtlSecs", input.requested_ttl_seconds),
        texts("waivers", input.waivers.iter().map(|code| code.as_str())),
        texts("overdueConditions", input.overdue_conditions.iter().map(String::as_str)),
    ];
    if let Some(held) = facts.entitlement {
        context.push(entitlement(held)?);
    }
    if let Some(key) = facts.credential {
        context.push(credential(key)?);
    }
    Ok(context)
}

fn entitlement(held: EntitlementFacts) -> Result<Fact, Unaskable> {
    record(
        "entitlement",
        [
            text("status", held.status),
            long("secsToExpiry", held.seconds_to_expiry),
            long("reviewOverdueSecs", held.review_overdue_seconds),
        ],
    )
}

fn credential(key: CredentialFacts) -> Result<Fact, Unaskable> {
    record("credential", [text("status", key.status), long("secsToExpiry", key.seconds_to_expiry)])
}

fn bool(name: &str, value: bool) -> Fact {
    (name.to_owned(), RestrictedExpression::new_bool(value))
}

fn long(name: &str, value: i64) -> Fact {
    (name.to_owned(), RestrictedExpression::new_long(value))
}

fn text(name: &str, value: &str) -> Fact {
    (name.to_owned(), RestrictedExpression::new_string(value.to_owned()))
}

fn texts<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Fact {
    let values = values.into_iter().map(|value| RestrictedExpression::new_string(value.to_owned()));
    (name.to_owned(), RestrictedExpression::new_set(values))
}

fn record(name: &str, members: impl IntoIterator<Item = Fact>) -> Result<Fact, Unaskable> {
    let record = RestrictedExpression::new_record(members).map_err(Unaskable::cedar)?;
    Ok((name.to_owned(), record))
}

#[cfg(test)]
mod tests {
    use cedar_policy::Schema;

    use super::*;
    use crate::policy::bundle::DEFAULT_SCHEMA;
    use crate::policy::samples::GrantCase;
    use crate::policy::samples::TokenCase;

    fn assert_described(question: &Question) {
        let (schema, _) = Schema::from_cedarschema_str(DEFAULT_SCHEMA).unwrap();
        let asked = &question.request;
        Request::new(
            asked.principal().unwrap().clone(),
            asked.action().unwrap().clone(),
            asked.resource().unwrap().clone(),
            asked.context().unwrap().clone(),
            Some(&schema),
        )
        .unwrap();
        let entities = question.entities.iter().cloned();
        Entities::from_entities(entities, Some(&schema)).unwrap();
    }

    #[test]
    fn the_schema_describes_every_fact_and_no_other() {
        let vocabulary = Vocabulary::new().unwrap();
        let mut poor = GrantCase::base(Tier::T2);
        poor.organisation = None;
        poor.statement.environment = None;
        for case in [GrantCase::base(Tier::T0), poor] {
            let ask = |facts: &GrantFacts<'_>| {
                vocabulary.grant(facts, &case.scope, facts.scope(&case.scope)).unwrap()
            };
            assert_described(&case.ask(ask));
        }
        let mut poor = TokenCase::base(Tier::T4);
        poor.record.entitlements.clear();
        poor.thumbprint = None;
        for case in [TokenCase::base(Tier::T0), poor] {
            assert_described(&case.ask(|facts| vocabulary.token(facts).unwrap()));
        }
    }
}
