//! Partners (GOV §2.2).

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::call::changed_detail;
use crate::endpoints::operator::error::OperatorError;
use crate::endpoints::operator::error::Problem;
use crate::endpoints::operator::record;
use crate::endpoints::operator::schema::List;
use crate::endpoints::operator::schema::organisation::NewOrganisation;
use crate::endpoints::operator::schema::organisation::OrganisationChange;
use crate::endpoints::operator::schema::organisation::OrganisationView;
use crate::endpoints::operator::store::Ended;
use crate::governance::audit::AuditAction;
use crate::partners::Organisation;
use crate::partners::OrganisationState;
use crate::random;
use crate::storage::Change;
use crate::types::OrganisationId;
use crate::types::Timestamp;

const RECORD: &str = "organisation";

/// Lists partners.
pub async fn list(app: &App, call: &Call<'_>) -> Result<List<OrganisationView>, Failure> {
    let mut query = call.query();
    let page = query.page();
    query.finish()?;
    let asked = page.and_one_more();
    let found = app.database.read(move |r| r.organisations(&asked).map_err(Ended::from)).await?;
    Ok(List::page(found, &page, |found| found.id.to_string(), OrganisationView::of))
}

/// Shows a partner.
pub async fn show(app: &App, call: &Call<'_>) -> Result<OrganisationView, Failure> {
    let found: Organisation = record::find(app, call).await?;
    Ok(OrganisationView::of(&found))
}

/// Records a partner; it gives no access.
pub async fn create(app: &App, call: &Call<'_>) -> Result<OrganisationView, Failure> {
    let new = call.read(NewOrganisation::read)?;
    if app.frameworks.named(&new.framework).is_none() {
        let problem = Problem::new("/framework", "no trust framework of this name is loaded");
        return Err(OperatorError::Invalid(vec![problem]).into());
    }
    let walk: &[OrganisationState] = if new.activate {
        &[OrganisationState::Proposed, OrganisationState::Verifying, OrganisationState::Active]
    } else {
        &[OrganisationState::Proposed]
    };
    let organisation = begun(new, walk, call.now());
    let actions = (AuditAction::OrganisationCreated, AuditAction::OrganisationStateChanged);
    let events = call.creation(actions, &organisation.id, &organisation, walk);
    let created = app
        .database
        .write(move |w| {
            let (framework, known_as) = (&organisation.framework, &organisation.directory_id);
            if let Some(existing) = w.organisation_in_directory(framework, known_as)? {
                let id = existing.id.to_string();
                return Err(Ended::from(OperatorError::Exists { record: RECORD, id }));
            }
            w.insert_organisation(&organisation)?;
            Ok(Change::made(organisation, events))
        })
        .await?;
    Ok(OrganisationView::of(&created))
}

fn begun(new: NewOrganisation, walk: &[OrganisationState], now: Timestamp) -> Organisation {
    Organisation {
        id: OrganisationId::from_random(&random::identifier()),
        framework: new.framework,
        directory_id: new.directory_id,
        legal_name: new.legal_name,
        jurisdiction: new.jurisdiction,
        regulatory_roles: new.regulatory_roles,
        risk_score: new.risk_score,
        sanctions_hit: new.sanctions_hit,
        attestation: new.attestation,
        state: walk.last().copied().unwrap_or(OrganisationState::Proposed),
        created_at: now,
    }
}

/// Changes facts about a partner.
pub async fn update(app: &App, call: &Call<'_>) -> Result<OrganisationView, Failure> {
    let id: OrganisationId = call.id(RECORD)?;
    let change = call.read(OrganisationChange::read)?;
    let mut event = call.event(AuditAction::OrganisationUpdated, &id, serde_json::Value::Null);
    let updated = app
        .database
        .write(move |w| {
            let old = record::present(w.organisation(&id)?, &id)?;
            let new = change.applied_to(&old);
            if new == old {
                return Ok::<_, Ended>(Change::nothing(old));
            }
            w.update_organisation(&new)?;
            event.detail = changed_detail(&old, &new);
            Ok(Change::made(new, vec![event]))
        })
        .await?;
    Ok(OrganisationView::of(&updated))
}

/// Steps to another state: this is how a partner is stopped and started.
pub async fn change_state(app: &App, call: &Call<'_>) -> Result<OrganisationView, Failure> {
    let stepped: Organisation = record::step(app, call).await?;
    Ok(OrganisationView::of(&stepped))
}
