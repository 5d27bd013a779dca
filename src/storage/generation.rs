//! The generation: a number that differs whenever something that nodes may have cached differs.
//!
//! It is the change sequence of the database. A local commit raises it at once; a thread re-reads
//! it, so that another node's commit is seen in under a second. When that reading fails for longer,
//! caches must not be trusted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use diesel::prelude::*;

use crate::storage::connection::AnyConnection;
use crate::storage::error::StorageError;
use crate::storage::schema::change_sequence;
use crate::storage::worker::{Link, spawn};

/// How often the change sequence is read again.
const PERIOD: Duration = Duration::from_millis(250);
/// After this many periods without a reading, caches fail closed.
const MOST_MISSED: u32 = 4;

/// The last known change sequence, and how long ago it was known.
#[derive(Debug)]
pub(super) struct Generation {
    value: AtomicU64,
    missed: AtomicU32,
}

impl Generation {
    pub(super) fn new(value: u64) -> Arc<Self> {
        Arc::new(Self { value: AtomicU64::new(value), missed: AtomicU32::new(0) })
    }

    pub(super) fn value(&self) -> u64 {
        self.value.load(Ordering::Acquire)
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.missed.load(Ordering::Acquire) < MOST_MISSED
    }

    /// Makes a committed change sequence known. It never falls: a slower thread may come later.
    pub(super) fn raise(&self, value: u64) {
        self.value.fetch_max(value, Ordering::AcqRel);
    }

    fn tick(&self) {
        self.missed.fetch_add(1, Ordering::AcqRel);
    }

    fn seen(&self, value: u64) {
        self.raise(value);
        self.missed.store(0, Ordering::Release);
    }
}

/// Starts the thread that re-reads, and the one that counts the periods in which it did not: a
/// reading that hangs cannot count for itself. Both end when the returned sender is dropped.
pub(super) fn watch(
    generation: &Arc<Generation>,
    mut link: Link,
) -> Result<Sender<()>, StorageError> {
    let (stop, stopped) = crossbeam_channel::bounded::<()>(0);
    let (reader, also_stopped) = (Arc::clone(generation), stopped.clone());
    spawn("countersign-generation", move || {
        each_period(&also_stopped, || {
            if let Ok(connection) = link.connection() {
                match read(connection) {
                    Ok(value) => reader.seen(value),
                    Err(_) => link.reset(),
                }
            }
        });
    })?;
    let counter = Arc::clone(generation);
    spawn("countersign-freshness", move || each_period(&stopped, || counter.tick()))?;
    Ok(stop)
}

fn each_period(stopped: &Receiver<()>, mut work: impl FnMut()) {
    while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
        work();
    }
}

/// Reads the change sequence.
pub(super) fn read(connection: &mut AnyConnection) -> Result<u64, StorageError> {
    let value: i64 =
        change_sequence::table.find(1).select(change_sequence::value).get_result(connection)?;
    Ok(value.unsigned_abs())
}

/// Raises the change sequence within a transaction and says what it is then.
#[expect(clippy::arithmetic_side_effects, reason = "the database adds; a BIGINT lasts")]
pub(super) fn advance(connection: &mut AnyConnection) -> Result<u64, StorageError> {
    diesel::update(change_sequence::table.find(1))
        .set(change_sequence::value.eq(change_sequence::value + 1))
        .execute(connection)?;
    read(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_never_falls() {
        let generation = Generation::new(3);
        generation.raise(5);
        generation.raise(4);
        assert_eq!(generation.value(), 5);
    }

    #[test]
    fn a_generation_that_is_not_read_again_is_not_fresh() {
        let generation = Generation::new(0);
        (0..MOST_MISSED).for_each(|_| generation.tick());
        assert!(!generation.is_fresh());
        generation.seen(1);
        assert!(generation.is_fresh());
    }
}
