//! A registration of software that has a client already (REG-S18), and the ways back to a client whose
//! owner has lost the key to its management (REG-R10, W1): the client is shown again with a new
//! registration access token, and the one before is good no longer.

use serde_json::json;

use crate::app::App;
use crate::endpoints::client_secret;
use crate::endpoints::exchange::{Answer, Incoming};
use crate::endpoints::failure::Failure;
use crate::governance::audit::{Actor, ActorKind, AuditAction, AuditEvent};
use crate::partners::{Client, EntitlementState, SoftwareProduct};
use crate::protocol::{ErrorCode, OAuthError};
use crate::random;
use crate::storage::{Change, ClientActivity, StorageError, Writer};
use crate::types::{ClientId, FrameworkName, ScopeSet, SoftwareId};

use super::entity_tag::EntityTag;
use super::evidence::Proof;
use super::management::{check_in_use, check_presenter, retire, stored_echo};
use super::record::client_object;
use super::replacement::Replacement;
use super::trail;
use super::view::{View, has_token};
use super::{Considered, lost_secret, management, management_token};

/// Why a client is shown again to somebody who shows no registration access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Because {
    /// The same registration was asked for again with the same `Idempotency-Key`.
    Retry,
    /// The framework returns the client that the software has.
    Duplicate,
    /// Its owner has proved who it is, with a statement.
    Recovery,
    /// Its owner has proved who it is, with what the client authenticates with.
    RecoveryByKey,
}

impl Because {
    const fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Duplicate => "idempotent_return",
            Self::Recovery => "recovery",
            Self::RecoveryByKey => "recovery_by_key",
        }
    }

    /// A repetition is answered as the first time was.
    const fn status(self) -> u16 {
        match self {
            Self::Retry => 201,
            Self::Duplicate | Self::Recovery | Self::RecoveryByKey => 200,
        }
    }
}

impl Because {
    /// Whether the client's secret, too, is as good as lost: it was in the answer that was lost, or its
    /// owner has proved who it is without it. Whoever registers again may have it in use.
    const fn loses_secret(self) -> bool {
        match self {
            Self::Retry | Self::Recovery => true,
            Self::Duplicate | Self::RecoveryByKey => false,
        }
    }
}

/// A living client and what belongs to showing it.
#[derive(Debug)]
pub(super) struct Living {
    pub(super) client: Client,
    pub(super) software: SoftwareProduct,
    activity: ClientActivity,
    pub(super) withdrawn: ScopeSet,
    decisions: Option<serde_json::Value>,
}

impl Living {
    /// The client with this identifier, unless it has ended.
    pub(super) async fn find(app: &App, id: ClientId) -> Result<Option<Self>, Failure> {
        let read = app.database.read(move |reader| {
            reader.snapshot(|reader| -> Result<_, StorageError> {
                let Some(client) = reader.client(&id)? else { return Ok(None) };
                let software = reader.software_product(&client.software_product_id)?;
                let activity = reader.client_activity(&id)?;
                let held = reader.entitlements_of(&id)?.into_iter();
                let revoked = held.filter(|one| one.state == EntitlementState::Revoked);
                let withdrawn = revoked.map(|one| one.scope).collect();
                let last = reader.last_decision_about(&client_object(&id))?;
                let decisions = last.map(|decision| decision.items);
                Ok(software.zip(activity).map(|(software, activity)| Self {
                    client,
                    software,
                    activity,
                    withdrawn,
                    decisions,
                }))
            })
        });
        Ok(read.await?.filter(|living| !living.client.state.is_tombstone()))
    }

    /// The client of a software product that has one.
    pub(super) async fn of_software(app: &App, proof: &Proof) -> Result<Option<Self>, Failure> {
        let framework: FrameworkName = proof.framework.name().clone();
        let software: SoftwareId = proof.facts.software_id.clone();
        let read = app.database.read(move |reader| -> Result<_, StorageError> {
            match reader.software_product_in_directory(&framework, &software)? {
                Some(known) => reader.live_client_of_software(&known.id),
                None => Ok(None),
            }
        });
        match read.await? {
            Some(id) => Self::find(app, id).await,
            None => Ok(None),
        }
    }
}

/// Shows a client again to whoever has proved to hold its software.
pub(super) async fn again(
    app: &App,
    incoming: &Incoming,
    proof: &Proof,
    (id, because): (ClientId, Because),
) -> Result<Answer, Failure> {
    let living = Living::find(app, id).await?.ok_or_else(meanwhile)?;
    let whose = (&living.client.id, &living.software);
    let checked = match check_presenter(app, whose, proof, incoming.now).await {
        Ok(()) => check_in_use(&living.client),
        refused => refused,
    };
    trail::noted(app, incoming, proof, checked).await?;
    show(app, incoming, living, because).await
}

/// Shows a client with a new registration access token, where its framework has such.
pub(super) async fn show(
    app: &App,
    incoming: &Incoming,
    living: Living,
    because: Because,
) -> Result<Answer, Failure> {
    let framework = app.frameworks.named(&living.software.framework);
    let token = has_token(framework).then(|| management_token::new(framework, incoming.now));
    let secret = if because.loses_secret() {
        client_secret::make(app, &living.client, incoming.now)?
    } else {
        None
    };
    let credential = secret.as_ref().map(|new| new.credential.clone());
    let (id, state) = (living.client.id.clone(), living.client.state);
    let hash = token.as_ref().map(crate::types::Secret::hash);
    let event = replaced(incoming, &id, because);
    let request_id = incoming.request_id.clone();
    let write = move |writer: &mut Writer<'_>| -> Result<Change<EntityTag>, Failure> {
        if let Some(hash) = hash {
            let replaced = writer.replace_registration_access_token(&id, state, &hash);
            management::unless_changed(replaced, writer, &id)?;
        }
        let mut events = vec![event];
        if let Some(credential) = credential {
            events.extend(lost_secret::replace(writer, &credential, &request_id)?);
        }
        let version = EntityTag(writer.client_revision(&id)?.unwrap_or_default());
        Ok(Change::made(version, events))
    };
    let version = app.database.write(write).await?;
    let view = View {
        client: &living.client,
        framework,
        echo: &stored_echo(app, &living.client, &living.software),
        token: token.as_ref(),
        secret: secret.as_ref(),
        version,
        activity: Some(&living.activity),
        decisions: living.decisions,
    };
    Ok(view.answer(app, because.status()))
}

fn replaced(incoming: &Incoming, id: &ClientId, because: Because) -> AuditEvent {
    AuditEvent {
        id: random::event_id(incoming.now),
        time: incoming.now,
        actor: Actor { kind: ActorKind::Client, id: id.to_string() },
        action: AuditAction::ClientManagementTokenReplaced,
        object: client_object(id),
        reasons: Vec::new(),
        policy_digest: None,
        request_id: Some(incoming.request_id.clone()),
        detail: json!({ "because": because.name() }),
    }
}

/// Another request with the same software was faster.
pub(super) fn meanwhile() -> OAuthError {
    let description = "this software's registration has changed meanwhile; try again";
    OAuthError::new(ErrorCode::Conflict, description)
}

/// REG-UD3: a registration of software that has a client replaces what the client has; its name stays.
pub(super) async fn update(
    app: &App,
    incoming: &Incoming,
    considered: &Considered,
    living: Living,
) -> Result<Answer, Failure> {
    let framework = Some(considered.proof.framework.as_ref());
    let token = has_token(framework).then(|| management_token::new(framework, incoming.now));
    let mut before = living.client;
    if let Some(token) = &token {
        before.registration_access_token = token.hash();
    }
    let written = Replacement::new(considered, before, None, incoming).write(app).await;
    let (client, version) = trail::noted(app, incoming, &considered.proof, written).await?;
    let view = View {
        client: &client,
        framework: Some(&considered.proof.framework),
        echo: &considered.proof.echo(),
        token: token.as_ref(),
        secret: None,
        version,
        activity: Some(&living.activity),
        decisions: Some(considered.shown()),
    };
    Ok(view.answer(app, 200))
}

/// REG-UD3: an empty `grant_types` cancels the registration. What is shown is what is left: its name.
pub(super) async fn cancel(
    app: &App,
    incoming: &Incoming,
    living: &Living,
) -> Result<Answer, Failure> {
    retire(app, &living.client, None, incoming).await?;
    let body = json!({ "client_id": living.client.id, "grant_types": [] });
    Ok(Answer::json(200, &body))
}
