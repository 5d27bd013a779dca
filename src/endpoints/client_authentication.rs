//! Who is asking: parse, look up, verify, burn. Only this file makes an [`AuthenticatedClient`] or
//! an [`AuthenticatedResourceServer`] (STY-2), and only after the assertion's `jti` is burnt.

use std::sync::Arc;

use crate::app::App;
use crate::app::KnownClient;
use crate::app::KnownResourceServer;
use crate::endpoints::client_key;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::{Broken, Failure};
use crate::jose::Algorithm;
use crate::jose::JwkSet;
use crate::partners::ClientRecord;
use crate::partners::ResourceServerState;
use crate::protocol::client_authentication::client_assertion::PRIVATE_KEY_JWT;
use crate::protocol::client_authentication::{
    AUTHENTICATION_FAILED, Addressee, AudienceRule, Credential, SentSecret, UnverifiedAssertion,
    VerifiedAssertion,
};
use crate::protocol::parameters::Parameters;
use crate::protocol::{ErrorCode, OAuthError};
use crate::remote::RemoteError;
use crate::storage::Consumed;
use crate::storage::OneTimeKind;
use crate::storage::OneTimeUse;
use crate::types::{ResourceServerId, ResourceUri, Secret, SecretHash, Timestamp};

/// A client that has proved who it is, with a fresh assertion.
#[derive(Debug)]
pub struct AuthenticatedClient {
    known: Arc<KnownClient>,
    thumbprint: String,
}

impl AuthenticatedClient {
    /// The client as it is known.
    #[must_use]
    pub fn known(&self) -> &Arc<KnownClient> {
        &self.known
    }

    /// RFC 7638 thumbprint of the key that it used.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }
}

/// A resource server that has proved who it is.
#[derive(Debug)]
pub struct AuthenticatedResourceServer {
    known: Arc<KnownResourceServer>,
}

impl AuthenticatedResourceServer {
    /// The `aud` of the tokens that it may ask about.
    #[must_use]
    pub fn audience(&self) -> &ResourceUri {
        &self.known.record().audience
    }
}

/// Why somebody is not who it says. The caller hears one sentence (STY-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Unauthenticated {
    #[error("the request carries no client authentication")]
    Missing,
    #[error("a client authenticates with the method that it registered, `{PRIVATE_KEY_JWT}`")]
    Method,
    #[error("there is no such client, or it has ended")]
    UnknownClient,
    #[error("the client has no usable keys")]
    NoKeys,
    #[error("there is no such resource server, or it is suspended")]
    UnknownResourceServer,
    #[error("the secret is another one")]
    Secret,
    #[error("the assertion was used before")]
    Replayed,
    #[error("the assertion is older than what the replay store remembers")]
    Forgotten,
}

impl From<Unauthenticated> for OAuthError {
    fn from(failed: Unauthenticated) -> Self {
        Self::new(ErrorCode::InvalidClient, AUTHENTICATION_FAILED).with_detail(failed)
    }
}

/// Authenticates a client and burns its assertion.
///
/// # Errors
///
/// It is not who it says; or a store fails, in which case nothing is accepted (SEC-57).
pub async fn client(
    app: &App,
    incoming: &Incoming,
    parameters: &Parameters,
) -> Result<AuthenticatedClient, Failure> {
    let assertion = match credential(incoming, parameters)? {
        Credential::ClientAssertion(assertion) => *assertion,
        Credential::Secret(_) => return Err(Unauthenticated::Method.into()),
        Credential::ClientId(_) | Credential::None => return Err(Unauthenticated::Missing.into()),
    };
    let (known, keys) =
        whose(app, &assertion, incoming.now).await.inspect_err(covering(app, &assertion))?;
    let algorithms = algorithms(app, known.record());
    let verified = verify(app, assertion, &keys, algorithms, incoming.now)?;
    burn(app, &verified, incoming.now).await?;
    let thumbprint = verified.thumbprint().ok_or(Unauthenticated::Method)?.to_owned();
    if known.record().credential(&thumbprint).is_none() {
        client_key::note(app, &known, &keys, &thumbprint, incoming).await?;
    }
    Ok(AuthenticatedClient { known, thumbprint })
}

/// Authenticates a resource server, by its secret or by an assertion, which is then burnt.
///
/// # Errors
///
/// As [`client`].
pub async fn resource_server(
    app: &App,
    incoming: &Incoming,
    parameters: &Parameters,
) -> Result<AuthenticatedResourceServer, Failure> {
    match credential(incoming, parameters)? {
        Credential::Secret(sent) => by_secret(app, sent).await,
        Credential::ClientAssertion(assertion) => by_assertion(app, *assertion, incoming.now).await,
        Credential::ClientId(_) | Credential::None => Err(Unauthenticated::Missing.into()),
    }
}

fn credential(incoming: &Incoming, parameters: &Parameters) -> Result<Credential, Failure> {
    let authorization = incoming.authorization.as_ref().map(Secret::reveal);
    Ok(Credential::parse(authorization, parameters)?)
}

/// The client that an assertion names, and its keys.
async fn whose(
    app: &App,
    assertion: &UnverifiedAssertion,
    now: Timestamp,
) -> Result<(Arc<KnownClient>, JwkSet), Failure> {
    let known = app
        .clients
        .find(&app.database, assertion.client_id())
        .await?
        .filter(|known| !known.record().client.state.is_tombstone())
        .ok_or(Unauthenticated::UnknownClient)?;
    if known.record().client.metadata.token_endpoint_auth_method != PRIVATE_KEY_JWT {
        return Err(Unauthenticated::Method.into());
    }
    let keys = client_keys(app, &known, assertion, now).await?;
    Ok((known, keys))
}

/// The keys that the client registered: by value, or fetched from where it keeps them. A `kid` that
/// is not among the fetched ones makes `remote` look again, no oftener than it allows.
async fn client_keys(
    app: &App,
    known: &KnownClient,
    assertion: &UnverifiedAssertion,
    now: Timestamp,
) -> Result<JwkSet, Failure> {
    if let Some(keys) = known.inline_keys() {
        return Ok(keys.clone());
    }
    let record = known.record();
    let jwks_uri = record.client.metadata.jwks_uri.as_ref().ok_or(Unauthenticated::NoKeys)?;
    let rules =
        app.fetch_rules.get(&record.software_product.framework).ok_or(Unauthenticated::NoKeys)?;
    app.key_source
        .keys(jwks_uri, rules, assertion.key_id(), now)
        .await
        .map_err(|failed| unreachable_keys(&failed))
}

/// Keys that cannot be had now are no proof that the client is somebody else.
fn unreachable_keys(failed: &RemoteError) -> Failure {
    if failed.is_passing() {
        return Broken::Remote(failed.to_string()).into();
    }
    let refusal = OAuthError::new(ErrorCode::InvalidClient, AUTHENTICATION_FAILED);
    refusal.with_detail(failed).into()
}

/// What the client may sign with: the algorithm that it registered, if it did (SEC-10).
fn algorithms<'a>(app: &'a App, record: &ClientRecord) -> &'a [Algorithm] {
    let allowed = &app.features.assertion_algorithms;
    match &record.client.metadata.token_endpoint_auth_signing_alg {
        Some(registered) => allowed
            .iter()
            .find(|algorithm| algorithm.name() == registered)
            .map(std::slice::from_ref)
            .unwrap_or_default(),
        None => allowed,
    }
}

fn verify(
    app: &App,
    assertion: UnverifiedAssertion,
    keys: &JwkSet,
    algorithms: &[Algorithm],
    now: Timestamp,
) -> Result<VerifiedAssertion, Failure> {
    let unusable = assertion.check_key(keys, algorithms).map_err(Failure::from);
    unusable.inspect_err(covering(app, &assertion))?;
    let addressee = Addressee { us: &app.our_names, rule: AudienceRule::default() };
    Ok(assertion.verify(keys, algorithms, addressee, now)?)
}

/// Makes a refusal that comes before any key operation cost what a bad signature costs, so that
/// time does not tell which clients exist (SEC-29).
fn covering(app: &App, assertion: &UnverifiedAssertion) -> impl FnOnce(&Failure) {
    move |failure| match failure {
        Failure::Refused(_) => assertion.verify_in_vain(&app.decoys),
        Failure::Broken(_) => {}
    }
}

/// Burns the assertion's `jti`, committed on its own: from here it is used, whatever comes (SEC-53).
async fn burn(app: &App, assertion: &VerifiedAssertion, now: Timestamp) -> Result<(), Failure> {
    let client_id = assertion.client_id().as_str();
    let once = OneTimeUse {
        kind: OneTimeKind::ClientAssertion,
        issuer: client_id.to_owned(),
        subject: client_id.to_owned(),
        value: assertion.jti().to_owned(),
        issued_at: assertion.issued_at(),
        expires_at: assertion.refused_from(),
    };
    match app.one_time.consume_once(once, now).await? {
        Consumed::First => Ok(()),
        Consumed::Again => Err(Unauthenticated::Replayed.into()),
        Consumed::Forgotten => Err(Unauthenticated::Forgotten.into()),
    }
}

async fn by_secret(app: &App, sent: SentSecret) -> Result<AuthenticatedResourceServer, Failure> {
    let known = match ResourceServerId::parse(sent.id) {
        Ok(id) => app.resource_servers.find(&app.database, &id).await?,
        Err(_) => None,
    };
    // An unknown identifier costs the same comparison as a known one (SEC-29).
    let nobodys = SecretHash::from_stored("");
    let hash = known.as_ref().and_then(|known| known.record().secret_hash.as_ref());
    let proved = hash.unwrap_or(&nobodys).matches(&sent.secret);
    let known = known.ok_or(Unauthenticated::UnknownResourceServer)?;
    if !proved {
        return Err(Unauthenticated::Secret.into());
    }
    active(known)
}

async fn by_assertion(
    app: &App,
    assertion: UnverifiedAssertion,
    now: Timestamp,
) -> Result<AuthenticatedResourceServer, Failure> {
    let known = whose_server(app, &assertion).await.inspect_err(covering(app, &assertion))?;
    let keys = known.keys().ok_or(Unauthenticated::NoKeys).map_err(Failure::from);
    let keys = keys.inspect_err(covering(app, &assertion))?;
    let verified = verify(app, assertion, keys, &app.features.assertion_algorithms, now)?;
    burn(app, &verified, now).await?;
    active(known)
}

/// The resource server that an assertion names.
async fn whose_server(
    app: &App,
    assertion: &UnverifiedAssertion,
) -> Result<Arc<KnownResourceServer>, Failure> {
    let id = ResourceServerId::parse(assertion.client_id().as_str())
        .map_err(|_| Unauthenticated::UnknownResourceServer)?;
    let known = app.resource_servers.find(&app.database, &id).await?;
    Ok(known.ok_or(Unauthenticated::UnknownResourceServer)?)
}

fn active(known: Arc<KnownResourceServer>) -> Result<AuthenticatedResourceServer, Failure> {
    match known.record().state {
        ResourceServerState::Active => Ok(AuthenticatedResourceServer { known }),
        ResourceServerState::Suspended => Err(Unauthenticated::UnknownResourceServer.into()),
    }
}
