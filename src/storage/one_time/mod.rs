//! Single-use values: the store answers "you were first" in the statement that marks (SEC-50).

mod database;
mod redis;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::storage::database::Database;
use crate::storage::error::StorageError;
use crate::types::Timestamp;

/// How much longer than it could be accepted a mark is kept, in seconds: the clocks of two nodes
/// may differ (SEC-52).
const MARGIN_SECONDS: i64 = 60;

/// What is used once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OneTimeKind {
    /// The `jti` of a client assertion (RFC 7523 §3).
    ClientAssertion,
    /// The `jti` of a `DPoP` proof (RFC 9449 §11.1).
    DpopProof,
    /// The `jti` of a signed registration request.
    RegistrationRequest,
    /// The `jti` of a software statement that its framework wants used once.
    SoftwareStatement,
}

impl OneTimeKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::ClientAssertion,
        Self::DpopProof,
        Self::RegistrationRequest,
        Self::SoftwareStatement,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::ClientAssertion => "client_assertion",
            Self::DpopProof => "dpop_proof",
            Self::RegistrationRequest => "registration_request",
            Self::SoftwareStatement => "software_statement",
        }
    }
}

/// One use of a single-use value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeUse {
    /// What it is.
    pub kind: OneTimeKind,
    /// Who made it: `iss`.
    pub issuer: String,
    /// For whom: the client or the software.
    pub subject: String,
    /// The value: `jti`.
    pub value: String,
    /// When it was made: `iat`.
    pub issued_at: Timestamp,
    /// The latest instant at which it could be accepted, skew included.
    pub expires_at: Timestamp,
}

impl OneTimeUse {
    /// A hash over the length-prefixed parts, so that (`ab`, `c`) and (`a`, `bc`) are two (SEC-51).
    fn key(&self) -> String {
        let mut hash = Sha256::new();
        for part in [self.kind.name(), &self.issuer, &self.subject, &self.value] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(hash.finalize())
    }
}

/// The store's answer. Only the first may be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumed {
    /// Nobody has used it before, and nobody will again.
    First,
    /// It has been used.
    Again,
    /// It is older than what the store remembers, so it may have been used.
    Forgotten,
}

/// The store of single-use values.
#[derive(Debug, Clone)]
pub struct OneTimeStore {
    backend: Backend,
}

#[derive(Debug, Clone)]
enum Backend {
    Database(Database),
    Redis(redis::Marks),
}

impl OneTimeStore {
    /// Keeps the marks in the database.
    #[must_use]
    pub const fn database(database: Database) -> Self {
        Self { backend: Backend::Database(database) }
    }

    /// Keeps the marks in Redis, at `redis://…`.
    ///
    /// # Errors
    ///
    /// The address is malformed, or the server cannot be reached.
    pub async fn redis(url: &str, now: Timestamp) -> Result<Self, StorageError> {
        Ok(Self { backend: Backend::Redis(redis::Marks::connect(url, now).await?) })
    }

    /// Why marks may be lost in a crash, as far as the store says; empty if there is no reason
    /// (SEC-58). The database is checked when it is opened.
    ///
    /// # Errors
    ///
    /// The store cannot be reached, or did not answer in time.
    pub async fn durability(&self) -> Result<Vec<String>, StorageError> {
        match &self.backend {
            Backend::Database(_) => Ok(Vec::new()),
            Backend::Redis(marks) => marks.concerns().await,
        }
    }

    /// Uses a single-use value up. It commits on its own, so that no later refusal or crash hands
    /// the value back (SEC-53). An error means that the request fails (SEC-54).
    ///
    /// # Errors
    ///
    /// The store cannot be reached, or did not answer in time.
    pub async fn consume_once(
        &self,
        one_time: OneTimeUse,
        now: Timestamp,
    ) -> Result<Consumed, StorageError> {
        match &self.backend {
            Backend::Database(database) => database::consume(database, &one_time).await,
            Backend::Redis(marks) => marks.consume(one_time, now).await,
        }
    }

    /// Uses two single-use values up that belong together, and decides about each as
    /// [`Self::consume_once`] does. The second is left alone unless the first is new.
    ///
    /// # Errors
    ///
    /// The store cannot be reached, or did not answer in time. The first may be used up then.
    pub async fn consume_both(
        &self,
        first: OneTimeUse,
        second: OneTimeUse,
        now: Timestamp,
    ) -> Result<(Consumed, Option<Consumed>), StorageError> {
        if let Backend::Database(database) = &self.backend {
            return database::consume_both(database, (&first, &second)).await;
        }
        match self.consume_once(first, now).await? {
            Consumed::First => Ok((Consumed::First, Some(self.consume_once(second, now).await?))),
            refused @ (Consumed::Again | Consumed::Forgotten) => Ok((refused, None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(issuer: &str, subject: &str, value: &str) -> String {
        let at = Timestamp::EARLIEST;
        let kind = OneTimeKind::ClientAssertion;
        let (issuer, subject, value) = (issuer.into(), subject.into(), value.into());
        OneTimeUse { kind, issuer, subject, value, issued_at: at, expires_at: at }.key()
    }

    #[test]
    fn parts_that_run_together_are_two_keys() {
        assert_ne!(value("i", "ab", "c"), value("i", "a", "bc"));
        assert_ne!(value("ab", "", "c"), value("a", "b", "c"));
        assert_eq!(value("i", "s", "v"), value("i", "s", "v"));
        assert_eq!(value("i", "s", "v").len(), 43);
    }
}
