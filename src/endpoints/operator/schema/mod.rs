//! What the operator API reads and shows. A request is read into a type of this folder, a record
//! is shown as one; both describe themselves for the OpenAPI document. Times are RFC 3339.

pub mod agreement;
pub mod api_product;
pub mod audit;
pub mod client;
pub mod initial_access_token;
pub mod new_secret;
pub mod organisation;
pub mod resource_server;
pub mod signing_key;
pub mod software;
pub mod state_change;
pub mod status;

use serde::Serialize;

use crate::endpoints::operator::query::Page;
use crate::partners::State;
use crate::types::Timestamp;

/// A part of a list.
#[derive(Debug, Serialize)]
pub struct List<T> {
    /// The records, in the order of their identifiers (of time, for the log).
    pub items: Vec<T>,
    /// The cursor for `after` that the next part begins behind; null at the end.
    pub next: Option<String>,
}

impl<V> List<V> {
    /// A page of records as they are shown. `found` may hold one record more than the page.
    pub fn page<T>(
        mut found: Vec<T>,
        page: &Page,
        id: impl Fn(&T) -> String,
        view: impl Fn(&T) -> V,
    ) -> Self {
        let most = usize::from(page.limit);
        let goes_on = found.len() > most;
        found.truncate(most);
        let next = found.last().filter(|_| goes_on).map(id);
        Self { items: found.iter().map(view).collect(), next }
    }

    /// All records there are.
    pub fn whole<T>(found: &[T], view: impl Fn(&T) -> V) -> Self {
        Self { items: found.iter().map(view).collect(), next: None }
    }
}

/// The names of the states that may follow `state`.
fn successors<S: State>(state: S) -> Vec<&'static str> {
    state.successors().iter().map(|next| next.name()).collect()
}

/// A time as it is shown.
fn shown(time: Timestamp) -> String {
    time.to_string()
}
