//! The documents in which the server describes itself (RFC 8414, OpenID Connect Discovery).

use serde_json::json;

use crate::app::App;
use crate::endpoints::exchange::Answer;
use crate::protocol::discovery::Metadata;

/// How long others may keep these documents, in seconds.
const KEPT_SECONDS: u32 = 300;

/// `GET /.well-known/oauth-authorization-server`.
#[must_use]
pub fn oauth_metadata(app: &App) -> Answer {
    answer(app, Metadata::oauth(&app.settings.server.issuer, &app.features))
}

/// `GET /.well-known/openid-configuration`.
#[must_use]
pub fn openid_metadata(app: &App) -> Answer {
    answer(app, Metadata::openid(&app.settings.server.issuer, &app.features))
}

fn answer(app: &App, metadata: Metadata) -> Answer {
    let base = app.settings.mutual_tls.base_url.as_ref();
    let metadata = metadata.with_aliases(base, &app.features);
    Answer::json(200, &json!(metadata)).kept_for(KEPT_SECONDS)
}
