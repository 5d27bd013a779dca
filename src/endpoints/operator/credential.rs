//! A client's keys, as far as the bank allows their use.

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::record;
use crate::endpoints::operator::schema::client::CredentialView;
use crate::partners::Credential;

/// Shows a key.
pub async fn show(app: &App, call: &Call<'_>) -> Result<CredentialView, Failure> {
    let found: Credential = record::find(app, call).await?;
    Ok(CredentialView::at(&found, call.now()))
}

/// Steps to another state.
pub async fn change_state(app: &App, call: &Call<'_>) -> Result<CredentialView, Failure> {
    let stepped: Credential = record::step(app, call).await?;
    Ok(CredentialView::at(&stepped, call.now()))
}
