//! What we allow: rules in Cedar decide from typed facts, with every reason at once, and an error
//! never allows (GOV §4).

pub mod bundle;
pub mod decision;
pub mod engine;
pub mod facts;
pub mod reason;
#[cfg(test)]
mod answer_tests;
#[cfg(test)]
mod generated_tests;
#[cfg(test)]
pub(crate) mod grant_tests;
#[cfg(test)]
mod requirement_tests;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
pub(crate) mod token_tests;

pub use bundle::{BundleProblem, InvalidBundle};
pub use decision::{Decision, Item, ItemDecision, Outcome};
pub use engine::PolicyEngine;
pub use facts::{GrantFacts, GrantInput, SenderConstraint, StatementFacts, TokenFacts, TokenInput};
pub use reason::Reason;
