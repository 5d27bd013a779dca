//! The keys of others, cached ([RFC 7517] §5): one fetch at a time to an address, and few of them.
//!
//! [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use moka::sync::Cache;

use crate::jose::JwkSet;
use crate::remote::error::RemoteError;
use crate::remote::fetcher::Fetcher;
use crate::remote::freshness::Decision;
use crate::remote::freshness::Known;
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
    asking: tokio::sync::Mutex<()>,
}

impl KeySource {
    /// A source with an empty cache.
    #[must_use]
    pub fn new(fetcher: Fetcher) -> Self {
        Self { fetcher, addresses: Cache::new(MOST_ADDRESSES) }
    }

    /// The keys at an address: from the cache while they are fresh and hold the wanted `kid`,
    /// otherwise from their owner. While the owner cannot be reached, older ones serve for an hour.
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
        let decision = address.known().decide(wanted_key_id, now);
        let decision = match decision {
            Decision::Use(_) | Decision::Fail(_) => decision,
            Decision::Fetch => {
                let _asking = address.asking.lock().await;
                // Whoever held the lock before may have brought them.
                let decision = address.known().decide(wanted_key_id, now);
                match decision {
                    Decision::Use(_) | Decision::Fail(_) => decision,
                    Decision::Fetch => self.ask(&address, uri, rules, now).await,
                }
            }
        };
        match decision {
            Decision::Use(keys) => Ok(keys),
            Decision::Fail(failure) => Err(failure),
            Decision::Fetch => Err(RemoteError::Busy),
        }
    }

    async fn ask(
        &self,
        address: &Address,
        uri: &HttpsUri,
        rules: &FetchRules,
        now: Timestamp,
    ) -> Decision {
        let outcome = match self.fetcher.json(uri, rules).await {
            Ok(document) => JwkSet::parse_fetched(&document).map_err(RemoteError::from),
            Err(failure) => Err(failure),
        };
        let mut known = address.known();
        known.note(&outcome, now);
        match outcome {
            Ok(keys) => Decision::Use(keys),
            Err(failure) => {
                tracing::warn!(host = uri.host(), error = %failure, "keys cannot be fetched");
                known.despite(failure, now)
            }
        }
    }
}

impl Address {
    /// A panic elsewhere leaves nothing half-written: each note is one assignment.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
