//! `/authorize-request`: may this request pass? Proxies ask in front of a resource server, nginx by
//! `auth_request` and Envoy by `ext_authz`, and enforce the answer.
//!
//! 200 lets it pass and says whose it is. 401 and 403 are for the client, with the challenge that it
//! needs. Everything else is for whoever runs the proxy: 407 does not know it, 400 does not understand
//! it, 503 has it try again.

mod demand;
mod original;

use crate::app::App;
use crate::endpoints::authorize_request::demand::Demand;
use crate::endpoints::authorize_request::original::{DEMAND, METHOD, Original, TARGET};
use crate::endpoints::client_authentication;
use crate::endpoints::client_authentication::{AuthenticatedResourceServer, resource_server_by};
use crate::endpoints::dpop;
use crate::endpoints::dpop::Sending;
use crate::endpoints::exchange::{Answer, Incoming, METHOD_FIELD};
use crate::endpoints::failure::Failure;
use crate::endpoints::introspection;
use crate::endpoints::introspection::GoodToken;
use crate::protocol::bearer::{self, InvalidBearer, Scheme};
use crate::protocol::challenge::Challenge;
use crate::protocol::client_authentication::{
    AUTHENTICATION_FAILED, Credential, InvalidClientAuthentication,
};
use crate::protocol::client_certificate_field::{CLIENT_CERT, CLIENT_CERT_PEM};
use crate::protocol::parameters::Parameters;
use crate::protocol::protected_resource;
use crate::protocol::{ErrorCode, OAuthError};
use crate::types::{ResourceUri, Secret};

/// The client's token.
const AUTHORIZATION: &str = "authorization";
/// The client's proof.
const DPOP: &str = "dpop";
/// In which the proxy says who it is: `Authorization` is its client's.
const PROXY_AUTHORIZATION: &str = "proxy-authorization";

/// The fields of a request that the endpoint reads. The client's are judged here, because a proxy has to
/// be told in a way that it can pass on.
pub const FIELDS: [&str; 9] = [
    METHOD_FIELD,
    AUTHORIZATION,
    DPOP,
    PROXY_AUTHORIZATION,
    METHOD,
    TARGET,
    DEMAND,
    CLIENT_CERT,
    CLIENT_CERT_PEM,
];

/// Answers a proxy.
///
/// # Errors
///
/// The request may not pass, the proxy is unknown or misunderstood, or something of ours is broken.
pub async fn authorize_request(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    dpop::with_nonce(app, incoming.now, answer(app, incoming).await)
}

async fn answer(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    let demanded = original::demands(incoming);
    let demand = Demand::parse(demanded.as_ref().map_or("", |text| text));
    let client_id = demand.as_ref().ok().and_then(|demand| demand.client_id.as_deref());
    let original = Original::of(incoming);
    let shown = original.as_ref().ok();
    let resource_server = resource_server(app, incoming, client_id, shown).await?;
    demanded?;
    let (demand, original) = (demand?, original?);
    let place = Place { app, incoming, resource: resource_server.audience(), demand };
    place.check_origin()?;
    match place.judge(&original).await {
        Ok(token) => Ok(passing(&token)),
        Err(Failure::Refused(refusal)) => Err(place.challenged(*refusal).into()),
        Err(broken @ Failure::Broken(_)) => Err(broken),
    }
}

/// Authenticates the proxy as the resource server that it stands before: by the credentials in
/// `Proxy-Authorization`, or by its own certificate.
async fn resource_server(
    app: &App,
    incoming: &Incoming,
    client_id: Option<&str>,
    original: Option<&Original<'_>>,
) -> Result<AuthenticatedResourceServer, Failure> {
    // Where a proxy in front of us ends TLS, `Client-Cert` has been read as the certificate of whoever
    // asks. Here it is that of the client, and proves nothing of the proxy.
    let of_client = original.and_then(|original| original.certificate.as_ref());
    let own = client_authentication::shown(incoming).filter(|own| of_client != Some(*own));
    let authenticated = match credential(incoming.field(PROXY_AUTHORIZATION), client_id) {
        Ok(credential) => resource_server_by(app, credential, own, incoming.now).await,
        Err(unreadable) => Err(unreadable.into()),
    };
    authenticated.map_err(|failure| match failure {
        Failure::Refused(refusal) => unknown_proxy(&refusal).into(),
        Failure::Broken(broken) => broken.into(),
    })
}

/// The proxy's credentials; without any, a name that its certificate is to prove.
fn credential(
    header: Option<&str>,
    client_id: Option<&str>,
) -> Result<Credential, InvalidClientAuthentication> {
    match (header, client_id) {
        (None, Some(id)) => Ok(Credential::ClientId(id.to_owned())),
        (header, None) => Credential::parse(header, &Parameters::default()),
        (Some(_), Some(_)) => Err(InvalidClientAuthentication::SeveralMethods(vec![
            "the `Proxy-Authorization` header",
            "`client_id`",
        ])),
    }
}

fn unknown_proxy(refusal: &OAuthError) -> OAuthError {
    let detail = refusal.detail.as_ref().unwrap_or(&refusal.description);
    OAuthError::new(ErrorCode::UnknownProxy, AUTHENTICATION_FAILED)
        .with_detail(detail)
        .with_header("proxy-authenticate", "Basic realm=\"countersign\", charset=\"UTF-8\"")
}

/// Nobody says where the clients of a resource server reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the resource server's audience is no `https` address: say its `origin`")]
struct NoOrigin;

impl From<NoOrigin> for OAuthError {
    fn from(none: NoOrigin) -> Self {
        Self::new(ErrorCode::InvalidRequest, none.to_string())
    }
}

/// Where a request wants to pass.
struct Place<'a> {
    app: &'a App,
    incoming: &'a Incoming,
    resource: &'a ResourceUri,
    demand: Demand,
}

impl Place<'_> {
    /// Proofs are made for an address: it must be known before one comes.
    fn check_origin(&self) -> Result<(), NoOrigin> {
        let known = self.demand.origin.is_some() || self.origin().is_some();
        if known || !self.app.features.dpop { Ok(()) } else { Err(NoOrigin) }
    }

    fn origin(&self) -> Option<String> {
        protected_resource::origin(self.resource)
    }

    /// Whether the token is good here and now, its sender holds what it is bound to, and it reaches as
    /// far as is demanded.
    async fn judge(&self, original: &Original<'_>) -> Result<GoodToken, Failure> {
        let now = self.incoming.now;
        let (scheme, token) = bearer::access_token(self.authorization())?;
        let good = introspection::good_token(self.app, &token, self.resource, now).await?;
        let good = good.ok_or_else(|| {
            OAuthError::new(ErrorCode::InvalidToken, "the access token does not hold here and now")
        })?;
        let proof = self.incoming.field(DPOP).map(Secret::new);
        let addresses = original.addresses(&self.demand, self.origin());
        let sending = Sending {
            methods: &[original.method],
            addresses: &addresses,
            proof: proof.as_ref(),
            certificate: original.certificate.as_ref(),
            now,
        };
        dpop::check_sender(self.app, &sending, scheme, &token, good.claims()).await?;
        if !self.demand.scope.is_subset(good.scope()) {
            let description = "the access token does not have every scope that this needs";
            return Err(OAuthError::new(ErrorCode::InsufficientScope, description).into());
        }
        self.demand.login.check(good.claims(), now)?;
        Ok(good)
    }

    fn authorization(&self) -> Option<&str> {
        self.incoming.field(AUTHORIZATION)
    }

    /// The refusal with the challenge that the client is to see. Who has sent no token is not told of
    /// an error (RFC 6750 §3.1).
    fn challenged(&self, refusal: OAuthError) -> OAuthError {
        let tried = match bearer::access_token(self.authorization()) {
            Ok((scheme, _)) => Some(scheme),
            Err(InvalidBearer::Malformed) => Some(Scheme::Bearer),
            Err(InvalidBearer::Missing | InvalidBearer::Scheme) => None,
        };
        // RFC 6750 §3.1: a malformed token is an invalid one. nginx passes on 401 and 403 alone.
        let malformed = refusal.code == ErrorCode::InvalidRequest;
        let code = if malformed { ErrorCode::InvalidToken } else { refusal.code };
        let refusal = OAuthError { code, ..refusal };
        let Some(tried) = tried else {
            let schemes = [Some(Scheme::Bearer), self.app.features.dpop.then_some(Scheme::Dpop)];
            let bare = |scheme| self.located(Challenge::new(scheme, self.resource.as_str()));
            let all: Vec<_> = schemes.into_iter().flatten().map(bare).collect();
            return refusal.with_header("www-authenticate", all.join(", "));
        };
        let about_proof = [ErrorCode::InvalidSenderProof, ErrorCode::UseSenderNonce];
        let scheme = if about_proof.contains(&code) { Scheme::Dpop } else { tried };
        let challenge = self.demand.challenge(scheme, self.resource.as_str(), code);
        let challenge = self.located(challenge.because(&refusal));
        refusal.with_header("www-authenticate", challenge)
    }

    /// RFC 9728 §5.1: where the metadata is.
    fn located(&self, challenge: Challenge) -> String {
        let address = protected_resource::address(self.resource);
        challenge.with_some("resource_metadata", address).to_string()
    }
}

/// The answer that lets a request pass. Every one of these fields is always there, so that a proxy
/// overwrites what its client sent under the same name. None can hold anything but visible ASCII and,
/// between scopes, spaces. Envoy takes 200 and no other status for a yes.
fn passing(token: &GoodToken) -> Answer {
    let claims = token.claims();
    Answer::bytes(200, "", Vec::new())
        .with_header("x-countersign-client-id", claims.client_id.as_str())
        .with_header("x-countersign-organisation", claims.org.as_str())
        .with_header("x-countersign-software", claims.software_id.as_str())
        .with_header("x-countersign-subject", claims.sub.as_str())
        .with_header("x-countersign-scope", token.scope().to_string())
        .with_header("x-countersign-token-id", claims.jti.as_str())
}
