//! The lint gate of GOV-PO-8: what every rule must say, and must not say.

use std::collections::BTreeSet;

use cedar_policy::Effect;
use cedar_policy::Policy;
use serde_json::Value;
use serde_json::json;

use crate::policy::decision::Finding;
use crate::policy::reason::Class;
use crate::policy::reason::Disclosure;
use crate::policy::reason::explain;
use crate::types::ReasonCode;

/// The only kinds of entity that a rule may name: everything else would be a partner.
const NAMEABLE: [&str; 2] = ["Action", "Tier"];

/// A rule with where it stands.
pub(super) struct Rule {
    pub(super) policy: Policy,
    /// Its `@id`, or its number if it has none.
    pub(super) id: String,
    pub(super) line: Option<usize>,
    /// The rule as JSON, for looking into it.
    pub(super) tree: Value,
}

impl Rule {
    fn annotation(&self, name: &str) -> &str {
        self.policy.annotation(name).unwrap_or_default()
    }

    pub(super) fn is_requirement(&self) -> bool {
        self.policy.effect() == Effect::Forbid
    }

    /// The facts that it reads, as paths into the context.
    pub(super) fn facts(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        collect_facts(&self.tree, &mut found);
        found
    }

    /// What the rule finds when it applies; `None` if it does not say so properly.
    pub(super) fn finding(&self) -> Option<Finding> {
        let code = ReasonCode::parse(self.annotation("code"))?;
        let class = match self.annotation("enforcement") {
            "hard" => Class::Hard,
            "soft" => Class::Soft,
            _ => return None,
        };
        Some(Finding { code, class })
    }
}

/// Everything that is wrong with a rule.
pub(super) fn problems(rule: &Rule) -> Vec<String> {
    let mut problems = Vec::new();
    for name in ["id", "code", "owner"] {
        if rule.annotation(name).is_empty() {
            problems.push(format!("it has no `@{name}`"));
        }
    }
    for named in rule.policy.entity_literals() {
        if !NAMEABLE.contains(&named.type_name().to_string().as_str()) {
            problems.push(format!("it names `{named}`; partners are facts, not rules"));
        }
    }
    if rule.is_requirement() {
        problems.extend(requirement_problems(rule));
    }
    problems
}

fn requirement_problems(rule: &Rule) -> Vec<String> {
    let enforcement = rule.annotation("enforcement");
    let mut problems = Vec::new();
    if !["hard", "soft"].contains(&enforcement) {
        problems.push("its `@enforcement` is neither `hard` nor `soft`".to_owned());
    }
    let code = rule.annotation("code");
    if let Some(code) = ReasonCode::parse(code) {
        problems.extend(catalogue_problems(rule, code));
    } else if !code.is_empty() {
        problems.push(format!("its code `{code}` is not in the catalogue"));
    }
    let mentions = mentions_of_waivers(&rule.tree);
    if enforcement == "hard" && mentions > 0 {
        problems.push("it is hard and mentions waivers".to_owned());
    }
    let never_codify = rule.policy.annotation("never_codify").is_some();
    if enforcement == "soft" && never_codify && mentions > 0 {
        problems.push("it is never codified and mentions waivers".to_owned());
    }
    if enforcement == "soft" && !never_codify && (mentions != 1 || !ends_with_waiver(rule, code)) {
        problems.push(format!(
            "it is soft and does not end with `unless {{ context.waivers.contains(\"{code}\") }}`"
        ));
    }
    problems
}

/// A rule may be harder than the catalogue, and may tell neither more nor less.
fn catalogue_problems(rule: &Rule, code: ReasonCode) -> Vec<String> {
    let entry = explain(code);
    let mut problems = Vec::new();
    if entry.class == Class::Hard && rule.annotation("enforcement") == "soft" {
        problems.push(format!("it is soft, but `{code}` is hard"));
    }
    let disclosure = match rule.policy.annotation("disclose") {
        None | Some("full") => Some(Disclosure::Full),
        Some("generic") => Some(Disclosure::Generic),
        Some(_) => None,
    };
    if disclosure != Some(entry.disclosure) {
        problems.push(format!("its `@disclose` is not what the catalogue says of `{code}`"));
    }
    problems
}

fn ends_with_waiver(rule: &Rule, code: &str) -> bool {
    let clause = json!({
        "kind": "unless",
        "body": {"contains": {
            "left": {".": {"left": {"Var": "context"}, "attr": "waivers"}},
            "right": {"Value": code},
        }},
    });
    let conditions = rule.tree.get("conditions").and_then(Value::as_array);
    conditions.and_then(|conditions| conditions.last()) == Some(&clause)
}

fn mentions_of_waivers(tree: &Value) -> usize {
    let here = usize::from(tree.get("attr").and_then(Value::as_str) == Some("waivers"));
    children(tree).map(mentions_of_waivers).fold(here, usize::saturating_add)
}

fn collect_facts(tree: &Value, found: &mut BTreeSet<String>) {
    found.extend(path(tree));
    for child in children(tree) {
        collect_facts(child, found);
    }
}

/// `context.a.b` as `a.b`.
fn path(tree: &Value) -> Option<String> {
    let access = tree.get(".")?;
    let (left, name) = (access.get("left")?, access.get("attr")?.as_str()?);
    if left.get("Var").and_then(Value::as_str) == Some("context") {
        return Some(name.to_owned());
    }
    Some(format!("{}.{name}", path(left)?))
}

fn children(tree: &Value) -> impl Iterator<Item = &Value> {
    let members = tree.as_object().into_iter().flat_map(serde_json::Map::values);
    members.chain(tree.as_array().into_iter().flatten())
}
