//! The management URL of a client (RFC 7592 §2): read, replace, delete.
//!
//! Who is asking comes before what is asked: 401 precedes 405 (REG-R8), and an unknown client, a
//! deleted one and another's token all look the same (REG-H4, H5).

use serde_json::{Map, Value};

use crate::app::App;
use crate::endpoints::exchange::{Answer, Incoming, Method};
use crate::endpoints::failure::Failure;
use crate::governance::audit::{Actor, ActorKind, AuditAction, AuditEvent};
use crate::jose::UnverifiedJws;
use crate::partners::{Client, ClientState, EntitlementState, SoftwareProduct};
use crate::protocol::bearer::bearer_token;
use crate::protocol::registration::management::check_update;
use crate::protocol::{ErrorCode, OAuthError};
use crate::random;
use crate::storage::{Change, StorageError, Writer};
use crate::types::{ClientId, ReasonCode, ScopeSet, Secret, Timestamp};

use super::evidence::Proof;
use super::partner::unapproved;
use super::record;
use super::replacement::Replacement;
use super::trail;
use super::{check_enabled, consider, refuse, view};

/// A client that has shown its own registration access token.
struct Managed {
    client: Client,
    software: SoftwareProduct,
    /// The scopes that the bank has withdrawn from it.
    withdrawn: ScopeSet,
    token: Secret,
}

/// Answers a request to the management URL.
///
/// # Errors
///
/// The request is refused; or something of ours is broken.
pub async fn manage(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    check_enabled(app)?;
    let managed = authenticate(app, incoming).await?;
    match incoming.method {
        Method::Get => read(app, &managed).await,
        Method::Put => replace(app, managed, incoming).await,
        Method::Delete => delete(app, managed, incoming).await,
        Method::Post | Method::Patch | Method::Other => {
            let description = "a registration is read, replaced or deleted: GET, PUT or DELETE";
            Err(OAuthError::new(ErrorCode::MethodNotAllowed, description).into())
        }
    }
}

/// R3: token **and** URL must name the same living client.
async fn authenticate(app: &App, incoming: &Incoming) -> Result<Managed, Failure> {
    let token = bearer_token(incoming.authorization.as_ref().map(Secret::reveal));
    // An empty or malformed one is no token, which is 401 here, whatever it is elsewhere (DCR-007).
    let token = token.map_err(|invalid| unauthorized().with_detail(invalid))?;
    let id = ClientId::parse(incoming.segment("client_id")).map_err(|_| unauthorized())?;
    let found = app.database.read(move |reader| -> Result<_, StorageError> {
        let Some(client) = reader.client(&id)? else { return Ok(None) };
        let software = reader.software_product(&client.software_product_id)?;
        let held = reader.entitlements_of(&client.id)?;
        let revoked = held.into_iter().filter(|one| one.state == EntitlementState::Revoked);
        let withdrawn = revoked.map(|one| one.scope).collect();
        Ok(software.map(|software| (client, software, withdrawn)))
    });
    let (client, software, withdrawn) = found.await?.ok_or_else(unauthorized)?;
    if client.state.is_tombstone() || !client.registration_access_token.matches(&token) {
        return Err(unauthorized().into());
    }
    Ok(Managed { client, software, withdrawn, token })
}

fn unauthorized() -> OAuthError {
    let description = "the registration access token does not belong to a client at this address";
    OAuthError::new(ErrorCode::InvalidToken, description)
}

/// RFC 7592 §2.1. The last decision comes with it, so that a partner sees what waits and why.
async fn read(app: &App, managed: &Managed) -> Result<Answer, Failure> {
    let object = record::client_object(&managed.client.id);
    let last = app.database.read(move |reader| reader.last_decision_about(&object)).await?;
    let echo = echo(app, managed);
    let decisions = last.map(|decision| decision.items);
    Ok(view::answer(app, 200, &managed.client, &echo, &managed.token, decisions))
}

/// The claims that the answer repeats. The stored statement was verified when it was presented.
fn echo(app: &App, managed: &Managed) -> Map<String, Value> {
    let framework = app.frameworks.named(&managed.software.framework);
    let claims = UnverifiedJws::parse(&managed.client.software_statement);
    match (framework, claims) {
        (Some(framework), Ok(statement)) => framework.echo(statement.unverified_claims()),
        (None | Some(_), Ok(_) | Err(_)) => Map::new(),
    }
}

/// RFC 7592 §2.2: the whole registration anew, on a fresh statement (REG-U5, U7).
async fn replace(app: &App, managed: Managed, incoming: &Incoming) -> Result<Answer, Failure> {
    check_in_use(&managed.client)?;
    let proof = Proof::gather(app, incoming).await?;
    let checked = check_proof(app, &managed, &proof, incoming.now).await;
    trail::noted(app, incoming, &proof, checked).await?;
    let considered = consider(app, incoming, proof, &managed.withdrawn).await?;
    // Whoever asks for nothing is refused nothing: the client keeps no scope (REG-U1).
    let gives_up = considered.decision.items.is_empty();
    if !gives_up && considered.admits().is_none() {
        return Err(refuse(app, &considered, incoming).await);
    }
    let written = Replacement::new(&considered, managed.client, incoming).write(app).await;
    let client = trail::noted(app, incoming, &considered.proof, written).await?;
    let echo = considered.proof.echo();
    Ok(view::answer(app, 200, &client, &echo, &managed.token, Some(considered.shown())))
}

/// A client that the bank has stopped may look at itself and may end, no more: whoever it was
/// stopped for may be the one who asks (GOV-RV-5).
fn check_in_use(client: &Client) -> Result<(), Failure> {
    if matches!(client.state, ClientState::Provisioned | ClientState::Active) {
        return Ok(());
    }
    let description = format!("this client is `{}` and cannot be changed now", client.state);
    Err(OAuthError::new(ErrorCode::AccessDenied, description).into())
}

/// U2 to U4, and that the update comes from this client's own software by a key that the bank has
/// not withdrawn.
async fn check_proof(
    app: &App,
    managed: &Managed,
    proof: &Proof,
    now: Timestamp,
) -> Result<(), Failure> {
    check_update(proof.bound.members(), proof.bound.format(), &managed.client.id)?;
    let software = &managed.software;
    // A `software_id` is its framework's own: another's may be the same text (REG-T2, P4).
    if software.framework != *proof.framework.name()
        || software.software_id != proof.facts.software_id
    {
        let description = "the statement speaks of other software than this client's";
        return Err(OAuthError::new(ErrorCode::UnapprovedSoftwareStatement, description).into());
    }
    let (id, thumbprint) = (managed.client.id.clone(), proof.bound.key_thumbprint().to_owned());
    let key = app.database.read(move |r| r.credential_by_thumbprint(&id, &thumbprint)).await?;
    if key.is_some_and(|key| !key.is_usable(now)) {
        let description = "the request is signed with a key that this client may use no longer";
        return Err(unapproved(ReasonCode::CredentialNotActive, description).into());
    }
    Ok(())
}

/// What has become of a client that is no longer as it was when this request was authenticated.
pub(super) fn unless_changed(
    written: Result<(), StorageError>,
    writer: &mut Writer<'_>,
    id: &ClientId,
) -> Result<(), Failure> {
    if !matches!(written, Err(StorageError::Stale { .. })) {
        return Ok(written?);
    }
    if writer.client(id)?.is_none_or(|client| client.state.is_tombstone()) {
        return Err(unauthorized().into());
    }
    let description = "this client has been changed meanwhile; read it again";
    Err(OAuthError::new(ErrorCode::Conflict, description).into())
}

/// RFC 7592 §2.3: a tombstone is left, and everything the client held ends at once (REG-U8).
async fn delete(app: &App, managed: Managed, incoming: &Incoming) -> Result<Answer, Failure> {
    let (id, from) = (managed.client.id, managed.client.state);
    let event = AuditEvent {
        id: random::event_id(incoming.now),
        time: incoming.now,
        actor: Actor { kind: ActorKind::Client, id: id.to_string() },
        action: AuditAction::ClientDeleted,
        object: record::client_object(&id),
        reasons: Vec::new(),
        policy_digest: None,
        request_id: Some(incoming.request_id.clone()),
        detail: serde_json::json!({ "from": from, "to": ClientState::Retired }),
    };
    let write = move |writer: &mut Writer<'_>| -> Result<Change<()>, Failure> {
        let changed = writer.change_client_state(&id, from, ClientState::Retired);
        unless_changed(changed, writer, &id)?;
        Ok(Change::made((), vec![event]))
    };
    app.database.write(write).await?;
    Ok(Answer::no_content())
}
