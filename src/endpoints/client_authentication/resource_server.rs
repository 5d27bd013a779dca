//! Which of the bank's own servers is asking (RFC 7662 §2.1): by the one method that the bank has
//! registered for it, as a client would.

use std::sync::Arc;

use super::by_assertion::{self, covering};
use super::by_certificate::{self, shown};
use super::by_secret::{compare_in_vain, matching};
use super::keys::KeyHolder;
use super::{Unauthenticated, credential};
use crate::app::App;
use crate::app::KnownResourceServer;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::Failure;
use crate::jose::JwkSet;
use crate::partners::ResourceServerState;
use crate::protocol::client_authentication::{
    Addressee, AudienceRule, ClientAuthenticationMethod, Credential, SentSecret,
    UnverifiedAssertion,
};
use crate::protocol::parameters::Parameters;
use crate::types::{ResourceServerId, ResourceUri, Timestamp};
use crate::x509::{PresentedCertificates, Usage};

/// A resource server that has proved who it is.
#[derive(Debug)]
pub struct AuthenticatedResourceServer {
    known: Arc<KnownResourceServer>,
}

impl AuthenticatedResourceServer {
    /// The resource server as it is known.
    #[must_use]
    pub fn known(&self) -> &Arc<KnownResourceServer> {
        &self.known
    }

    /// Its keys, from where it keeps them.
    ///
    /// # Errors
    ///
    /// It has none, or they cannot be had now.
    pub async fn keys(&self, app: &App, now: Timestamp) -> Result<JwkSet, Failure> {
        KeyHolder::resource_server(app, &self.known).keys(app, None, now).await
    }

    /// The `aud` of the tokens that it may ask about.
    #[must_use]
    pub fn audience(&self) -> &ResourceUri {
        &self.known.record().audience
    }
}

/// Authenticates a resource server by the one method that is registered for it, and burns what is
/// single-use.
///
/// # Errors
///
/// It is not who it says; or a store fails, in which case nothing is accepted (SEC-57).
pub async fn resource_server(
    app: &App,
    incoming: &Incoming,
    parameters: &Parameters,
) -> Result<AuthenticatedResourceServer, Failure> {
    resource_server_by(app, credential(incoming, parameters)?, shown(incoming), incoming.now).await
}

/// As [`resource_server`], for whoever carries its credential elsewhere than a form does, and shows this
/// certificate.
///
/// # Errors
///
/// As [`resource_server`].
pub async fn resource_server_by(
    app: &App,
    credential: Credential,
    shown: Option<&PresentedCertificates>,
    now: Timestamp,
) -> Result<AuthenticatedResourceServer, Failure> {
    let known = match credential {
        Credential::Secret(sent) => by_secret(app, sent, now).await,
        Credential::ClientAssertion(assertion) => by_assertion(app, *assertion, now).await,
        Credential::ClientId(id) => by_certificate(app, &id, shown, now).await,
        Credential::None => Err(Unauthenticated::Missing.into()),
    }?;
    match known.record().state {
        ResourceServerState::Active => Ok(AuthenticatedResourceServer { known }),
        ResourceServerState::Suspended => Err(Unauthenticated::UnknownResourceServer.into()),
    }
}

/// The resource server of this name.
async fn find(app: &App, id: &str) -> Result<Arc<KnownResourceServer>, Failure> {
    let id = ResourceServerId::parse(id).map_err(|_| Unauthenticated::UnknownResourceServer)?;
    let known = app.resource_servers.find(&app.database, &id).await?;
    Ok(known.ok_or(Unauthenticated::UnknownResourceServer)?)
}

/// That the method which was used is the registered one, and is served.
fn check_method(
    app: &App,
    known: &KnownResourceServer,
    used: impl FnOnce(ClientAuthenticationMethod) -> bool,
) -> Result<ClientAuthenticationMethod, Unauthenticated> {
    let method = known.record().metadata.token_endpoint_auth_method;
    if !app.features.resource_server_methods.contains(&method) {
        return Err(Unauthenticated::SwitchedOff(method));
    }
    if used(method) { Ok(method) } else { Err(Unauthenticated::Method(method)) }
}

/// `client_secret_basic` and `client_secret_post`. An unknown name costs the same comparison as a
/// known one (SEC-29).
async fn by_secret(
    app: &App,
    sent: SentSecret,
    now: Timestamp,
) -> Result<Arc<KnownResourceServer>, Failure> {
    let found = find(app, &sent.id).await;
    let known = found.inspect_err(|_| compare_in_vain(&sent.secret))?;
    let secrets = known.record().secrets(now).map(|secret| (secret, ()));
    if matching(secrets, &sent.secret).is_none() {
        return Err(Unauthenticated::Secret.into());
    }
    check_method(app, &known, |method| method == sent.method)?;
    Ok(known)
}

/// `private_key_jwt` and `client_secret_jwt`.
async fn by_assertion(
    app: &App,
    assertion: UnverifiedAssertion,
    now: Timestamp,
) -> Result<Arc<KnownResourceServer>, Failure> {
    let known = asserted(app, &assertion).await.inspect_err(covering(app, &assertion))?;
    let metadata = &known.record().metadata;
    let algorithm = metadata.token_endpoint_auth_signing_alg.as_deref();
    let rule = AudienceRule::default();
    let verified = if assertion.is_made_with_a_secret() {
        let secrets = known.record().secrets(now).map(|secret| (secret, ()));
        let Some(((), secret)) = by_assertion::secret_behind(app, secrets, &assertion)? else {
            return Err(Unauthenticated::Secret.into());
        };
        let addressee = Addressee { us: &app.our_names, rule };
        assertion.verify_with_secret(&secret, addressee, now)?
    } else {
        let holder = KeyHolder::resource_server(app, &known);
        let keys = holder.keys(app, assertion.key_id(), now).await;
        let keys = keys.inspect_err(covering(app, &assertion))?;
        let algorithms = by_assertion::algorithms(app, algorithm);
        by_assertion::verify(app, assertion, (&keys, algorithms), rule, now)?
    };
    by_assertion::burn(app, &verified, now).await?;
    Ok(known)
}

/// The resource server that an assertion names, if that is how it authenticates.
async fn asserted(
    app: &App,
    assertion: &UnverifiedAssertion,
) -> Result<Arc<KnownResourceServer>, Failure> {
    let known = find(app, assertion.client_id().as_str()).await?;
    let made = if assertion.is_made_with_a_secret() {
        ClientAuthenticationMethod::ClientSecretJwt
    } else {
        ClientAuthenticationMethod::PrivateKeyJwt
    };
    check_method(app, &known, |method| method == made)?;
    Ok(known)
}

/// `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 §2).
async fn by_certificate(
    app: &App,
    id: &str,
    shown: Option<&PresentedCertificates>,
    now: Timestamp,
) -> Result<Arc<KnownResourceServer>, Failure> {
    let known = find(app, id).await?;
    let method = check_method(app, &known, ClientAuthenticationMethod::has_certificate)?;
    let shown = shown.ok_or(Unauthenticated::NoCertificate)?;
    if method == ClientAuthenticationMethod::SelfSignedTlsClientAuth {
        let key = by_certificate::key(shown, now)?;
        let holder = KeyHolder::resource_server(app, &known);
        holder.registered_as(app, &key, now).await?;
        return Ok(known);
    }
    let authorities = &app.resource_server_authorities;
    let authorities = authorities.as_ref().ok_or(Unauthenticated::NoAuthorities)?;
    if !known.record().metadata.mutual_tls.names(shown.leaf()) {
        return Err(Unauthenticated::AnotherSubject.into());
    }
    let verified = authorities.verify(shown, Usage::ClientAuthentication, now);
    verified.map_err(Unauthenticated::Chain)?;
    Ok(known)
}
