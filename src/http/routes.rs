//! The routes of a listener: which story is told where. Endpoints fill the table without knowing actix.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::endpoints::Failure;
use crate::endpoints::exchange::Answer;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::exchange::Method;

/// What an endpoint makes of a request.
pub(super) type Outcome = Pin<Box<dyn Future<Output = Result<Answer, Failure>>>>;
/// An endpoint.
pub(super) type Story = Arc<dyn Fn(Incoming) -> Outcome + Send + Sync>;

/// The stories at one path.
#[derive(Clone, Default)]
pub(super) struct Stories {
    by_method: Vec<(Method, Story)>,
    for_any: Option<Story>,
    /// Further fields of the request that they are told.
    pub(super) fields: &'static [&'static str],
}

impl Stories {
    /// The story for a method, if there is one.
    pub(super) fn find(&self, method: Method) -> Option<&Story> {
        let found = self.by_method.iter().find(|(known, _)| *known == method);
        found.map(|(_, story)| story).or(self.for_any.as_ref())
    }

    /// RFC 9110 §10.2.1 `Allow`.
    pub(super) fn allowed(&self) -> String {
        let names = self.by_method.iter().filter_map(|(method, _)| match method {
            Method::Get => Some("GET, HEAD"),
            Method::Post => Some("POST"),
            Method::Put => Some("PUT"),
            Method::Patch => Some("PATCH"),
            Method::Delete => Some("DELETE"),
            Method::Other => None,
        });
        names.collect::<Vec<_>>().join(", ")
    }
}

/// A table of stories that share a state.
#[derive(Clone)]
pub struct Routes<S> {
    state: Arc<S>,
    table: BTreeMap<String, Stories>,
}

impl<S: Send + Sync + 'static> Routes<S> {
    /// An empty table.
    #[must_use]
    pub const fn new(state: Arc<S>) -> Self {
        Self { state, table: BTreeMap::new() }
    }

    /// Tells `story` for one method at `path`, which may hold `{name}` segments. `GET` answers `HEAD`
    /// too. Any other method at this path is answered with 405.
    #[must_use]
    pub fn on<F, T>(mut self, method: Method, path: &str, story: F) -> Self
    where
        F: Fn(Arc<S>, Incoming) -> T + Send + Sync + 'static,
        T: Future<Output = Result<Answer, Failure>> + 'static,
    {
        let story = self.bound(story);
        self.table.entry(path.to_owned()).or_default().by_method.push((method, story));
        self
    }

    /// Tells `story` for every other method at `path`: for endpoints that authenticate before they
    /// dispatch (REG-R8).
    #[must_use]
    pub fn any<F, T>(mut self, path: &str, story: F) -> Self
    where
        F: Fn(Arc<S>, Incoming) -> T + Send + Sync + 'static,
        T: Future<Output = Result<Answer, Failure>> + 'static,
    {
        let story = self.bound(story);
        self.table.entry(path.to_owned()).or_default().for_any = Some(story);
        self
    }

    /// Has the stories at `path` told of these fields of the request, as `Incoming::fields` and nowhere
    /// else. The names are in lower case.
    #[must_use]
    pub fn reading(mut self, path: &str, fields: &'static [&'static str]) -> Self {
        self.table.entry(path.to_owned()).or_default().fields = fields;
        self
    }

    /// The same table with those of another that may have another state.
    #[must_use]
    pub fn with<O>(mut self, other: Routes<O>) -> Self {
        self.table.extend(other.table);
        self
    }

    /// The paths, for tests that visit every route.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(String::as_str)
    }

    pub(super) fn into_table(self) -> BTreeMap<String, Stories> {
        self.table
    }

    fn bound<F, T>(&self, story: F) -> Story
    where
        F: Fn(Arc<S>, Incoming) -> T + Send + Sync + 'static,
        T: Future<Output = Result<Answer, Failure>> + 'static,
    {
        let state = Arc::clone(&self.state);
        Arc::new(move |incoming| Box::pin(story(Arc::clone(&state), incoming)))
    }
}

impl<S> std::fmt::Debug for Routes<S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.table.keys()).finish()
    }
}
