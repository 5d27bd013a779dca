//! How a job of the database fails while an operator's request is carried out.

use crate::endpoints::failure::Failure;
use crate::endpoints::operator::error::OperatorError;
use crate::storage::StorageError;

/// Why a job ended: the request is refused, or the store failed.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// The request is refused.
    Refused(OperatorError),
    /// The store says no.
    Store(StorageError),
}

impl From<OperatorError> for Ended {
    fn from(refusal: OperatorError) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StorageError> for Ended {
    fn from(error: StorageError) -> Self {
        Self::Store(error)
    }
}

impl From<Ended> for Failure {
    /// Two operators at once are a conflict, not a fault of ours.
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Refused(refusal) => refusal.into(),
            Ended::Store(StorageError::Stale { table }) => OperatorError::Stale { table }.into(),
            Ended::Store(StorageError::Exists { table }) => {
                OperatorError::InTheWay(format!("one of {} has this key already", words(table)))
                    .into()
            }
            Ended::Store(StorageError::Dangling { table }) => OperatorError::InTheWay(format!(
                "one of {} names a record that does not exist, or another record depends on it",
                words(table)
            ))
            .into(),
            Ended::Store(StorageError::ForbiddenTransition { record, from, to }) => {
                OperatorError::NoSuchStep { record, from, to, allowed: Vec::new() }.into()
            }
            Ended::Store(
                error @ (StorageError::Unavailable(_)
                | StorageError::Unreadable { .. }
                | StorageError::NotMigrated(_)
                | StorageError::Misconfigured(_)
                | StorageError::Broken(_)),
            ) => error.into(),
        }
    }
}

fn words(table: &str) -> String {
    table.replace('_', " ")
}
