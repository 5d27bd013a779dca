//! Resource servers: who may ask whether a token is good (RFC 7662).

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::error::OperatorError;
use crate::endpoints::operator::record;
use crate::endpoints::operator::schema::List;
use crate::endpoints::operator::schema::resource_server::CreatedResourceServerView;
use crate::endpoints::operator::schema::resource_server::NewResourceServer;
use crate::endpoints::operator::schema::resource_server::ResourceServerView;
use crate::endpoints::operator::store::Ended;
use crate::governance::audit::AuditAction;
use crate::partners::ResourceServer;
use crate::partners::ResourceServerState;
use crate::random;
use crate::storage::Change;
use crate::types::ResourceServerId;

const RECORD: &str = "resource server";

/// Lists resource servers.
pub async fn list(app: &App, call: &Call<'_>) -> Result<List<ResourceServerView>, Failure> {
    let mut query = call.query();
    let page = query.page();
    query.finish()?;
    let asked = page.and_one_more();
    let found = app.database.read(move |r| r.resource_servers(&asked).map_err(Ended::from)).await?;
    Ok(List::page(found, &page, |found| found.id.to_string(), ResourceServerView::of))
}

/// Shows a resource server, not its secret.
pub async fn show(app: &App, call: &Call<'_>) -> Result<ResourceServerView, Failure> {
    let found: ResourceServer = record::find(app, call).await?;
    Ok(ResourceServerView::of(&found))
}

/// Records a resource server. Its secret is in this answer and nowhere else.
pub async fn create(app: &App, call: &Call<'_>) -> Result<CreatedResourceServerView, Failure> {
    let new = call.read(NewResourceServer::read)?;
    let secret = random::secret();
    let server = ResourceServer {
        id: ResourceServerId::from_random(&random::identifier()),
        name: new.name,
        audience: new.audience,
        secret_hash: Some(secret.hash()),
        jwks: None,
        state: ResourceServerState::Active,
        created_at: call.now(),
    };
    let actions = (AuditAction::ResourceServerCreated, AuditAction::ResourceServerStateChanged);
    let events = call.creation(actions, &server.id, &server, &[ResourceServerState::Active]);
    let created = app
        .database
        .write(move |w| {
            if let Some(existing) = w.resource_server_for(&server.audience)? {
                let id = existing.id.to_string();
                return Err(Ended::from(OperatorError::Exists { record: RECORD, id }));
            }
            w.insert_resource_server(&server)?;
            Ok(Change::made(server, events))
        })
        .await?;
    Ok(CreatedResourceServerView {
        server: ResourceServerView::of(&created),
        secret: secret.reveal().to_owned(),
    })
}

/// Steps to another state.
pub async fn change_state(app: &App, call: &Call<'_>) -> Result<ResourceServerView, Failure> {
    let stepped: ResourceServer = record::step(app, call).await?;
    Ok(ResourceServerView::of(&stepped))
}
