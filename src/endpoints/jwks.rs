//! `GET /jwks` (RFC 7517 §5): the keys that sign our tokens, the next one included.

use crate::app::App;
use crate::endpoints::exchange::{Answer, Incoming};

/// How long others may keep the key set, in seconds. Keys are published and kept for much longer
/// than this before and after they sign.
pub const KEPT_SECONDS: u32 = 300;

/// Answers with the public keys. Should the database be out of reach, those known last will do
/// (SEC-57).
pub async fn jwks(app: &App, incoming: &Incoming) -> Answer {
    let keys = app.keyring.keys().await.unwrap_or_else(|_| app.keyring.last_loaded());
    Answer::json(200, &keys.jwks(incoming.now)).kept_for(KEPT_SECONDS)
}
