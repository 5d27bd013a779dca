//! `POST /revoke` (RFC 7009): a client gives up a token of its own.

use std::sync::Arc;

use serde_json::json;

use crate::app::App;
use crate::app::KnownToken;
use crate::endpoints::client_authentication::{self, AuthenticatedClient};
use crate::endpoints::exchange::{Answer, Incoming};
use crate::endpoints::failure::{Failure, check_fresh};
use crate::governance::audit::{Actor, ActorKind, AuditAction, AuditEvent, Object};
use crate::protocol::parameters::Parameters;
use crate::protocol::revocation::{RevocationRefused, RevocationRequest};
use crate::random;
use crate::storage::Change;
use crate::storage::StorageError;
use crate::types::{Secret, Timestamp};

/// Revokes a token. One that does not hold is no error (RFC 7009 §2.2).
///
/// # Errors
///
/// The token is another client's; or the store fails, and then nothing is claimed (SEC-33).
pub async fn revoke(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    let parameters = Parameters::parse(incoming.content_type.as_deref(), &incoming.body, &[])?;
    let client = client_authentication::client(app, incoming, &parameters).await?;
    check_fresh(&app.database)?;
    let request = RevocationRequest::parse(&parameters)?;
    if let Some(token) = find(app, &request.token, incoming.now).await? {
        if token.claims().client_id != client.known().record().client.id {
            return Err(RevocationRefused::AnotherClient.into());
        }
        remember(app, incoming, &client, &token).await?;
    }
    Ok(Answer::bytes(200, "application/json", b"{}".to_vec()))
}

/// The token, if it holds. Nobody is told that a token has ended because this node has not heard yet
/// of the key that signed it (SEC-33).
async fn find(
    app: &App,
    token: &Secret,
    now: Timestamp,
) -> Result<Option<Arc<KnownToken>>, Failure> {
    let source = app.token_source();
    if let Some(known) = app.access_tokens.find(token, &source, now).await? {
        return Ok(Some(known));
    }
    app.keyring.reload(now).await?;
    Ok(app.access_tokens.find(token, &source, now).await?)
}

async fn remember(
    app: &App,
    incoming: &Incoming,
    client: &AuthenticatedClient,
    token: &KnownToken,
) -> Result<(), StorageError> {
    let claims = token.claims();
    let (jti, expires_at) = (claims.jti.clone(), claims.exp);
    let client_id = client.known().record().client.id.clone();
    let event = AuditEvent {
        id: random::event_id(incoming.now),
        time: incoming.now,
        actor: Actor { kind: ActorKind::Client, id: client_id.to_string() },
        action: AuditAction::TokenRevoked,
        object: Object { kind: "access_token".to_owned(), id: jti.clone() },
        reasons: Vec::new(),
        policy_digest: None,
        request_id: Some(incoming.request_id.clone()),
        detail: json!({ "client_id": client_id, "expires_at": expires_at }),
    };
    app.database
        .write(move |writer| -> Result<_, StorageError> {
            writer.revoke_token(&jti, &client_id, expires_at)?;
            Ok(Change::made((), vec![event]))
        })
        .await
}
