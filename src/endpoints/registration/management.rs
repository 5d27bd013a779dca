//! The management URL of a client (RFC 7592 §2): read, replace, delete.
//!
//! Who is asking comes before what is asked: 401 precedes 405 (REG-R8), and an unknown client, a
//! deleted one and another's token all look the same (REG-H4, H5).

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::endpoints::dpop;
use crate::endpoints::exchange::{Answer, Incoming, Method};
use crate::endpoints::failure::Failure;
use crate::governance::audit::{Actor, ActorKind, AuditAction, AuditEvent};
use crate::partners::credential::StoredSecret;
use crate::partners::{Client, ClientState, SoftwareProduct};
use crate::protocol::registration::management::{Updated, check_update};
use crate::protocol::{ErrorCode, OAuthError};
use crate::random;
use crate::storage::{Change, StorageError, Writer};
use crate::trust::{ManagementMethod, UpdateBody};
use crate::types::{ClientId, ReasonCode, Secret, Timestamp};

use super::access::{self, Managed, stored_statement, unauthorized};
use super::entity_tag::{self, EntityTag};
use super::evidence::Proof;
use super::partner::unapproved;
use super::record;
use super::replacement::Replacement;
use super::trail;
use super::view::View;
use super::{Known, check_enabled, consider, refuse};

/// Answers a request to the management URL.
///
/// # Errors
///
/// The request is refused; or something of ours is broken.
pub async fn manage(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    dpop::with_nonce(app, incoming.now, answer(app, incoming).await)
}

async fn answer(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    check_enabled(app)?;
    let managed = access::authenticate(app, incoming).await?;
    match asked(app, &managed, incoming.method)? {
        ManagementMethod::Get => read(app, &managed, incoming).await,
        ManagementMethod::Put => Box::pin(replace(app, managed, incoming)).await,
        ManagementMethod::Delete => delete(app, managed, incoming).await,
    }
}

/// What is asked, if the client's framework has it switched on (REG-H7).
fn asked(app: &App, managed: &Managed, method: Method) -> Result<ManagementMethod, Failure> {
    let asked = match method {
        Method::Get => Some(ManagementMethod::Get),
        Method::Put => Some(ManagementMethod::Put),
        Method::Delete => Some(ManagementMethod::Delete),
        Method::Post | Method::Patch | Method::Other => None,
    };
    let framework = app.frameworks.named(&managed.software.framework);
    let is_on = |method: &ManagementMethod| {
        framework.is_none_or(|framework| framework.may_manage_by(*method))
    };
    asked.filter(is_on).ok_or_else(|| {
        let on = ManagementMethod::ALL.into_iter().filter(is_on).map(ManagementMethod::name);
        let on = on.collect::<Vec<_>>().join(", ");
        let description = format!("the verbs that are on for this registration: {on}");
        OAuthError::new(ErrorCode::MethodNotAllowed, description).into()
    })
}

/// RFC 7592 §2.1. The last decision comes with it, so that a partner sees what waits and why.
async fn read(app: &App, managed: &Managed, incoming: &Incoming) -> Result<Answer, Failure> {
    if managed.version.is_known(incoming.if_none_match.as_deref()) {
        let tag = managed.version.to_string();
        return Ok(Answer::bytes(304, "", Vec::new()).with_header("etag", tag));
    }
    let object = record::client_object(&managed.client.id);
    let last = app.database.read(move |reader| reader.last_decision_about(&object)).await?;
    let view = View {
        client: &managed.client,
        framework: app.frameworks.named(&managed.software.framework),
        echo: &echo(app, managed),
        token: managed.token.as_ref(),
        secret: None,
        version: managed.version,
        activity: Some(&managed.activity),
        decisions: last.map(|decision| decision.items),
    };
    Ok(view.answer(app, 200))
}

/// The claims that the answer repeats. The stored statement was verified when it was presented.
fn echo(app: &App, managed: &Managed) -> Map<String, Value> {
    stored_echo(app, &managed.client, &managed.software)
}

/// The same, of any client.
pub(super) fn stored_echo(
    app: &App,
    client: &Client,
    software: &SoftwareProduct,
) -> Map<String, Value> {
    let framework = app.frameworks.named(&software.framework);
    match framework.zip(stored_statement(client)) {
        Some((framework, statement)) => framework.echo(statement.unverified_claims()),
        None => Map::new(),
    }
}

/// RFC 7592 §2.2: the whole registration anew, on a fresh statement (REG-U5, U7).
async fn replace(app: &App, managed: Managed, incoming: &Incoming) -> Result<Answer, Failure> {
    check_in_use(&managed.client)?;
    let expected = managed.version.expected(incoming.if_match.as_deref())?;
    let framework = app.frameworks.named(&managed.software.framework);
    let proof = Proof::of_update(app, incoming, &managed.client, framework).await?;
    let checked = check_proof(app, &managed, &proof, incoming.now).await;
    trail::noted(app, incoming, &proof, checked).await?;
    let known = Known::of(app, &managed.client, managed.withdrawn.clone()).await?;
    let considered = consider(app, incoming, proof, &known).await?;
    // Whoever asks for nothing is refused nothing: the client keeps no scope (REG-U1).
    let gives_up = considered.decision.items.is_empty();
    if !gives_up && considered.admits().is_none() {
        return Err(refuse(app, &considered, incoming).await);
    }
    let replacement = Replacement::new(&considered, managed.client, expected, incoming);
    let written = replacement.write(app).await;
    let (client, version) = trail::noted(app, incoming, &considered.proof, written).await?;
    let view = View {
        client: &client,
        framework: Some(&considered.proof.framework),
        echo: &considered.proof.echo(),
        token: managed.token.as_ref(),
        secret: None,
        version,
        activity: Some(&managed.activity),
        decisions: Some(considered.shown()),
    };
    Ok(view.answer(app, 200))
}

/// A client that the bank has stopped may look at itself and may end, no more: whoever it was
/// stopped for may be the one who asks (GOV-RV-5).
pub(super) fn check_in_use(client: &Client) -> Result<(), Failure> {
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
    let updated = Updated {
        client_id: &managed.client.id,
        names_client: proof.framework.update_body() == UpdateBody::NamesClient,
        secret_is_its_own: sends_its_secret(app, managed, proof).await?,
    };
    check_update(proof.bound.members(), updated)?;
    check_presenter(app, (&managed.client.id, &managed.software), proof, now).await
}

/// Whether the `client_secret` of an update is one that the client was given (U2).
async fn sends_its_secret(app: &App, managed: &Managed, proof: &Proof) -> Result<bool, Failure> {
    let sent = proof.bound.members().get("client_secret").and_then(Value::as_str);
    let Some(sent) = sent.map(Secret::new) else { return Ok(false) };
    let id = managed.client.id.clone();
    let held = app.database.read(move |reader| reader.credentials_of(&id)).await?;
    for secret in held.into_iter().filter_map(|credential| credential.secret) {
        let is_same = match secret {
            StoredSecret::Hashed(hash) => hash.matches(&sent),
            StoredSecret::Sealed(sealed) => app.keyring.unseal(&sealed)?.hash().matches(&sent),
        };
        if is_same {
            return Ok(true);
        }
    }
    Ok(false)
}

/// That a proof speaks of this client's own software, by a key that the bank has not withdrawn.
pub(super) async fn check_presenter(
    app: &App,
    (id, software): (&ClientId, &SoftwareProduct),
    proof: &Proof,
    now: Timestamp,
) -> Result<(), Failure> {
    // A `software_id` is its framework's own: another's may be the same text (REG-T2, P4).
    if software.framework != *proof.framework.name()
        || software.software_id != proof.facts.software_id
    {
        let description = "the statement speaks of other software than this client's";
        return Err(OAuthError::new(ErrorCode::UnapprovedSoftwareStatement, description).into());
    }
    let (id, thumbprint) = (id.clone(), proof.bound.key_thumbprint().map(str::to_owned));
    // In one look: a deletion ends client and keys together, and is told as what it is.
    let read = app.database.read(move |reader| {
        reader.snapshot(|reader| -> Result<_, StorageError> {
            let ended = reader.client(&id)?.is_none_or(|client| client.state.is_tombstone());
            let key = match thumbprint {
                Some(thumbprint) => reader.credential_by_thumbprint(&id, &thumbprint)?,
                None => None,
            };
            Ok((ended, key))
        })
    });
    let (ended, key) = read.await?;
    if ended {
        return Err(unauthorized().into());
    }
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

/// Holds a client at the version of `If-Match` until this write is committed.
pub(super) fn hold(
    writer: &mut Writer<'_>,
    id: &ClientId,
    expected: Option<EntityTag>,
) -> Result<(), Failure> {
    let Some(EntityTag(revision)) = expected else { return Ok(()) };
    match writer.hold_client_at(id, revision) {
        Err(StorageError::Stale { .. }) => {}
        held => return Ok(held?),
    }
    if writer.client(id)?.is_none_or(|client| client.state.is_tombstone()) {
        return Err(unauthorized().into());
    }
    Err(entity_tag::changed().into())
}

/// RFC 7592 §2.3: a tombstone is left, and everything the client held ends at once (REG-U8).
async fn delete(app: &App, managed: Managed, incoming: &Incoming) -> Result<Answer, Failure> {
    let expected = managed.version.expected(incoming.if_match.as_deref())?;
    retire(app, &managed.client, expected, incoming).await?;
    Ok(Answer::no_content())
}

/// Ends a client at its owner's wish.
pub(super) async fn retire(
    app: &App,
    client: &Client,
    expected: Option<EntityTag>,
    incoming: &Incoming,
) -> Result<(), Failure> {
    let (id, from) = (client.id.clone(), client.state);
    let event = AuditEvent {
        id: random::event_id(incoming.now),
        time: incoming.now,
        actor: Actor { kind: ActorKind::Client, id: id.to_string() },
        action: AuditAction::ClientDeleted,
        object: record::client_object(&id),
        reasons: Vec::new(),
        policy_digest: None,
        request_id: Some(incoming.request_id.clone()),
        detail: json!({ "from": from, "to": ClientState::Retired }),
    };
    let write = move |writer: &mut Writer<'_>| -> Result<Change<()>, Failure> {
        hold(writer, &id, expected)?;
        let changed = writer.change_client_state(&id, from, ClientState::Retired);
        unless_changed(changed, writer, &id)?;
        Ok(Change::made((), vec![event]))
    };
    app.database.write(write).await
}
