//! The database as every other room sees it: reads, writes, and the generation of what was read.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Sender;
use tokio::sync::oneshot;

use crate::storage::connection::{AnyConnection, Purpose, Target};
use crate::storage::error::StorageError;
use crate::storage::generation::{self, Generation};
use crate::storage::job::{Done, Job, Task, Wrapping};
use crate::storage::migrations;
use crate::storage::reader::Reader;
use crate::storage::worker::{self, Link};
use crate::storage::writer::{Change, Writer};

/// How long a caller waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the database is, and how many threads serve it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseOptions {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// Threads that read, each with a connection.
    pub readers: usize,
    /// Threads that write, each with a connection. SQLite always has one.
    pub writers: usize,
    /// How many reads, and how many writes, may wait. Whoever comes next is turned away at once.
    pub queue: usize,
}

impl DatabaseOptions {
    /// A database with the usual numbers.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), readers: 4, writers: 4, queue: 1024 }
    }
}

/// The database. It is cheap to clone; its threads end with the last clone.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    reads: Sender<Box<dyn Job>>,
    writes: Sender<Box<dyn Job>>,
    generation: Arc<Generation>,
    /// Dropped last of all, it ends the threads that watch the generation.
    _watch: Sender<()>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Database").field("generation", &self.generation()).finish()
    }
}

impl Database {
    /// Runs the pending migrations and names them. It blocks.
    ///
    /// # Errors
    ///
    /// The database cannot be reached, or a migration failed.
    pub fn migrate(url: &str) -> Result<Vec<String>, StorageError> {
        migrations::run(&Target::parse(url)?)
    }

    /// Names the pending migrations. It blocks.
    ///
    /// # Errors
    ///
    /// The database cannot be reached.
    pub fn pending_migrations(url: &str) -> Result<Vec<String>, StorageError> {
        migrations::pending(&Target::parse(url)?)
    }

    /// Opens a migrated database for service. It blocks until every thread has its connection.
    ///
    /// # Errors
    ///
    /// The database cannot be reached, does not keep what it commits, or is not migrated.
    pub fn open(options: &DatabaseOptions) -> Result<Self, StorageError> {
        let target = Target::parse(&options.url)?;
        let pending = migrations::pending(&target)?;
        if !pending.is_empty() {
            return Err(StorageError::NotMigrated(pending));
        }
        let mut link = Link::open(&target, Purpose::Read)?;
        let generation = Generation::new(generation::read(link.connection()?)?);
        let watch = generation::watch(&generation, link)?;
        let (reads, queue) = crossbeam_channel::bounded(options.queue.max(1));
        for number in 0..options.readers.max(1) {
            let (link, queue) = (Link::open(&target, Purpose::Read)?, queue.clone());
            worker::spawn(&format!("countersign-reader-{number}"), move || {
                worker::run_reader(link, &queue);
            })?;
        }
        let (writes, queue) = crossbeam_channel::bounded(options.queue.max(1));
        for number in 0..writers(&target, options) {
            let (link, queue) = (Link::open(&target, Purpose::Write)?, queue.clone());
            let known = Arc::clone(&generation);
            worker::spawn(&format!("countersign-writer-{number}"), move || {
                worker::run_writer(link, &queue, &known);
            })?;
        }
        Ok(Self { inner: Arc::new(Inner { reads, writes, generation, _watch: watch }) })
    }

    /// Reads. The job runs on a thread of the database.
    ///
    /// # Errors
    ///
    /// What the job returns; or the queue is full, or no answer came in time.
    pub async fn read<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&mut Reader<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let work = move |connection: &mut AnyConnection| {
            job(&mut Reader::new(connection)).map(|value| Done { value, raised: None })
        };
        let (task, answer) = Task::with_answer(Wrapping::Transaction, work);
        enqueue(&self.inner.reads, task)?;
        await_answer(answer).await
    }

    /// Writes, all or nothing: an error undoes what the job did. The answer comes after the commit.
    /// The events of the [`Change`] are appended in the same transaction.
    ///
    /// # Errors
    ///
    /// What the job returns; or the queue is full, or no answer came in time. In the last case the
    /// write may have happened.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&mut Writer<'_>) -> Result<Change<T>, E> + Send + 'static,
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let work = move |connection: &mut AnyConnection| {
            let mut writer = Writer::new(connection);
            let change = job(&mut writer)?;
            let (value, raised) = writer.finish(change)?;
            Ok(Done { value, raised })
        };
        let (task, answer) = Task::with_answer(Wrapping::Transaction, work);
        enqueue(&self.inner.writes, task)?;
        await_answer(answer).await
    }

    /// Runs one statement that decides and commits by itself.
    pub(super) async fn decide<T: Send + 'static>(
        &self,
        statement: impl FnOnce(&mut AnyConnection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        self.run(Wrapping::Statement, statement).await
    }

    /// Runs a few such statements, and commits them together.
    pub(super) async fn decide_together<T: Send + 'static>(
        &self,
        statements: impl FnOnce(&mut AnyConnection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        self.run(Wrapping::Statements, statements).await
    }

    async fn run<T: Send + 'static>(
        &self,
        wrapping: Wrapping,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let work = move |connection: &mut AnyConnection| {
            work(connection).map(|value| Done { value, raised: None })
        };
        let (task, answer) = Task::with_answer(wrapping, work);
        enqueue(&self.inner.writes, task)?;
        await_answer(answer).await
    }

    /// The generation of what may be cached: take it before reading, keep it beside what was read,
    /// and read again when it differs.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.inner.generation.value()
    }

    /// Whether the generation is known to be less than about a second old. If not, caches must not
    /// be trusted.
    #[must_use]
    pub fn generation_is_fresh(&self) -> bool {
        self.inner.generation.is_fresh()
    }
}

fn writers(target: &Target, options: &DatabaseOptions) -> usize {
    match target {
        Target::Sqlite(_) => 1,
        Target::PostgreSql(_) => options.writers.max(1),
    }
}

fn enqueue(queue: &Sender<Box<dyn Job>>, job: Box<dyn Job>) -> Result<(), StorageError> {
    queue.try_send(job).map_err(|_| {
        StorageError::Unavailable("too many requests are waiting for the database".to_owned())
    })
}

async fn await_answer<T, E: From<StorageError>>(
    answer: oneshot::Receiver<Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => {
            Err(StorageError::Unavailable("a database thread has ended".to_owned()).into())
        }
        Err(_) => {
            Err(StorageError::Unavailable("the database did not answer in time".to_owned()).into())
        }
    }
}
