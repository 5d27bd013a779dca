//! Clients, and why they have access or none.

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::call::unknown;
use crate::endpoints::operator::record;
use crate::endpoints::operator::schema::List;
use crate::endpoints::operator::schema::client::ClientView;
use crate::endpoints::operator::schema::client::CredentialView;
use crate::endpoints::operator::schema::client::EntitlementView;
use crate::endpoints::operator::schema::client::ExpiringClientView;
use crate::endpoints::operator::schema::client::ExplanationView;
use crate::endpoints::operator::schema::client::LapseView;
use crate::endpoints::operator::schema::client::ScopeStandingView;
use crate::endpoints::operator::store::Ended;
use crate::partners::Client;
use crate::partners::standing;
use crate::policy::reason::explain;
use crate::types::ClientId;
use crate::types::OrganisationId;
use crate::types::ReasonCode;
use crate::types::Scope;
use crate::types::SoftwareProductId;

const RECORD: &str = "client";

/// Lists clients: all, an organisation's, or a software product's.
pub async fn list(app: &App, call: &Call<'_>) -> Result<List<ClientView>, Failure> {
    let mut query = call.query();
    let page = query.page();
    let organisation: Option<OrganisationId> = query.parsed("organisation_id");
    let software: Option<SoftwareProductId> = query.parsed("software_product_id");
    if organisation.is_some() && software.is_some() {
        query.refuse("software_product_id", "give one of the two, not `organisation_id` as well");
    }
    query.finish()?;
    let asked = page.and_one_more();
    let found = app
        .database
        .read(move |r| {
            match (&organisation, &software) {
                (_, Some(software)) => r.clients_of_software(software, &asked),
                (Some(organisation), None) => r.clients_of(organisation, &asked),
                (None, None) => r.clients(&asked),
            }
            .map_err(Ended::from)
        })
        .await?;
    Ok(List::page(found, &page, |found| found.id.to_string(), ClientView::of))
}

/// Lists the clients whose owners have been told that they end unused (REG-L8).
pub async fn expiring(app: &App, call: &Call<'_>) -> Result<List<ExpiringClientView>, Failure> {
    let mut query = call.query();
    let page = query.page();
    query.finish()?;
    let asked = page.and_one_more();
    let found = app.database.read(move |r| r.clients_notified(&asked).map_err(Ended::from)).await?;
    Ok(List::page(found, &page, |found| found.id.to_string(), ExpiringClientView::of))
}

/// Shows a client.
pub async fn show(app: &App, call: &Call<'_>) -> Result<ClientView, Failure> {
    let found: Client = record::find(app, call).await?;
    Ok(ClientView::of(&found))
}

/// Lists a client's keys.
pub async fn credentials(app: &App, call: &Call<'_>) -> Result<List<CredentialView>, Failure> {
    let client: Client = record::find(app, call).await?;
    let found =
        app.database.read(move |r| r.credentials_of(&client.id).map_err(Ended::from)).await?;
    let now = call.now();
    Ok(List::whole(&found, |found| CredentialView::at(found, now)))
}

/// Lists a client's permissions.
pub async fn entitlements(app: &App, call: &Call<'_>) -> Result<List<EntitlementView>, Failure> {
    let client: Client = record::find(app, call).await?;
    let found =
        app.database.read(move |r| r.entitlements_of(&client.id).map_err(Ended::from)).await?;
    Ok(List::whole(&found, EntitlementView::of))
}

/// Says, scope by scope, why a client has access at this moment or has none.
pub async fn standing(app: &App, call: &Call<'_>) -> Result<ExplanationView, Failure> {
    call.no_query()?;
    let id: ClientId = call.id(RECORD)?;
    let found = app
        .database
        .read(move |r| r.client_record(&id)?.ok_or_else(|| Ended::from(unknown(RECORD, &id))))
        .await?;
    let environment = app.settings.server.environment;
    let mut scopes: Vec<&Scope> = found.client.metadata.scope.iter().collect();
    scopes.extend(found.entitlements.iter().map(|held| &held.scope));
    scopes.sort();
    scopes.dedup();
    let lapses = |scope| standing::lapses(&found, scope, environment, call.now());
    Ok(ExplanationView {
        client_id: found.client.id.to_string(),
        environment: environment.name(),
        at: call.now().to_string(),
        scopes: scopes.into_iter().map(|scope| shown(scope, lapses(scope))).collect(),
    })
}

fn shown(scope: &Scope, lapses: Vec<ReasonCode>) -> ScopeStandingView {
    let lapse = |code| {
        let explanation = explain(code);
        LapseView {
            code: code.as_str(),
            message: explanation.message,
            remedies: explanation.remedies.iter().map(|remedy| remedy.code).collect(),
        }
    };
    ScopeStandingView {
        scope: scope.to_string(),
        in_good_standing: lapses.is_empty(),
        lapses: lapses.into_iter().map(lapse).collect(),
    }
}

/// Steps to another state.
pub async fn change_state(app: &App, call: &Call<'_>) -> Result<ClientView, Failure> {
    let stepped: Client = record::step(app, call).await?;
    Ok(ClientView::of(&stepped))
}
