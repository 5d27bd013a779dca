//! How an endpoint fails: the request is at fault, or we are (STY-9).

use crate::jose::SigningError;
use crate::keyring::KeyringError;
use crate::protocol::{ErrorCode, OAuthError};
use crate::storage::Database;
use crate::storage::StorageError;

/// Why an endpoint does not answer as it was asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The request is refused; the caller is told why.
    Refused(Box<OAuthError>),
    /// We could not do it; the log is told why.
    Broken(Broken),
}

/// What did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A store.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The signing keys.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Signing.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// Another server that we must ask, and that the caller does not choose.
    #[error("{0}")]
    Remote(String),
    /// An answer does not serialise.
    #[error("an answer cannot be written: {0}")]
    Unwritable(String),
    /// Changes of other nodes have not been seen for too long, so what we know may be out of date.
    #[error("the change sequence has not been read for more than a second")]
    OutOfDate,
}

impl<E: Into<OAuthError>> From<E> for Failure {
    fn from(refusal: E) -> Self {
        Self::Refused(Box::new(refusal.into()))
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Broken(error.into())
    }
}

impl From<KeyringError> for Failure {
    fn from(error: KeyringError) -> Self {
        Self::Broken(error.into())
    }
}

impl From<SigningError> for Failure {
    fn from(error: SigningError) -> Self {
        Self::Broken(error.into())
    }
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// Refuses to answer from caches that may be out of date (SEC-57).
///
/// # Errors
///
/// The change sequence has not been read for more than a second.
pub fn check_fresh(database: &Database) -> Result<(), Broken> {
    if database.generation_is_fresh() { Ok(()) } else { Err(Broken::OutOfDate) }
}

impl Broken {
    /// Whether the same request may succeed a little later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Storage(StorageError::Unavailable(_))
            | Self::Keyring(KeyringError::Storage(StorageError::Unavailable(_)))
            | Self::Remote(_)
            | Self::OutOfDate => true,
            Self::Storage(_) | Self::Keyring(_) | Self::Signing(_) | Self::Unwritable(_) => false,
        }
    }
}

impl Failure {
    /// What the caller is told. What broke is a detail for the log.
    #[must_use]
    pub fn into_error(self) -> OAuthError {
        match self {
            Self::Refused(refusal) => *refusal,
            Self::Broken(broken) => {
                let (code, description) = if broken.is_passing() {
                    (ErrorCode::TemporarilyUnavailable, "the server cannot answer now; try again")
                } else {
                    (ErrorCode::ServerError, "the server failed; the operator has been told")
                };
                OAuthError::new(code, description).with_detail(broken)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_cannot_be_reached_is_a_passing_failure() {
        let away = Failure::from(StorageError::Unavailable("postgres://u:p@host".to_owned()));
        let told = away.into_error();
        assert_eq!(told.code, ErrorCode::TemporarilyUnavailable);
        assert!(!told.body().to_string().contains("postgres"));
    }

    #[test]
    fn what_is_our_own_fault_is_a_server_error() {
        let broken = Failure::from(StorageError::Broken("secret reason".to_owned()));
        let told = broken.into_error();
        assert_eq!(told.code, ErrorCode::ServerError);
        assert!(!told.body().to_string().contains("secret reason"));
    }
}
