//! How the server is.

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::schema::status::StatusView;

/// Shows how the server is.
pub async fn show(app: &App, call: &Call<'_>) -> Result<StatusView, Failure> {
    call.no_query()?;
    let keys = app.keyring.keys(call.now()).await?;
    let server = &app.settings.server;
    Ok(StatusView {
        version: env!("CARGO_PKG_VERSION"),
        issuer: server.issuer.to_string(),
        environment: server.environment.name(),
        time: call.now().to_string(),
        operator: call.operator.name().to_owned(),
        role: call.operator.role().name(),
        change_sequence: app.database.generation(),
        change_sequence_is_fresh: app.database.generation_is_fresh(),
        policy_digest: app.policy.digest().to_owned(),
        frameworks: app.frameworks.iter().map(|framework| framework.name().to_string()).collect(),
        signing_key: keys.signer(call.now()).map(|key| key.key_id().to_owned()),
    })
}
