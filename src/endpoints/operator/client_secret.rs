//! A new secret for a client that authenticates with one: the bank's part of a rotation.

use serde_json::{Value, json};

use crate::app::App;
use crate::endpoints::client_key::MOST_KEYS;
use crate::endpoints::client_secret;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::call::stepped_detail;
use crate::endpoints::operator::error::OperatorError;
use crate::endpoints::operator::record;
use crate::endpoints::operator::schema::new_secret::NewClientSecretView;
use crate::endpoints::operator::schema::new_secret::NewSecretRequest;
use crate::endpoints::operator::store::Ended;
use crate::governance::audit::AuditAction;
use crate::governance::audit::AuditEvent;
use crate::partners::Client;
use crate::partners::Credential;
use crate::partners::CredentialState;
use crate::protocol::client_authentication::ClientAuthenticationMethod;
use crate::storage::Change;
use crate::storage::StorageError;
use crate::storage::Writer;
use crate::types::ClientId;
use crate::types::Timestamp;

const RECORD: &str = "client";

/// Gives a client a new secret. It is in this answer and nowhere else; the ones before end at once,
/// with what they obtained, or after the overlap that was asked for.
pub async fn rotate(app: &App, call: &Call<'_>) -> Result<NewClientSecretView, Failure> {
    let id: ClientId = call.id(RECORD)?;
    let wish = call.read(NewSecretRequest::read)?;
    let now = call.now();
    let client: Client = record::find(app, call).await?;
    let made = client_secret::make(app, &client, now)?.ok_or_else(|| has_no_secret(&client))?;
    let ends_at = now.plus(wish.overlap_seconds.unwrap_or_default());
    let rotated = call.event(AuditAction::ClientSecretRotated, &id, Value::Null);
    let stepped = |old: &Credential| {
        let to = if now < ends_at { CredentialState::Retiring } else { CredentialState::Revoked };
        let detail = stepped_detail(old.state, to, &wish.reason);
        call.event(AuditAction::CredentialStateChanged, &old.id, detail)
    };
    // Which secrets there are is looked at again by the write; here only events are prepared.
    let known = app.database.read(move |r| r.credentials_of(&id).map_err(Ended::from)).await?;
    let prepared: Vec<AuditEvent> = known.iter().map(stepped).collect();
    let (new, method) = (made.credential, client.metadata.token_endpoint_auth_method.clone());
    let credential = app
        .database
        .write(move |w| {
            let client = record::present(w.client(&client.id)?, &client.id)?;
            if client.state.is_tombstone() {
                let message = format!("this client is `{}` and stays so", client.state);
                return Err(Ended::from(OperatorError::InTheWay(message)));
            }
            let held = w.credentials_of(&client.id)?;
            if client.metadata.token_endpoint_auth_method != method || held != known {
                return Err(Ended::from(OperatorError::Stale { table: "credentials" }));
            }
            if held.len() >= MOST_KEYS {
                let message = format!("this client has had {MOST_KEYS} keys and secrets already");
                return Err(Ended::from(OperatorError::InTheWay(message)));
            }
            let mut events = Vec::new();
            for (old, event) in held.iter().zip(prepared) {
                if end(w, old, ends_at, now)? {
                    events.push(event);
                }
            }
            w.insert_credential(&new)?;
            let detail = json!({
                "reason": wish.reason,
                "credential_id": new.id,
                "earlier_secrets_end_at": ends_at,
            });
            events.push(AuditEvent { detail, ..rotated });
            Ok(Change::made(new, events))
        })
        .await?;
    Ok(NewClientSecretView::of(&credential, &made.secret, ends_at))
}

/// Ends a secret that is good now: at once, or when the overlap is over. Whether anything changed.
fn end(
    writer: &mut Writer<'_>,
    old: &Credential,
    ends_at: Timestamp,
    now: Timestamp,
) -> Result<bool, StorageError> {
    if old.secret.is_none() || !old.is_usable(now) {
        return Ok(false);
    }
    if ends_at <= now {
        writer.change_credential_state(&old.id, old.state, CredentialState::Revoked)?;
        return Ok(true);
    }
    let not_after = old.not_after.min(ends_at);
    if old.state == CredentialState::Retiring && old.not_after == not_after {
        return Ok(false);
    }
    writer.retire_credential(&old.id, old.state, not_after)?;
    Ok(true)
}

fn has_no_secret(client: &Client) -> Failure {
    let name = &client.metadata.token_endpoint_auth_method;
    let method = ClientAuthenticationMethod::parse(name);
    let method = method.unwrap_or(ClientAuthenticationMethod::None);
    OperatorError::has_no_secret(RECORD, method).into()
}
