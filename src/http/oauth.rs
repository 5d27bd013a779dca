//! The routes of the public listener: what clients and resource servers use.

use std::sync::Arc;

use crate::app::App;
use crate::endpoints::Broken;
use crate::endpoints::Failure;
use crate::endpoints::authorize_request;
use crate::endpoints::discovery;
use crate::endpoints::exchange::Answer;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::exchange::Method;
use crate::endpoints::introspection;
use crate::endpoints::jwks;
use crate::endpoints::registration;
use crate::endpoints::revocation;
use crate::endpoints::token;
use crate::http::Routes;
use crate::protocol::discovery::path;

type Told = Result<Answer, Failure>;

/// Every route that is switched on. What is off is absent.
#[must_use]
pub fn routes(app: Arc<App>) -> Routes<App> {
    let (hello, registration) = (app.settings.server.hello_route, app.features.registration);
    let authorize_requests = app.features.authorize_requests;
    let routes = Routes::new(app)
        .on(Method::Post, "/token", async |app: Arc<App>, incoming: Incoming| -> Told {
            token::token(&app, &incoming).await
        })
        .on(Method::Post, "/introspect", async |app: Arc<App>, incoming: Incoming| -> Told {
            introspection::introspect(&app, &incoming).await
        })
        .on(Method::Post, "/revoke", async |app: Arc<App>, incoming: Incoming| -> Told {
            revocation::revoke(&app, &incoming).await
        })
        .on(Method::Get, "/jwks", async |app: Arc<App>, incoming: Incoming| -> Told {
            Ok(jwks::jwks(&app, &incoming).await)
        })
        .on(
            Method::Get,
            "/.well-known/oauth-authorization-server",
            async |app: Arc<App>, _| -> Told { Ok(discovery::oauth_metadata(&app)) },
        )
        .on(Method::Get, "/.well-known/openid-configuration", async |app: Arc<App>, _| -> Told {
            Ok(discovery::openid_metadata(&app))
        })
        .with_health(async |app: Arc<App>, _| ready(&app));
    let routes = if authorize_requests { with_proxies(routes) } else { routes };
    let routes = if registration { with_registration(routes) } else { routes };
    if hello { routes.with_hello() } else { routes }
}

/// Proxies ask by any method, Envoy below the path as well.
fn with_proxies(routes: Routes<App>) -> Routes<App> {
    let below = format!("{}/{{original:.*}}", path::AUTHORIZE_REQUEST);
    [path::AUTHORIZE_REQUEST, &below].into_iter().fold(routes, |routes, path| {
        let story = async |app: Arc<App>, incoming: Incoming| -> Told {
            authorize_request::authorize_request(&app, &incoming).await
        };
        routes.any(path, story).reading(path, &authorize_request::FIELDS)
    })
}

/// The management URL authenticates before it looks at the method (REG-R8).
fn with_registration(routes: Routes<App>) -> Routes<App> {
    const MANAGED: &str = "/register/{client_id}";
    let routes = routes
        .on(Method::Post, "/register", async |app: Arc<App>, incoming: Incoming| -> Told {
            registration::register(&app, &incoming).await
        })
        .on(Method::Post, "/register/plan", async |app: Arc<App>, incoming: Incoming| -> Told {
            registration::plan(&app, &incoming).await
        })
        .on(
            Method::Post,
            "/register/{client_id}/recover",
            async |app: Arc<App>, incoming: Incoming| -> Told {
                registration::recover(&app, &incoming).await
            },
        )
        .any(MANAGED, manage);
    let methods = [Method::Get, Method::Put, Method::Delete];
    methods.into_iter().fold(routes, |routes, method| routes.on(method, MANAGED, manage))
}

async fn manage(app: Arc<App>, incoming: Incoming) -> Told {
    registration::manage(&app, &incoming).await
}

/// Ready is who sees the changes of other nodes and has a key to sign with.
fn ready(app: &App) -> Told {
    if !app.database.generation_is_fresh() {
        return Err(Broken::OutOfDate.into());
    }
    let body = serde_json::json!({ "ready": true });
    Ok(Answer::json(200, &body))
}
