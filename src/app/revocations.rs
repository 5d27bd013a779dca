//! The tokens that were revoked before their end, in memory while they are few: a token that is seen
//! for the first time then costs no query.

use std::collections::BTreeSet;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use crate::storage::Database;
use crate::storage::StorageError;

/// How many are kept. Tokens live for minutes, so that more means an unusual hour; each is then asked
/// for by itself.
const MOST_KEPT: u16 = 4096;

/// The revocations as they were read at one generation of the database.
#[derive(Debug, Default)]
pub(super) struct Revocations {
    kept: ArcSwapOption<Kept>,
    reading: Mutex<()>,
}

#[derive(Debug)]
struct Kept {
    generation: u64,
    /// Nothing, if they are too many.
    revoked: Option<BTreeSet<String>>,
}

impl Kept {
    fn contains(&self, generation: u64, jti: &str) -> Option<bool> {
        let revoked = self.revoked.as_ref().filter(|_| self.generation == generation);
        revoked.map(|revoked| revoked.contains(jti))
    }
}

impl Revocations {
    /// Whether the token with this `jti` is among them.
    pub(super) async fn contain(
        &self,
        database: &Database,
        jti: &str,
    ) -> Result<bool, StorageError> {
        // Taken before anything is read: what is read is at least as new.
        let generation = database.generation();
        let kept = self.kept.load();
        if let Some(answer) = kept.as_ref().and_then(|kept| kept.contains(generation, jti)) {
            return Ok(answer);
        }
        let is_read = kept.as_ref().is_some_and(|kept| kept.generation == generation);
        // One request reads them all; the others do not wait for it.
        let turn = if is_read { None } else { self.reading.try_lock().ok() };
        if turn.is_some() {
            let found = database.read(|reader| reader.revoked_tokens(MOST_KEPT)).await?;
            let kept = Kept { generation, revoked: found.map(BTreeSet::from_iter) };
            let answer = kept.contains(generation, jti);
            self.kept.store(Some(kept.into()));
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
        let jti = jti.to_owned();
        database.read(move |reader| reader.is_token_revoked(&jti)).await
    }
}
