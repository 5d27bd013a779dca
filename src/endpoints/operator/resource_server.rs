//! Resource servers: who may ask whether a token is good (RFC 7662).

use serde_json::{Value, json};

use crate::app::App;
use crate::endpoints::client_secret;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::call::changed_detail;
use crate::endpoints::operator::error::OperatorError;
use crate::endpoints::operator::error::Problem;
use crate::endpoints::operator::record;
use crate::endpoints::operator::schema::List;
use crate::endpoints::operator::schema::new_secret::NewSecretRequest;
use crate::endpoints::operator::schema::resource_server::CreatedResourceServerView;
use crate::endpoints::operator::schema::resource_server::NewResourceServer;
use crate::endpoints::operator::schema::resource_server::ResourceServerChange;
use crate::endpoints::operator::schema::resource_server::ResourceServerView;
use crate::endpoints::operator::store::Ended;
use crate::governance::audit::AuditAction;
use crate::partners::EarlierSecret;
use crate::partners::ResourceServer;
use crate::partners::ResourceServerState;
use crate::partners::credential::StoredSecret;
use crate::protocol::client::Supported;
use crate::protocol::client_authentication::ClientAuthenticationMethod;
use crate::protocol::problem::Problems;
use crate::random;
use crate::storage::Change;
use crate::types::ResourceServerId;
use crate::types::Secret;
use crate::types::Timestamp;

const RECORD: &str = "resource server";

/// Lists resource servers.
pub async fn list(app: &App, call: &Call<'_>) -> Result<List<ResourceServerView>, Failure> {
    let mut query = call.query();
    let page = query.page();
    query.finish()?;
    let asked = page.and_one_more();
    let found = app.database.read(move |r| r.resource_servers(&asked).map_err(Ended::from)).await?;
    let view = |found: &ResourceServer| ResourceServerView::at(found, call.now());
    Ok(List::page(found, &page, |found| found.id.to_string(), view))
}

/// Shows a resource server, not its secret.
pub async fn show(app: &App, call: &Call<'_>) -> Result<ResourceServerView, Failure> {
    let found: ResourceServer = record::find(app, call).await?;
    Ok(ResourceServerView::at(&found, call.now()))
}

/// Records a resource server. Its secret, if it is to have one, is in this answer and nowhere else.
pub async fn create(app: &App, call: &Call<'_>) -> Result<CreatedResourceServerView, Failure> {
    let supported = Supported::of_resource_servers(&app.features);
    let new = call.read(|members| NewResourceServer::read(members, &supported))?;
    let made = secret(app, new.metadata.token_endpoint_auth_method)?;
    let (secret, stored) = made.unzip();
    let server = ResourceServer {
        id: ResourceServerId::from_random(&random::identifier()),
        name: new.name,
        audience: new.audience,
        metadata: new.metadata,
        secret: stored,
        earlier_secret: None,
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
    Ok(shown(&created, secret.as_ref(), call.now()))
}

/// Changes name, keys, certificate or answers of a resource server.
pub async fn update(app: &App, call: &Call<'_>) -> Result<ResourceServerView, Failure> {
    let id: ResourceServerId = call.id(RECORD)?;
    let change = call.read(ResourceServerChange::read)?;
    let supported = Supported::of_resource_servers(&app.features);
    let mut event = call.event(AuditAction::ResourceServerUpdated, &id, Value::Null);
    let updated = app
        .database
        .write(move |w| {
            let old = record::present(w.resource_server(&id)?, &id)?;
            let new = change.applied_to(&old, &supported).map_err(|found| invalid(&found))?;
            if new == old {
                return Ok::<_, Ended>(Change::nothing(old));
            }
            w.update_resource_server(&new)?;
            event.detail = changed_detail(&old, &new);
            Ok(Change::made(new, vec![event]))
        })
        .await?;
    Ok(ResourceServerView::at(&updated, call.now()))
}

/// Gives a resource server a new secret. It is in this answer and nowhere else.
pub async fn rotate_secret(
    app: &App,
    call: &Call<'_>,
) -> Result<CreatedResourceServerView, Failure> {
    let id: ResourceServerId = call.id(RECORD)?;
    let wish = call.read(NewSecretRequest::read)?;
    let now = call.now();
    let before: ResourceServer = record::find(app, call).await?;
    let method = before.metadata.token_endpoint_auth_method;
    let Some((secret, stored)) = secret(app, method)? else {
        return Err(OperatorError::has_no_secret(RECORD, method).into());
    };
    let overlap = wish.overlap_seconds.unwrap_or_default();
    let mut event = call.event(AuditAction::ResourceServerSecretRotated, &id, Value::Null);
    let rotated = app
        .database
        .write(move |w| {
            let old = record::present(w.resource_server(&id)?, &id)?;
            if old.metadata.token_endpoint_auth_method != method {
                return Err(Ended::from(OperatorError::Stale { table: "resource_servers" }));
            }
            let new = with_secret(&old, stored, now.plus(overlap), now);
            w.update_resource_server(&new)?;
            let ends_at = new.earlier_secret.as_ref().map(|earlier| earlier.ends_at);
            event.detail = json!({
                "reason": wish.reason,
                "earlier_secret_ends_at": ends_at.unwrap_or(now),
            });
            Ok(Change::made(new, vec![event]))
        })
        .await?;
    Ok(shown(&rotated, Some(&secret), now))
}

/// The same resource server with a new secret; the present one is good until `ends_at`.
fn with_secret(
    old: &ResourceServer,
    new: StoredSecret,
    ends_at: Timestamp,
    now: Timestamp,
) -> ResourceServer {
    let earlier = old.secret.clone().filter(|_| now < ends_at);
    let earlier_secret = earlier.map(|secret| EarlierSecret { secret, ends_at });
    ResourceServer { secret: Some(new), earlier_secret, ..old.clone() }
}

/// A secret for this method, and what is stored of it; nothing if the method has none.
fn secret(
    app: &App,
    method: ClientAuthenticationMethod,
) -> Result<Option<(Secret, StoredSecret)>, Failure> {
    if !method.has_secret() {
        return Ok(None);
    }
    let secret = random::secret();
    let stored = client_secret::stored(app, method, &secret)?;
    Ok(Some((secret, stored)))
}

fn shown(
    server: &ResourceServer,
    secret: Option<&Secret>,
    now: Timestamp,
) -> CreatedResourceServerView {
    CreatedResourceServerView {
        server: ResourceServerView::at(server, now),
        secret: secret.map(|secret| secret.reveal().to_owned()),
    }
}

fn invalid(problems: &Problems) -> OperatorError {
    let found = problems.iter();
    let shown = found.map(|found| Problem::new(found.pointer.as_str(), &found.message));
    OperatorError::Invalid(shown.collect())
}

/// Steps to another state.
pub async fn change_state(app: &App, call: &Call<'_>) -> Result<ResourceServerView, Failure> {
    let stepped: ResourceServer = record::step(app, call).await?;
    Ok(ResourceServerView::at(&stepped, call.now()))
}
