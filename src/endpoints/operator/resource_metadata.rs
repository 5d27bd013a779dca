//! What a resource server is to say about itself (RFC 9728), from what is recorded and switched on.

use serde_json::Value;

use crate::app::App;
use crate::endpoints::failure::{Broken, Failure};
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::error::OperatorError;
use crate::endpoints::operator::record;
use crate::endpoints::operator::store::Ended;
use crate::partners::{ApiProduct, ApiProductState, ResourceServer};
use crate::protocol::protected_resource::ProtectedResourceMetadata;
use crate::types::ScopeSet;

/// Shows the document that the resource server serves.
pub async fn show(app: &App, call: &Call<'_>) -> Result<Value, Failure> {
    let server: ResourceServer = record::find(app, call).await?;
    let audience = server.audience.clone();
    let products =
        app.database.read(move |r| r.products_at(&audience).map_err(Ended::from)).await?;
    let document = ProtectedResourceMetadata::new(
        &server.audience,
        &server.name,
        scopes(&products),
        &app.settings.server.issuer,
        &app.features,
    );
    let document = document.map_err(|error| OperatorError::InTheWay(error.to_string()))?;
    Ok(serde_json::to_value(document).map_err(|error| Broken::Unwritable(error.to_string()))?)
}

/// The scopes that clients can use here.
fn scopes(products: &[ApiProduct]) -> ScopeSet {
    let in_use = products.iter().filter(|product| match product.state {
        ApiProductState::Published | ApiProductState::Deprecated => true,
        ApiProductState::Draft | ApiProductState::Retired => false,
    });
    in_use.flat_map(|product| &product.scopes).map(|sold| sold.scope.clone()).collect()
}
