//! `client_secret_basic` and `client_secret_post` (RFC 6749 §2.3.1).

use super::{
    AuthenticatedClient, AuthenticatedResourceServer, Unauthenticated, active, known_server,
    living, registered_method,
};
use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::partners::Credential;
use crate::partners::credential::StoredSecret;
use crate::protocol::client_authentication::{ClientAuthenticationMethod, SentSecret};
use crate::types::{ClientId, Secret, SecretHash, Timestamp};

/// Compares what was sent with the secrets of the client that it is said to be. An unknown client
/// costs the same comparison as a known one (SEC-29).
pub(super) async fn client(
    app: &App,
    sent: SentSecret,
    now: Timestamp,
) -> Result<AuthenticatedClient, Failure> {
    let found = match ClientId::parse(sent.id.as_str()) {
        Ok(id) => living(app, &id).await,
        Err(_) => Err(Unauthenticated::UnknownClient.into()),
    };
    let known = found.inspect_err(|_| compare_in_vain(&sent.secret))?;
    let method = registered_method(app, &known);
    let method = method.inspect_err(|_| compare_in_vain(&sent.secret))?;
    let record = known.record();
    let usable = record.credentials.iter().filter(|credential| credential.is_usable(now));
    let Some(credential) = matching(usable, &sent.secret) else {
        return Err(Unauthenticated::Secret.into());
    };
    if method != sent.method {
        return Err(Unauthenticated::Method(method).into());
    }
    let credential = Some(credential.thumbprint.clone());
    Ok(AuthenticatedClient { known, method, credential })
}

/// The credential whose secret this is. Every one is looked at, so that the time does not tell which
/// it was; and one comparison is made where there is none.
fn matching<'a>(
    credentials: impl Iterator<Item = &'a Credential>,
    sent: &Secret,
) -> Option<&'a Credential> {
    let mut found = None;
    let mut compared = false;
    for credential in credentials {
        if let Some(StoredSecret::Hashed(hash)) = &credential.secret {
            compared = true;
            if hash.matches(sent) {
                found = Some(credential);
            }
        }
    }
    if !compared {
        compare_in_vain(sent);
    }
    found
}

fn compare_in_vain(sent: &Secret) {
    std::hint::black_box(SecretHash::from_stored("").matches(sent));
}

/// Compares what was sent with the secret of the resource server that it is said to be.
pub(super) async fn resource_server(
    app: &App,
    sent: SentSecret,
) -> Result<AuthenticatedResourceServer, Failure> {
    let found = known_server(app, &sent.id).await;
    let known = found.inspect_err(|_| compare_in_vain(&sent.secret))?;
    let nobodys = SecretHash::from_stored("");
    let hash = known.record().secret_hash.as_ref().unwrap_or(&nobodys);
    if !hash.matches(&sent.secret) {
        return Err(Unauthenticated::Secret.into());
    }
    if sent.method != ClientAuthenticationMethod::ClientSecretBasic {
        return Err(Unauthenticated::ResourceServerMethod.into());
    }
    active(known)
}
