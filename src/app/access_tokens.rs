//! The access tokens that were seen lately, verified once (floors.md §7).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

use crate::app::revocations::Revocations;
use crate::jose::UnverifiedJws;
use crate::jose::VerifiedJws;
use crate::keyring::Keyring;
use crate::keyring::KeyringError;
use crate::keyring::Keys;
use crate::protocol::token::AccessTokenClaims;
use crate::storage::Database;
use crate::storage::StorageError;
use crate::types::{Issuer, Secret, Timestamp};

/// How many tokens are kept.
const MOST_TOKENS: u64 = 16_384;
/// No generation of the database.
const NEVER: u64 = u64::MAX;

/// A token that one of our keys signed. Whether it holds now is asked each time.
#[derive(Debug)]
pub struct KnownToken {
    claims: AccessTokenClaims,
    key_id: String,
    revoked: AtomicBool,
    /// The generation at which `revoked` was last read.
    read_at: AtomicU64,
}

impl KnownToken {
    /// What it says.
    #[must_use]
    pub const fn claims(&self) -> &AccessTokenClaims {
        &self.claims
    }

    /// Whether it was revoked before its end (RFC 7009).
    async fn is_revoked(
        &self,
        revocations: &Revocations,
        database: &Database,
    ) -> Result<bool, StorageError> {
        let generation = database.generation();
        if self.read_at.load(Ordering::Acquire) != generation {
            let revoked = revocations.contain(database, &self.claims.jti).await?;
            self.revoked.fetch_or(revoked, Ordering::AcqRel);
            self.read_at.store(generation, Ordering::Release);
        }
        Ok(self.revoked.load(Ordering::Acquire))
    }
}

/// The cache, by the SHA-256 of the token.
#[derive(Debug)]
pub struct AccessTokens {
    known: moka::sync::Cache<[u8; 32], Arc<KnownToken>>,
    revocations: Revocations,
}

impl Default for AccessTokens {
    fn default() -> Self {
        let known = moka::sync::Cache::new(MOST_TOKENS);
        Self { known, revocations: Revocations::default() }
    }
}

impl AccessTokens {
    /// The token, if it is one of ours that is neither expired nor revoked and whose key is good.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn find(
        &self,
        token: &Secret,
        from: &TokenSource<'_>,
        now: Timestamp,
    ) -> Result<Option<Arc<KnownToken>>, KeyringError> {
        let keys = from.keyring.keys(now).await?;
        let digest = <[u8; 32]>::from(Sha256::digest(token.reveal().as_bytes()));
        let Some(known) =
            self.known.get(&digest).or_else(|| self.verify(token, digest, &keys, from.issuer, now))
        else {
            return Ok(None);
        };
        let good = keys.is_usable(&known.key_id, now)
            && known.claims.check_time(now).is_ok()
            && !known.is_revoked(&self.revocations, from.database).await?;
        Ok(good.then_some(known))
    }

    /// Verifies a token that is seen for the first time; nothing if it is none of ours.
    fn verify(
        &self,
        token: &Secret,
        digest: [u8; 32],
        keys: &Keys,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Option<Arc<KnownToken>> {
        let unverified = UnverifiedJws::parse(token.reveal()).ok()?;
        let known = read(keys.verify(unverified, now).ok()?, issuer)?;
        self.known.insert(digest, Arc::clone(&known));
        Some(known)
    }
}

/// Where tokens come from and what may end them.
#[derive(Debug, Clone, Copy)]
pub struct TokenSource<'a> {
    /// What signs them.
    pub keyring: &'a Keyring,
    /// What remembers that they were revoked.
    pub database: &'a Database,
    /// Who issues them.
    pub issuer: &'a Issuer,
}

fn read(verified: VerifiedJws, issuer: &Issuer) -> Option<Arc<KnownToken>> {
    let key_id = verified.header.key_id?;
    let typ = verified.header.typ.as_deref();
    let claims = AccessTokenClaims::read(typ, verified.claims, issuer).ok()?;
    Some(Arc::new(KnownToken {
        claims,
        key_id,
        revoked: AtomicBool::new(false),
        read_at: AtomicU64::new(NEVER),
    }))
}
