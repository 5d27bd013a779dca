//! A step from one state to the next, as the operator API reads it.

use utoipa::ToSchema;

use crate::endpoints::operator::body::Members;
use crate::partners::State;

const LONGEST_REASON: usize = 500;

/// A step to another state. One person may stop something; the reason is kept for ever.
#[derive(Debug, ToSchema)]
pub struct StateChange {
    /// The state that the record shall have; `may_become` of the record lists the choices.
    #[schema(example = "suspended")]
    pub state: String,
    /// Why, for the audit log. No secrets and no personal data.
    #[schema(example = "the security team sees stolen keys in use")]
    pub reason: String,
}

/// A step that has been read.
#[derive(Debug)]
pub struct Step<S> {
    /// The next state.
    pub to: S,
    /// Why.
    pub reason: String,
}

impl<S: State> Step<S> {
    /// Takes the members of a body.
    pub fn read(members: &mut Members<'_>) -> Option<Self> {
        let to = members.required("state", |field| field.read_with(S::parse));
        let reason = members.required("reason", |field| field.text(LONGEST_REASON));
        Some(Self { to: to?, reason: reason? })
    }
}
