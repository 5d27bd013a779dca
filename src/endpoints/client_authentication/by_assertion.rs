//! `private_key_jwt` and `client_secret_jwt` (RFC 7523, OpenID Connect Core §9).

use std::sync::Arc;

use super::{
    AuthenticatedClient, AuthenticatedResourceServer, Unauthenticated, active, known_server,
    living, registered_method,
};
use crate::app::App;
use crate::app::KnownClient;
use crate::endpoints::client_key::{self, Shown};
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::{Broken, Failure};
use crate::jose::Algorithm;
use crate::jose::HS256;
use crate::jose::JwkSet;
use crate::partners::ClientRecord;
use crate::partners::credential::StoredSecret;
use crate::protocol::client_authentication::{
    AUTHENTICATION_FAILED, Addressee, AudienceRule, Audiences, ClientAuthenticationMethod,
    UnverifiedAssertion, VerifiedAssertion,
};
use crate::protocol::{ErrorCode, OAuthError};
use crate::remote::RemoteError;
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
    let keys = client_keys(app, known, assertion.key_id(), now).await;
    let keys = keys.inspect_err(covering(app, &assertion))?;
    let algorithms = algorithms(app, known.record());
    let rule = rule(app, known.record());
    let verified = verify(app, assertion, (&keys, algorithms), rule, now)?;
    burn(app, &verified, now).await?;
    let thumbprint = verified.thumbprint().ok_or(Unauthenticated::NoKeys)?.to_owned();
    let named = keys.keys().iter().find(|key| key.thumbprint() == thumbprint);
    let key_id = named.and_then(|key| key.key_id());
    client_key::note(app, known, Shown::key(&thumbprint, key_id, now), incoming).await?;
    Ok(thumbprint)
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
    let Some((name, secret)) = secret_behind(app, record, &assertion, now)? else {
        return Err(Unauthenticated::Secret.into());
    };
    let addressee = Addressee { us: &app.our_names, rule: rule(app, record) };
    let verified = assertion.verify_with_secret(&secret, addressee, now)?;
    burn(app, &verified, now).await?;
    Ok(name)
}

/// The client's secret that an assertion is made with, and its name.
fn secret_behind(
    app: &App,
    record: &ClientRecord,
    assertion: &UnverifiedAssertion,
    now: Timestamp,
) -> Result<Option<(String, Secret)>, Failure> {
    let mut compared = false;
    let mut found = None;
    for credential in record.credentials.iter().filter(|credential| credential.is_usable(now)) {
        if let Some(StoredSecret::Sealed(sealed)) = &credential.secret {
            compared = true;
            let secret = app.keyring.unseal(sealed)?;
            if assertion.is_made_with(&secret) {
                found = Some((credential.thumbprint.clone(), secret));
            }
        }
    }
    if !compared {
        assertion.verify_in_vain(&app.decoys);
    }
    Ok(found)
}

/// The keys that a client registered: by value, or fetched from where it keeps them. A name that
/// is not among the fetched ones makes `remote` look again, no oftener than it allows.
pub(super) async fn client_keys(
    app: &App,
    known: &KnownClient,
    wanted: Option<&str>,
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
        .keys(jwks_uri, rules, wanted, now)
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

fn registered_algorithm(record: &ClientRecord) -> Option<&str> {
    record.client.metadata.token_endpoint_auth_signing_alg.as_deref()
}

/// What the client may sign with: the algorithm that it registered, if it did (SEC-10).
fn algorithms<'a>(app: &'a App, record: &ClientRecord) -> &'a [Algorithm] {
    let allowed = &app.features.assertion_algorithms;
    match registered_algorithm(record) {
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

fn verify(
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

/// Verifies the assertion of the resource server that it names, and burns it.
pub(super) async fn resource_server(
    app: &App,
    assertion: UnverifiedAssertion,
    now: Timestamp,
) -> Result<AuthenticatedResourceServer, Failure> {
    let known = known_server(app, assertion.client_id().as_str()).await;
    let known = known.inspect_err(covering(app, &assertion))?;
    let keys = known.keys().ok_or(Unauthenticated::NoKeys).map_err(Failure::from);
    let keys = keys.inspect_err(covering(app, &assertion))?;
    let with = (keys, app.features.assertion_algorithms.as_slice());
    let verified = verify(app, assertion, with, AudienceRule::default(), now)?;
    burn(app, &verified, now).await?;
    active(known)
}
