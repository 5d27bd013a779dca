//! What was decided, item by item, as a registration answer shows it (GOV §4.2, §8.4).

use serde::Serialize;
use serde::Serializer;

use crate::policy::reason::Class;
use crate::policy::reason::Reason;
use crate::types::ReasonCode;
use crate::types::Scope;
use crate::types::ScopeSet;

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Granted.
    Approved,
    /// Not granted; a hard reason stands against it.
    Refused,
    /// Not granted yet; people decide.
    Referred,
}

/// What was decided about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A scope; written as `scope:NAME`.
    Scope(Scope),
}

impl Item {
    /// The scope.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        match self {
            Self::Scope(scope) => scope,
        }
    }
}

impl std::fmt::Display for Item {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Scope(scope) => write!(formatter, "scope:{scope}"),
        }
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A reason that was found: its true code, and how hard the rule is that found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The true code.
    pub code: ReasonCode,
    /// How hard it is.
    pub class: Class,
}

/// What was decided about one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemDecision {
    /// About what.
    pub item: Item,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, as far as the partner may know; empty if it is approved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// Why, in truth: for the audit log only.
    #[serde(skip)]
    pub codes: Vec<ReasonCode>,
    /// What went wrong with a decision that ends in `policy_error`: for the log only.
    #[serde(skip)]
    pub error: Option<String>,
}

impl ItemDecision {
    /// Granted.
    #[must_use]
    pub const fn approved(item: Item) -> Self {
        Self {
            item,
            outcome: Outcome::Approved,
            reasons: Vec::new(),
            codes: Vec::new(),
            error: None,
        }
    }

    /// Not granted because of `findings`, of which one hard one suffices to refuse. The reasons
    /// stand in the order of the catalogue, each once.
    #[must_use]
    pub fn denied(item: Item, findings: impl IntoIterator<Item = Finding>) -> Self {
        let mut findings: Vec<_> = findings.into_iter().collect();
        findings.sort_unstable_by_key(|found| (found.code, std::cmp::Reverse(found.class)));
        findings.dedup_by_key(|found| found.code);
        let refused = findings.is_empty() || findings.iter().any(|f| f.class == Class::Hard);
        let mut reasons: Vec<_> =
            findings.iter().map(|found| Reason::with_class(found.code, found.class)).collect();
        reasons.sort_unstable_by_key(|reason| (reason.code, std::cmp::Reverse(reason.class)));
        reasons.dedup_by_key(|reason| reason.code);
        Self {
            item,
            outcome: if refused { Outcome::Refused } else { Outcome::Referred },
            reasons,
            codes: findings.into_iter().map(|found| found.code).collect(),
            error: None,
        }
    }

    /// Refused because no decision could be made (GOV-PO-1).
    #[must_use]
    pub fn failed(item: Item, error: impl Into<String>) -> Self {
        let code = ReasonCode::PolicyError;
        let decision = Self::denied(item, [Finding { code, class: Class::Hard }]);
        Self { error: Some(error.into()), ..decision }
    }

    /// Whether it is granted.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.outcome == Outcome::Approved
    }
}

/// What was decided about every item of a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Item by item, sorted.
    #[serde(rename = "decisions")]
    pub items: Vec<ItemDecision>,
    /// The bundle that decided.
    pub policy_digest: String,
    /// The source facts that it decided from (GOV-ON-9): for the audit log and for cases.
    #[serde(skip)]
    pub facts_digest: String,
}

impl Decision {
    /// The scopes that are granted.
    #[must_use]
    pub fn approved(&self) -> ScopeSet {
        self.with(Outcome::Approved)
    }

    /// The scopes that people decide about.
    #[must_use]
    pub fn referred(&self) -> ScopeSet {
        self.with(Outcome::Referred)
    }

    /// The scopes that are refused.
    #[must_use]
    pub fn refused(&self) -> ScopeSet {
        self.with(Outcome::Refused)
    }

    /// Every true reason code of every item, in the order of the catalogue, each once: for the
    /// audit log only.
    #[must_use]
    pub fn codes(&self) -> Vec<ReasonCode> {
        let mut codes: Vec<_> = self.items.iter().flat_map(|item| &item.codes).copied().collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    fn with(&self, outcome: Outcome) -> ScopeSet {
        let chosen = self.items.iter().filter(|decided| decided.outcome == outcome);
        chosen.map(|decided| decided.item.scope().clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        Item::Scope(Scope::parse("accounts:read").unwrap())
    }

    fn finding(code: ReasonCode, class: Class) -> Finding {
        Finding { code, class }
    }

    #[test]
    fn reasons_stand_in_the_order_of_the_catalogue_each_once() {
        let decision = ItemDecision::denied(
            item(),
            [
                finding(ReasonCode::NoCompetentRule, Class::Soft),
                finding(ReasonCode::AgreementLapsed, Class::Soft),
                finding(ReasonCode::AgreementLapsed, Class::Hard),
            ],
        );
        assert_eq!(decision.codes, [ReasonCode::AgreementLapsed, ReasonCode::NoCompetentRule]);
        assert_eq!(decision.outcome, Outcome::Refused);
    }

    #[test]
    fn a_denial_without_a_reason_refuses() {
        assert_eq!(ItemDecision::denied(item(), []).outcome, Outcome::Refused);
    }

    #[test]
    fn the_audit_log_learns_what_the_partner_does_not() {
        let sanctions = finding(ReasonCode::SanctionsMatch, Class::Hard);
        let decision = ItemDecision::denied(item(), [sanctions]);
        assert_eq!(decision.codes, [ReasonCode::SanctionsMatch]);
        let shown = serde_json::to_value(&decision).unwrap();
        assert_eq!(shown["item"], "scope:accounts:read");
        assert_eq!(shown["outcome"], "refused");
        assert_eq!(shown["reasons"][0]["code"], "additional_review_required");
        assert_eq!(shown.as_object().unwrap().len(), 3);
    }

    #[test]
    fn an_approved_item_has_no_reasons() {
        let shown = serde_json::to_value(ItemDecision::approved(item())).unwrap();
        assert_eq!(
            shown,
            serde_json::json!({"item": "scope:accounts:read", "outcome": "approved"})
        );
    }
}
