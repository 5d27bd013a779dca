//! The clients that were asked about lately, with their keys imported and their last decisions.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::jose::JwkSet;
use crate::partners::ClientRecord;
use crate::policy::ItemDecision;
use crate::policy::SenderConstraint;
use crate::storage::Database;
use crate::storage::Reader;
use crate::storage::StorageError;
use crate::types::{ClientId, ScopeSet, Timestamp};

/// How many clients are kept.
const MOST_CLIENTS: u64 = 4096;
/// How many decisions are kept for one client and one second.
const MOST_DECISIONS: usize = 8;

/// A client as it was read at one generation of the database.
#[derive(Debug)]
pub struct KnownClient {
    generation: u64,
    record: ClientRecord,
    inline_keys: Option<JwkSet>,
    decisions: Mutex<Vec<TokenDecision>>,
    /// When a use was last noted, as seconds since 1970.
    noted_at: AtomicI64,
}

/// What was decided about a token for these scopes at one second: with the same facts the answer
/// would be the same (GOV-ON-4).
#[derive(Debug, Clone)]
struct TokenDecision {
    /// What was asked for.
    pub scope: ScopeSet,
    /// What the client authenticated with.
    pub thumbprint: Option<String>,
    /// How the token is bound.
    pub constraint: SenderConstraint,
    /// When.
    pub now: Timestamp,
    /// What was decided, scope by scope.
    pub items: Arc<[ItemDecision]>,
}

impl KnownClient {
    fn new(
        generation: u64,
        (record, last_used): (ClientRecord, Option<Timestamp>),
        before: Option<&Self>,
    ) -> Self {
        let jwks = record.client.metadata.jwks.as_ref();
        let unchanged = before.filter(|before| before.record.client.metadata.jwks.as_ref() == jwks);
        let inline_keys = match unchanged {
            Some(before) => before.inline_keys.clone(),
            None => jwks.and_then(|jwks| JwkSet::parse_fetched(jwks).ok()),
        };
        let noted_at = AtomicI64::new(last_used.map_or(0, Timestamp::epoch));
        Self { generation, record, inline_keys, decisions: Mutex::default(), noted_at }
    }

    /// Whether a use must be noted now, and none has been since `then`. Of several requests at once
    /// one is told so.
    pub fn use_is_to_be_noted(&self, then: Timestamp, now: Timestamp) -> bool {
        let noted_at = self.noted_at.load(Ordering::Acquire);
        let (acquire, relaxed) = (Ordering::AcqRel, Ordering::Relaxed);
        noted_at <= then.epoch()
            && self.noted_at.compare_exchange(noted_at, now.epoch(), acquire, relaxed).is_ok()
    }

    /// The use could not be noted after all.
    pub fn forget_use(&self) {
        self.noted_at.store(0, Ordering::Release);
    }

    /// The client and what its standing depends on.
    #[must_use]
    pub const fn record(&self) -> &ClientRecord {
        &self.record
    }

    /// The keys that it registered by value, imported once (FLR-2).
    #[must_use]
    pub const fn inline_keys(&self) -> Option<&JwkSet> {
        self.inline_keys.as_ref()
    }

    /// The decision for these scopes at this second: the one that was made already, or the one that
    /// `decide` makes.
    pub fn decision(
        &self,
        scope: &ScopeSet,
        thumbprint: Option<&str>,
        constraint: SenderConstraint,
        now: Timestamp,
        decide: impl FnOnce() -> Vec<ItemDecision>,
    ) -> Arc<[ItemDecision]> {
        let same = |made: &&TokenDecision| {
            made.now == now
                && made.thumbprint.as_deref() == thumbprint
                && made.constraint == constraint
                && made.scope == *scope
        };
        let made = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = made.iter().find(same) {
            return Arc::clone(&made.items);
        }
        drop(made);
        let items = Arc::<[ItemDecision]>::from(decide());
        let mut made = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        made.retain(|made| made.now == now);
        if made.len() < MOST_DECISIONS {
            made.push(TokenDecision {
                scope: scope.clone(),
                thumbprint: thumbprint.map(str::to_owned),
                constraint,
                now,
                items: Arc::clone(&items),
            });
        }
        items
    }
}

/// The cache. An entry counts only at the generation at which it was read.
#[derive(Debug, Clone)]
pub struct Clients(moka::sync::Cache<ClientId, Arc<KnownClient>>);

impl Default for Clients {
    fn default() -> Self {
        Self(moka::sync::Cache::new(MOST_CLIENTS))
    }
}

impl Clients {
    /// The client as it is now, or nothing if there is none.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn find(
        &self,
        database: &Database,
        id: &ClientId,
    ) -> Result<Option<Arc<KnownClient>>, StorageError> {
        let generation = database.generation();
        let before = self.0.get(id);
        if let Some(known) = before.as_ref().filter(|known| known.generation == generation) {
            return Ok(Some(Arc::clone(known)));
        }
        let wanted = id.clone();
        let read = move |reader: &mut Reader<'_>| -> Result<_, StorageError> {
            let Some(record) = reader.client_record(&wanted)? else { return Ok(None) };
            Ok(Some((record, reader.client_last_used(&wanted)?)))
        };
        let Some(read) = database.read(read).await? else {
            self.0.invalidate(id);
            return Ok(None);
        };
        let known = Arc::new(KnownClient::new(generation, read, before.as_deref()));
        self.0.insert(id.clone(), Arc::clone(&known));
        Ok(Some(known))
    }
}
