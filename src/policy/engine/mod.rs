//! The only door to Cedar: a bundle is loaded and checked once, and answers from facts
//! (GOV §4.1, §4.2).

#[cfg(test)]
mod bundle_tests;
mod lint;
mod load;
mod question;

use std::collections::BTreeMap;

use cedar_policy::Authorizer;
use cedar_policy::Decision as Verdict;
use cedar_policy::PolicyId;
use cedar_policy::PolicySet;

use crate::partners::Tier;
use crate::policy::bundle;
use crate::policy::bundle::InvalidBundle;
use crate::policy::decision::Decision;
use crate::policy::decision::Finding;
use crate::policy::decision::Item;
use crate::policy::decision::ItemDecision;
use crate::policy::decision::Outcome;
use crate::policy::facts::GrantFacts;
use crate::policy::facts::TokenFacts;
use crate::policy::reason::Class;
use crate::types::ReasonCode;
use crate::types::Scope;
use crate::types::ScopeSet;
use question::Question;
use question::Vocabulary;

/// A bundle that has been checked, ready to decide.
pub struct PolicyEngine {
    digest: String,
    authorizer: Authorizer,
    vocabulary: Vocabulary,
    grant: Rules,
    token: Rules,
}

/// The rules of one action.
struct Rules {
    all: PolicySet,
    permits: PolicySet,
    requirements: BTreeMap<PolicyId, Finding>,
}

impl std::fmt::Debug for PolicyEngine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PolicyEngine").field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl PolicyEngine {
    /// Loads a bundle: parses it, validates it strictly against its schema, checks that the schema
    /// describes the facts that this server has, and lints it (GOV-PO-8, gates 1 and 2).
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, with rule and line.
    pub fn load(schema: &str, policies: &str) -> Result<Self, InvalidBundle> {
        load::load(schema, policies)
    }

    /// The bundle that ships with the server.
    ///
    /// # Errors
    ///
    /// None, as a test shows; a server that cannot load its own rules must say so and stop.
    pub fn default_bundle() -> Result<Self, InvalidBundle> {
        Self::load(bundle::DEFAULT_SCHEMA, bundle::DEFAULT_RULES)
    }

    /// `sha256:…` over schema and rules; recorded with every decision.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Decides about one scope of a registration.
    #[must_use]
    pub fn decide_grant(&self, facts: &GrantFacts<'_>, scope: &Scope) -> ItemDecision {
        let item = Item::Scope(scope.clone());
        let offered = facts.scope(scope);
        let tier = offered.offer.tier();
        let question = match self.vocabulary.grant(facts, scope, offered) {
            Ok(question) => question,
            Err(error) => return ItemDecision::failed(item, error.to_string()),
        };
        let decision = self.decide(&self.grant, &question, item, tier);
        let settled = decision.outcome == Outcome::Refused;
        let by_people = decision.codes.contains(&ReasonCode::TierRequiresTwoPerson);
        // GOV-PO-4: whatever the bundle says, no rule grants T4; its own rule has to refer it.
        if tier == Some(Tier::T4) && !settled && !by_people {
            return ItemDecision::failed(decision.item, "no rule refers T4 to people");
        }
        decision
    }

    /// Decides about every scope of a registration.
    #[must_use]
    pub fn decide_grants(&self, facts: &GrantFacts<'_>, scopes: &ScopeSet) -> Decision {
        Decision {
            items: scopes.iter().map(|scope| self.decide_grant(facts, scope)).collect(),
            policy_digest: self.digest.clone(),
            facts_digest: facts.digest(scopes),
        }
    }

    /// Decides about a token for one scope. Only an approval lets it be issued.
    #[must_use]
    pub fn decide_token(&self, facts: &TokenFacts<'_>) -> ItemDecision {
        let item = Item::Scope(facts.input().scope.clone());
        match self.vocabulary.token(facts) {
            Ok(question) => self.decide(&self.token, &question, item, facts.offer.tier()),
            Err(error) => ItemDecision::failed(item, error.to_string()),
        }
    }

    /// Forms the decision from Cedar's answer (GOV §4.2).
    fn decide(
        &self,
        rules: &Rules,
        question: &Question,
        item: Item,
        tier: Option<Tier>,
    ) -> ItemDecision {
        match self.findings(rules, question, tier) {
            Ok(None) => ItemDecision::approved(item),
            Ok(Some(findings)) if findings.is_empty() => {
                ItemDecision::failed(item, "denied without a reason")
            }
            Ok(Some(findings)) => ItemDecision::denied(item, findings),
            Err(error) => ItemDecision::failed(item, error),
        }
    }

    /// What stands against it; none at all if Cedar allows.
    fn findings(
        &self,
        rules: &Rules,
        question: &Question,
        tier: Option<Tier>,
    ) -> Result<Option<Vec<Finding>>, String> {
        let (verdict, reasons) = self.ask(&rules.all, question)?;
        if verdict == Verdict::Allow {
            return Ok(None);
        }
        let found = |id: &PolicyId| {
            rules.requirements.get(id).copied().ok_or_else(|| format!("`{id}` is no requirement"))
        };
        let mut findings: Vec<_> = reasons.iter().map(found).collect::<Result<_, _>>()?;
        // Cedar names forbids only; without this a missing permit would surface after the last
        // waiver (GOV-PO-4). T4 is never permitted, and an unknown scope has no tier to permit.
        if tier.is_some_and(|tier| tier != Tier::T4)
            && self.ask(&rules.permits, question)?.0 == Verdict::Deny
        {
            findings.push(Finding { code: ReasonCode::NoCompetentRule, class: Class::Soft });
        }
        Ok(Some(findings))
    }

    /// Cedar skips a forbid that cannot be evaluated, so that any error at all voids the answer
    /// (GOV-PO-1).
    fn ask(
        &self,
        rules: &PolicySet,
        question: &Question,
    ) -> Result<(Verdict, Vec<PolicyId>), String> {
        let answer = self.authorizer.is_authorized(&question.request, rules, &question.entities);
        let diagnostics = answer.diagnostics();
        if let Some(error) = diagnostics.errors().next() {
            return Err(error.to_string());
        }
        Ok((answer.decision(), diagnostics.reason().cloned().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_bundle_loads() {
        assert!(PolicyEngine::default_bundle().unwrap().digest().starts_with("sha256:"));
    }
}
