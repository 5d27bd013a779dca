//! The keys of others, cached ([RFC 7517] §5): one fetch at a time to an address, and few of them.
//!
//! [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use moka::sync::Cache;
use serde_json::Value;

use crate::jose::JwkSet;
use crate::remote::error::RemoteError;
use crate::remote::fetcher::Fetched;
use crate::remote::fetcher::Fetcher;
use crate::remote::freshness::Decision;
use crate::remote::freshness::Known;
use crate::remote::freshness::News;
use crate::remote::rules::FetchRules;
use crate::types::HttpsUri;
use crate::types::Timestamp;

const MOST_ADDRESSES: u64 = 10_000;

/// Where the keys of software and directories come from. Clones share the cache.
#[derive(Debug, Clone)]
pub struct KeySource {
    fetcher: Fetcher,
    addresses: Cache<HttpsUri, Arc<Address>>,
}

/// What is known of one address, and the right to ask it.
#[derive(Debug, Default)]
struct Address {
    known: Mutex<Known>,
    asking: Arc<tokio::sync::Mutex<()>>,
}

impl KeySource {
    /// A source with an empty cache.
    #[must_use]
    pub fn new(fetcher: Fetcher) -> Self {
        Self { fetcher, addresses: Cache::new(MOST_ADDRESSES) }
    }

    /// The keys at an address: from the cache while they are fresh and hold the wanted `kid`,
    /// otherwise from their owner. Shortly before they are stale they are fetched again beside the
    /// request; while the owner cannot be reached, older ones serve for an hour.
    ///
    /// # Errors
    ///
    /// The rules forbid it, or nothing usable can be had.
    pub async fn keys(
        &self,
        uri: &HttpsUri,
        rules: &FetchRules,
        wanted_key_id: Option<&str>,
        now: Timestamp,
    ) -> Result<JwkSet, RemoteError> {
        // Somebody else's rules may have brought what is cached.
        rules.check(uri)?;
        let address = self.addresses.get_with_by_ref(uri, Arc::default);
        let mut decision = address.known().decide(wanted_key_id, now);
        if matches!(decision, Decision::Fetch) {
            let _asking = address.asking.lock().await;
            // Whoever held the lock before may have brought them.
            decision = address.known().decide(wanted_key_id, now);
            if matches!(decision, Decision::Fetch) {
                decision = ask(&self.fetcher, &address, uri, rules, now).await;
            }
        }
        match decision {
            Decision::Use(keys) => Ok(keys),
            Decision::UseAndRefresh(keys) => {
                self.refresh(&address, uri, rules, now);
                Ok(keys)
            }
            Decision::Fail(failure) => Err(failure),
            Decision::Fetch => Err(RemoteError::Busy),
        }
    }

    /// What brings them, to be shared: its limits are for everything that goes out.
    #[must_use]
    pub fn fetcher(&self) -> Fetcher {
        self.fetcher.clone()
    }

    /// Fetches a JSON document that is not kept, such as the one at a `sector_identifier_uri`.
    ///
    /// # Errors
    ///
    /// The rules forbid it, nobody answers in time, or what comes is not small, well-formed JSON.
    pub async fn fetch_document(
        &self,
        uri: &HttpsUri,
        rules: &FetchRules,
    ) -> Result<Value, RemoteError> {
        self.fetcher.json(uri, rules).await
    }

    /// Fetches keys again before they are stale, so that nobody has to wait for it. Whoever finds
    /// somebody asking already leaves it at that.
    fn refresh(&self, address: &Arc<Address>, uri: &HttpsUri, rules: &FetchRules, now: Timestamp) {
        let Ok(asking) = Arc::clone(&address.asking).try_lock_owned() else { return };
        let (fetcher, address) = (self.fetcher.clone(), Arc::clone(address));
        let (uri, rules) = (uri.clone(), rules.clone());
        tokio::spawn(async move {
            let _asking = asking;
            ask(&fetcher, &address, &uri, &rules, now).await
        });
    }
}

async fn ask(
    fetcher: &Fetcher,
    address: &Address,
    uri: &HttpsUri,
    rules: &FetchRules,
    now: Timestamp,
) -> Decision {
    let validators = address.known().validators();
    let outcome = fetcher.conditional(uri, rules, &validators).await.and_then(read);
    if let Err(failure) = &outcome {
        tracing::warn!(host = uri.host(), error = %failure, "keys cannot be fetched");
    }
    address.known().note(outcome, now)
}

fn read(fetched: Fetched) -> Result<News, RemoteError> {
    let Fetched { document, validators, fresh_for } = fetched;
    let keys = document.map(|document| JwkSet::parse_fetched(&document)).transpose()?;
    Ok(News { keys, validators, fresh_for })
}

impl Address {
    /// A panic elsewhere leaves nothing half-written: each note is one assignment.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
