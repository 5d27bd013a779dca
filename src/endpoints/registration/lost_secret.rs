//! A client secret in the place of one that its owner has lost: the others end as it begins (REG-R10, W1).

use serde_json::json;

use crate::endpoints::failure::Failure;
use crate::governance::audit::{Actor, ActorKind, AuditAction, AuditEvent, Object};
use crate::partners::{Credential, CredentialState};
use crate::protocol::{ErrorCode, OAuthError};
use crate::random;
use crate::storage::Writer;
use crate::types::RequestId;

/// How many secrets a client is given in all its life.
const MOST_SECRETS: usize = 64;

/// Stores a new secret and ends the client's others. Returns an event for each that ended.
pub(super) fn replace(
    writer: &mut Writer<'_>,
    new: &Credential,
    request_id: &RequestId,
) -> Result<Vec<AuditEvent>, Failure> {
    let held = writer.credentials_of(&new.client_id)?;
    let secrets: Vec<_> = held.into_iter().filter(|held| held.secret.is_some()).collect();
    if secrets.len() >= MOST_SECRETS {
        let description = format!("a client may be given {MOST_SECRETS} secrets in all its life");
        return Err(OAuthError::new(ErrorCode::AccessDenied, description).into());
    }
    let mut events = Vec::new();
    for old in secrets {
        if matches!(old.state, CredentialState::Active | CredentialState::Retiring) {
            writer.change_credential_state(&old.id, old.state, CredentialState::Revoked)?;
            events.push(ended(&old, new, request_id));
        }
    }
    writer.insert_credential(new)?;
    Ok(events)
}

fn ended(old: &Credential, new: &Credential, request_id: &RequestId) -> AuditEvent {
    let now = new.created_at;
    AuditEvent {
        id: random::event_id(now),
        time: now,
        actor: Actor { kind: ActorKind::Client, id: old.client_id.to_string() },
        action: AuditAction::CredentialStateChanged,
        object: Object { kind: "credential".to_owned(), id: old.id.to_string() },
        reasons: Vec::new(),
        policy_digest: None,
        request_id: Some(request_id.clone()),
        detail: json!({
            "from": old.state, "to": CredentialState::Revoked, "client_id": old.client_id,
            "because": "its owner has recovered the registration", "successor": new.id,
        }),
    }
}
