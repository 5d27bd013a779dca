//! What a registration rests on: a statement we believe, presented by whoever holds its software.
//!
//! The order is that of REG-S: the statement is verified before anything that it names is fetched,
//! and what is single-use is burnt after all is proved and before anything is decided.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::app::App;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::{Broken, Failure};
use crate::jose::JwkSet;
use crate::partners::Client;
use crate::protocol::ErrorCode;
use crate::protocol::client::{ClientMetadata, Supported, sector_identifier};
use crate::protocol::problem::{Problem, Problems, pointer};
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

use super::directory_standing;

/// A request whose presenter holds the software that a believed statement speaks of.
///
/// It has been used once by now: its `jti` is burnt. Its statement is not, so that whoever made a
/// mistake in the metadata need not ask the directory for another.
#[derive(Debug)]
pub(super) struct Proof {
    /// Whose word it is.
    pub(super) framework: Arc<Framework>,
    /// The statement, verified.
    pub(super) statement: SoftwareStatement,
    /// What it says of its software.
    pub(super) facts: StatementFacts,
    /// The keys of the software.
    pub(super) keys: JwkSet,
    /// The request, proved as the framework demands.
    pub(super) bound: Bound,
    /// Whether the statement is the one that the client was registered with, and not presented anew.
    pub(super) stands: bool,
    /// What the store said of the statement, where it was used up together with the request.
    burnt: Option<Consumed>,
}

impl Proof {
    /// Verifies everything, and then burns the request (SEC-53).
    pub(super) async fn gather(app: &App, incoming: &Incoming) -> Result<Self, Failure> {
        let proof = Self::verify(app, incoming).await?;
        proof.burn_request(app, incoming.now).await?;
        Ok(proof)
    }

    /// Burns the request, and the statement with it: one commit instead of two. It is for where
    /// nothing lies between the two but what comes after both as well.
    pub(super) async fn burn_both(&mut self, app: &App, now: Timestamp) -> Result<(), Failure> {
        let (Some(request), Some(statement)) = (self.use_of_request(), self.use_of_statement())
        else {
            return self.burn_request(app, now).await;
        };
        let (first, second) = app.one_time.consume_both(request, statement, now).await?;
        self.burnt = second;
        check_request(first)
    }

    /// The same of an update. Where the framework has it so, it may leave out the statement that the
    /// client was registered with, or send it back however old it is (REG-U3, U5).
    pub(super) async fn of_update(
        app: &App,
        incoming: &Incoming,
        client: &Client,
        framework: Option<&Framework>,
    ) -> Result<Self, Failure> {
        let request = RegistrationRequest::parse(incoming.content_type.as_deref(), &incoming.body)?;
        let stored = client.software_statement.as_str();
        let stands = framework.is_some_and(|framework| !framework.statement_on_update())
            && request.carried_statement().is_none_or(|carried| carried == stored);
        let statement = if stands {
            UnverifiedStatement::parse(stored)?
        } else {
            request.software_statement()?
        };
        let proof = Self::prove(app, incoming, request, (statement, stands)).await?;
        proof.burn_request(app, incoming.now).await?;
        Ok(proof)
    }

    /// Verifies everything and burns nothing: enough to look, not to register.
    pub(super) async fn verify(app: &App, incoming: &Incoming) -> Result<Self, Failure> {
        let request = RegistrationRequest::parse(incoming.content_type.as_deref(), &incoming.body)?;
        let statement = request.software_statement()?;
        Self::prove(app, incoming, request, (statement, false)).await
    }

    /// `stands` tells whether the statement comes out of our own database.
    async fn prove(
        app: &App,
        incoming: &Incoming,
        request: RegistrationRequest,
        (unverified, stands): (UnverifiedStatement, bool),
    ) -> Result<Self, Failure> {
        let (now, us) = (incoming.now, &app.settings.server.issuer);
        let framework = Arc::clone(app.frameworks.find(&unverified, now)?);
        // Before anything is fetched: a request that no key signed is nobody's.
        framework.check_format(&request)?;
        let certificate = framework.check_certificate(incoming.presented.as_ref(), now)?;
        let statement = if stands {
            unverified.stands(&framework.statement_rules(us), now)?
        } else {
            verify(app, &framework, unverified, now).await?
        };
        let facts = framework.facts(&statement)?;
        // Before its keys are fetched: a stranger with a copied statement makes nobody ask for them.
        framework.check_holder(certificate.as_ref(), statement.claims())?;
        let keys = presenter_keys(app, &framework, &statement, &request, now).await?;
        let with = Presentation {
            framework: &framework,
            statement: &statement,
            facts: &facts,
            keys: &keys,
            certificate: certificate.as_ref(),
            stands,
            us,
        };
        let bound = trust::bind(request, with, now)?;
        // S10 comes last: whoever proves nothing makes nobody ask the directory.
        directory_standing::check(app, &framework, &facts, now).await?;
        Ok(Self { framework, statement, facts, keys, bound, stands, burnt: None })
    }

    /// The claims of the statement that an answer repeats (REG-E5).
    pub(super) fn echo(&self) -> Map<String, Value> {
        self.framework.echo(self.statement.claims())
    }

    /// A signed request works once (S12). One without a `jti` is as good as its statement and its
    /// certificate are.
    pub(super) async fn burn_request(&self, app: &App, now: Timestamp) -> Result<(), Failure> {
        let Some(request) = self.use_of_request() else { return Ok(()) };
        check_request(app.one_time.consume_once(request, now).await?)
    }

    fn use_of_request(&self) -> Option<OneTimeUse> {
        let (jti, (issued_at, expires_at)) = self.bound.jti().zip(self.bound.validity())?;
        Some(OneTimeUse {
            kind: OneTimeKind::RegistrationRequest,
            issuer: self.framework.name().to_string(),
            subject: self.facts.software_id.to_string(),
            value: jti.to_owned(),
            issued_at,
            expires_at,
        })
    }

    /// S8: a single-use statement works once. It is committed before anything is decided.
    pub(super) async fn burn_statement(&self, app: &App, now: Timestamp) -> Result<(), Failure> {
        let consumed = match (self.burnt, self.use_of_statement()) {
            (Some(consumed), _) => consumed,
            (None, Some(statement)) => app.one_time.consume_once(statement, now).await?,
            (None, None) => return Ok(()),
        };
        match consumed {
            Consumed::First => Ok(()),
            Consumed::Again | Consumed::Forgotten => {
                Err(StatementError::from(StatementProblem::Replayed).into())
            }
        }
    }

    fn use_of_statement(&self) -> Option<OneTimeUse> {
        let statement = &self.statement;
        let jti = statement.jti().filter(|_| self.framework.single_use_statements())?;
        Some(OneTimeUse {
            kind: OneTimeKind::SoftwareStatement,
            issuer: statement.issuer().to_owned(),
            subject: self.facts.software_id.to_string(),
            value: jti.to_owned(),
            issued_at: statement.issued_at(),
            expires_at: self.framework.acceptable_until(statement),
        })
    }
}

fn check_request(consumed: Consumed) -> Result<(), Failure> {
    match consumed {
        Consumed::First => Ok(()),
        Consumed::Again | Consumed::Forgotten => {
            Err(RequestError::from(RequestProblem::Replayed).into())
        }
    }
}

/// What a registration is made of: statement and request as one, every field checked, and nothing
/// left that could be used a second time.
#[derive(Debug)]
pub(super) struct Evidence {
    /// The metadata.
    pub(super) metadata: ClientMetadata,
    /// What the request asked for and did not get.
    pub(super) replaced: Vec<Replaced>,
}

impl Evidence {
    /// Merges. Nobody is asked and nothing is used up by it.
    pub(super) fn merge(app: &App, proof: &Proof) -> Result<Self, Failure> {
        let Proof { framework, statement, facts, bound, .. } = proof;
        let (metadata, replaced) = trust::merge(framework, statement, facts, bound)
            .into_metadata(framework, &Supported::of(&app.features))?;
        Ok(Self { metadata, replaced })
    }

    /// Whether the metadata refers to a document that has to be fetched.
    pub(super) const fn refers_elsewhere(&self) -> bool {
        self.metadata.openid.sector_identifier_uri.is_some()
    }

    /// M15, X8: fetched by the rules for the framework's clients, once all else has been found good.
    pub(super) async fn check_sector(&self, app: &App, proof: &Proof) -> Result<(), Failure> {
        let metadata = &self.metadata;
        let Some(uri) = &metadata.openid.sector_identifier_uri else { return Ok(()) };
        let rules = app.fetch_rules.get(proof.framework.name()).cloned().unwrap_or_default();
        let document = app.key_source.fetch_document(uri, &rules).await;
        let document = document
            .map_err(|error| unreachable(&error, "sector_identifier_uri", "its document"))?;
        Ok(sector_identifier::check(&document, metadata)?)
    }
}

/// S5 to S9, with the keys of the framework. When they cannot be had it is not the caller's fault.
async fn verify(
    app: &App,
    framework: &Framework,
    unverified: UnverifiedStatement,
    now: Timestamp,
) -> Result<SoftwareStatement, Failure> {
    let us = &app.settings.server.issuer;
    let keys = match framework.key_source() {
        KeySource::Certificates(_) => return Ok(framework.verify_self_signed(unverified, us, now)?),
        KeySource::Jwks(keys) => keys.clone(),
        KeySource::JwksUri(uri) => {
            let rules = app.statement_key_rules(framework);
            let wanted = unverified.key_id();
            let keys = app.key_source.keys(uri, &rules, wanted, now).await;
            keys.map_err(|error| Broken::Remote(error.to_string()))?
        }
    };
    Ok(unverified.verify(&framework.statement_rules(us), &keys, now)?)
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
            keys.map_err(|error| unreachable(&error, "jwks_uri", "the keys of the software"))
        }
    }
}

/// The partner must learn what is wrong at its own address; that we are busy is not among it.
fn unreachable(error: &RemoteError, member: &str, what: &str) -> Failure {
    if *error == RemoteError::Busy {
        return Broken::Remote(error.to_string()).into();
    }
    let message = format!("{what} cannot be had from `{member}`: {error}");
    Problems::from(Problem::new(ErrorCode::InvalidClientMetadata, pointer(member), message)).into()
}
