//! From the text of a bundle to an engine, or to everything that is wrong with it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::str::FromStr as _;

use cedar_policy::ActionConstraint;
use cedar_policy::Authorizer;
use cedar_policy::EntityUid;
use cedar_policy::Policy;
use cedar_policy::PolicyId;
use cedar_policy::PolicySet;
use cedar_policy::Schema;
use cedar_policy::SchemaFragment;
use cedar_policy::ValidationMode;
use cedar_policy::Validator;
use cedar_policy::ffi::DetailedError;
use serde_json::Value;

use super::PolicyEngine;
use super::Rules;
use super::lint;
use super::lint::Rule;
use super::question::GRANT;
use super::question::TOKEN;
use super::question::Vocabulary;
use crate::policy::bundle;
use crate::policy::bundle::BundleProblem;
use crate::policy::bundle::InvalidBundle;

pub(super) fn load(schema: &str, policies: &str) -> Result<PolicyEngine, InvalidBundle> {
    let (engine, problems) = assemble(schema, policies)?;
    if problems.is_empty() { Ok(engine) } else { Err(invalid(problems)) }
}

/// The engine as the text describes it, and what is wrong with the text. Nothing but [`load`] may
/// hand it out.
pub(super) fn assemble(
    schema: &str,
    policies: &str,
) -> Result<(PolicyEngine, Vec<BundleProblem>), InvalidBundle> {
    let (parsed_schema, contexts) = read_schema(schema).map_err(invalid)?;
    let rules = read_rules(policies).map_err(invalid)?;
    let mut problems = Vec::new();
    for rule in &rules {
        let found = lint::problems(rule).into_iter();
        problems.extend(found.map(|message| of_rule(rule, message)));
    }
    problems.extend(validate(parsed_schema, &rules));
    let vocabulary = Vocabulary::new()
        .map_err(|error| invalid(vec![BundleProblem::of_bundle(error.to_string())]))?;
    let (grant, unread_grant) = select(&rules, &vocabulary.grant, contexts.get(GRANT));
    let (token, unread_token) = select(&rules, &vocabulary.token, contexts.get(TOKEN));
    problems.extend(unread_grant);
    problems.extend(unread_token);
    let digest = bundle::digest(schema, policies);
    let engine = PolicyEngine { digest, authorizer: Authorizer::new(), vocabulary, grant, token };
    Ok((engine, problems))
}

fn invalid(mut problems: Vec<BundleProblem>) -> InvalidBundle {
    problems.sort();
    problems.dedup();
    InvalidBundle { problems }
}

fn of_rule(rule: &Rule, message: String) -> BundleProblem {
    BundleProblem { line: rule.line, rule: Some(rule.id.clone()), message }
}

/// The schema, and the context of each action. Both actions must be described exactly as in the
/// default schema, because the facts come from this program and not from the bundle.
fn read_schema(text: &str) -> Result<(Schema, BTreeMap<&'static str, Value>), Vec<BundleProblem>> {
    let actions = |text: &str| -> Result<Value, Vec<BundleProblem>> {
        let (fragment, _) = SchemaFragment::from_cedarschema_str(text)
            .map_err(|error| located("the schema", text, &DetailedError::from(&error)))?;
        let tree = fragment.to_json_value().map_err(|error| whole(&error))?;
        // Rules without a namespace stand under the empty name.
        Ok(tree.pointer("//actions").cloned().unwrap_or(Value::Null))
    };
    let (given, ours) = (actions(text)?, actions(bundle::DEFAULT_SCHEMA)?);
    let mut contexts = BTreeMap::new();
    let mut problems = Vec::new();
    for action in [GRANT, TOKEN] {
        match (given.get(action), ours.get(action)) {
            (Some(given), Some(ours)) if given == ours => {
                let context = given.pointer("/appliesTo/context").cloned();
                contexts.insert(action, context.unwrap_or(Value::Null));
            }
            _ => problems.push(BundleProblem::of_bundle(format!(
                "the schema does not describe the facts of `{action}` as this server has them"
            ))),
        }
    }
    let (schema, _) = Schema::from_cedarschema_str(text)
        .map_err(|error| located("the schema", text, &DetailedError::from(&error)))?;
    if problems.is_empty() { Ok((schema, contexts)) } else { Err(problems) }
}

/// The rules in the order of the text, each under its own `@id`.
fn read_rules(text: &str) -> Result<Vec<Rule>, Vec<BundleProblem>> {
    let parsed = PolicySet::from_str(text)
        .map_err(|error| located("the rules", text, &DetailedError::from(&error)))?;
    let mut problems = Vec::new();
    if parsed.num_of_templates() > 0 {
        problems.push(BundleProblem::of_bundle("templates are not supported"));
    }
    let (mut rules, mut ids) = (Vec::new(), BTreeSet::new());
    for policy in parsed.policies() {
        let rule = read_rule(policy, text).map_err(|problem| vec![problem])?;
        if !ids.insert(rule.id.clone()) {
            problems.push(of_rule(&rule, "its `@id` is taken".to_owned()));
        }
        rules.push(rule);
    }
    rules.sort_by_key(|rule| rule.line);
    if problems.is_empty() { Ok(rules) } else { Err(problems) }
}

fn read_rule(policy: &Policy, text: &str) -> Result<Rule, BundleProblem> {
    let id = policy.annotation("id").map_or_else(|| policy.id().to_string(), str::to_owned);
    let offset = policy.to_cedar().and_then(|own| text.find(&own));
    let line = offset.map(|offset| line_at(text, offset));
    let tree = policy.to_json().map_err(|error| BundleProblem {
        line,
        rule: Some(id.clone()),
        message: error.to_string(),
    })?;
    Ok(Rule { policy: policy.new_id(PolicyId::new(&id)), id, line, tree })
}

/// Strict validation: a rule that misnames a fact does not load. Warnings count too: a rule that
/// can never apply is a rule that somebody got wrong.
fn validate(schema: Schema, rules: &[Rule]) -> Vec<BundleProblem> {
    let set = match PolicySet::from_policies(rules.iter().map(|rule| rule.policy.clone())) {
        Ok(set) => set,
        Err(error) => return whole(&error),
    };
    let result = Validator::new(schema).validate(&set, ValidationMode::Strict);
    let errors = result.validation_errors().map(|error| (error.policy_id(), error.to_string()));
    let warnings = result.validation_warnings().map(|note| (note.policy_id(), note.to_string()));
    let of = |(id, message): (&PolicyId, String)| {
        let id = id.to_string();
        let rule = rules.iter().find(|rule| rule.id == id);
        BundleProblem { line: rule.and_then(|rule| rule.line), rule: Some(id), message }
    };
    errors.chain(warnings).map(of).collect()
}

/// The rules of one action, indexed (GOV-PO-3), and the facts that none of them reads.
fn select(
    rules: &[Rule],
    action: &EntityUid,
    context: Option<&Value>,
) -> (Rules, Vec<BundleProblem>) {
    let applicable = |rule: &&Rule| match rule.policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(only) => only == *action,
        ActionConstraint::In(named) => named.contains(action),
    };
    let chosen: Vec<_> = rules.iter().filter(applicable).collect();
    let read: BTreeSet<_> = chosen.iter().flat_map(|rule| rule.facts()).collect();
    let mut problems: Vec<_> = context
        .map(|context| leaves(context, ""))
        .unwrap_or_default()
        .into_iter()
        .filter(|fact| !read.contains(fact))
        .map(|fact| format!("no rule of {action} reads the fact `{fact}`"))
        .map(BundleProblem::of_bundle)
        .collect();
    let mut set = |wanted: &dyn Fn(&&&Rule) -> bool| {
        let policies = chosen.iter().filter(wanted).map(|rule| rule.policy.clone());
        PolicySet::from_policies(policies).unwrap_or_else(|error| {
            problems.extend(whole(&error));
            PolicySet::new()
        })
    };
    let all = set(&|_| true);
    let permits = set(&|rule| !rule.is_requirement());
    let requirements = chosen
        .iter()
        .filter(|rule| rule.is_requirement())
        .filter_map(|rule| Some((rule.policy.id().clone(), rule.finding()?)))
        .collect();
    (Rules { all, permits, requirements }, problems)
}

/// The facts of a context: the attributes that are not records.
fn leaves(record: &Value, prefix: &str) -> Vec<String> {
    let attributes = record.get("attributes").and_then(Value::as_object);
    let attributes = attributes.into_iter().flatten();
    let named = attributes.map(|(name, kind)| (format!("{prefix}{name}"), kind));
    named
        .flat_map(|(name, kind)| match kind.get("attributes") {
            Some(_) => leaves(kind, &format!("{name}.")),
            None => vec![name],
        })
        .collect()
}

fn located(part: &str, text: &str, error: &DetailedError) -> Vec<BundleProblem> {
    let label = error.source_locations.first();
    let expected = label.and_then(|label| label.label.as_deref());
    let mut message = format!("{part}: {}", error.message);
    if let Some(expected) = expected {
        message.push_str(", ");
        message.push_str(expected);
    }
    let line = label.map(|label| line_at(text, label.loc.start));
    let mut problems = vec![BundleProblem { line, rule: None, message }];
    problems.extend(error.related.iter().flat_map(|related| located(part, text, related)));
    problems
}

fn whole(error: &impl std::fmt::Display) -> Vec<BundleProblem> {
    vec![BundleProblem::of_bundle(error.to_string())]
}

fn line_at(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    before.saturating_add(1)
}
