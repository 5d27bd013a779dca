//! `POST /introspect` (RFC 7662, RFC 9701): does this token hold, here and now, for whoever asks?

use std::sync::Arc;

use crate::app::App;
use crate::app::KnownClient;
use crate::app::KnownToken;
use crate::endpoints::client_authentication;
use crate::endpoints::client_authentication::AuthenticatedResourceServer;
use crate::endpoints::exchange::{Answer, Incoming};
use crate::endpoints::failure::{Broken, Failure, check_fresh};
use crate::endpoints::json_answer;
use crate::endpoints::token_decision;
use crate::jose::EncryptionError;
use crate::keyring::KeyringError;
use crate::partners::{ClientRecord, Environment};
use crate::policy::ItemDecision;
use crate::protocol::introspection::{
    ActiveToken, EntitlementBasis, Introspection, IntrospectionRequest,
};
use crate::protocol::parameters::Parameters;
use crate::protocol::signed_introspection;
use crate::protocol::signed_introspection::SignedIntrospection;
use crate::protocol::token::AccessTokenClaims;
use crate::protocol::{ErrorCode, OAuthError};
use crate::types::{ResourceUri, Scope, ScopeSet, Secret, Timestamp};

/// RFC 9701 §6.
const DEFAULT_ENCRYPTION: &str = "A128CBC-HS256";

/// Answers an introspection request from current standing.
///
/// # Errors
///
/// Whoever asks is not a resource server of ours; or what we know may be out of date, and then
/// nothing is said (SEC-57).
pub async fn introspect(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    let parameters = Parameters::parse(incoming.content_type.as_deref(), &incoming.body, &[])?;
    let asking = client_authentication::resource_server(app, incoming, &parameters).await?;
    let request = IntrospectionRequest::parse(&parameters)?;
    let good = good_token(app, &request.token, asking.audience(), incoming.now).await?;
    let environment = app.settings.server.environment;
    let shown = good.as_ref().map_or(Introspection::Inactive, |good| {
        Introspection::Active(good.shown_to(asking.audience(), environment, incoming.now))
    });
    if signed_introspection::is_wanted(incoming.accept.as_deref()) {
        return signed(app, &asking, &shown, incoming.now).await;
    }
    Ok(json_answer(200, &shown)?)
}

/// The answer as a JWT, encrypted where the resource server has registered so (RFC 9701 §5).
async fn signed(
    app: &App,
    asking: &AuthenticatedResourceServer,
    shown: &Introspection<'_>,
    now: Timestamp,
) -> Result<Answer, Failure> {
    let answers = &asking.known().record().metadata.answers;
    let claims = SignedIntrospection {
        iss: &app.settings.server.issuer,
        aud: asking.audience(),
        iat: now,
        token_introspection: shown,
    };
    let keys = app.keyring.keys(now).await?;
    let signer = keys.signer(now).ok_or(KeyringError::NoneActive)?;
    let (wanted, ours) = (&answers.introspection_signed_response_alg, signer.algorithm());
    if let Some(other) = wanted.as_deref().filter(|wanted| *wanted != ours.name()) {
        let message = format!("a resource server is to be answered by {other}, and {ours} signs");
        return Err(Broken::Unwritable(message).into());
    }
    let jwt = signer.sign(signed_introspection::TYPE, &claims)?;
    let jwt = match &answers.introspection_encrypted_response_alg {
        Some(algorithm) => {
            let encryption = answers.introspection_encrypted_response_enc.as_deref();
            let algorithms = (algorithm.as_str(), encryption.unwrap_or(DEFAULT_ENCRYPTION));
            let keys = asking.keys(app, now).await?;
            let typ = signed_introspection::TYPE;
            keys.encrypt_for_owner(algorithms, typ, &jwt).map_err(|error| unencrypted(&error))?
        }
        None => jwt,
    };
    Ok(Answer::bytes(200, signed_introspection::MEDIA_TYPE, jwt.into_bytes()))
}

/// Keys without one to encrypt for are the resource server's fault: it can change them.
fn unencrypted(error: &EncryptionError) -> Failure {
    match error {
        EncryptionError::NoKey(_) => {
            OAuthError::new(ErrorCode::InvalidRequest, error.to_string()).into()
        }
        EncryptionError::Unsupported(_) | EncryptionError::Library => {
            Broken::Unwritable(error.to_string()).into()
        }
    }
}

/// An access token that holds now for one resource server.
#[derive(Debug)]
pub struct GoodToken {
    token: Arc<KnownToken>,
    client: Arc<KnownClient>,
    scope: ScopeSet,
}

impl GoodToken {
    /// What the token says.
    #[must_use]
    pub fn claims(&self) -> &AccessTokenClaims {
        self.token.claims()
    }

    /// Those of its scopes that are the resource server's and hold now.
    #[must_use]
    pub const fn scope(&self) -> &ScopeSet {
        &self.scope
    }

    /// What the resource server of this audience is told.
    #[must_use]
    pub fn shown_to<'a>(
        &'a self,
        audience: &'a ResourceUri,
        environment: Environment,
        now: Timestamp,
    ) -> ActiveToken<'a> {
        let record = self.client.record();
        let bases = self.scope.iter().filter_map(|scope| basis(record, scope, environment, now));
        ActiveToken {
            claims: self.claims(),
            audience,
            scope: &self.scope,
            entitlements: bases.collect(),
        }
    }
}

/// What the scope rests on.
fn basis<'a>(
    record: &'a ClientRecord,
    scope: &'a Scope,
    environment: Environment,
    now: Timestamp,
) -> Option<EntitlementBasis<'a>> {
    let held = record.entitlement(scope)?;
    let agreement = record.agreement(&held.product_id, environment, now);
    Some(EntitlementBasis {
        id: &held.id,
        scope,
        agreement: agreement.map(|agreement| &agreement.id),
        exp: held.expires_at,
    })
}

/// The token, if it holds now for the resource server of this audience: with the scopes of its own
/// that would be granted again (GOV-AX-1, RFC 7662 §2.2), of which there is at least one.
///
/// # Errors
///
/// What we know may be out of date, or the store fails.
pub async fn good_token(
    app: &App,
    token: &Secret,
    audience: &ResourceUri,
    now: Timestamp,
) -> Result<Option<GoodToken>, Failure> {
    check_fresh(&app.database)?;
    let token = app.access_tokens.find(token, &app.token_source(), now).await?;
    let Some(token) = token.filter(|token| token.claims().aud.contains(audience)) else {
        return Ok(None);
    };
    let claims = token.claims();
    let Some(client) = app.clients.find(&app.database, &claims.client_id).await? else {
        return Ok(None);
    };
    let (key, bound) = (claims.client_key.as_deref(), claims.cnf.as_ref());
    let items = token_decision::decide(app, &client, &claims.scope, key, bound, now);
    let scope = still_good(client.record(), &items, audience);
    Ok((!scope.is_empty()).then_some(GoodToken { token, client, scope }))
}

fn still_good(record: &ClientRecord, items: &[ItemDecision], audience: &ResourceUri) -> ScopeSet {
    let approved = items.iter().filter(|decided| decided.is_approved());
    approved
        .map(|decided| decided.item.scope())
        .filter(|scope| record.product(scope).is_some_and(|sold| sold.audience == *audience))
        .cloned()
        .collect()
}
