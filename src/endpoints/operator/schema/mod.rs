//! What the operator API reads and shows. A request is read into a type of this folder, a record
//! is shown as one; both describe themselves for the OpenAPI document. Times are RFC 3339.

pub mod agreement;
pub mod api_product;
pub mod client;
pub mod organisation;
pub mod software;
pub mod state_change;

use serde::Serialize;
use utoipa::ToSchema;

use crate::partners::State;
use crate::types::Timestamp;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The records, in the order of their identifiers (of time, for the log).
    pub items: Vec<T>,
    /// The cursor for `after` that the next part begins behind; null at the end.
    pub next: Option<String>,
}

/// The names of the states that may follow `state`.
fn successors<S: State>(state: S) -> Vec<&'static str> {
    state.successors().iter().map(|next| next.name()).collect()
}

/// A time as it is shown.
fn shown(time: Timestamp) -> String {
    time.to_string()
}
