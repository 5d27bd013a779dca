//! Registration access tokens: drawn by us, stored as a hash, and ending where the framework has them end
//! (RFC 7592 §3, REG-R4, R5, PEER-25).
//!
//! A token that ends holds the instant at which it was made. Whoever changes that has another token,
//! whose hash nobody has stored.

use crate::partners::Client;
use crate::random;
use crate::trust::Framework;
use crate::types::{Secret, Timestamp};

/// A new token.
pub(super) fn new(framework: Option<&Framework>, now: Timestamp) -> Secret {
    let drawn = random::secret();
    match framework.and_then(Framework::management_token_seconds) {
        Some(_) => Secret::new(format!("{}.{}", drawn.reveal(), now.epoch())),
        None => drawn,
    }
}

/// Whether a client's token has ended. One without an instant was made before its framework had tokens
/// end, and is as old as the client.
pub(super) fn has_ended(
    framework: Option<&Framework>,
    client: &Client,
    token: &Secret,
    now: Timestamp,
) -> bool {
    let Some(seconds) = framework.and_then(Framework::management_token_seconds) else {
        return false;
    };
    let made = token.reveal().rsplit_once('.').and_then(|(_, made)| made.parse().ok());
    let made = made.and_then(|made| Timestamp::from_epoch(made).ok()).unwrap_or(client.issued_at);
    now >= made.plus(seconds)
}
