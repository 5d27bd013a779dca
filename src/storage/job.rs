//! A piece of work for a worker thread, and the answer that its caller waits for.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use crate::storage::connection::AnyConnection;
use crate::storage::error::StorageError;

/// How a write is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapping {
    /// Several statements: all of them or none.
    Transaction,
    /// One statement that decides by itself and needs no transaction of its own.
    Statement,
    /// A few such statements that are committed together.
    Statements,
}

/// What has become of a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// What it did should stay.
    Keep,
    /// It refused; what it did must be undone.
    Discard,
    /// It panicked; nobody knows in what state it left the connection.
    Panicked,
}

/// What a worker does with a piece of work: run it once, then answer it once.
pub(super) trait Job: Send {
    /// Whether the caller has stopped waiting.
    fn is_abandoned(&self) -> bool;
    /// How it is wrapped.
    fn wrapping(&self) -> Wrapping;
    /// Does the work.
    fn run(&mut self, connection: &mut AnyConnection) -> Outcome;
    /// The change sequence that it raised, to be made known after the commit.
    fn raised(&self) -> Option<u64>;
    /// Tells the caller: its own result, or the failure of what surrounded it.
    fn answer(self: Box<Self>, failure: Option<&StorageError>);
}

/// What a piece of work leaves behind.
pub(super) struct Done<T> {
    pub(super) value: T,
    pub(super) raised: Option<u64>,
}

/// The one kind of job: a closure and somebody who waits for its result.
pub(super) struct Task<F, T, E> {
    work: Option<F>,
    wrapping: Wrapping,
    result: Option<Result<Done<T>, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Task<F, T, E>
where
    F: FnOnce(&mut AnyConnection) -> Result<Done<T>, E> + Send + 'static,
    T: Send + 'static,
    E: From<StorageError> + Send + 'static,
{
    /// A job, and where its answer will arrive.
    pub(super) fn with_answer(
        wrapping: Wrapping,
        work: F,
    ) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>) {
        let (reply, answer) = oneshot::channel();
        (Box::new(Self { work: Some(work), wrapping, result: None, reply }), answer)
    }
}

impl<F, T, E> Job for Task<F, T, E>
where
    F: FnOnce(&mut AnyConnection) -> Result<Done<T>, E> + Send + 'static,
    T: Send + 'static,
    E: From<StorageError> + Send + 'static,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn wrapping(&self) -> Wrapping {
        self.wrapping
    }

    fn run(&mut self, connection: &mut AnyConnection) -> Outcome {
        let Some(work) = self.work.take() else { return Outcome::Discard };
        let (result, outcome) = match catch_unwind(AssertUnwindSafe(|| work(connection))) {
            Ok(Ok(done)) => (Ok(done), Outcome::Keep),
            Ok(Err(error)) => (Err(error), Outcome::Discard),
            Err(_) => {
                let error = StorageError::Broken("a database job panicked".to_owned());
                (Err(error.into()), Outcome::Panicked)
            }
        };
        self.result = Some(result);
        outcome
    }

    fn raised(&self) -> Option<u64> {
        self.result.as_ref()?.as_ref().ok()?.raised
    }

    fn answer(self: Box<Self>, failure: Option<&StorageError>) {
        let answer = match (failure, self.result) {
            (Some(failure), _) => Err(failure.clone().into()),
            (None, Some(result)) => result.map(|done| done.value),
            (None, None) => Err(StorageError::Broken("a database job was not run".into()).into()),
        };
        // The caller may have stopped waiting; then nobody is left to tell.
        drop(self.reply.send(answer));
    }
}
