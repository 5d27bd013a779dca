//! `POST /token` (RFC 6749 §3.2): authenticate, burn, decide, sign, answer.

use crate::app::App;
use crate::endpoints::client_authentication::{self, AuthenticatedClient};
use crate::endpoints::client_use;
use crate::endpoints::dpop;
use crate::endpoints::exchange::{Answer, Incoming};
use crate::endpoints::failure::{Failure, check_fresh};
use crate::endpoints::json_answer;
use crate::endpoints::sender;
use crate::endpoints::token_decision;
use crate::keyring::KeyringError;
use crate::partners::ClientRecord;
use crate::policy::ItemDecision;
use crate::protocol::client_authentication::ClientAuthenticationMethod;
use crate::protocol::parameters::Parameters;
use crate::protocol::token::access_token::{Audience, TYPE};
use crate::protocol::token::client_credentials::{CLIENT_CREDENTIALS, MAY_REPEAT};
use crate::protocol::token::{
    AccessTokenClaims, ClientCredentialsRequest, Confirmation, Offer, Selection, TokenResponse,
};
use crate::protocol::{ErrorCode, OAuthError};
use crate::random;
use crate::types::{Secret, Timestamp};

/// Answers a token request.
///
/// # Errors
///
/// The request is refused, with every reason; or something of ours is broken.
pub async fn token(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    dpop::with_nonce(app, incoming.now, answer(app, incoming).await)
}

async fn answer(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    let parameters =
        Parameters::parse(incoming.content_type.as_deref(), &incoming.body, MAY_REPEAT)?;
    let presented = dpop::presented(app, incoming)?;
    let client = client_authentication::client(app, incoming, &parameters).await?;
    let bound =
        sender::binding(app, incoming, &client.known().record().client.metadata, presented).await?;
    check_fresh(&app.database)?;
    let request = ClientCredentialsRequest::parse(&parameters)?;
    let record = client.known().record();
    let confidential = client.method() != ClientAuthenticationMethod::None;
    if !confidential || !record.client.metadata.allows_grant(CLIENT_CREDENTIALS) {
        return Err(GrantNotRegistered.into());
    }
    let selection = Selection::of(&request, offers(record, incoming.now))?;
    let items = token_decision::decide(
        app,
        client.known(),
        &selection.scope(),
        client.credential(),
        bound.as_ref(),
        incoming.now,
    );
    let granted =
        selection.granted(&token_decision::approved(&items)).ok_or_else(|| refusal(app, &items))?;
    let decisions = (granted != selection).then(|| shown(&items));
    let granted = Granted { selection: granted, bound, decisions };
    let answer = issue(app, &client, granted, incoming.now).await?;
    client_use::note(app, client.known(), incoming.now).await;
    Ok(answer)
}

/// RFC 7591 §2: a client uses the grant types that it registered. RFC 6749 §4.4: this one is for
/// clients that prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client is not registered for the grant type `{CLIENT_CREDENTIALS}`")]
struct GrantNotRegistered;

impl From<GrantNotRegistered> for OAuthError {
    fn from(not_registered: GrantNotRegistered) -> Self {
        Self::new(ErrorCode::UnauthorizedClient, not_registered.to_string())
    }
}

/// What the client holds, and where it is good.
fn offers(record: &ClientRecord, now: Timestamp) -> impl Iterator<Item = Offer> {
    record.entitlements.iter().filter_map(move |held| {
        let product = record.product(&held.scope)?;
        let scope = product.scope(&held.scope)?;
        Some(Offer {
            scope: held.scope.clone(),
            audience: product.audience.clone(),
            max_token_seconds: scope.max_token_seconds,
            by_default: held.is_in_use() && now < held.expires_at,
        })
    })
}

/// The client is who it says and may have nothing of what it asks for: all reasons at once.
fn refusal(app: &App, items: &[ItemDecision]) -> OAuthError {
    let description = "none of the scopes can be granted now; see `decisions`";
    let mut codes =
        items.iter().flat_map(|item| &item.codes).map(|code| code.as_str()).collect::<Vec<_>>();
    codes.sort_unstable();
    codes.dedup();
    OAuthError::new(ErrorCode::UnauthorizedClient, description)
        .with_member("decisions", shown(items))
        .with_member("policy_digest", app.policy.digest())
        .with_detail(codes.join(", "))
}

fn shown(items: &[ItemDecision]) -> serde_json::Value {
    serde_json::json!(items)
}

/// What the client gets.
struct Granted {
    selection: Selection,
    bound: Option<Confirmation>,
    decisions: Option<serde_json::Value>,
}

/// Signs the token and hands it out. Nothing has to be remembered: the token says it all.
async fn issue(
    app: &App,
    client: &AuthenticatedClient,
    granted: Granted,
    now: Timestamp,
) -> Result<Answer, Failure> {
    let Granted { selection: granted, bound, decisions } = granted;
    let record = client.known().record();
    let expires_in = granted.lifetime(app.longest_token_seconds());
    let claims = AccessTokenClaims {
        iss: app.settings.server.issuer.clone(),
        sub: record.client.id.clone(),
        aud: Audience::of(granted.audiences()),
        exp: now.plus(expires_in),
        iat: now,
        jti: random::identifier(),
        client_id: record.client.id.clone(),
        client_key: client.credential().map(str::to_owned),
        cnf: bound,
        acr: None,
        auth_time: None,
        scope: granted.scope(),
        org: record.organisation.id.clone(),
        software_id: record.software_product.software_id.clone(),
        policy_digest: app.policy.digest().to_owned(),
    };
    let keys = app.keyring.keys(now).await?;
    let signer = keys.signer(now).ok_or(KeyringError::NoneActive)?;
    let access_token = Secret::new(signer.sign(TYPE, &claims)?);
    let token_type = Confirmation::token_type(claims.cnf.as_ref());
    let scope = claims.scope;
    let response = TokenResponse { access_token, token_type, expires_in, scope, decisions };
    Ok(json_answer(200, &response)?)
}
