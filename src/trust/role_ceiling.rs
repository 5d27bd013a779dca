//! What the roles of a statement allow at most (REG-S14).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::protocol::problem::pointer;
use crate::protocol::problem::shown;
use crate::trust::claim_map::Merge;
use crate::trust::claim_map::Replaced;
use crate::trust::facts::StatementFacts;
use crate::trust::framework::Ceiling;
use crate::trust::framework::Framework;
use crate::types::ScopeSet;

impl Merge<'_> {
    /// S14: the roles in effect bound scope and grants.
    pub(super) fn ceilings(&mut self, framework: &Framework, facts: &StatementFacts) {
        if framework.ceilings.is_empty() {
            return;
        }
        let held = framework.ceilings.iter().filter(|(role, _)| facts.roles.contains(*role));
        let held: Vec<_> = held.map(|(_, ceiling)| ceiling).collect();
        let most: ScopeSet = held.iter().flat_map(|ceiling| &ceiling.scope).cloned().collect();
        self.scope_ceiling(framework, &most);
        if held.iter().all(|ceiling| ceiling.grant_types.is_some()) {
            let grants: BTreeSet<&String> =
                held.iter().filter_map(|ceiling| ceiling.grant_types.as_ref()).flatten().collect();
            self.grant_ceiling(framework, &grants);
        }
        self.detail_ceiling(framework, &held);
    }

    /// Where the table of roles speaks of authorization details at all, a role that names none has
    /// none.
    fn detail_ceiling(&mut self, framework: &Framework, held: &[&Ceiling]) {
        const MEMBER: &str = "authorization_details_types";
        if framework.ceilings.values().all(|one| one.authorization_details_types.is_none()) {
            return;
        }
        let most: BTreeSet<&String> = held
            .iter()
            .filter_map(|ceiling| ceiling.authorization_details_types.as_ref())
            .flatten()
            .collect();
        let asked = self.merged.members.get(MEMBER).and_then(Value::as_array);
        let asked: Vec<String> = asked
            .map(|listed| listed.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default();
        for (index, kind) in asked.iter().enumerate().filter(|(_, kind)| !most.contains(kind)) {
            let message = format!("the software's roles do not allow `{}`", shown(kind));
            self.refuse(MEMBER, format!("{}/{index}", pointer(MEMBER)), message);
        }
    }

    fn scope_ceiling(&mut self, framework: &Framework, most: &ScopeSet) {
        let asked = self.merged.members.get("scope").and_then(Value::as_str);
        let asked = asked.filter(|text| !text.is_empty()).map(str::to_owned);
        let kept = match asked.as_deref().map(ScopeSet::parse) {
            Some(Ok(asked)) => asked.intersection(most),
            None if framework.absent_scope_is_all_of_role => most.clone(),
            // Where it is malformed, the metadata says so.
            Some(Err(_)) | None => return,
        };
        if kept.is_empty() {
            let message = "the software's roles allow none of the scopes asked for".to_owned();
            self.refuse("scope", pointer("scope"), message);
        }
        let before = asked.as_deref().and_then(|text| ScopeSet::parse(text).ok());
        if let Some(asked) = asked.filter(|_| before.as_ref() != Some(&kept)) {
            self.merged.replaced.push(Replaced {
                member: "scope".to_owned(),
                requested: asked.into(),
                registered: Some(kept.to_string().into()),
                rule: "role",
            });
        }
        self.merged.members.insert("scope".to_owned(), kept.to_string().into());
    }

    fn grant_ceiling(&mut self, framework: &Framework, grants: &BTreeSet<&String>) {
        const MEMBER: &str = "grant_types";
        let asked = self.merged.members.get(MEMBER).or_else(|| framework.defaults.get(MEMBER));
        let asked: Vec<String> = asked
            .and_then(Value::as_array)
            .map(|listed| listed.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default();
        for (index, grant) in asked.iter().enumerate().filter(|(_, grant)| !grants.contains(grant))
        {
            let message = format!("the software's roles do not allow `{}`", shown(grant));
            self.refuse(MEMBER, format!("{}/{index}", pointer(MEMBER)), message);
        }
    }
}
