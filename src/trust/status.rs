//! The roles that a statement gives its software, of those whose status is good (REG-S9, S14).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::protocol::registration::ClaimPath;

/// Where roles stand: a list of names, one name, or a list of objects that hold a name and a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RoleClaims {
    pub(super) list: ClaimPath,
    pub(super) role_member: Option<String>,
    pub(super) status_member: Option<String>,
    pub(super) accepted: Vec<String>,
}

impl RoleClaims {
    /// The roles in effect. One without a good status is not (BR6).
    pub(super) fn active(&self, claims: &Map<String, Value>) -> BTreeSet<String> {
        let mut roles = BTreeSet::new();
        for value in self.list.values(claims) {
            match value.as_array() {
                Some(elements) => roles.extend(elements.iter().filter_map(|one| self.role(one))),
                None => roles.extend(self.role(value)),
            }
        }
        roles
    }

    fn role(&self, value: &Value) -> Option<String> {
        let Some(role_member) = &self.role_member else {
            return value.as_str().map(str::to_owned);
        };
        if let Some(status_member) = &self.status_member {
            let status = value.get(status_member)?.as_str()?;
            if !self.accepted.iter().any(|accepted| accepted.eq_ignore_ascii_case(status)) {
                return None;
            }
        }
        value.get(role_member)?.as_str().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_role_of_good_status_is_in_effect_reg_s9_reg_br6() {
        let roles = RoleClaims {
            list: ClaimPath::parse("software_statement_roles").unwrap(),
            role_member: Some("role".to_owned()),
            status_member: Some("status".to_owned()),
            accepted: vec!["Active".to_owned()],
        };
        let claims = json!({ "software_statement_roles": [
            { "role": "DADOS", "status": "ACTIVE" }, { "role": "PAGTO", "status": "Inactive" },
            { "role": "CONTA" }, "CCORR", { "status": "Active" },
        ] });
        let active = roles.active(claims.as_object().unwrap());
        assert_eq!(active.into_iter().collect::<Vec<_>>(), ["DADOS"]);
    }

    #[test]
    fn roles_are_a_list_of_names_or_one_name_reg_m54() {
        let roles = RoleClaims {
            list: ClaimPath::parse("software_roles").unwrap(),
            role_member: None,
            status_member: None,
            accepted: Vec::new(),
        };
        for (value, count) in [
            (json!(["AISP", "PISP", 3]), 2),
            (json!("data-recipient"), 1),
            (json!(null), 0),
            (json!({}), 0),
        ] {
            let claims = json!({ "software_roles": value });
            assert_eq!(roles.active(claims.as_object().unwrap()).len(), count);
        }
    }
}
