//! A key or certificate of a client that is seen for the first time: from now on the bank knows it,
//! and its days are counted (GOV §6.2).

use serde_json::json;

use crate::app::App;
use crate::app::KnownClient;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::Failure;
use crate::governance::audit::{Actor, ActorKind, AuditAction, AuditEvent, Object};
use crate::partners::credential::KEY_SECONDS;
use crate::partners::{Credential, CredentialState};
use crate::protocol::client_authentication::AUTHENTICATION_FAILED;
use crate::protocol::{ErrorCode, OAuthError};
use crate::random;
use crate::storage::Change;
use crate::storage::StorageError;
use crate::types::{CredentialId, Timestamp};

/// How many keys one client may show in all its life.
pub(super) const MOST_KEYS: usize = 500;

/// A client that keeps showing new keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client has shown more than {MOST_KEYS} keys")]
struct TooManyKeys;

impl From<TooManyKeys> for OAuthError {
    fn from(many: TooManyKeys) -> Self {
        Self::new(ErrorCode::InvalidClient, AUTHENTICATION_FAILED).with_detail(many)
    }
}

/// What a client has just proved to hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    thumbprint: &'a str,
    key_id: Option<&'a str>,
    not_after: Timestamp,
}

impl<'a> Shown<'a> {
    /// A key, by its RFC 7638 thumbprint.
    pub(super) fn key(thumbprint: &'a str, key_id: Option<&'a str>, now: Timestamp) -> Self {
        Self { thumbprint, key_id, not_after: now.plus(KEY_SECONDS) }
    }

    /// A certificate of an authority's, by its `x5t#S256`. It ends when the authority said.
    pub(super) const fn certificate(thumbprint: &'a str, not_after: Timestamp) -> Self {
        Self { thumbprint, key_id: None, not_after }
    }
}

/// Records what a client has shown, unless it is known.
pub(super) async fn note(
    app: &App,
    known: &KnownClient,
    Shown { thumbprint, key_id, not_after }: Shown<'_>,
    incoming: &Incoming,
) -> Result<(), Failure> {
    if known.record().credential(thumbprint).is_some() {
        return Ok(());
    }
    if known.record().credentials.len() >= MOST_KEYS {
        return Err(TooManyKeys.into());
    }
    let credential = Credential {
        id: CredentialId::from_random(&random::identifier()),
        client_id: known.record().client.id.clone(),
        key_id: key_id.map(str::to_owned),
        thumbprint: thumbprint.to_owned(),
        not_after,
        state: CredentialState::Active,
        created_at: incoming.now,
        secret: None,
    };
    let event = AuditEvent {
        id: random::event_id(incoming.now),
        time: incoming.now,
        actor: Actor { kind: ActorKind::Client, id: credential.client_id.to_string() },
        action: AuditAction::CredentialSeen,
        object: Object { kind: "credential".to_owned(), id: credential.id.to_string() },
        reasons: Vec::new(),
        policy_digest: None,
        request_id: Some(incoming.request_id.clone()),
        detail: json!({
            "client_id": credential.client_id,
            "key_id": credential.key_id,
            "thumbprint": credential.thumbprint,
            "not_after": credential.not_after,
        }),
    };
    let written = app.database.write(move |writer| -> Result<_, StorageError> {
        writer.insert_credential(&credential)?;
        Ok(Change::made((), vec![event]))
    });
    match written.await {
        // Another request with the same key was faster.
        Ok(()) | Err(StorageError::Exists { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
