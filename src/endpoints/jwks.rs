//! `GET /jwks` (RFC 7517 §5): the keys that sign our tokens, the next one included.

use crate::app::App;
use crate::endpoints::exchange::{Answer, Incoming};
use crate::keyring::KEY_SET_KEPT_SECONDS;

/// Answers with the public keys. Should the database be out of reach, those known last will do
/// (SEC-57).
pub async fn jwks(app: &App, incoming: &Incoming) -> Answer {
    let keys = app.keyring.keys(incoming.now).await;
    let keys = keys.unwrap_or_else(|_| app.keyring.last_loaded());
    Answer::json(200, &keys.jwks(incoming.now)).kept_for(KEY_SET_KEPT_SECONDS)
}
