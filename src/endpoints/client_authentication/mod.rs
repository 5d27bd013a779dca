//! Who is asking: parse, look up, verify, burn.
//!
//! Only this room makes an [`AuthenticatedClient`] or an [`AuthenticatedResourceServer`] (STY-2), and
//! where an assertion is what proves it, only after its `jti` is burnt.

mod by_assertion;
mod by_certificate;
mod by_secret;
mod keys;
mod resource_server;

pub use by_certificate::shown;
pub use resource_server::{AuthenticatedResourceServer, resource_server, resource_server_by};

use std::sync::Arc;

use crate::app::App;
use crate::app::KnownClient;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::Failure;
use crate::protocol::client_authentication::{
    AUTHENTICATION_FAILED, ClientAuthenticationMethod, Credential,
};
use crate::protocol::parameters::Parameters;
use crate::protocol::{ErrorCode, OAuthError};
use crate::types::{ClientId, Secret};
use crate::x509::InvalidChain;

/// A client that has proved who it is, or one that has nothing to prove it with and is registered so.
#[derive(Debug)]
pub struct AuthenticatedClient {
    known: Arc<KnownClient>,
    method: ClientAuthenticationMethod,
    credential: Option<String>,
}

impl AuthenticatedClient {
    /// The client as it is known.
    #[must_use]
    pub fn known(&self) -> &Arc<KnownClient> {
        &self.known
    }

    /// How it did so: the method that it registered.
    #[must_use]
    pub const fn method(&self) -> ClientAuthenticationMethod {
        self.method
    }

    /// What it did so with, as its credentials name it: a thumbprint, or the name of a secret. A
    /// public client has nothing.
    #[must_use]
    pub fn credential(&self) -> Option<&str> {
        self.credential.as_deref()
    }
}

/// Why somebody is not who it says. The caller hears one sentence (STY-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Unauthenticated {
    #[error("the request carries no client authentication")]
    Missing,
    #[error("the client is registered for another authentication method, `{0}`")]
    Method(ClientAuthenticationMethod),
    #[error("the client's authentication method `{0}` is not switched on")]
    SwitchedOff(ClientAuthenticationMethod),
    #[error("the client's authentication method is unknown")]
    UnknownMethod,
    #[error("there is no such client, or it has ended")]
    UnknownClient,
    #[error("the client has no usable keys")]
    NoKeys,
    #[error("there is no such resource server, or it is suspended")]
    UnknownResourceServer,
    #[error("the secret is another one, or has ended")]
    Secret,
    #[error("the request comes with no certificate")]
    NoCertificate,
    #[error("the certificate's subject is not the one that the client registered")]
    AnotherSubject,
    #[error("the certificate's key is none of those that the client registered")]
    AnotherKey,
    #[error("the certificate is not valid now")]
    CertificateTime,
    #[error("neither the client's framework nor the bank names an authority for certificates")]
    NoAuthorities,
    #[error("the certificate: {0}")]
    Chain(#[from] InvalidChain),
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

/// Authenticates a client by the one method that it registered, and burns what is single-use.
///
/// # Errors
///
/// It is not who it says; or a store fails, in which case nothing is accepted (SEC-57).
pub async fn client(
    app: &App,
    incoming: &Incoming,
    parameters: &Parameters,
) -> Result<AuthenticatedClient, Failure> {
    match credential(incoming, parameters)? {
        Credential::ClientAssertion(assertion) => {
            by_assertion::client(app, *assertion, incoming).await
        }
        Credential::Secret(sent) => by_secret::client(app, sent, incoming.now).await,
        Credential::ClientId(id) => named(app, &id, incoming).await,
        Credential::None => Err(Unauthenticated::Missing.into()),
    }
}

fn credential(incoming: &Incoming, parameters: &Parameters) -> Result<Credential, Failure> {
    let authorization = incoming.authorization.as_ref().map(Secret::reveal);
    Ok(Credential::parse(authorization, parameters)?)
}

/// A client that only says its name: its certificate proves it (RFC 8705 §2), or it must have
/// registered that it does no more (RFC 7591 §2).
async fn named(app: &App, id: &str, incoming: &Incoming) -> Result<AuthenticatedClient, Failure> {
    let id = ClientId::parse(id).map_err(|_| Unauthenticated::UnknownClient)?;
    let known = living(app, &id).await?;
    let method = registered_method(app, &known)?;
    let credential = match method {
        ClientAuthenticationMethod::None => None,
        ClientAuthenticationMethod::TlsClientAuth => {
            Some(by_certificate::of_authority(app, &known, incoming).await?)
        }
        ClientAuthenticationMethod::SelfSignedTlsClientAuth => {
            Some(by_certificate::of_registered_key(app, &known, incoming).await?)
        }
        ClientAuthenticationMethod::ClientSecretBasic
        | ClientAuthenticationMethod::ClientSecretJwt
        | ClientAuthenticationMethod::ClientSecretPost
        | ClientAuthenticationMethod::PrivateKeyJwt => {
            return Err(Unauthenticated::Method(method).into());
        }
    };
    Ok(AuthenticatedClient { known, method, credential })
}

/// The client of this name, unless it has ended.
async fn living(app: &App, id: &ClientId) -> Result<Arc<KnownClient>, Failure> {
    let found = app.clients.find(&app.database, id).await?;
    let living = found.filter(|known| !known.record().client.state.is_tombstone());
    Ok(living.ok_or(Unauthenticated::UnknownClient)?)
}

/// The method that a client registered, as long as the bank has it switched on.
fn registered_method(
    app: &App,
    known: &KnownClient,
) -> Result<ClientAuthenticationMethod, Unauthenticated> {
    let name = &known.record().client.metadata.token_endpoint_auth_method;
    let method = ClientAuthenticationMethod::parse(name).ok_or(Unauthenticated::UnknownMethod)?;
    if app.features.authentication_methods.contains(&method) {
        return Ok(method);
    }
    Err(Unauthenticated::SwitchedOff(method))
}
