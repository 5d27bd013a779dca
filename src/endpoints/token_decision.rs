//! May this client have a token for these scopes now? Standing and policy must both agree
//! (GOV §2.1).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::app::App;
use crate::app::KnownClient;
use crate::partners::standing;
use crate::policy::ItemDecision;
use crate::policy::decision::Finding;
use crate::policy::facts::{SenderConstraint, TokenFacts, TokenInput};
use crate::policy::reason::{Class, explain};
use crate::protocol::token::Confirmation;
use crate::types::{ReasonCode, Scope, ScopeSet, Timestamp};

/// Nothing grants waivers or conditions yet, so no reason is lifted and none is added.
static NO_WAIVERS: BTreeSet<ReasonCode> = BTreeSet::new();
static NO_CONDITIONS: BTreeSet<String> = BTreeSet::new();

/// Decides about each scope. `thumbprint` names the credential that the client authenticated with,
/// just now or when it obtained the token, if with one; `bound` is what the token is bound to, whatever the client registered.
pub(super) fn decide(
    app: &App,
    known: &KnownClient,
    scope: &ScopeSet,
    thumbprint: Option<&str>,
    bound: Option<&Confirmation>,
    now: Timestamp,
) -> Arc<[ItemDecision]> {
    let asked = Asked { thumbprint, constraint: constraint(bound) };
    known.decision(scope, thumbprint, asked.constraint, now, || {
        scope.iter().map(|scope| decide_one(app, known, scope, asked, now)).collect()
    })
}

/// What a decision about one scope depends on besides the client.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    thumbprint: Option<&'a str>,
    constraint: SenderConstraint,
}

const fn constraint(bound: Option<&Confirmation>) -> SenderConstraint {
    match bound {
        Some(Confirmation::Certificate(_)) => SenderConstraint::Mtls,
        Some(Confirmation::DpopKey(_)) => SenderConstraint::Dpop,
        None => SenderConstraint::None,
    }
}

/// The scopes that were approved.
pub(super) fn approved(items: &[ItemDecision]) -> ScopeSet {
    let approved = items.iter().filter(|decided| decided.is_approved());
    approved.map(|decided| decided.item.scope().clone()).collect()
}

fn decide_one(
    app: &App,
    known: &KnownClient,
    scope: &Scope,
    asked: Asked<'_>,
    now: Timestamp,
) -> ItemDecision {
    let record = known.record();
    let environment = app.settings.server.environment;
    let mut lapses = standing::lapses(record, scope, environment, now);
    if let Some(thumbprint) = asked.thumbprint {
        lapses.extend(standing::credential_lapses(record, thumbprint, now));
    }
    let offered = record.product(scope).and_then(|product| product.scope(scope));
    let cap = app.longest_token_seconds();
    let facts = TokenFacts::new(
        TokenInput {
            record,
            scope,
            thumbprint: asked.thumbprint,
            sender_constraint: asked.constraint,
            requested_ttl_seconds: offered.map_or(cap, |scope| scope.max_token_seconds.min(cap)),
            environment,
            waivers: &NO_WAIVERS,
            overdue_conditions: &NO_CONDITIONS,
        },
        now,
    );
    both(app.policy.decide_token(&facts), &lapses)
}

/// What policy decided, and every lapse of standing that it did not name. A lapse refuses.
fn both(decided: ItemDecision, lapses: &[ReasonCode]) -> ItemDecision {
    if lapses.is_empty() {
        return decided;
    }
    let by_policy = decided.codes.iter().map(|code| (*code, explain(*code).class));
    let by_standing = lapses.iter().map(|code| (*code, Class::Hard));
    let findings = by_policy.chain(by_standing).map(|(code, class)| Finding { code, class });
    let denied = ItemDecision::denied(decided.item.clone(), findings);
    ItemDecision { error: decided.error, ..denied }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Item, Outcome};

    fn item() -> Item {
        Item::Scope(Scope::parse("accounts").unwrap())
    }

    #[test]
    fn policy_alone_does_not_suffice() {
        let lapses = [ReasonCode::AgreementLapsed];
        let decided = both(ItemDecision::approved(item()), &lapses);
        assert_eq!(decided.outcome, Outcome::Refused);
        assert_eq!(decided.codes, lapses);
    }

    #[test]
    fn standing_alone_does_not_suffice() {
        let code = ReasonCode::NoCompetentRule;
        let denied = ItemDecision::denied(item(), [Finding { code, class: Class::Hard }]);
        assert!(!both(denied, &[]).is_approved());
    }

    #[test]
    fn reasons_of_both_stand_side_by_side_each_once() {
        let lapsed = ReasonCode::AgreementLapsed;
        let denied = ItemDecision::denied(item(), [Finding { code: lapsed, class: Class::Hard }]);
        let decided = both(denied, &[lapsed, ReasonCode::OrganisationNotActive]);
        assert_eq!(decided.codes, [ReasonCode::OrganisationNotActive, lapsed]);
    }
}
