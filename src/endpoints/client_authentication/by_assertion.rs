//! `private_key_jwt` and `client_secret_jwt` (RFC 7523, OpenID Connect Core §9).

use std::sync::Arc;

use super::keys::KeyHolder;
use super::{AuthenticatedClient, Unauthenticated, living, registered_method};
use crate::app::App;
use crate::app::KnownClient;
use crate::endpoints::client_key::{self, Shown};
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::Failure;
use crate::jose::Algorithm;
use crate::jose::HS256;
use crate::jose::JwkSet;
use crate::jose::PublicKey;
use crate::partners::ClientRecord;
use crate::partners::credential::StoredSecret;
use crate::protocol::client_authentication::{
    Addressee, AudienceRule, Audiences, ClientAuthenticationMethod, UnverifiedAssertion,
    VerifiedAssertion,
};
use crate::storage::Consumed;
use crate::storage::OneTimeKind;
use crate::storage::OneTimeUse;
use crate::trust::AssertionAudience;
use crate::types::{Secret, Timestamp};

/// Verifies the assertion of the client that it names, and burns it.
pub(super) async fn client(
    app: &App,
    assertion: UnverifiedAssertion,
    incoming: &Incoming,
) -> Result<AuthenticatedClient, Failure> {
    let whose = whose(app, &assertion).await.inspect_err(covering(app, &assertion));
    let (known, method) = whose?;
    let credential = if method == ClientAuthenticationMethod::ClientSecretJwt {
        made_with_secret(app, &known, assertion, incoming.now).await?
    } else {
        signed(app, &known, assertion, incoming).await?
    };
    Ok(AuthenticatedClient { known, method, credential: Some(credential) })
}

/// The client that an assertion names, and how it authenticates.
async fn whose(
    app: &App,
    assertion: &UnverifiedAssertion,
) -> Result<(Arc<KnownClient>, ClientAuthenticationMethod), Failure> {
    let known = living(app, assertion.client_id()).await?;
    let method = registered_method(app, &known)?;
    let made = if assertion.is_made_with_a_secret() {
        ClientAuthenticationMethod::ClientSecretJwt
    } else {
        ClientAuthenticationMethod::PrivateKeyJwt
    };
    if made != method {
        return Err(Unauthenticated::Method(method).into());
    }
    Ok((known, method))
}

/// `private_key_jwt`: the thumbprint of the key that signed.
async fn signed(
    app: &App,
    known: &KnownClient,
    assertion: UnverifiedAssertion,
    incoming: &Incoming,
) -> Result<String, Failure> {
    let now = incoming.now;
    if assertion.certificates().is_some() {
        return by_own_certificate(app, known, assertion, incoming).await;
    }
    let keys = KeyHolder::client(app, known).keys(app, assertion.key_id(), now).await;
    let keys = keys.inspect_err(covering(app, &assertion))?;
    let algorithms = algorithms(app, registered_algorithm(known.record()));
    let rule = rule(app, known.record());
    let verified = verify(app, assertion, (&keys, algorithms), rule, now)?;
    burn(app, &verified, now).await?;
    let thumbprint = verified.thumbprint().ok_or(Unauthenticated::NoKeys)?.to_owned();
    let named = keys.keys().iter().find(|key| key.thumbprint() == thumbprint);
    let key_id = named.and_then(|key| key.key_id());
    client_key::note(app, known, Shown::key(&thumbprint, key_id, now), incoming).await?;
    Ok(thumbprint)
}

/// `private_key_jwt` where software vouches for itself (UDAP): a certificate in the header, to which a
/// chain of the client's framework leads and which names the software that registered. It may be another
/// one than at the registration (REG-G10). The thumbprint of its key.
async fn by_own_certificate(
    app: &App,
    known: &KnownClient,
    assertion: UnverifiedAssertion,
    incoming: &Incoming,
) -> Result<String, Failure> {
    let (now, record) = (incoming.now, known.record());
    let vouched = vouched_key(app, record, &assertion, now).map_err(Failure::from);
    let (key, algorithms) = vouched.inspect_err(covering(app, &assertion))?;
    let addressee = Addressee { us: &app.our_names, rule: rule(app, record) };
    let verified = assertion.verify_by_certificate(&key, &algorithms, addressee, now)?;
    burn(app, &verified, now).await?;
    let thumbprint = key.thumbprint().to_owned();
    client_key::note(app, known, Shown::key(&thumbprint, None, now), incoming).await?;
    Ok(thumbprint)
}

/// The key of an assertion's certificate, and what it may sign with.
fn vouched_key(
    app: &App,
    record: &ClientRecord,
    assertion: &UnverifiedAssertion,
    now: Timestamp,
) -> Result<(PublicKey, Vec<Algorithm>), Unauthenticated> {
    let framework = app.frameworks.named(&record.software_product.framework);
    let framework = framework.ok_or(Unauthenticated::NoAuthorities)?;
    let certificates = assertion.certificates().unwrap_or_default();
    let leaf = framework.own_certificate(certificates, now).map_err(Unauthenticated::Chain)?;
    let software = record.software_product.software_id.as_str();
    if !leaf.uris().iter().any(|uri| uri == software) {
        return Err(Unauthenticated::AnotherSubject);
    }
    let key = PublicKey::from_public_key_info(leaf.public_key_der());
    let key = key.map_err(|_| Unauthenticated::AnotherKey)?;
    let mut algorithms = framework.own_algorithms().to_vec();
    if let Some(registered) = registered_algorithm(record) {
        algorithms.retain(|algorithm| algorithm.name() == registered);
    }
    Ok((key, algorithms))
}

/// `client_secret_jwt`: the name of the secret that it was made with.
async fn made_with_secret(
    app: &App,
    known: &KnownClient,
    assertion: UnverifiedAssertion,
    now: Timestamp,
) -> Result<String, Failure> {
    let record = known.record();
    if registered_algorithm(record).is_some_and(|registered| registered != HS256) {
        assertion.verify_in_vain(&app.decoys);
        return Err(Unauthenticated::Secret.into());
    }
    let usable = record.credentials.iter().filter(|credential| credential.is_usable(now));
    let secrets = usable.filter_map(|credential| {
        Some((credential.secret.as_ref()?, credential.thumbprint.as_str()))
    });
    let Some((name, secret)) = secret_behind(app, secrets, &assertion)? else {
        return Err(Unauthenticated::Secret.into());
    };
    let name = name.to_owned();
    let addressee = Addressee { us: &app.our_names, rule: rule(app, record) };
    let verified = assertion.verify_with_secret(&secret, addressee, now)?;
    burn(app, &verified, now).await?;
    Ok(name)
}

/// The secret that an assertion is made with, and what goes with it.
pub(super) fn secret_behind<'a, T>(
    app: &App,
    secrets: impl Iterator<Item = (&'a StoredSecret, T)>,
    assertion: &UnverifiedAssertion,
) -> Result<Option<(T, Secret)>, Failure> {
    let mut compared = false;
    let mut found = None;
    for (stored, with) in secrets {
        if let StoredSecret::Sealed(sealed) = stored {
            compared = true;
            let secret = app.keyring.unseal(sealed)?;
            if assertion.is_made_with(&secret) {
                found = Some((with, secret));
            }
        }
    }
    if !compared {
        assertion.verify_in_vain(&app.decoys);
    }
    Ok(found)
}

fn registered_algorithm(record: &ClientRecord) -> Option<&str> {
    record.client.metadata.token_endpoint_auth_signing_alg.as_deref()
}

/// What somebody may sign with: the algorithm that it registered, if it did (SEC-10).
pub(super) fn algorithms<'a>(app: &'a App, registered: Option<&str>) -> &'a [Algorithm] {
    let allowed = &app.features.assertion_algorithms;
    match registered {
        Some(registered) => allowed
            .iter()
            .find(|algorithm| algorithm.name() == registered)
            .map(std::slice::from_ref)
            .unwrap_or_default(),
        None => allowed,
    }
}

/// What the client's trust framework says of its assertions (CONF-27); the strictest rule where the
/// framework is gone.
fn rule(app: &App, record: &ClientRecord) -> AudienceRule {
    let framework = app.frameworks.named(&record.software_product.framework);
    framework.map_or_else(AudienceRule::default, |framework| {
        let terms = framework.authentication_audiences();
        AudienceRule {
            audiences: match terms.audience {
                AssertionAudience::Issuer => Audiences::IssuerOnly,
                AssertionAudience::IssuerOrEndpoint => Audiences::IssuerOrEndpoint,
            },
            longest_life_seconds: terms.longest_life_seconds,
        }
    })
}

pub(super) fn verify(
    app: &App,
    assertion: UnverifiedAssertion,
    (keys, algorithms): (&JwkSet, &[Algorithm]),
    rule: AudienceRule,
    now: Timestamp,
) -> Result<VerifiedAssertion, Failure> {
    let unusable = assertion.check_key(keys, algorithms).map_err(Failure::from);
    unusable.inspect_err(covering(app, &assertion))?;
    let addressee = Addressee { us: &app.our_names, rule };
    Ok(assertion.verify(keys, algorithms, addressee, now)?)
}

/// Makes a refusal that comes before any key operation cost what a bad signature costs, so that
/// time does not tell which clients exist (SEC-29).
pub(super) fn covering(app: &App, assertion: &UnverifiedAssertion) -> impl FnOnce(&Failure) {
    move |failure| match failure {
        Failure::Refused(_) => assertion.verify_in_vain(&app.decoys),
        Failure::Broken(_) => {}
    }
}

/// Burns the assertion's `jti`, committed on its own: from here it is used, whatever comes (SEC-53).
pub(super) async fn burn(
    app: &App,
    assertion: &VerifiedAssertion,
    now: Timestamp,
) -> Result<(), Failure> {
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
