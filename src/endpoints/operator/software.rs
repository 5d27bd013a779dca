//! Software products: what software statements speak of (GOV §2.2).

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::error::OperatorError;
use crate::endpoints::operator::error::Problem;
use crate::endpoints::operator::record;
use crate::endpoints::operator::schema::List;
use crate::endpoints::operator::schema::software::NewSoftware;
use crate::endpoints::operator::schema::software::SoftwareView;
use crate::endpoints::operator::store::Ended;
use crate::governance::audit::AuditAction;
use crate::partners::SoftwareProduct;
use crate::partners::SoftwareProductState;
use crate::random;
use crate::storage::Change;
use crate::types::OrganisationId;
use crate::types::SoftwareProductId;

const RECORD: &str = "software product";

/// Lists software products, all or an organisation's.
pub async fn list(app: &App, call: &Call<'_>) -> Result<List<SoftwareView>, Failure> {
    let mut query = call.query();
    let page = query.page();
    let organisation: Option<OrganisationId> = query.parsed("organisation_id");
    query.finish()?;
    let asked = page.and_one_more();
    let found = app
        .database
        .read(move |r| {
            match &organisation {
                Some(organisation) => r.software_products_of(organisation, &asked),
                None => r.software_products(&asked),
            }
            .map_err(Ended::from)
        })
        .await?;
    Ok(List::page(found, &page, |found| found.id.to_string(), SoftwareView::of))
}

/// Shows a software product.
pub async fn show(app: &App, call: &Call<'_>) -> Result<SoftwareView, Failure> {
    let found: SoftwareProduct = record::find(app, call).await?;
    Ok(SoftwareView::of(&found))
}

/// Records a software product before it registers.
pub async fn create(app: &App, call: &Call<'_>) -> Result<SoftwareView, Failure> {
    let new = call.read(NewSoftware::read)?;
    let walk: &[SoftwareProductState] = if new.activate {
        &[SoftwareProductState::Draft, SoftwareProductState::Active]
    } else {
        &[SoftwareProductState::Draft]
    };
    let organisation_id = new.organisation_id.clone();
    let organisation = app
        .database
        .read(move |r| r.organisation(&organisation_id).map_err(Ended::from))
        .await?
        .ok_or_else(|| Problem::new("/organisation_id", "there is no such organisation"))
        .map_err(|problem| OperatorError::Invalid(vec![problem]))?;
    let software = SoftwareProduct {
        id: SoftwareProductId::from_random(&random::identifier()),
        organisation_id: new.organisation_id,
        framework: organisation.framework,
        software_id: new.software_id,
        name: new.name,
        state: walk.last().copied().unwrap_or(SoftwareProductState::Draft),
        created_at: call.now(),
    };
    let actions = (AuditAction::SoftwareProductCreated, AuditAction::SoftwareProductStateChanged);
    let events = call.creation(actions, &software.id, &software, walk);
    let created = app
        .database
        .write(move |w| {
            let (framework, known_as) = (&software.framework, &software.software_id);
            if let Some(existing) = w.software_product_in_directory(framework, known_as)? {
                let id = existing.id.to_string();
                return Err(Ended::from(OperatorError::Exists { record: RECORD, id }));
            }
            w.insert_software_product(&software)?;
            Ok(Change::made(software, events))
        })
        .await?;
    Ok(SoftwareView::of(&created))
}

/// Steps to another state.
pub async fn change_state(app: &App, call: &Call<'_>) -> Result<SoftwareView, Failure> {
    let stepped: SoftwareProduct = record::step(app, call).await?;
    Ok(SoftwareView::of(&stepped))
}
