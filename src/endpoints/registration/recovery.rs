//! `POST {registration_client_uri}/recover`: a new registration access token for an owner who has lost
//! the one before, which is good no longer (REG-R10, W1).
//!
//! Two proofs are taken. With a form, the client authenticates as at the token endpoint: it holds a key
//! that is registered. With a signed registration request, its software does: it holds a key that a
//! fresh statement vouches for. A client that the bank has stopped recovers nothing: whoever it was
//! stopped for may be the one who asks.

use crate::app::App;
use crate::endpoints::client_authentication;
use crate::endpoints::exchange::{Answer, Incoming};
use crate::endpoints::failure::Failure;
use crate::protocol::parameters::Parameters;
use crate::protocol::{ErrorCode, OAuthError};
use crate::types::ClientId;

use super::access::{check_certificate, unauthorized};
use super::evidence::Proof;
use super::existing::{Because, Living, again, show};
use super::management::check_in_use;
use super::view::has_token;
use super::{check_enabled, trail};

const FORM: &str = "application/x-www-form-urlencoded";

/// Gives a client another registration access token.
///
/// # Errors
///
/// Nothing is proved, or not by the client at this address.
pub async fn recover(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    check_enabled(app)?;
    let id = ClientId::parse(incoming.segment("client_id")).map_err(|_| unauthorized())?;
    if incoming.media_type().as_deref() == Some(FORM) {
        return by_key(app, incoming, &id).await;
    }
    let proof = Proof::gather(app, incoming).await?;
    let burnt = proof.burn_statement(app, incoming.now).await;
    trail::noted(app, incoming, &proof, burnt).await?;
    let Some(living) = Living::find(app, id.clone()).await? else {
        return trail::noted(app, incoming, &proof, Err(unauthorized().into())).await;
    };
    trail::noted(app, incoming, &proof, check_style(app, &living)).await?;
    again(app, incoming, &proof, (id, Because::Recovery)).await
}

/// By a key that the client has registered.
async fn by_key(app: &App, incoming: &Incoming, id: &ClientId) -> Result<Answer, Failure> {
    let parameters = Parameters::parse(incoming.content_type.as_deref(), &incoming.body, &[])?;
    let client = client_authentication::client(app, incoming, &parameters).await?;
    if client.known().record().client.id != *id {
        return Err(unauthorized().into());
    }
    let living = Living::find(app, id.clone()).await?.ok_or_else(unauthorized)?;
    check_style(app, &living)?;
    // Whoever holds the key alone must not gain what needs the certificate as well.
    let framework = app.frameworks.named(&living.software.framework);
    check_certificate(framework, &living.client, incoming)?;
    check_in_use(&living.client)?;
    show(app, incoming, living, Because::RecoveryByKey).await
}

/// Where clients manage themselves with their own access tokens there is nothing to recover.
fn check_style(app: &App, living: &Living) -> Result<(), Failure> {
    if has_token(app.frameworks.named(&living.software.framework)) {
        return Ok(());
    }
    let description = "this client manages its registration with an access token of its own";
    Err(OAuthError::new(ErrorCode::NotFound, description).into())
}
