//! A registration whose answer was lost, asked for again (REG-E10, W1): the same `Idempotency-Key` with
//! the same content makes no second client.
//!
//! The key is scoped to the framework, the software and the key that signed the request, so that nobody
//! meets another's. The request must be signed anew (its `jti` works once): whoever has only overheard
//! one obtains nothing by sending it again. Its statement may be the one of the first time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::Failure;
use crate::protocol::{ErrorCode, OAuthError};
use crate::storage::RegistrationRetry;
use crate::types::{ClientId, Timestamp};

use super::evidence::{Evidence, Proof};

/// How long an answer can be asked for again, in seconds.
const KEPT_SECONDS: i64 = 86_400;
/// The longest key.
const LONGEST_KEY: usize = 255;

/// A registration that carries an `Idempotency-Key`.
#[derive(Debug, Clone)]
pub(super) struct Retry {
    key: String,
    content: String,
}

impl Retry {
    /// What the request says of itself, if it says anything.
    pub(super) fn of(
        incoming: &Incoming,
        proof: &Proof,
        evidence: &Evidence,
    ) -> Result<Option<Self>, Failure> {
        let Some(key) = &incoming.idempotency_key else { return Ok(None) };
        let key = key.reveal();
        if key.is_empty() || key.len() > LONGEST_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) {
            let description =
                format!("an `Idempotency-Key` is 1 to {LONGEST_KEY} visible ASCII characters");
            return Err(OAuthError::new(ErrorCode::InvalidRequest, description).into());
        }
        let scope = [
            proof.framework.name().as_str(),
            proof.facts.software_id.as_str(),
            proof.bound.prover(),
            key,
        ];
        let metadata = json!(evidence.metadata).to_string();
        let content = [proof.facts.organisation_id.as_str(), metadata.as_str()];
        Ok(Some(Self { key: digest(&scope), content: digest(&content) }))
    }

    /// The client that the first request made, if there was one.
    pub(super) async fn find(
        &self,
        app: &App,
        now: Timestamp,
    ) -> Result<Option<ClientId>, Failure> {
        let key = self.key.clone();
        let found = app.database.read(move |r| r.registration_retry(&key, now)).await?;
        let Some(found) = found else { return Ok(None) };
        if found.content == self.content {
            return Ok(Some(found.client_id));
        }
        let description = "this `Idempotency-Key` was used for a registration with other content: \
                           take another key for another registration";
        Err(OAuthError::new(ErrorCode::Conflict, description).into())
    }

    /// What is remembered with the client that was made.
    pub(super) fn record(self, client_id: &ClientId, now: Timestamp) -> RegistrationRetry {
        RegistrationRetry {
            key: self.key,
            content: self.content,
            client_id: client_id.clone(),
            expires_at: now.plus(KEPT_SECONDS),
        }
    }
}

/// A hash over length-prefixed parts, so that no two lists of parts run together (SEC-51).
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// Whether a refusal may be that of the slower of two that came at once: the statement of both is the
/// same, and the faster one has used it.
pub(super) fn may_be_a_race(failure: &Failure) -> bool {
    match failure {
        Failure::Refused(refusal) => refusal.code == ErrorCode::InvalidSoftwareStatement,
        Failure::Broken(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_run_together_are_two_keys() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["a", ""]), digest(&["a"]));
        assert_eq!(digest(&["a", "b"]), digest(&["a", "b"]));
    }
}
