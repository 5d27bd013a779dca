//! What the audit log learns of registrations: hashes, outcomes and what was replaced, never the
//! statement itself (REG-G8, T13).
//!
//! A refusal is written down once the request is proved and burnt. What nobody has signed for
//! leaves a line in the server's log only, or strangers could fill the audit log.

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::Failure;
use crate::governance::audit::{Actor, ActorKind, AuditAction, AuditEvent, Object};
use crate::protocol::OAuthError;
use crate::random;
use crate::storage::{Change, StorageError, Writer};

use super::Considered;
use super::evidence::Proof;
use super::record;

/// The event of a registration, an update, or a refusal by decision.
pub(super) fn event(
    action: AuditAction,
    object: Object,
    considered: &Considered,
    incoming: &Incoming,
) -> AuditEvent {
    let Considered { proof, evidence, decision, .. } = considered;
    let replaced: Vec<_> = evidence.replaced.iter().map(|one| &one.member).collect();
    let found = [
        ("approved", json!(decision.approved())),
        ("referred", json!(decision.referred())),
        ("refused", json!(decision.refused())),
        ("replaced", json!(replaced)),
    ];
    let found = found.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    AuditEvent {
        reasons: decision.codes(),
        policy_digest: Some(decision.policy_digest.clone()),
        ..undecided(action, object, proof, found, incoming)
    }
}

/// The same, where nothing has been decided about scopes.
fn undecided(
    action: AuditAction,
    object: Object,
    proof: &Proof,
    found: Map<String, Value>,
    incoming: &Incoming,
) -> AuditEvent {
    let presented = [
        ("framework", json!(proof.framework.name())),
        ("organisation", json!(proof.facts.organisation_id)),
        ("statement_digest", json!(proof.statement.digest())),
        ("key_thumbprint", json!(proof.bound.key_thumbprint())),
        ("certificate_thumbprint", json!(proof.bound.certificate_thumbprint())),
    ];
    let presented = presented
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value));
    let actor = Actor { kind: ActorKind::Software, id: proof.facts.software_id.to_string() };
    AuditEvent {
        id: random::event_id(incoming.now),
        time: incoming.now,
        actor,
        action,
        object,
        reasons: Vec::new(),
        policy_digest: None,
        request_id: Some(incoming.request_id.clone()),
        detail: presented.chain(found).collect(),
    }
}

/// Writes down that nothing can be granted, and why.
pub(super) async fn refusal(
    app: &App,
    considered: &Considered,
    incoming: &Incoming,
) -> Result<(), Failure> {
    let object = software(&considered.proof);
    let record = record::decision_record(&considered.decision, object.clone(), incoming.now);
    let event = event(AuditAction::RegistrationRefused, object, considered, incoming);
    let write = move |writer: &mut Writer<'_>| -> Result<Change<()>, StorageError> {
        writer.insert_decision(&record)?;
        Ok(Change::made((), vec![event]))
    };
    Ok(app.database.write(write).await?)
}

/// Hands `outcome` on; if it is a refusal, it is written down first.
pub(super) async fn noted<T>(
    app: &App,
    incoming: &Incoming,
    proof: &Proof,
    outcome: Result<T, Failure>,
) -> Result<T, Failure> {
    if let Err(Failure::Refused(refusal)) = &outcome {
        let found = told(refusal);
        let action = AuditAction::RegistrationRefused;
        let event = undecided(action, software(proof), proof, found, incoming);
        let write = move |_: &mut Writer<'_>| -> Result<Change<()>, StorageError> {
            Ok(Change::made((), vec![event]))
        };
        app.database.write(write).await?;
    }
    outcome
}

/// The code, and where in request or statement it was wrong. What stood there is not repeated.
fn told(refusal: &OAuthError) -> Map<String, Value> {
    let problems = refusal.members.get("problems").and_then(Value::as_array);
    let at: Vec<_> = problems.into_iter().flatten().filter_map(|one| one.get("pointer")).collect();
    let found = [("error", json!(refusal.code.as_str())), ("at", json!(at))];
    found.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) fn software(proof: &Proof) -> Object {
    Object { kind: "software".to_owned(), id: proof.facts.software_id.to_string() }
}
