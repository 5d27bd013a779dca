//! `POST /register/plan`: what a registration would bring (REG-G8). It demands the same proof as a
//! registration and creates nothing: nothing is stored, counted or used up, so the very same request can
//! be sent to `/register` afterwards. Whether something single-use has been used before is therefore not
//! told; everything else is.

use serde_json::{Value, json};

use crate::app::App;
use crate::endpoints::exchange::{Answer, Incoming};
use crate::endpoints::failure::Failure;
use crate::trust::Duplicates;

use super::evidence::Proof;
use super::existing::Living;
use super::initial_access::Leave;
use super::record::{decision_record, granted_metadata};
use super::view::registration_client_uri;
use super::{Considered, Known, check_enabled, opinion, refusal, weigh};

/// Says what a registration would bring.
///
/// # Errors
///
/// What is wrong with the request itself, exactly as a registration would be told. That nothing would
/// be granted is no error here.
pub async fn plan(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    check_enabled(app)?;
    let leave = Leave::present(app, incoming).await?;
    let proof = Proof::verify(app, incoming).await?;
    leave.check_framework(&proof.framework)?;
    let living = Living::of_software(app, &proof).await?;
    let known = match (&living, proof.framework.duplicates()) {
        (Some(living), Duplicates::Update) => {
            Known::of(app, &living.client, living.withdrawn.clone()).await?
        }
        (Some(_) | None, _) => Known { ceiling: leave.ceiling(), ..Known::default() },
    };
    let evidence = weigh(app, &proof, &known).await?;
    let (partner, decision) = opinion(app, (&proof, &evidence), &known, incoming.now).await?;
    let updates = living.is_some() && proof.framework.duplicates() == Duplicates::Update;
    if !updates {
        leave.check_use(partner.organisation(), incoming.now)?;
    }
    let considered = Considered { proof, evidence, partner, decision };
    Ok(Answer::json(200, &shown(app, incoming, &considered, living.as_ref())))
}

/// The plan. What would be refused comes with the error that a registration would be answered with.
fn shown(app: &App, incoming: &Incoming, plan: &Considered, living: Option<&Living>) -> Value {
    let Considered { proof, evidence, decision, .. } = plan;
    let subject = super::trail::software(proof);
    let record = decision_record(decision, subject, incoming.now);
    let outcome = outcome(plan, living);
    let mut shown = json!({
        "plan": true,
        "outcome": outcome,
        "framework": proof.framework.name(),
        "organisation_id": plan.partner.organisation().map(|owner| &owner.id),
        "software_id": proof.facts.software_id,
        "statement_digest": proof.statement.digest(),
        "decision": {
            "items": record.items,
            "facts_digest": record.facts_digest,
            "policy_digest": record.policy_digest,
        },
        "replaced": evidence.replaced,
        "metadata": granted_metadata(evidence, decision),
    });
    if let (Value::Object(members), "refuse") = (&mut shown, outcome) {
        members.insert("refusal".to_owned(), refusal(decision).body());
    }
    if let (Value::Object(members), Some(living)) = (&mut shown, living) {
        let uri = registration_client_uri(app, &living.client.id);
        members.insert("registered_at".to_owned(), uri.into());
    }
    shown
}

/// What would become of the registration.
fn outcome(plan: &Considered, living: Option<&Living>) -> &'static str {
    let duplicates = plan.proof.framework.duplicates();
    match (plan.admits(), living, duplicates) {
        (_, Some(_), Duplicates::Update) if plan.evidence.metadata.grant_types.is_empty() => {
            "cancel"
        }
        (None, _, _) => "refuse",
        (Some(_), Some(_), Duplicates::Reject) => "refuse_as_duplicate",
        (Some(_), Some(_), Duplicates::IdempotentReturn) => "return",
        (Some(_), Some(_), Duplicates::Update) => "update",
        (Some(_), Some(_), Duplicates::AllowMany { .. }) | (Some(_), None, _) => "create",
    }
}
