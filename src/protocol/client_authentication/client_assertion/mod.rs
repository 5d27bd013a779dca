//! Client assertions, `private_key_jwt` ([RFC 7523 §3], OpenID Connect Core §9, FAPI 2.0 §5.3.2).
//!
//! [RFC 7523 §3]: https://www.rfc-editor.org/rfc/rfc7523#section-3

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::jose::Algorithm;
use crate::jose::DecoyKeys;
use crate::jose::InvalidJws;
use crate::jose::JwkSet;
use crate::jose::UnverifiedJws;
use crate::protocol::client_authentication::AUTHENTICATION_FAILED;
use crate::protocol::client_authentication::AudienceRule;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::parameters::Parameters;
use crate::types::{ClientId, Timestamp};

/// The method's name in metadata (OpenID Connect Core §9).
pub const PRIVATE_KEY_JWT: &str = "private_key_jwt";
/// The `client_assertion_type` of a JWT (RFC 7523 §2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The longest life of an assertion, in seconds.
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
    #[error("the client assertion lives longer than {LONGEST_LIFE} seconds")]
    LivesTooLong,
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
    jws: UnverifiedJws,
    client_id: ClientId,
}

/// An assertion that its client made for us, a moment ago. Its `jti` has not been burnt yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAssertion {
    client_id: ClientId,
    jti: String,
    issued_at: Timestamp,
    expires_at: Timestamp,
    thumbprint: String,
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
        let jws = UnverifiedJws::parse(assertion)?;
        let header = jws.header();
        if header.typ.is_some() && !TYPES.iter().any(|typ| header.is_typ(typ)) {
            return Err(InvalidAssertion::Type);
        }
        let claims = jws.unverified_claims();
        let issuer = text(claims, "iss")?;
        let subject = text(claims, "sub")?;
        if issuer != subject {
            return Err(InvalidAssertion::NotItsOwnIssuer);
        }
        if requested.is_some_and(|requested| requested != subject) {
            return Err(InvalidAssertion::AnotherClient);
        }
        let client_id = ClientId::parse(subject).map_err(|_| InvalidAssertion::Claim("sub"))?;
        Ok(Self { jws, client_id })
    }

    /// Whose keys to look up; good for nothing else.
    #[must_use]
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Which of them; a hint, to fetch them again if it is not there.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.jws.header().key_id.as_deref()
    }

    /// Checks all of the signature that needs no key operation.
    ///
    /// # Errors
    ///
    /// The algorithm is not allowed, or none of these keys can have signed.
    pub fn check_key(
        &self,
        keys: &JwkSet,
        algorithms: &[Algorithm],
    ) -> Result<(), InvalidAssertion> {
        Ok(self.jws.check_key(keys, algorithms)?)
    }

    /// Verifies the signature in vain: whoever is refused without a key operation learns nothing
    /// from the time that it took (SEC-29).
    pub fn verify_in_vain(&self, decoys: &DecoyKeys) {
        decoys.verify(&self.jws);
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
        audience: &AudienceRule,
        now: Timestamp,
    ) -> Result<VerifiedAssertion, InvalidAssertion> {
        let verified = self.jws.verify(keys, algorithms)?;
        let claims = &verified.claims;
        if !claims.get("aud").is_some_and(|named| audience.accepts(named)) {
            return Err(InvalidAssertion::Audience);
        }
        let times = Times::read(claims)?;
        times.check(now)?;
        let jti = text(claims, "jti")?;
        if jti.is_empty() || jti.chars().nth(LONGEST_JTI).is_some() {
            return Err(InvalidAssertion::Claim("jti"));
        }
        Ok(VerifiedAssertion {
            client_id: self.client_id,
            jti: jti.to_owned(),
            issued_at: times.issued_at(),
            expires_at: times.expires_at,
            thumbprint: verified.thumbprint,
        })
    }
}

impl VerifiedAssertion {
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

    /// RFC 7638 thumbprint of the key that signed it.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }
}

/// The times that an assertion carries.
struct Times {
    expires_at: Timestamp,
    not_before: Option<Timestamp>,
    issued_at: Option<Timestamp>,
}

impl Times {
    fn read(claims: &Map<String, Value>) -> Result<Self, InvalidAssertion> {
        Ok(Self {
            expires_at: time(claims, "exp")?.ok_or(InvalidAssertion::Claim("exp"))?,
            not_before: time(claims, "nbf")?,
            issued_at: time(claims, "iat")?,
        })
    }

    fn issued_at(&self) -> Timestamp {
        self.issued_at.unwrap_or_else(|| self.expires_at.plus(LONGEST_LIFE.saturating_neg()))
    }

    fn check(&self, now: Timestamp) -> Result<(), InvalidAssertion> {
        let latest = now.plus(CLOCK_SKEW);
        if self.expires_at.plus(CLOCK_SKEW) <= now {
            return Err(InvalidAssertion::Expired);
        }
        if self.expires_at > latest.plus(LONGEST_LIFE) {
            return Err(InvalidAssertion::LivesTooLong);
        }
        if self.not_before.is_some_and(|not_before| not_before > latest) {
            return Err(InvalidAssertion::NotYetValid);
        }
        if self.issued_at.is_some_and(|issued_at| issued_at > latest) {
            return Err(InvalidAssertion::IssuedInTheFuture);
        }
        if self.expires_at.since(self.issued_at()) > LONGEST_LIFE {
            return Err(InvalidAssertion::LivesTooLong);
        }
        Ok(())
    }
}

fn text<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<&'a str, InvalidAssertion> {
    claims.get(name).and_then(Value::as_str).ok_or(InvalidAssertion::Claim(name))
}

fn time(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Timestamp>, InvalidAssertion> {
    claims
        .get(name)
        .map(|value| Timestamp::deserialize(value).map_err(|_| InvalidAssertion::Claim(name)))
        .transpose()
}

#[cfg(test)]
mod tests;
