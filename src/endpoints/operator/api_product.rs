//! API products: scopes sold together (GOV §2.2).

use serde_json::Value;

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::call::changed_detail;
use crate::endpoints::operator::error::OperatorError;
use crate::endpoints::operator::record;
use crate::endpoints::operator::schema::List;
use crate::endpoints::operator::schema::api_product::NewProduct;
use crate::endpoints::operator::schema::api_product::ProductChange;
use crate::endpoints::operator::schema::api_product::ProductView;
use crate::endpoints::operator::store::Ended;
use crate::governance::audit::AuditAction;
use crate::partners::ApiProduct;
use crate::partners::ApiProductState;
use crate::random;
use crate::storage::Change;
use crate::storage::Reader;
use crate::types::ApiProductId;
use crate::types::ScopeSet;
use crate::types::Timestamp;

const RECORD: &str = "product";

/// Lists products.
pub async fn list(app: &App, call: &Call<'_>) -> Result<List<ProductView>, Failure> {
    let mut query = call.query();
    let page = query.page();
    query.finish()?;
    let asked = page.and_one_more();
    let found = app.database.read(move |r| r.api_products(&asked).map_err(Ended::from)).await?;
    let now = call.now();
    Ok(List::page(found, &page, |found| found.id.to_string(), |found| ProductView::at(found, now)))
}

/// Shows a product.
pub async fn show(app: &App, call: &Call<'_>) -> Result<ProductView, Failure> {
    let found: ApiProduct = record::find(app, call).await?;
    Ok(ProductView::at(&found, call.now()))
}

/// Records a product; it cannot be used until it is published.
pub async fn create(app: &App, call: &Call<'_>) -> Result<ProductView, Failure> {
    let new = call.read(NewProduct::read)?;
    let walk: &[ApiProductState] = if new.publish {
        &[ApiProductState::Draft, ApiProductState::Published]
    } else {
        &[ApiProductState::Draft]
    };
    let product = begun(new, walk, call.now());
    let actions = (AuditAction::ApiProductCreated, AuditAction::ApiProductStateChanged);
    let events = call.creation(actions, &product.id, &product, walk);
    let created = app
        .database
        .write(move |w| {
            check_scopes_are_free(w, &product)?;
            w.insert_api_product(&product)?;
            Ok::<_, Ended>(Change::made(product, events))
        })
        .await?;
    Ok(ProductView::at(&created, call.now()))
}

fn begun(new: NewProduct, walk: &[ApiProductState], now: Timestamp) -> ApiProduct {
    ApiProduct {
        id: ApiProductId::from_random(&random::identifier()),
        name: new.name,
        audience: new.audience,
        scopes: new.scopes,
        state: walk.last().copied().unwrap_or(ApiProductState::Draft),
        sunset: None,
        created_at: now,
    }
}

/// A scope belongs to one product only.
fn check_scopes_are_free(reader: &mut Reader<'_>, product: &ApiProduct) -> Result<(), Ended> {
    let scopes: ScopeSet = product.scopes.iter().map(|offered| offered.scope.clone()).collect();
    let offering = reader.products_offering(&scopes)?;
    match offering.iter().find(|other| other.id != product.id) {
        Some(other) => {
            Err(OperatorError::Exists { record: RECORD, id: other.id.to_string() }.into())
        }
        None => Ok(()),
    }
}

/// Changes name, scopes or sunset.
pub async fn update(app: &App, call: &Call<'_>) -> Result<ProductView, Failure> {
    let id: ApiProductId = call.id(RECORD)?;
    let change = call.read(ProductChange::read)?;
    let mut event = call.event(AuditAction::ApiProductUpdated, &id, Value::Null);
    let updated = app
        .database
        .write(move |w| {
            let old = record::present(w.api_product(&id)?, &id)?;
            let new = change.applied_to(&old);
            if new == old {
                return Ok(Change::nothing(old));
            }
            check_scopes_are_free(w, &new)?;
            w.update_api_product(&new)?;
            event.detail = changed_detail(&old, &new);
            Ok::<_, Ended>(Change::made(new, vec![event]))
        })
        .await?;
    Ok(ProductView::at(&updated, call.now()))
}

/// Steps to another state.
pub async fn change_state(app: &App, call: &Call<'_>) -> Result<ProductView, Failure> {
    let stepped: ApiProduct = record::step_if(app, call, ends_in_future).await?;
    Ok(ProductView::at(&stepped, call.now()))
}

/// A product that is deprecated without a day on which it ends would end at once, unannounced.
fn ends_in_future(
    product: &ApiProduct,
    to: ApiProductState,
    now: Timestamp,
) -> Result<(), OperatorError> {
    if to == ApiProductState::Deprecated && product.sunset.is_none_or(|sunset| sunset <= now) {
        let advice = "set `sunset` to a day in the future first, or retire the product at once";
        return Err(OperatorError::InTheWay(advice.to_owned()));
    }
    Ok(())
}
