//! One registration out of two voices: what the statement says and what the request asks, member by
//! member as the framework's table has it (REG-P, REG-S13, S14).
//!
//! The merge is a pure function of sets: the order of a list means nothing, and merging the outcome
//! again changes nothing. No redirect, key, grant or scope lies outside what the statement allows.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::protocol::client::ClientMetadata;
use crate::protocol::client::Supported;
use crate::protocol::client::metadata;
use crate::protocol::error::ErrorCode;
use crate::protocol::problem::Problem;
use crate::protocol::problem::Problems;
use crate::protocol::problem::pointer;
use crate::protocol::problem::shown;
use crate::protocol::registration::SoftwareStatement;
use crate::protocol::registration::StatementProblem;
use crate::trust::binding::Bound;
use crate::trust::claim_rule::ClaimRule;
use crate::trust::claim_rule::MergeMode;
use crate::trust::claim_rule::Shape;
use crate::trust::facts::StatementFacts;
use crate::trust::framework::Framework;
use crate::trust::held::Held;
use crate::trust::held::common;
use crate::trust::held::read;
use crate::trust::held::same;
use crate::trust::held::write;

const SOFTWARE_ID: &str = "software_id";

/// A value of the request that did not become the registration's, for the decision record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replaced {
    /// The member of the metadata.
    pub member: String,
    /// What the request asked for.
    pub requested: Value,
    /// What holds instead, if anything.
    pub registered: Option<Value>,
    /// The rule: `override`, `intersect` or `role`.
    pub rule: &'static str,
}

/// Statement and request as one. Only [`Merged::into_metadata`] leads on, and it tells every problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    pub(super) members: Map<String, Value>,
    pub(super) replaced: Vec<Replaced>,
    pub(super) problems: Problems,
    pub(super) vouched: BTreeSet<String>,
}

impl Merged {
    /// The metadata, and what was replaced. Members that neither statement nor request has get the
    /// framework's default before that of RFC 7591.
    ///
    /// # Errors
    ///
    /// Everything that is wrong: with the merge, and with the metadata that came of it.
    pub fn into_metadata(
        mut self,
        framework: &Framework,
        server: &Supported,
    ) -> Result<(ClientMetadata, Vec<Replaced>), Problems> {
        for (member, value) in &framework.defaults {
            let unset = |value: &Value| value.is_null() || value.as_str() == Some("");
            if self.members.get(member).is_none_or(unset) {
                self.members.insert(member.clone(), value.clone());
            }
        }
        let mut supported = framework.supported(server);
        supported.vouched = self.vouched;
        match metadata::parse(&self.members, &supported) {
            Ok(client) => self.problems.or((client, self.replaced)),
            Err(found) => {
                // A member that the merge has refused is not refused for its absence as well.
                let known: BTreeSet<String> =
                    self.problems.iter().map(|problem| top(&problem.pointer)).collect();
                let others = found.into_iter().filter(|one| !known.contains(&top(&one.pointer)));
                self.problems.extend(others);
                Err(self.problems)
            }
        }
    }
}

/// The first step of a pointer.
fn top(pointer: &str) -> String {
    pointer.split('/').nth(1).unwrap_or_default().to_owned()
}

/// S13, S14: merges a bound request with its statement.
#[must_use]
pub fn merge(
    framework: &Framework,
    statement: &SoftwareStatement,
    facts: &StatementFacts,
    request: &Bound,
) -> Merged {
    let mut merged = merge_members(framework, statement.claims(), facts, request.members());
    // Who signs statements with a certificate authenticates with its key.
    if let Some(keys) = statement.own_keys() {
        merged.members.insert("jwks".to_owned(), keys);
        merged.vouched.insert("jwks".to_owned());
    }
    merged
}

pub(super) fn merge_members(
    framework: &Framework,
    claims: &Map<String, Value>,
    facts: &StatementFacts,
    request: &Map<String, Value>,
) -> Merged {
    let mut merge = Merge {
        claims,
        request,
        merged: Merged {
            members: request.clone(),
            replaced: Vec::new(),
            problems: Problems::default(),
            vouched: BTreeSet::new(),
        },
    };
    merge.software_id(facts);
    for rule in framework.claims.values() {
        merge.apply(rule);
    }
    merge.ungoverned_keys(framework);
    merge.ceilings(framework, facts);
    merge.merged.members.remove("software_statement");
    merge.merged
}

pub(super) struct Merge<'a> {
    claims: &'a Map<String, Value>,
    request: &'a Map<String, Value>,
    pub(super) merged: Merged,
}

impl Merge<'_> {
    /// The code for a member that the request may not have so.
    pub(super) fn refuse(&mut self, member: &str, at: String, message: String) {
        let code = if member == "redirect_uris" {
            ErrorCode::InvalidRedirectUri
        } else {
            ErrorCode::InvalidClientMetadata
        };
        self.merged.problems.push(Problem::new(code, at, message));
    }

    fn refuse_statement(&mut self, problem: StatementProblem) {
        self.merged.problems.push(problem.into());
    }

    /// What the request says of a member; `null` and `""` are nothing.
    fn requested(&self, member: &str) -> Option<&Value> {
        self.request.get(member).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// M10, P4: another `software_id` is refused, not replaced.
    fn software_id(&mut self, facts: &StatementFacts) {
        let due = Value::from(facts.software_id.as_str());
        if self.requested(SOFTWARE_ID).is_some_and(|sent| *sent != due) {
            let message = "`software_id` is not that of the software statement".to_owned();
            self.refuse(SOFTWARE_ID, pointer(SOFTWARE_ID), message);
        }
        self.merged.members.insert(SOFTWARE_ID.to_owned(), due);
    }

    fn apply(&mut self, rule: &ClaimRule) {
        let member = rule.member.name;
        let shape = rule.member.shape;
        let claim = || rule.claim.as_str().to_owned();
        let said = match rule.claim.value(self.claims) {
            None if rule.required => {
                return self.refuse_statement(StatementProblem::ClaimMissing { claim: claim() });
            }
            None => None,
            Some(value) => match read(value, shape) {
                None => {
                    let problem = StatementProblem::ClaimMalformed { claim: claim() };
                    return self.refuse_statement(problem);
                }
                held => held,
            },
        };
        let asked = match self.requested(member).map(|value| read(value, shape)) {
            Some(None) => {
                let message = format!("`{member}` is malformed");
                return self.refuse(member, pointer(member), message);
            }
            Some(held) => held,
            None => None,
        };
        if asked.is_none() && rule.required_in_request {
            let message = format!("`{member}` is required in the request");
            self.refuse(member, pointer(member), message);
        }
        self.languages(rule);
        let outcome = self.decide(rule, said.as_ref(), asked);
        if said.is_some() && outcome == said {
            self.merged.vouched.insert(member.to_owned());
        }
        match outcome {
            Some(held) => self.merged.members.insert(member.to_owned(), write(held, shape)),
            None => self.merged.members.remove(member),
        };
    }

    fn decide(
        &mut self,
        rule: &ClaimRule,
        said: Option<&Held>,
        asked: Option<Held>,
    ) -> Option<Held> {
        match (said, asked) {
            (None, None) => None,
            (Some(said), None) => Some(said.clone()),
            (None, Some(asked)) if rule.request_may_decide => Some(asked),
            (None, Some(_)) => {
                let member = rule.member.name;
                let message = format!("the software statement does not allow any `{member}`");
                self.refuse(member, pointer(member), message);
                None
            }
            (Some(said), Some(asked)) => Some(self.reconcile(rule, said, asked)),
        }
    }

    fn reconcile(&mut self, rule: &ClaimRule, said: &Held, asked: Held) -> Held {
        match (rule.mode, said, &asked) {
            (MergeMode::DefaultIfAbsent, _, _) => asked,
            (MergeMode::Override, _, _) => {
                if !same(said, &asked) {
                    self.replace(rule, asked, Some(said.clone()), "override");
                }
                said.clone()
            }
            (MergeMode::MustBeSubset, Held::Many(said), Held::Many(wanted)) => {
                self.name_strangers(rule, said, wanted);
                Held::Many(common(said, wanted))
            }
            (MergeMode::Intersect, Held::Many(said), Held::Many(wanted)) => {
                let kept = Held::Many(common(said, wanted));
                self.narrow(rule, asked, &kept);
                kept
            }
            (MergeMode::Union, Held::Many(said), Held::Many(wanted)) => {
                let more: BTreeSet<&String> =
                    wanted.iter().filter(|one| !said.contains(one)).collect();
                let mut all = common(said, said);
                all.extend(more.into_iter().cloned());
                Held::Many(all)
            }
            (
                MergeMode::MustEqual
                | MergeMode::MustBeSubset
                | MergeMode::Intersect
                | MergeMode::Union,
                _,
                _,
            ) => {
                if !same(said, &asked) {
                    let member = rule.member.name;
                    let message = format!("`{member}` is not what the software statement says");
                    self.refuse(member, pointer(member), message);
                }
                said.clone()
            }
        }
    }

    fn replace(&mut self, rule: &ClaimRule, asked: Held, holds: Option<Held>, name: &'static str) {
        let shape = rule.member.shape;
        self.merged.replaced.push(Replaced {
            member: rule.member.name.to_owned(),
            requested: write(asked, shape),
            registered: holds.map(|held| write(held, shape)),
            rule: name,
        });
    }

    /// Names every value that the statement does not have, wherever it stands (PEER-1).
    fn name_strangers(&mut self, rule: &ClaimRule, said: &[String], wanted: &[String]) {
        let member = rule.member.name;
        for (index, value) in wanted.iter().enumerate() {
            if !said.contains(value) {
                let at = match rule.member.shape {
                    Shape::List => format!("{}/{index}", pointer(member)),
                    Shape::Words | Shape::Text | Shape::Object => pointer(member),
                };
                let value = shown(value);
                let message = format!("`{value}` of `{member}` is not in the software statement");
                self.refuse(member, at, message);
            }
        }
    }

    /// S14: what is left of a request is recorded, and nothing left is a refusal.
    fn narrow(&mut self, rule: &ClaimRule, asked: Held, kept: &Held) {
        if same(&asked, kept) {
            return;
        }
        if *kept == Held::Many(Vec::new()) {
            let member = rule.member.name;
            let message = format!("nothing of `{member}` is in the software statement");
            self.refuse(member, pointer(member), message);
        }
        self.replace(rule, asked, Some(kept.clone()), "intersect");
    }

    /// T7: a `#lang` variant says no more than its original. Where the statement decides a text, it
    /// decides its translations.
    fn languages(&mut self, rule: &ClaimRule) {
        let decides = matches!(rule.mode, MergeMode::Override | MergeMode::MustEqual);
        let said = rule.claim.value(self.claims).is_some();
        if !rule.member.has_languages() || !decides || !said {
            return;
        }
        let (member, claim) = (rule.member.name, rule.claim.as_str());
        let tagged = |name: &str, base: &str| {
            name.strip_prefix(base).and_then(|rest| rest.strip_prefix('#')).map(str::to_owned)
        };
        for (name, asked) in self.request {
            let Some(tag) = tagged(name, member) else { continue };
            let due = self.claims.get(&format!("{claim}#{tag}"));
            if due == Some(asked) || asked.is_null() {
                continue;
            }
            self.merged.members.remove(name);
            if rule.mode == MergeMode::MustEqual {
                let message = format!("`{}` is not in the software statement", shown(name));
                self.refuse(member, pointer(name), message);
            } else {
                self.merged.replaced.push(Replaced {
                    member: name.clone(),
                    requested: asked.clone(),
                    registered: due.cloned(),
                    rule: "override",
                });
            }
        }
        for (name, value) in self.claims {
            if let Some(tag) = tagged(name, claim) {
                self.merged.members.insert(format!("{member}#{tag}"), value.clone());
                self.merged.vouched.insert(format!("{member}#{tag}"));
            }
        }
    }

    /// Keys come from the statement alone: a request may not bring its own by the other door.
    fn ungoverned_keys(&mut self, framework: &Framework) {
        for member in ["jwks", "jwks_uri"] {
            if !framework.claims.contains_key(member) && self.requested(member).is_some() {
                let message = format!(
                    "`{member}` is not taken here: the software statement says where the keys are"
                );
                self.refuse(member, pointer(member), message);
                self.merged.members.remove(member);
            }
        }
    }
}
