//! Contracts with partners (GOV §2.2). Signing one creates no access (GOV-AX-2).

use serde_json::Value;

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::call::changed_detail;
use crate::endpoints::operator::error::OperatorError;
use crate::endpoints::operator::error::Problem;
use crate::endpoints::operator::record;
use crate::endpoints::operator::schema::List;
use crate::endpoints::operator::schema::agreement::AgreementChange;
use crate::endpoints::operator::schema::agreement::AgreementView;
use crate::endpoints::operator::schema::agreement::ENDS_FIRST;
use crate::endpoints::operator::schema::agreement::NewAgreement;
use crate::endpoints::operator::store::Ended;
use crate::governance::audit::AuditAction;
use crate::partners::Agreement;
use crate::partners::AgreementState;
use crate::partners::State as _;
use crate::random;
use crate::storage::Change;
use crate::storage::Reader;
use crate::types::AgreementId;
use crate::types::OrganisationId;
use crate::types::Timestamp;

const RECORD: &str = "agreement";

/// Lists agreements; with `organisation_id`, all of that organisation.
pub async fn list(app: &App, call: &Call<'_>) -> Result<List<AgreementView>, Failure> {
    let mut query = call.query();
    let page = query.page();
    let organisation: Option<OrganisationId> = query.parsed("organisation_id");
    query.finish()?;
    let now = call.now();
    let view = |found: &Agreement| AgreementView::at(found, now);
    if let Some(organisation) = organisation {
        let job = move |r: &mut Reader<'_>| r.agreements_of(&organisation).map_err(Ended::from);
        return Ok(List::whole(&app.database.read(job).await?, view));
    }
    let asked = page.and_one_more();
    let found = app.database.read(move |r| r.agreements(&asked).map_err(Ended::from)).await?;
    Ok(List::page(found, &page, |found| found.id.to_string(), view))
}

/// Shows an agreement.
pub async fn show(app: &App, call: &Call<'_>) -> Result<AgreementView, Failure> {
    let found: Agreement = record::find(app, call).await?;
    Ok(AgreementView::at(&found, call.now()))
}

/// Records an agreement; it gives no access until it is put into force.
pub async fn create(app: &App, call: &Call<'_>) -> Result<AgreementView, Failure> {
    let new = call.read(NewAgreement::read)?;
    let walk: &[AgreementState] = if new.activate {
        &[AgreementState::Draft, AgreementState::Signed, AgreementState::Active]
    } else {
        &[AgreementState::Draft]
    };
    let agreement = begun(new, walk, call.now());
    let actions = (AuditAction::AgreementCreated, AuditAction::AgreementStateChanged);
    let events = call.creation(actions, &agreement.id, &agreement, walk);
    let created = app
        .database
        .write(move |w| {
            check_names(w, &agreement)?;
            let same = |other: &Agreement| other.reference == agreement.reference;
            if let Some(other) =
                w.agreements_of(&agreement.organisation_id)?.iter().find(|a| same(a))
            {
                let id = other.id.to_string();
                return Err(Ended::from(OperatorError::Exists { record: RECORD, id }));
            }
            w.insert_agreement(&agreement)?;
            Ok(Change::made(agreement, events))
        })
        .await?;
    Ok(AgreementView::at(&created, call.now()))
}

fn begun(new: NewAgreement, walk: &[AgreementState], now: Timestamp) -> Agreement {
    Agreement {
        id: AgreementId::from_random(&random::identifier()),
        organisation_id: new.organisation_id,
        reference: new.reference,
        products: new.products,
        environments: new.environments,
        valid_from: new.valid_from,
        valid_until: new.valid_until,
        state: walk.last().copied().unwrap_or(AgreementState::Draft),
        created_at: now,
    }
}

/// The organisation and every product that the agreement names must be there.
fn check_names(reader: &mut Reader<'_>, agreement: &Agreement) -> Result<(), Ended> {
    let mut problems = Vec::new();
    if reader.organisation(&agreement.organisation_id)?.is_none() {
        problems.push(Problem::new("/organisation_id", "there is no such organisation"));
    }
    for product in &agreement.products {
        if reader.api_product(product)?.is_none() {
            problems
                .push(Problem::new("/products", format_args!("there is no product `{product}`")));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(OperatorError::Invalid(problems).into()) }
}

/// Changes products, environments or the window of an agreement that has not ended.
pub async fn update(app: &App, call: &Call<'_>) -> Result<AgreementView, Failure> {
    let id: AgreementId = call.id(RECORD)?;
    let change = call.read(AgreementChange::read)?;
    let mut event = call.event(AuditAction::AgreementUpdated, &id, Value::Null);
    let updated = app
        .database
        .write(move |w| {
            let old = record::present(w.agreement(&id)?, &id)?;
            let new = change.applied_to(&old);
            if new == old {
                return Ok(Change::nothing(old));
            }
            check_change(&new)?;
            check_names(w, &new)?;
            w.update_agreement(&new)?;
            event.detail = changed_detail(&old, &new);
            Ok::<_, Ended>(Change::made(new, vec![event]))
        })
        .await?;
    Ok(AgreementView::at(&updated, call.now()))
}

fn check_change(new: &Agreement) -> Result<(), OperatorError> {
    if new.state.successors().is_empty() {
        let ended = format!("the agreement is {}; renew it with a new one", new.state);
        return Err(OperatorError::InTheWay(ended));
    }
    if new.valid_until <= new.valid_from {
        return Err(OperatorError::Invalid(vec![Problem::new("/valid_until", ENDS_FIRST)]));
    }
    Ok(())
}

/// Steps to another state.
pub async fn change_state(app: &App, call: &Call<'_>) -> Result<AgreementView, Failure> {
    let stepped: Agreement = record::step(app, call).await?;
    Ok(AgreementView::at(&stepped, call.now()))
}
