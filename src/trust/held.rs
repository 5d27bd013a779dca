//! The value of a metadata member or claim, read as its shape has it: one value, or a set.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::jose::JwkSet;
use crate::trust::claim_rule::Shape;
use crate::types::ScopeSet;

/// The value of a member or claim.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Held {
    One(Value),
    Many(Vec<String>),
}

/// Reads a value as its member's shape has it; `None` if it is of another.
pub(super) fn read(value: &Value, shape: Shape) -> Option<Held> {
    let texts = |listed: &Vec<Value>| -> Option<Vec<String>> {
        listed.iter().map(|one| one.as_str().map(str::to_owned)).collect()
    };
    match (shape, value) {
        (Shape::Text, Value::String(_) | Value::Number(_)) | (Shape::Object, Value::Object(_)) => {
            Some(Held::One(value.clone()))
        }
        (Shape::List | Shape::Words, Value::Array(listed)) => texts(listed).map(Held::Many),
        (Shape::List, Value::String(text)) => Some(Held::Many(vec![text.clone()])),
        (Shape::Words, Value::String(text)) => {
            let words = ScopeSet::parse(text).ok()?;
            Some(Held::Many(words.iter().map(ToString::to_string).collect()))
        }
        (Shape::Text | Shape::Object | Shape::List | Shape::Words, _) => None,
    }
}

pub(super) fn write(held: Held, shape: Shape) -> Value {
    match held {
        Held::One(value) => value,
        Held::Many(list) if shape == Shape::Words => common(&list, &list).join(" ").into(),
        Held::Many(list) => common(&list, &list).into(),
    }
}

pub(super) fn same(one: &Held, other: &Held) -> bool {
    match (one, other) {
        (Held::Many(one), Held::Many(other)) => {
            one.iter().collect::<BTreeSet<_>>() == other.iter().collect::<BTreeSet<_>>()
        }
        (Held::One(one), Held::One(other)) => one == other || same_keys(one, other),
        (Held::One(_), Held::Many(_)) | (Held::Many(_), Held::One(_)) => false,
    }
}

/// Whether two key sets are one. What we hand out of a set is what we understood of it, and a client
/// may send that back (REG-U3).
fn same_keys(one: &Value, other: &Value) -> bool {
    if !one.is_object() || !other.is_object() {
        return false;
    }
    match (JwkSet::parse(one), JwkSet::parse(other)) {
        (Ok(one), Ok(other)) => one.to_value() == other.to_value(),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
    }
}

/// What is in `list` and in `other`, in the order of `list`, once each.
pub(super) fn common(list: &[String], other: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    list.iter().filter(|one| other.contains(one) && seen.insert(*one)).cloned().collect()
}
