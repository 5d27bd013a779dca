//! What a registered client is shown of itself (RFC 7591 §3.2.1, RFC 7592 §3).

use serde_json::{Map, Value};

use crate::app::App;
use crate::endpoints::exchange::Answer;
use crate::partners::Client;
use crate::protocol::registration::RegistrationResponse;
use crate::types::{ClientId, Secret};

/// The answer to a registration, a reading or an update.
pub(super) fn answer(
    app: &App,
    status: u16,
    client: &Client,
    echo: &Map<String, Value>,
    token: &Secret,
    decisions: Option<Value>,
) -> Answer {
    let body = RegistrationResponse {
        client_id: &client.id,
        issued_at: client.issued_at,
        metadata: &client.metadata,
        software_statement: &client.software_statement,
        from_statement: echo.clone(),
        registration_client_uri: &registration_client_uri(app, &client.id),
        registration_access_token: token,
        decisions,
        policy_digest: Some(&client.policy_digest),
    };
    Answer::json(status, &body.body())
}

/// RFC 7592 §3: where the client manages its registration.
fn registration_client_uri(app: &App, id: &ClientId) -> String {
    app.settings.server.issuer.join(&format!("/register/{id}"))
}
