//! The routes of the test directory.

use std::sync::Arc;

use crate::endpoints::Failure;
use crate::endpoints::directory::Directory;
use crate::endpoints::exchange::Answer;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::exchange::Method;
use crate::http::Routes;
use crate::protocol::ErrorCode;
use crate::protocol::OAuthError;

/// How long a copy of its own keys may be kept, in seconds: they change only with their file.
const KEYS_KEPT: u32 = 60;

/// Every route of a test directory.
#[must_use]
pub fn routes(directory: Directory) -> Routes<Directory> {
    Routes::new(Arc::new(directory))
        .on(Method::Get, "/", async |directory: Arc<Directory>, _| {
            Ok(Answer::json(200, &directory.about()))
        })
        .on(Method::Get, "/jwks", async |directory: Arc<Directory>, _| {
            Ok(Answer::json(200, &directory.jwks()).kept_for(KEYS_KEPT))
        })
        .on(Method::Post, "/organisations", create_organisation)
        .on(Method::Get, "/organisations", list_organisations)
        .on(Method::Get, "/organisations/{id}", organisation)
        .on(Method::Patch, "/organisations/{id}", change_organisation)
        .on(Method::Get, "/organisations/{id}/software", list_software)
        .on(Method::Post, "/software", create_software)
        .on(Method::Get, "/software/{id}", software)
        .on(Method::Patch, "/software/{id}", change_software)
        .on(Method::Get, "/software/{id}/jwks", software_jwks)
        .on(Method::Post, "/statements", issue_statement)
        .on(Method::Get, "/statuses/organisations", async |directory: Arc<Directory>, _| {
            told(directory.organisation_statuses().await)
        })
        .on(Method::Get, "/statuses/software", async |directory: Arc<Directory>, _| {
            told(directory.software_statuses().await)
        })
}

type Told = Result<Answer, Failure>;

async fn create_organisation(directory: Arc<Directory>, incoming: Incoming) -> Told {
    created(directory.create_organisation(json(&incoming)?).await)
}

async fn list_organisations(directory: Arc<Directory>, incoming: Incoming) -> Told {
    let query = incoming.query.as_ref().map_or("", |query| query.reveal());
    let after = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "after")
        .map(|(_, after)| after.into_owned());
    told(directory.list_organisations(after).await)
}

async fn organisation(directory: Arc<Directory>, incoming: Incoming) -> Told {
    told(directory.organisation(incoming.segment("id")).await)
}

async fn change_organisation(directory: Arc<Directory>, incoming: Incoming) -> Told {
    told(directory.change_organisation(incoming.segment("id"), json(&incoming)?).await)
}

async fn list_software(directory: Arc<Directory>, incoming: Incoming) -> Told {
    told(directory.list_software(incoming.segment("id")).await)
}

async fn create_software(directory: Arc<Directory>, incoming: Incoming) -> Told {
    created(directory.create_software(json(&incoming)?).await)
}

async fn software(directory: Arc<Directory>, incoming: Incoming) -> Told {
    told(directory.software(incoming.segment("id")).await)
}

async fn change_software(directory: Arc<Directory>, incoming: Incoming) -> Told {
    told(directory.change_software(incoming.segment("id"), json(&incoming)?).await)
}

async fn software_jwks(directory: Arc<Directory>, incoming: Incoming) -> Told {
    told(directory.software_jwks(incoming.segment("id")).await)
}

async fn issue_statement(directory: Arc<Directory>, incoming: Incoming) -> Told {
    created(directory.issue_statement(json(&incoming)?, incoming.now).await)
}

fn created(made: Result<serde_json::Value, Failure>) -> Told {
    made.map(|body| Answer::json(201, &body))
}

fn told(found: Result<serde_json::Value, Failure>) -> Told {
    found.map(|body| Answer::json(200, &body))
}

/// The body, which is said to be JSON.
fn json(incoming: &Incoming) -> Result<&[u8], Failure> {
    if incoming.media_type().as_deref() == Some("application/json") {
        return Ok(&incoming.body);
    }
    let description = "send `Content-Type: application/json`";
    Err(OAuthError::new(ErrorCode::InvalidRequest, description).into())
}
