//! The threads that own the connections: readers, and writers that commit for many at once (FLR-7).

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError};
use diesel::connection::SimpleConnection as _;

use crate::storage::connection::{AnyConnection, Purpose, Target};
use crate::storage::error::StorageError;
use crate::storage::generation::Generation;
use crate::storage::job::{Job, Outcome, Wrapping};

/// The most jobs that one SQLite transaction commits.
const LARGEST_GROUP: usize = 64;
/// How long a worker waits after a failed connection before it tries again.
const RETRY: Duration = Duration::from_millis(250);

/// A worker's connection, opened when it is needed and again when it was lost.
pub(super) struct Link {
    target: Target,
    purpose: Purpose,
    connection: Option<AnyConnection>,
    retry: Option<Receiver<Instant>>,
}

impl Link {
    pub(super) fn open(target: &Target, purpose: Purpose) -> Result<Self, StorageError> {
        let connection = Some(target.connect(purpose)?);
        Ok(Self { target: target.clone(), purpose, connection, retry: None })
    }

    /// The connection, or why there is none. After a failure it answers at once until it is time
    /// to try again, so that a queue of jobs does not wait for one timeout each.
    pub(super) fn connection(&mut self) -> Result<&mut AnyConnection, StorageError> {
        let waiting = |retry: &Receiver<Instant>| retry.try_recv() == Err(TryRecvError::Empty);
        if self.connection.is_none() {
            if self.retry.as_ref().is_some_and(waiting) {
                return Err(lost());
            }
            match self.target.connect(self.purpose) {
                Ok(connection) => self.connection = Some(connection),
                Err(error) => {
                    self.retry = Some(crossbeam_channel::after(RETRY));
                    return Err(error);
                }
            }
        }
        self.connection.as_mut().ok_or_else(lost)
    }

    /// Gives the connection up; the next job opens another.
    pub(super) fn reset(&mut self) {
        self.connection = None;
        self.retry = None;
    }

    /// Gives the connection up unless it still answers.
    fn check(&mut self) {
        if !self.connection.as_mut().is_some_and(AnyConnection::answers) {
            self.reset();
        }
    }
}

fn lost() -> StorageError {
    StorageError::Unavailable("the database cannot be reached".to_owned())
}

/// Starts a named thread.
pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StorageError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|error| StorageError::Broken(format!("cannot start a thread: {error}")))
}

/// Reads until nobody can send any more.
pub(super) fn run_reader(mut link: Link, queue: &Receiver<Box<dyn Job>>) {
    for mut job in queue {
        if job.is_abandoned() {
            continue;
        }
        let outcome = match link.connection() {
            Ok(connection) => job.run(connection),
            Err(failure) => {
                job.answer(Some(&failure));
                continue;
            }
        };
        job.answer(None);
        match outcome {
            Outcome::Keep => (),
            Outcome::Discard => link.check(),
            Outcome::Panicked => link.reset(),
        }
    }
}

/// Writes until nobody can send any more.
pub(super) fn run_writer(mut link: Link, queue: &Receiver<Box<dyn Job>>, known: &Arc<Generation>) {
    for first in queue {
        let mut group = vec![first];
        // SQLite has one writer, so whoever waits joins it; PostgreSQL groups commits by itself,
        // and jobs that share a transaction there could deadlock with those of another writer.
        if matches!(link.target, Target::Sqlite(_)) {
            // Nobody is waited for: the group is what arrived during the last commit.
            group.extend(queue.try_iter().take(LARGEST_GROUP.saturating_sub(1)));
        }
        group.retain(|job| !job.is_abandoned());
        if group.is_empty() {
            continue;
        }
        let result = match link.connection() {
            Ok(connection) => write(connection, &mut group),
            Err(failure) => Err(failure),
        };
        if !matches!(result, Ok(Health::Sound)) {
            link.check();
        }
        if result.is_ok() {
            group.iter().filter_map(|job| job.raised()).for_each(|value| known.raise(value));
        }
        let failure = result.err();
        for job in group {
            job.answer(failure.as_ref());
        }
    }
}

/// Whether a connection can be trusted with the next job.
enum Health {
    Sound,
    Doubtful,
}

/// Runs a group and commits it. An error means that nothing of it happened, or that nobody knows.
fn write(
    connection: &mut AnyConnection,
    group: &mut [Box<dyn Job>],
) -> Result<Health, StorageError> {
    if let ([job], AnyConnection::PostgreSql(_)) = (&mut *group, &*connection)
        && job.wrapping() == Wrapping::Statement
    {
        // It commits by itself, and answers with its own failure.
        return match job.run(connection) {
            Outcome::Keep => Ok(Health::Sound),
            Outcome::Discard | Outcome::Panicked => Ok(Health::Doubtful),
        };
    }
    connection.begin()?;
    let result = run_group(connection, group).and_then(|keep| {
        connection.batch_execute(if keep { "COMMIT" } else { "ROLLBACK" }).map_err(Into::into)
    });
    if result.is_err() {
        // The connection may be gone, or the engine may have rolled back by itself.
        drop(connection.batch_execute("ROLLBACK"));
    }
    result.map(|()| Health::Sound)
}

/// Runs each job of a group in its savepoint. Returns whether there is anything to commit.
fn run_group(
    connection: &mut AnyConnection,
    group: &mut [Box<dyn Job>],
) -> Result<bool, StorageError> {
    if let [job] = group {
        return Ok(job.run(connection) == Outcome::Keep);
    }
    for job in group {
        match job.wrapping() {
            // It has no savepoint to go back to, so its failure is everybody's.
            Wrapping::Statement | Wrapping::Statements if job.run(connection) == Outcome::Keep => {}
            Wrapping::Statement | Wrapping::Statements => return Err(undone()),
            Wrapping::Transaction => {
                connection.batch_execute("SAVEPOINT job")?;
                if job.run(connection) != Outcome::Keep {
                    connection.batch_execute("ROLLBACK TO SAVEPOINT job")?;
                }
                connection.batch_execute("RELEASE SAVEPOINT job")?;
            }
        }
    }
    Ok(true)
}

fn undone() -> StorageError {
    StorageError::Unavailable("a write failed and was undone".to_owned())
}
