//! Secrets for clients that authenticate with one: made here, handed out once, and stored as little
//! as the method allows (RFC 7591 §3.2.1).

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::partners::credential::StoredSecret;
use crate::partners::{Client, Credential, CredentialState};
use crate::protocol::client_authentication::ClientAuthenticationMethod;
use crate::random;
use crate::types::{CredentialId, Secret, Timestamp};

/// A secret that was made a moment ago.
#[derive(Debug)]
pub(super) struct NewSecret {
    /// The secret itself, for the one answer that shows it.
    pub(super) secret: Secret,
    /// What is stored of it.
    pub(super) credential: Credential,
}

/// Makes the secret of a client that is to have one.
///
/// # Errors
///
/// It cannot be sealed.
pub(super) fn make(
    app: &App,
    client: &Client,
    now: Timestamp,
) -> Result<Option<NewSecret>, Failure> {
    let method = &client.metadata.token_endpoint_auth_method;
    let method = ClientAuthenticationMethod::parse(method).filter(|method| method.has_secret());
    let Some(method) = method else { return Ok(None) };
    let secret = random::client_secret();
    let stored = stored(app, method, &secret)?;
    let id = CredentialId::from_random(&random::identifier());
    let lifetime = app.settings.clients.secret_lifetime.as_secs();
    let credential = Credential {
        thumbprint: id.to_string(),
        id,
        client_id: client.id.clone(),
        key_id: None,
        not_after: now.plus(i64::try_from(lifetime).unwrap_or_default()),
        state: CredentialState::Active,
        created_at: now,
        secret: Some(stored),
    };
    Ok(Some(NewSecret { secret, credential }))
}

/// What is stored of a secret. Who makes codes with it must find it again; of every other secret the
/// hash will do.
///
/// # Errors
///
/// It cannot be sealed.
pub(super) fn stored(
    app: &App,
    method: ClientAuthenticationMethod,
    secret: &Secret,
) -> Result<StoredSecret, Failure> {
    if method == ClientAuthenticationMethod::ClientSecretJwt {
        return Ok(StoredSecret::Sealed(app.keyring.seal(secret)?));
    }
    Ok(StoredSecret::Hashed(secret.hash()))
}
