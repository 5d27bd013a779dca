//! What directories say of those they vouch for, cached (REG-S10, L4, L6): one fetch at a time to a list,
//! few of them, and after a failure none for a while.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use moka::sync::Cache;

use crate::remote::caching::Validators;
use crate::remote::error::RemoteError;
use crate::remote::fetcher::Fetcher;
use crate::remote::rules::FetchRules;
use crate::trust::{StatusList, Statuses};
use crate::types::HttpsUri;
use crate::types::Timestamp;

/// The operator names the lists; there are few.
const MOST_LISTS: u64 = 1000;
/// How long a directory that failed is left alone, in seconds.
const RETRY: i64 = 15;

/// Where standing comes from. Clones share the cache.
#[derive(Debug, Clone)]
pub struct StatusSource {
    fetcher: Fetcher,
    lists: Cache<HttpsUri, Arc<List>>,
}

#[derive(Debug, Default)]
struct List {
    known: Mutex<Known>,
    asking: tokio::sync::Mutex<()>,
}

/// What is known of one list.
#[derive(Debug, Clone, Default)]
struct Known {
    statuses: Option<Arc<Statuses>>,
    validators: Validators,
    heard: Option<Timestamp>,
    first_asked: Option<Timestamp>,
    failed: Option<(Timestamp, RemoteError)>,
}

/// What a list said last, and whether that is news.
#[derive(Debug, Clone)]
pub struct Heard {
    /// What it said; nothing, if it has not been heard since this server began.
    pub statuses: Option<Arc<Statuses>>,
    /// Since when nothing newer has been heard: the last answer, or the first question.
    pub since: Timestamp,
    /// Why there is nothing newer, if what it said is older than it may be.
    pub silence: Option<RemoteError>,
}

impl StatusSource {
    /// A source with an empty cache.
    #[must_use]
    pub fn new(fetcher: Fetcher) -> Self {
        Self { fetcher, lists: Cache::new(MOST_LISTS) }
    }

    /// What a list says: what is known for `refresh_seconds`, and then what its owner answers.
    pub async fn ask(
        &self,
        list: &StatusList,
        rules: &FetchRules,
        refresh_seconds: i64,
        now: Timestamp,
    ) -> Heard {
        let held = self.lists.get_with_by_ref(&list.uri, Arc::default);
        let known = held.known().clone();
        if known.is_fresh(refresh_seconds, now) || known.is_left_alone(now) {
            return known.told(refresh_seconds, now);
        }
        let _asking = held.asking.lock().await;
        // Whoever held the lock before may have asked.
        let mut known = held.known().clone();
        if !known.is_fresh(refresh_seconds, now) && !known.is_left_alone(now) {
            self.fetch(&mut known, list, rules, now).await;
            *held.known() = known.clone();
        }
        known.told(refresh_seconds, now)
    }

    async fn fetch(
        &self,
        known: &mut Known,
        list: &StatusList,
        rules: &FetchRules,
        now: Timestamp,
    ) {
        known.first_asked.get_or_insert(now);
        let asked =
            self.fetcher.conditional_with(&list.uri, rules, &known.validators, &list.headers);
        let statuses = match asked.await {
            Ok(fetched) => {
                let validators = fetched.validators.or(std::mem::take(&mut known.validators));
                let read = fetched.document.map(|document| list.read(&document)).transpose();
                read.map(|read| (read.map(Arc::new).or(known.statuses.clone()), validators))
                    .map_err(|invalid| RemoteError::Statuses(invalid.to_string()))
            }
            Err(failure) => Err(failure),
        };
        match statuses {
            Ok((statuses, validators)) => {
                *known = Known {
                    statuses,
                    validators,
                    heard: Some(now),
                    first_asked: known.first_asked,
                    failed: None,
                };
            }
            Err(failure) => {
                let host = list.uri.host();
                tracing::warn!(host, error = %failure, "a directory cannot be asked for statuses");
                known.failed = Some((now, failure));
            }
        }
    }
}

impl List {
    /// A panic elsewhere leaves nothing half-written: each change is one assignment.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn is_fresh(&self, refresh_seconds: i64, now: Timestamp) -> bool {
        self.heard.is_some_and(|heard| now < heard.plus(refresh_seconds))
    }

    fn is_left_alone(&self, now: Timestamp) -> bool {
        self.failed.as_ref().is_some_and(|(at, _)| now < at.plus(RETRY))
    }

    fn told(&self, refresh_seconds: i64, now: Timestamp) -> Heard {
        let failure = self.failed.as_ref().map(|(_, failure)| failure.clone());
        let silence = failure.filter(|_| !self.is_fresh(refresh_seconds, now));
        Heard {
            statuses: self.statuses.clone(),
            since: self.heard.or(self.first_asked).unwrap_or(now),
            silence,
        }
    }
}
