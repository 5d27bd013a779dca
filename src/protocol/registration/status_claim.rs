//! Status claims: what a statement says about the standing of those it speaks of (REG-S9).

use serde_json::{Map, Value};

use crate::protocol::problem::shown;
use crate::protocol::registration::claim_path::ClaimPath;
use crate::protocol::registration::statement_problem::StatementProblem;

/// Which values of a status claim a framework accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRule {
    /// Where the status stands. Where the path leads to several, one accepted value suffices.
    pub claim: ClaimPath,
    /// The accepted values, in any case of letters.
    pub accepted: Vec<String>,
    /// Whether a statement without it is refused.
    pub required: bool,
}

impl StatusRule {
    /// What is wrong with the status, if anything.
    #[must_use]
    pub fn check(&self, claims: &Map<String, Value>) -> Option<StatementProblem> {
        let claim = self.claim.as_str().to_owned();
        let values = self.claim.values(claims);
        if values.is_empty() {
            return self.required.then_some(StatementProblem::StatusMissing { claim });
        }
        if values.iter().any(|value| self.accepts(value)) {
            return None;
        }
        let status =
            values.first().and_then(|value| value.as_str()).map_or_else(String::new, shown);
        Some(StatementProblem::Status { claim, status })
    }

    /// Whether one value is accepted.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        value.as_str().is_some_and(|status| {
            self.accepted.iter().any(|accepted| accepted.eq_ignore_ascii_case(status))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(rule: &StatusRule, claims: &Value) -> bool {
        rule.check(claims.as_object().unwrap()).is_some()
    }

    #[test]
    fn a_status_is_compared_without_regard_to_case_reg_s9() {
        let rule = StatusRule {
            claim: ClaimPath::parse("org_status").unwrap(),
            accepted: vec!["Active".to_owned()],
            required: true,
        };
        for good in ["Active", "active", "ACTIVE"] {
            assert!(!fault(&rule, &json!({ "org_status": good })));
        }
        for bad in
            [json!("Revoked"), json!("activ"), json!(""), json!(null), json!(1), json!(["Active"])]
        {
            assert!(fault(&rule, &json!({ "org_status": bad })), "{bad}");
        }
        assert!(fault(&rule, &json!({})));
        assert!(!fault(&StatusRule { required: false, ..rule }, &json!({})));
    }

    #[test]
    fn of_several_statuses_one_must_be_good_reg_s9() {
        let rule = StatusRule {
            claim: ClaimPath::parse("roles[].status").unwrap(),
            accepted: vec!["Active".to_owned()],
            required: true,
        };
        assert!(!fault(&rule, &json!({ "roles": [{"status": "Revoked"}, {"status": "active"}] })));
        assert!(fault(&rule, &json!({ "roles": [{"status": "Revoked"}] })));
        assert!(fault(&rule, &json!({ "roles": [] })));
    }
}
