//! Client assertions, `private_key_jwt` and `client_secret_jwt` ([RFC 7523 §3], OpenID Connect Core
//! §9, FAPI 2.0 §5.3.2).
//!
//! [RFC 7523 §3]: https://www.rfc-editor.org/rfc/rfc7523#section-3

mod times;

use serde_json::{Map, Value};

use crate::jose::Algorithm;
use crate::jose::DecoyKeys;
use crate::jose::HeaderRules;
use crate::jose::InvalidAlgorithm;
use crate::jose::InvalidJws;
use crate::jose::JwkSet;
use crate::jose::PublicKey;
use crate::jose::UnverifiedJws;
use crate::jose::UnverifiedMac;
use crate::protocol::client_authentication::AUTHENTICATION_FAILED;
use crate::protocol::client_authentication::AudienceRule;
use crate::protocol::client_authentication::OurNames;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::parameters::Parameters;
use crate::types::{ClientId, Secret, Timestamp};

use times::Times;

/// The `client_assertion_type` of a JWT (RFC 7523 §2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The longest life of an assertion where its profile says nothing else, in seconds.
pub const LONGEST_LIFE: i64 = 300;
/// How far a client's clock may be off, in seconds (SEC-44, CONF-31).
pub const CLOCK_SKEW: i64 = 60;
/// The longest `jti`, in characters.
pub const LONGEST_JTI: usize = 256;
/// The `typ` that an assertion may carry, if any. Every other kind of JWT says what it is (SEC-60).
const TYPES: [&str; 2] = ["JWT", "client-authentication+jwt"];

/// Why an assertion is not believed. The client hears one sentence; the log hears this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAssertion {
    /// `client_assertion_type` is missing or not [`JWT_BEARER`].
    #[error("`client_assertion_type` is not `{JWT_BEARER}`")]
    AssertionType,
    /// There is a type but no assertion.
    #[error("`client_assertion` is missing")]
    Missing,
    /// It is no JWS, its algorithm is not allowed, or no key of the client's verifies it.
    #[error("the client assertion: {0}")]
    Jws(#[from] InvalidJws),
    /// It is made with a secret where the client has a key, or signed where it has a secret.
    #[error("the client assertion is not made in the way that the client registered")]
    Method,
    /// It is not made with the client's secret.
    #[error("the client assertion is not made with the client's secret")]
    Secret,
    /// Its `typ` is that of another kind of JWT.
    #[error("the client assertion's `typ` is that of another kind of JWT")]
    Type,
    /// A claim that is needed is missing, or a claim has the wrong type or is out of range.
    #[error("the client assertion's claim `{0}` is missing, ill-typed or out of range")]
    Claim(&'static str),
    /// `iss` and `sub` differ.
    #[error("the client assertion's `iss` and `sub` differ")]
    NotItsOwnIssuer,
    /// The request's `client_id` is another one.
    #[error("the request's `client_id` is not the client assertion's `sub`")]
    AnotherClient,
    /// It was made for another server.
    #[error("the client assertion's `aud` does not name this server as its rule demands")]
    Audience,
    /// It has expired.
    #[error("the client assertion has expired")]
    Expired,
    /// It lives too long.
    #[error("the client assertion lives longer than {0} seconds")]
    LivesTooLong(i64),
    /// It is not valid yet.
    #[error("the client assertion's `nbf` lies in the future")]
    NotYetValid,
    /// It was issued in the future.
    #[error("the client assertion's `iat` lies in the future")]
    IssuedInTheFuture,
}

impl From<InvalidAssertion> for OAuthError {
    fn from(invalid: InvalidAssertion) -> Self {
        Self::new(ErrorCode::InvalidClient, AUTHENTICATION_FAILED).with_detail(invalid)
    }
}

/// An assertion as it came. It only tells whose keys to look up.
#[derive(Debug)]
pub struct UnverifiedAssertion {
    proof: Proof,
    client_id: ClientId,
}

/// How an assertion is made. The two never meet: a public key is no secret (SEC-10).
#[derive(Debug)]
enum Proof {
    Signature(UnverifiedJws),
    Mac(UnverifiedMac),
}

/// For whom assertions are to be made, and by which rule.
#[derive(Debug, Clone, Copy)]
pub struct Addressee<'a> {
    /// We.
    pub us: &'a OurNames,
    /// What the client's profile demands.
    pub rule: AudienceRule,
}

/// An assertion that its client made for us, a moment ago. Its `jti` has not been burnt yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAssertion {
    client_id: ClientId,
    jti: String,
    issued_at: Timestamp,
    expires_at: Timestamp,
    thumbprint: Option<String>,
}

impl Proof {
    fn parse(assertion: &str) -> Result<Self, InvalidJws> {
        // Whether a certificate is taken is for the client's trust framework to say.
        let rules = HeaderRules { certificates: true, embedded_key: false };
        match UnverifiedJws::parse_with(assertion, rules) {
            Err(InvalidJws::Algorithm(InvalidAlgorithm::Symmetric)) => {
                UnverifiedMac::parse(assertion).map(Self::Mac)
            }
            parsed => parsed.map(Self::Signature),
        }
    }

    fn typ(&self) -> Option<&str> {
        match self {
            Self::Signature(jws) => jws.header().typ.as_deref(),
            Self::Mac(mac) => mac.typ(),
        }
    }

    fn unverified_claims(&self) -> &Map<String, Value> {
        match self {
            Self::Signature(jws) => jws.unverified_claims(),
            Self::Mac(mac) => mac.unverified_claims(),
        }
    }
}

impl UnverifiedAssertion {
    /// Reads `client_assertion` from a request; `None` if it carries none.
    ///
    /// # Errors
    ///
    /// It is no assertion, or does not speak for the client that it names.
    pub fn from_parameters(parameters: &Parameters) -> Result<Option<Self>, InvalidAssertion> {
        let assertion_type = parameters.one("client_assertion_type");
        let assertion = parameters.one("client_assertion");
        if assertion_type.is_none() && assertion.is_none() {
            return Ok(None);
        }
        if assertion_type != Some(JWT_BEARER) {
            return Err(InvalidAssertion::AssertionType);
        }
        let assertion = assertion.ok_or(InvalidAssertion::Missing)?;
        Self::parse(assertion, parameters.one("client_id")).map(Some)
    }

    /// Reads a compact JWS; `requested` is the request's own `client_id`, if it has one.
    ///
    /// # Errors
    ///
    /// As [`Self::from_parameters`].
    pub fn parse(assertion: &str, requested: Option<&str>) -> Result<Self, InvalidAssertion> {
        let proof = Proof::parse(assertion)?;
        if proof.typ().is_some_and(|typ| !TYPES.iter().any(|known| is_media_type(typ, known))) {
            return Err(InvalidAssertion::Type);
        }
        let claims = proof.unverified_claims();
        let issuer = text(claims, "iss")?;
        let subject = text(claims, "sub")?;
        if issuer != subject {
            return Err(InvalidAssertion::NotItsOwnIssuer);
        }
        if requested.is_some_and(|requested| requested != subject) {
            return Err(InvalidAssertion::AnotherClient);
        }
        let client_id = ClientId::parse(subject).map_err(|_| InvalidAssertion::Claim("sub"))?;
        Ok(Self { proof, client_id })
    }

    /// Whose keys to look up; good for nothing else.
    #[must_use]
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Which of them; a hint, to fetch them again if it is not there.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        match &self.proof {
            Proof::Signature(jws) => jws.header().key_id.as_deref(),
            Proof::Mac(_) => None,
        }
    }

    /// The certificates in its header, as DER, the signer's first; nothing of them is verified.
    #[must_use]
    pub fn certificates(&self) -> Option<&[Vec<u8>]> {
        match &self.proof {
            Proof::Signature(jws) => jws.header().certificates.as_deref(),
            Proof::Mac(_) => None,
        }
    }

    /// Whether it is made with a shared secret.
    #[must_use]
    pub const fn is_made_with_a_secret(&self) -> bool {
        matches!(self.proof, Proof::Mac(_))
    }

    /// Whether it is made with this secret.
    #[must_use]
    pub fn is_made_with(&self, secret: &Secret) -> bool {
        match &self.proof {
            Proof::Signature(_) => false,
            Proof::Mac(mac) => mac.is_by(secret),
        }
    }

    /// Checks all of the signature that needs no key operation.
    ///
    /// # Errors
    ///
    /// It is not signed, the algorithm is not allowed, or none of these keys can have signed.
    pub fn check_key(
        &self,
        keys: &JwkSet,
        algorithms: &[Algorithm],
    ) -> Result<(), InvalidAssertion> {
        match &self.proof {
            Proof::Signature(jws) => {
                refuse_certificates(jws)?;
                Ok(jws.check_key(keys, algorithms)?)
            }
            Proof::Mac(_) => Err(InvalidAssertion::Method),
        }
    }

    /// Verifies the signature in vain: whoever is refused without a key operation learns nothing
    /// from the time that it took (SEC-29).
    pub fn verify_in_vain(&self, decoys: &DecoyKeys) {
        match &self.proof {
            Proof::Signature(jws) => decoys.verify(jws),
            Proof::Mac(mac) => decoys.verify_mac(mac),
        }
    }

    /// Checks the signature with the client's keys, then the claims in the order of RFC 7523 §3.
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub fn verify(
        self,
        keys: &JwkSet,
        algorithms: &[Algorithm],
        addressee: Addressee<'_>,
        now: Timestamp,
    ) -> Result<VerifiedAssertion, InvalidAssertion> {
        let Proof::Signature(jws) = self.proof else { return Err(InvalidAssertion::Method) };
        refuse_certificates(&jws)?;
        let verified = jws.verify(keys, algorithms)?;
        let signer = Some(verified.thumbprint);
        VerifiedAssertion::of(self.client_id, &verified.claims, signer, addressee, now)
    }

    /// The same with the key of the certificate in its header, which somebody vouches for (UDAP).
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub fn verify_by_certificate(
        self,
        key: &PublicKey,
        algorithms: &[Algorithm],
        addressee: Addressee<'_>,
        now: Timestamp,
    ) -> Result<VerifiedAssertion, InvalidAssertion> {
        let Proof::Signature(jws) = self.proof else { return Err(InvalidAssertion::Method) };
        let verified = jws.verify_by(key, algorithms)?;
        let signer = Some(verified.thumbprint);
        VerifiedAssertion::of(self.client_id, &verified.claims, signer, addressee, now)
    }

    /// Checks that it was made with the client's secret, then the claims as [`Self::verify`] does.
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub fn verify_with_secret(
        self,
        secret: &Secret,
        addressee: Addressee<'_>,
        now: Timestamp,
    ) -> Result<VerifiedAssertion, InvalidAssertion> {
        let Proof::Mac(mac) = &self.proof else { return Err(InvalidAssertion::Method) };
        if !mac.is_by(secret) {
            return Err(InvalidAssertion::Secret);
        }
        let claims = mac.unverified_claims();
        VerifiedAssertion::of(self.client_id.clone(), claims, None, addressee, now)
    }
}

/// A key is never taken from the assertion itself.
fn refuse_certificates(jws: &UnverifiedJws) -> Result<(), InvalidJws> {
    if jws.header().certificates.is_none() {
        return Ok(());
    }
    Err(InvalidJws::ForbiddenHeader { member: "x5c" })
}

impl VerifiedAssertion {
    fn of(
        client_id: ClientId,
        claims: &Map<String, Value>,
        thumbprint: Option<String>,
        Addressee { us, rule }: Addressee<'_>,
        now: Timestamp,
    ) -> Result<Self, InvalidAssertion> {
        if !claims.get("aud").is_some_and(|named| us.are_meant(named, rule.audiences)) {
            return Err(InvalidAssertion::Audience);
        }
        let times = Times::read(claims)?;
        let longest = rule.longest_life_seconds.clamp(0, AudienceRule::LONGEST_LIFE);
        times.check(longest, now)?;
        let jti = text(claims, "jti")?;
        if jti.is_empty() || jti.chars().nth(LONGEST_JTI).is_some() {
            return Err(InvalidAssertion::Claim("jti"));
        }
        Ok(Self {
            client_id,
            jti: jti.to_owned(),
            issued_at: times.issued_at(longest),
            expires_at: times.expires_at,
            thumbprint,
        })
    }

    /// Who made it.
    #[must_use]
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// What makes it unique.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// When it was made; where it does not say so, the earliest instant at which it may have been.
    #[must_use]
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// The first instant at which it is surely refused, our tolerance included: until then its
    /// `jti` must be remembered (SEC-52).
    #[must_use]
    pub fn refused_from(&self) -> Timestamp {
        self.expires_at.plus(CLOCK_SKEW)
    }

    /// RFC 7638 thumbprint of the key that signed it, if a key did.
    #[must_use]
    pub fn thumbprint(&self) -> Option<&str> {
        self.thumbprint.as_deref()
    }
}

/// Whether a `typ` names this kind, in any case and with or without `application/` (RFC 7515 §4.1.9).
fn is_media_type(typ: &str, kind: &str) -> bool {
    let short =
        typ.split_once('/').filter(|(prefix, _)| prefix.eq_ignore_ascii_case("application"));
    short.map_or(typ, |(_, rest)| rest).eq_ignore_ascii_case(kind)
}

fn text<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<&'a str, InvalidAssertion> {
    claims.get(name).and_then(Value::as_str).ok_or(InvalidAssertion::Claim(name))
}

#[cfg(test)]
mod tests;
