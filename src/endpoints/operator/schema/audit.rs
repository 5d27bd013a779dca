//! The audit log and the decisions, as the operator API shows them.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::endpoints::operator::schema::shown;
use crate::governance::audit::ActorKind;
use crate::governance::audit::AuditEvent;
use crate::governance::audit::Object;
use crate::storage::DecisionRecord;

/// One line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEventView {
    /// Its identifier.
    pub id: String,
    /// When.
    #[schema(format = DateTime)]
    pub time: String,
    /// Who.
    pub actor: ActorView,
    /// What.
    #[schema(example = "organisation.state_changed")]
    pub action: &'static str,
    /// To what.
    pub object: ObjectView,
    /// Why, where a decision stands behind it.
    pub reasons: Vec<&'static str>,
    /// The policy bundle that decided.
    pub policy_digest: Option<String>,
    /// The HTTP request that caused it.
    pub request_id: Option<String>,
    /// What changed.
    #[schema(value_type = Object)]
    pub detail: Value,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActorView {
    /// `operator`, `console`, `client`, `software` or `system`.
    pub kind: &'static str,
    /// Its name.
    pub id: String,
}

/// What something was done to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectView {
    /// The kind of record.
    #[schema(example = "organisation")]
    pub kind: String,
    /// Its identifier.
    pub id: String,
}

impl ObjectView {
    /// Shows it.
    #[must_use]
    pub fn of(object: &Object) -> Self {
        Self { kind: object.kind.clone(), id: object.id.clone() }
    }
}

impl AuditEventView {
    /// Shows it.
    #[must_use]
    pub fn of(event: &AuditEvent) -> Self {
        let kind = match event.actor.kind {
            ActorKind::Operator => "operator",
            ActorKind::Console => "console",
            ActorKind::Client => "client",
            ActorKind::Software => "software",
            ActorKind::System => "system",
        };
        Self {
            id: event.id.to_string(),
            time: shown(event.time),
            actor: ActorView { kind, id: event.actor.id.clone() },
            action: event.action.name(),
            object: ObjectView::of(&event.object),
            reasons: event.reasons.iter().map(|reason| reason.as_str()).collect(),
            policy_digest: event.policy_digest.clone(),
            request_id: event.request_id.as_ref().map(ToString::to_string),
            detail: event.detail.clone(),
        }
    }
}

/// One recorded decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionView {
    /// Its identifier.
    #[schema(example = "dec_4f9kz2")]
    pub id: String,
    /// When.
    #[schema(format = DateTime)]
    pub time: String,
    /// About whom.
    pub subject: ObjectView,
    /// The outcome of each item, with its reasons.
    #[schema(value_type = Vec<Object>)]
    pub items: Value,
    /// The digest of the facts.
    pub facts_digest: String,
    /// The digest of the policy bundle.
    pub policy_digest: String,
}

impl DecisionView {
    /// Shows it.
    #[must_use]
    pub fn of(decision: &DecisionRecord) -> Self {
        Self {
            id: decision.id.to_string(),
            time: shown(decision.time),
            subject: ObjectView::of(&decision.subject),
            items: decision.items.clone(),
            facts_digest: decision.facts_digest.clone(),
            policy_digest: decision.policy_digest.clone(),
        }
    }
}
