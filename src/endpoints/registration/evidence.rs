//! What a registration rests on: a statement we believe, presented by whoever holds its software.
//!
//! The order is that of REG-S: the statement is verified before anything that it names is fetched,
//! and what is single-use is burnt before anything is decided.

use serde_json::{Map, Value};

use crate::app::App;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::{Broken, Failure};
use crate::jose::JwkSet;
use crate::protocol::ErrorCode;
use crate::protocol::client::{ClientMetadata, Supported};
use crate::protocol::problem::{Problem, Problems};
use crate::protocol::registration::{
    RegistrationRequest, RequestError, RequestProblem, SoftwareStatement, StatementError,
    StatementProblem, UnverifiedStatement,
};
use crate::remote::RemoteError;
use crate::storage::{Consumed, OneTimeKind, OneTimeUse};
use crate::trust::{
    self, Bound, Framework, KeySource, Presentation, PresenterKeys, Replaced, StatementFacts,
};
use crate::types::Timestamp;

/// Everything that has been proved about a registration request.
#[derive(Debug)]
pub(super) struct Evidence {
    /// Whose word it is.
    pub(super) framework: Framework,
    /// The statement, verified.
    pub(super) statement: SoftwareStatement,
    /// What it says of its software.
    pub(super) facts: StatementFacts,
    /// The keys of the software.
    pub(super) keys: JwkSet,
    /// The request, signed by one of them.
    pub(super) bound: Bound,
    /// Statement and request as one, every field checked.
    pub(super) metadata: ClientMetadata,
    /// What the request asked for and did not get.
    pub(super) replaced: Vec<Replaced>,
}

impl Evidence {
    /// Verifies and burns.
    pub(super) async fn gather(app: &App, incoming: &Incoming) -> Result<Self, Failure> {
        let now = incoming.now;
        let request = RegistrationRequest::parse(incoming.content_type.as_deref(), &incoming.body)?;
        let unverified = request.software_statement()?;
        let framework = app.frameworks.find(&unverified)?.clone();
        let statement = verify(app, &framework, unverified, now).await?;
        let facts = framework.facts(&statement)?;
        let keys = presenter_keys(app, &framework, &statement, &request, now).await?;
        let with = Presentation {
            framework: &framework,
            statement: &statement,
            facts: &facts,
            keys: &keys,
            us: &app.settings.server.issuer,
        };
        let bound = trust::bind(request, with, now)?;
        burn(app, &framework, &statement, &facts, &bound, now).await?;
        let (metadata, replaced) = trust::merge(&framework, &statement, &facts, &bound)
            .into_metadata(&framework, &Supported::of(&app.features))?;
        Ok(Self { framework, statement, facts, keys, bound, metadata, replaced })
    }

    /// The claims of the statement that an answer repeats (REG-E5).
    pub(super) fn echo(&self) -> Map<String, Value> {
        self.framework.echo(self.statement.claims())
    }
}

/// S5 to S9, with the keys of the framework. When they cannot be had it is not the caller's fault.
async fn verify(
    app: &App,
    framework: &Framework,
    unverified: UnverifiedStatement,
    now: Timestamp,
) -> Result<SoftwareStatement, Failure> {
    let keys = match framework.key_source() {
        KeySource::Jwks(keys) => keys.clone(),
        KeySource::JwksUri(uri) => {
            let rules = app.statement_key_rules(framework);
            let wanted = unverified.key_id();
            let keys = app.key_source.keys(uri, &rules, wanted, now).await;
            keys.map_err(|error| Broken::Remote(error.to_string()))?
        }
    };
    Ok(unverified.verify(&framework.statement_rules(&app.settings.server.issuer), &keys, now)?)
}

/// S11: the keys of the software, from where the verified statement says (SEC-17).
async fn presenter_keys(
    app: &App,
    framework: &Framework,
    statement: &SoftwareStatement,
    request: &RegistrationRequest,
    now: Timestamp,
) -> Result<JwkSet, Failure> {
    match framework.presenter_keys(statement)? {
        PresenterKeys::Value(keys) => Ok(keys),
        PresenterKeys::Address(uri) => {
            let rules = app.fetch_rules.get(framework.name()).cloned().unwrap_or_default();
            let keys = app.key_source.keys(&uri, &rules, request.key_id(), now).await;
            keys.map_err(|error| unreachable_keys(&error).into())
        }
    }
}

fn unreachable_keys(error: &RemoteError) -> Problems {
    let message = format!("the keys of the software cannot be had from its `jwks_uri`: {error}");
    Problem::new(ErrorCode::InvalidClientMetadata, "/jwks_uri", message).into()
}

/// S8: neither the request nor a single-use statement works twice. Each is committed on its own.
async fn burn(
    app: &App,
    framework: &Framework,
    statement: &SoftwareStatement,
    facts: &StatementFacts,
    bound: &Bound,
    now: Timestamp,
) -> Result<(), Failure> {
    let subject = facts.software_id.to_string();
    let request = OneTimeUse {
        kind: OneTimeKind::RegistrationRequest,
        issuer: framework.name().to_string(),
        subject: subject.clone(),
        value: bound.jti().to_owned(),
        issued_at: bound.issued_at(),
        expires_at: bound.expires_at(),
    };
    if app.one_time.consume_once(request, now).await? != Consumed::First {
        return Err(RequestError::from(RequestProblem::Replayed).into());
    }
    let Some(jti) = statement.jti().filter(|_| framework.single_use_statements()) else {
        return Ok(());
    };
    let used = OneTimeUse {
        kind: OneTimeKind::SoftwareStatement,
        issuer: statement.issuer().to_owned(),
        subject,
        value: jti.to_owned(),
        issued_at: statement.issued_at(),
        expires_at: framework.acceptable_until(statement),
    };
    match app.one_time.consume_once(used, now).await? {
        Consumed::First => Ok(()),
        Consumed::Again | Consumed::Forgotten => {
            Err(StatementError::from(StatementProblem::Replayed).into())
        }
    }
}
