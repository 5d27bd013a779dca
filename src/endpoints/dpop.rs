//! Senders that prove a key (RFC 9449): read, check the nonce, verify, burn. Only this file makes a
//! `ProvedKey` (STY-2), and only after the proof's `jti` is burnt.

use std::sync::Arc;

use crate::app::App;
use crate::app::KnownToken;
use crate::config::DpopNonces;
use crate::endpoints::exchange::{Answer, Door, Incoming};
use crate::endpoints::failure::{Broken, Failure};
use crate::jose::SealingError;
use crate::protocol::bearer::{self, Scheme};
use crate::protocol::dpop::nonce::NonceTimes;
use crate::protocol::dpop::{
    ALGORITHMS, Expected, InvalidProof, NONCE_HEADER, Nonces, UnverifiedProof, VerifiedProof,
};
use crate::protocol::token::{AccessTokenClaims, Confirmation};
use crate::protocol::{ErrorCode, OAuthError};
use crate::storage::{Consumed, OneTimeKind, OneTimeUse};
use crate::types::{Secret, Timestamp};
use crate::x509::PresentedCertificates;

/// What the key that tags nonces is for.
const NONCE_KEY: &str = "countersign dpop nonces 1";

/// A proof that holds a nonce of ours, if we demand one, and of which nothing else is known yet.
#[derive(Debug)]
pub(super) struct PresentedProof {
    unverified: UnverifiedProof,
    nonce: Option<NonceTimes>,
}

/// A key that the sender holds: it has just shown so, for this request and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProvedKey {
    proof: VerifiedProof,
}

impl ProvedKey {
    /// What a token that is handed out for it is bound to.
    pub(super) fn confirmation(&self) -> Confirmation {
        self.proof.confirmation()
    }
}

/// How a request was sent, here or to a resource server that asks about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending<'a> {
    /// The names of its method.
    pub(super) methods: &'a [&'a str],
    /// The addresses by which it may have been sent.
    pub(super) addresses: &'a [String],
    /// Its `DPoP` header.
    pub(super) proof: Option<&'a Secret>,
    /// The certificate that was shown.
    pub(super) certificate: Option<&'a PresentedCertificates>,
    /// When it arrived.
    pub(super) now: Timestamp,
}

impl<'a> Sending<'a> {
    /// A request to an endpoint of ours.
    fn here(incoming: &'a Incoming, addresses: &'a [String]) -> Self {
        Self {
            methods: incoming.method.names(),
            addresses,
            proof: incoming.dpop.as_ref(),
            certificate: incoming.presented.as_ref(),
            now: incoming.now,
        }
    }
}

/// Why there is no proved key: the proof is at fault, or we are.
#[derive(Debug)]
enum Unproved {
    Invalid(InvalidProof),
    Broken(Broken),
}

impl From<InvalidProof> for Unproved {
    fn from(invalid: InvalidProof) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<Unproved> for Failure {
    fn from(unproved: Unproved) -> Self {
        match unproved {
            Unproved::Invalid(invalid) => invalid.into(),
            Unproved::Broken(broken) => broken.into(),
        }
    }
}

impl Unproved {
    fn at_resource(self) -> Failure {
        match self {
            Self::Invalid(invalid) => invalid.at_resource().into(),
            Self::Broken(broken) => broken.into(),
        }
    }
}

/// Reads the proof of a request to an endpoint of the authorization server. That comes before the
/// client's assertion is burnt: who must come again with a nonce may come with the same assertion.
///
/// # Errors
///
/// It is malformed, or lacks a nonce of ours where we demand one.
pub(super) fn presented(app: &App, incoming: &Incoming) -> Result<Option<PresentedProof>, Failure> {
    Ok(read(app, incoming.dpop.as_ref(), incoming.now)?)
}

impl PresentedProof {
    /// Verifies the proof for this request and burns it.
    ///
    /// # Errors
    ///
    /// It was not made for this request, or not now, or has been used; or a store fails.
    pub(super) async fn prove(self, app: &App, incoming: &Incoming) -> Result<ProvedKey, Failure> {
        let addresses = addresses(app, incoming);
        Ok(self.verify_and_burn(app, &Sending::here(incoming, &addresses), None).await?)
    }

    async fn verify_and_burn(
        self,
        app: &App,
        sending: &Sending<'_>,
        access_token: Option<&Secret>,
    ) -> Result<ProvedKey, Unproved> {
        let expected = Expected {
            methods: sending.methods,
            addresses: sending.addresses,
            algorithms: &ALGORITHMS,
            access_token,
            nonce: self.nonce,
        };
        let proof = self.unverified.verify(&expected, sending.now)?;
        burn(app, &proof, sending.now).await?;
        Ok(ProvedKey { proof })
    }
}

/// The access token of a request to an endpoint that is itself a protected resource, used by whoever
/// it is bound to (RFC 9449 §7, RFC 8705 §3, RFC 6750).
///
/// Whether it suffices, and whether its client still stands, is the caller's to ask.
///
/// # Errors
///
/// There is none, it is not good, or the sender does not hold what it is bound to; or a store fails.
pub async fn access_token(app: &App, incoming: &Incoming) -> Result<Arc<KnownToken>, Failure> {
    let authorization = incoming.authorization.as_ref().map(Secret::reveal);
    let (scheme, token) = bearer::access_token(authorization)?;
    let found = app.access_tokens.find(&token, &app.token_source(), incoming.now).await?;
    let known = found.ok_or_else(|| invalid_token("the access token is unknown or has ended"))?;
    check_holder(app, incoming, scheme, &token, known.claims()).await?;
    Ok(known)
}

/// That the sender of a request to an endpoint of ours holds what its access token is bound to.
///
/// # Errors
///
/// As [`check_sender`].
pub(super) async fn check_holder(
    app: &App,
    incoming: &Incoming,
    scheme: Scheme,
    token: &Secret,
    claims: &AccessTokenClaims,
) -> Result<(), Failure> {
    let addresses = addresses(app, incoming);
    check_sender(app, &Sending::here(incoming, &addresses), scheme, token, claims).await
}

/// That the sender of a request that uses an access token holds what the token is bound to, and uses
/// it as that demands (RFC 9449 §7, RFC 8705 §3).
///
/// # Errors
///
/// It does not; or a store fails.
pub(super) async fn check_sender(
    app: &App,
    sending: &Sending<'_>,
    scheme: Scheme,
    token: &Secret,
    claims: &AccessTokenClaims,
) -> Result<(), Failure> {
    match (claims.cnf.as_ref(), scheme) {
        (Some(Confirmation::DpopKey(thumbprint)), Scheme::Dpop) => {
            let proved = prove_for(app, sending, token).await.map_err(Unproved::at_resource)?;
            proved.proof.check_bound_to(thumbprint).map_err(|other| other.at_resource())?;
        }
        (None, Scheme::Bearer) => {}
        // RFC 9449 §7.2: a bound token is no bearer token.
        (Some(Confirmation::DpopKey(_)), Scheme::Bearer) => {
            return Err(InvalidProof::Missing.at_resource().into());
        }
        (Some(Confirmation::Certificate(_)) | None, Scheme::Dpop) => {
            return Err(invalid_token("the access token is not bound to a DPoP key").into());
        }
        (Some(Confirmation::Certificate(thumbprint)), Scheme::Bearer) => {
            // RFC 8705 §3.
            let shown = sending.certificate.map(|shown| shown.leaf().thumbprint());
            if shown != Some(thumbprint.as_str()) {
                let description = "the access token is bound to a certificate that is not shown";
                return Err(invalid_token(description).into());
            }
        }
    }
    Ok(())
}

async fn prove_for(
    app: &App,
    sending: &Sending<'_>,
    token: &Secret,
) -> Result<ProvedKey, Unproved> {
    let presented = read(app, sending.proof, sending.now)?.ok_or(InvalidProof::Missing)?;
    presented.verify_and_burn(app, sending, Some(token)).await
}

fn invalid_token(description: &str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidToken, description)
}

fn read(
    app: &App,
    header: Option<&Secret>,
    now: Timestamp,
) -> Result<Option<PresentedProof>, Unproved> {
    let Some(header) = header.filter(|_| app.features.dpop) else {
        return Ok(None);
    };
    let unverified = UnverifiedProof::parse(header.reveal())?;
    let nonce = match nonces(app).map_err(Unproved::Broken)? {
        None => None,
        Some(ours) => {
            let nonce = unverified.nonce().unwrap_or_default();
            let checked = ours.check(nonce, now).map_err(|e| Unproved::Broken(broken(&e)))?;
            Some(checked.ok_or(InvalidProof::Nonce)?)
        }
    };
    Ok(Some(PresentedProof { unverified, nonce }))
}

/// The nonces that we demand; nothing, if we demand none.
fn nonces(app: &App) -> Result<Option<Nonces>, Broken> {
    match app.settings.dpop.nonces {
        DpopNonces::Required if app.features.dpop => {
            Ok(Some(Nonces::new(app.keyring.mac_key(NONCE_KEY)?)))
        }
        DpopNonces::Required | DpopNonces::Off => Ok(None),
    }
}

fn broken(error: &SealingError) -> Broken {
    Broken::Unwritable(format!("a DPoP nonce: {error}"))
}

/// Gives every answer the nonce of the moment, refusals too (RFC 9449 §8.2).
pub(super) fn with_nonce(
    app: &App,
    now: Timestamp,
    told: Result<Answer, Failure>,
) -> Result<Answer, Failure> {
    let Some(nonces) = nonces(app)? else { return told };
    let nonce = nonces.current(now).map_err(|error| broken(&error))?;
    match told {
        Ok(answer) => Ok(answer.with_header(NONCE_HEADER, nonce)),
        Err(failure) => Err(failure.into_error().with_header(NONCE_HEADER, nonce).into()),
    }
}

/// The addresses by which this request may have been sent: where certificates are shown, the alias of
/// RFC 8705 §5 is one of them (CONF-71).
fn addresses(app: &App, incoming: &Incoming) -> Vec<String> {
    let at_alias = incoming.door == Door::MutualTls;
    let alias = app.settings.mutual_tls.base_url.as_ref().filter(|_| at_alias);
    let bases = [Some(&app.settings.server.issuer), alias].into_iter().flatten();
    bases.map(|base| base.join(&incoming.path)).collect()
}

/// Burns the proof's `jti`, committed on its own (SEC-53). It is its key's own: nobody burns another's.
async fn burn(app: &App, proof: &VerifiedProof, now: Timestamp) -> Result<(), Unproved> {
    let once = OneTimeUse {
        kind: OneTimeKind::DpopProof,
        issuer: proof.thumbprint().to_owned(),
        subject: String::new(),
        value: proof.jti().to_owned(),
        issued_at: proof.issued_at(),
        expires_at: proof.refused_from(),
    };
    let consumed = app.one_time.consume_once(once, now).await;
    match consumed.map_err(|error| Unproved::Broken(error.into()))? {
        Consumed::First => Ok(()),
        Consumed::Again => Err(InvalidProof::Replayed.into()),
        Consumed::Forgotten => Err(InvalidProof::Forgotten.into()),
    }
}
