//! `client_secret_basic` and `client_secret_post` (RFC 6749 §2.3.1).

use super::{AuthenticatedClient, Unauthenticated, living, registered_method};
use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::partners::credential::StoredSecret;
use crate::protocol::client_authentication::SentSecret;
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
    let secrets = usable.filter_map(|credential| Some((credential.secret.as_ref()?, credential)));
    let Some(credential) = matching(secrets, &sent.secret) else {
        return Err(Unauthenticated::Secret.into());
    };
    if method != sent.method {
        return Err(Unauthenticated::Method(method).into());
    }
    let credential = Some(credential.thumbprint.clone());
    Ok(AuthenticatedClient { known, method, credential })
}

/// What goes with the secret that this is. Every one is looked at, so that the time does not tell
/// which it was; and one comparison is made where there is none.
pub(super) fn matching<'a, T>(
    secrets: impl Iterator<Item = (&'a StoredSecret, T)>,
    sent: &Secret,
) -> Option<T> {
    let mut found = None;
    let mut compared = false;
    for (stored, with) in secrets {
        if let StoredSecret::Hashed(hash) = stored {
            compared = true;
            if hash.matches(sent) {
                found = Some(with);
            }
        }
    }
    if !compared {
        compare_in_vain(sent);
    }
    found
}

pub(super) fn compare_in_vain(sent: &Secret) {
    std::hint::black_box(SecretHash::from_stored("").matches(sent));
}
