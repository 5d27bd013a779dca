//! One authenticated request of an operator, and what every story does with it.

use std::str::FromStr;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::endpoints::exchange::Incoming;
use crate::endpoints::operator::authentication::Operator;
use crate::endpoints::operator::body;
use crate::endpoints::operator::body::Members;
use crate::endpoints::operator::error::OperatorError;
use crate::endpoints::operator::query::Query;
use crate::governance::audit::AuditAction;
use crate::governance::audit::AuditEvent;
use crate::governance::audit::Object;
use crate::partners::State;
use crate::random;
use crate::types::Secret;
use crate::types::Timestamp;

/// A request, and who sent it.
#[derive(Debug)]
pub struct Call<'a> {
    /// Who.
    pub operator: Operator,
    /// What.
    pub incoming: &'a Incoming,
}

impl Call<'_> {
    /// When it arrived.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.incoming.now
    }

    /// The identifier in the path. A malformed one names nothing.
    ///
    /// # Errors
    ///
    /// It is malformed.
    pub fn id<T: FromStr>(&self, record: &'static str) -> Result<T, OperatorError> {
        let text = self.incoming.segment("id");
        text.parse().map_err(|_| unknown(record, text.chars().take(40).collect::<String>()))
    }

    /// The query.
    #[must_use]
    pub fn query(&self) -> Query {
        Query::parse(self.incoming.query.as_ref().map_or("", Secret::reveal))
    }

    /// Refuses a query where there is nothing to ask.
    ///
    /// # Errors
    ///
    /// There is a parameter.
    pub fn no_query(&self) -> Result<(), OperatorError> {
        self.query().finish()
    }

    /// Reads the body.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn read<T>(
        &self,
        read: impl FnOnce(&mut Members<'_>) -> Option<T>,
    ) -> Result<T, OperatorError> {
        self.no_query()?;
        body::read(&self.incoming.body, read)
    }

    /// The audit event for what this call does.
    #[must_use]
    pub fn event(
        &self,
        action: AuditAction,
        id: impl std::fmt::Display,
        detail: Value,
    ) -> AuditEvent {
        let kind = action.name().split('.').next().unwrap_or_default();
        AuditEvent {
            id: random::event_id(self.now()),
            time: self.now(),
            actor: self.operator.actor(),
            action,
            object: Object { kind: kind.to_owned(), id: id.to_string() },
            reasons: Vec::new(),
            policy_digest: None,
            request_id: Some(self.incoming.request_id.clone()),
            detail,
        }
    }

    /// The events of a record that is created and then walks through `states`, the first of which
    /// it begins in.
    #[must_use]
    pub fn creation<S: State>(
        &self,
        (created, stepped): (AuditAction, AuditAction),
        id: &impl std::fmt::Display,
        shown: &impl Serialize,
        states: &[S],
    ) -> Vec<AuditEvent> {
        let mut events = vec![self.event(created, id, json!({ "record": shown }))];
        for pair in states.windows(2) {
            if let [from, to] = pair {
                let detail = stepped_detail(*from, *to, "on creation");
                events.push(self.event(stepped, id, detail));
            }
        }
        events
    }
}

/// What the log keeps of a step.
#[must_use]
pub fn stepped_detail<S: State>(from: S, to: S, reason: &str) -> Value {
    json!({ "from": from.name(), "to": to.name(), "reason": reason })
}

/// What the log keeps of a change: the members that are different.
#[must_use]
pub fn changed_detail(before: &impl Serialize, after: &impl Serialize) -> Value {
    let (before, after) = (members(before), members(after));
    let differs = |name: &&String| before.get(*name) != after.get(*name);
    let names: Vec<&String> = after.keys().filter(differs).collect();
    let picked = |from: &Map<String, Value>| {
        let member = |name: &&String| Some(((*name).clone(), from.get(*name)?.clone()));
        Value::Object(names.iter().filter_map(member).collect())
    };
    json!({ "before": picked(&before), "after": picked(&after) })
}

fn members(record: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(record) {
        Ok(Value::Object(members)) => members,
        Ok(_) | Err(_) => Map::new(),
    }
}

/// The refusal that a record is not there.
#[must_use]
pub fn unknown(record: &'static str, id: impl std::fmt::Display) -> OperatorError {
    OperatorError::Unknown { record, id: id.to_string() }
}

/// Refuses a step that the table of states does not know.
///
/// # Errors
///
/// With the steps that are allowed.
pub fn check_step<S: State>(from: S, to: S) -> Result<(), OperatorError> {
    if from.may_become(to) {
        return Ok(());
    }
    Err(OperatorError::NoSuchStep {
        record: S::RECORD,
        from: from.name(),
        to: to.name(),
        allowed: from.successors().iter().map(|next| next.name()).collect(),
    })
}
