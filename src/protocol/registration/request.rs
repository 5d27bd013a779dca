//! The registration request ([RFC 7591 §3.1]): a JSON object, or a JWS over one that proves who sends
//! it (REG-E1, REG-S1, S2, S11, S12).
//!
//! [RFC 7591 §3.1]: https://www.rfc-editor.org/rfc/rfc7591#section-3.1

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::jose::Algorithm;
use crate::jose::JwkSet;
use crate::jose::UnverifiedJws;
use crate::protocol::problem::Problems;
use crate::protocol::problem::shown;
use crate::protocol::registration::claims;
use crate::protocol::registration::claims::Malformed;
use crate::protocol::registration::request_problem::RequestError;
use crate::protocol::registration::request_problem::RequestProblem;
use crate::protocol::registration::software_statement::UnverifiedStatement;
use crate::types::Timestamp;
use crate::types::json;

/// The largest body that is read, in bytes.
pub const LARGEST_BODY: usize = 64 * 1024;
/// The claims of the envelope. They are never metadata and never echoed (REG-E6).
const ENVELOPE: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
const STATEMENT: &str = "software_statement";

/// How a request is written (REG-E1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
pub enum RequestFormat {
    /// A JSON object.
    #[serde(rename = "application/json")]
    Json,
    /// A compact JWS.
    #[serde(rename = "application/jwt")]
    Jwt,
    /// A compact JWS, under its other name.
    #[serde(rename = "application/jose")]
    Jose,
}

impl RequestFormat {
    const ALL: [Self; 3] = [Self::Json, Self::Jwt, Self::Jose];

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Jwt => "application/jwt",
            Self::Jose => "application/jose",
        }
    }

    /// Reads `Content-Type`; parameters such as `charset` say nothing new.
    fn of(content_type: Option<&str>) -> Result<Self, RequestProblem> {
        let content_type = content_type.unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        Self::ALL
            .into_iter()
            .find(|format| format.media_type().eq_ignore_ascii_case(media_type))
            .ok_or_else(|| RequestProblem::ContentType(shown(media_type)))
    }
}

/// A registration request as it came in.
#[derive(Debug, Clone)]
pub enum RegistrationRequest {
    /// Metadata, and no proof of who sent it.
    Json(Map<String, Value>),
    /// Metadata in a JWS whose signature is not verified yet.
    Signed(UnverifiedRequest),
}

impl RegistrationRequest {
    /// E1, E8, S1: reads the body.
    ///
    /// # Errors
    ///
    /// Another content type, too large, not strict JSON, or not an acceptable JWS.
    pub fn parse(content_type: Option<&str>, body: &[u8]) -> Result<Self, RequestError> {
        let format = RequestFormat::of(content_type)?;
        if body.len() > LARGEST_BODY {
            return Err(RequestProblem::TooLarge.into());
        }
        match format {
            RequestFormat::Json => {
                let members = json::parse_object(body).map_err(RequestProblem::Json)?;
                Ok(Self::Json(members))
            }
            RequestFormat::Jwt | RequestFormat::Jose => {
                // A file sent with its final line break is still the same JWS.
                let text = std::str::from_utf8(body.trim_ascii()).unwrap_or_default();
                let jws = UnverifiedJws::parse(text).map_err(RequestProblem::Jws)?;
                Ok(Self::Signed(UnverifiedRequest { format, jws }))
            }
        }
    }

    /// How it is written.
    #[must_use]
    pub const fn format(&self) -> RequestFormat {
        match self {
            Self::Json(_) => RequestFormat::Json,
            Self::Signed(request) => request.format,
        }
    }

    /// The key that it is signed with, if it is signed and says so.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        match self {
            Self::Json(_) => None,
            Self::Signed(request) => request.key_id(),
        }
    }

    /// S2, S3: the statement in it.
    ///
    /// # Errors
    ///
    /// There is none, or it is not a JWS that could ever be accepted.
    pub fn software_statement(&self) -> Result<UnverifiedStatement, Problems> {
        let text = self.carried_statement().ok_or_else(missing_statement)?;
        Ok(UnverifiedStatement::parse(text)?)
    }

    /// The text of the statement in it, unless there is none; `null` and the empty text are none.
    #[must_use]
    pub fn carried_statement(&self) -> Option<&str> {
        let members = match self {
            Self::Json(members) => members,
            Self::Signed(request) => request.jws.unverified_claims(),
        };
        carried_statement(members)
    }
}

/// The text of the statement among `members`, as [`RegistrationRequest::carried_statement`] has it.
#[must_use]
pub fn carried_statement(members: &Map<String, Value>) -> Option<&str> {
    let carried = members.get(STATEMENT).filter(|value| !value.is_null())?;
    Some(carried.as_str().unwrap_or("(not a text)")).filter(|text| !text.is_empty())
}

fn missing_statement() -> Problems {
    RequestError::from(RequestProblem::StatementMissing).into()
}

/// A claim of the envelope that a framework may demand (S12). One that is there is checked, demanded
/// or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvelopeClaim {
    /// Who signed: the software.
    Iss,
    /// For whom: us.
    Aud,
    /// Until when.
    Exp,
    /// When.
    Iat,
    /// Its identifier, without which it could be sent twice.
    Jti,
}

impl EnvelopeClaim {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Iss, Self::Aud, Self::Exp, Self::Iat, Self::Jti];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Iss => "iss",
            Self::Aud => "aud",
            Self::Exp => "exp",
            Self::Iat => "iat",
            Self::Jti => "jti",
        }
    }
}

/// What a framework demands of signed requests (S11, S12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRules {
    /// The claims that must be there; `iat` or `exp` is always among them.
    pub required: BTreeSet<EnvelopeClaim>,
    /// How they may be signed.
    pub algorithms: Vec<Algorithm>,
    /// The values of `typ` that are understood; a header without one is accepted.
    pub types: Vec<String>,
    /// The `iss` that is due: the software's id.
    pub issuer: String,
    /// Our names; `aud` must hold one of them.
    pub audiences: Vec<String>,
    /// How far `exp` may be from `iat`, in seconds.
    pub max_lifetime_seconds: i64,
    /// How far clocks may differ, in seconds.
    pub skew_seconds: i64,
}

impl RequestRules {
    /// Whether a request need not say when it is from. A framework that loads demands `iat` or `exp`.
    fn is_timeless(&self) -> bool {
        ![EnvelopeClaim::Iat, EnvelopeClaim::Exp].iter().any(|claim| self.required.contains(claim))
    }
}

/// A signed request whose signature is not verified yet.
#[derive(Debug, Clone)]
pub struct UnverifiedRequest {
    format: RequestFormat,
    jws: UnverifiedJws,
}

impl UnverifiedRequest {
    /// The key that it names; one that we lack makes the software's keys worth fetching anew.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.jws.header().key_id.as_deref()
    }

    /// S11, S12: verifies it with the keys of the software, at the instant `now`.
    ///
    /// # Errors
    ///
    /// Type or signature alone; after those, everything else that is wrong.
    pub fn verify(
        self,
        rules: &RequestRules,
        keys: &JwkSet,
        now: Timestamp,
    ) -> Result<VerifiedRequest, RequestError> {
        let header = self.jws.header();
        if header.typ.is_some() && !rules.types.iter().any(|known| header.is_typ(known)) {
            return Err(RequestProblem::Type.into());
        }
        let verified =
            self.jws.verify(keys, &rules.algorithms).map_err(RequestProblem::Signature)?;
        let mut problems = Vec::new();
        check_parties(&verified.claims, rules, &mut problems);
        let times = check_times(&verified.claims, rules, now, &mut problems);
        let jti = claims::jti(&verified.claims);
        match jti {
            Ok(Some(_)) => {}
            Ok(None) => check_absence(EnvelopeClaim::Jti, rules, &mut problems),
            Err(Malformed) => problems.push(RequestProblem::ClaimMalformed("jti")),
        }
        match (times, jti) {
            (Some((issued_at, expires_at)), Ok(jti)) if problems.is_empty() => {
                Ok(VerifiedRequest {
                    jti: jti.map(str::to_owned),
                    issued_at,
                    expires_at,
                    key_thumbprint: verified.thumbprint,
                    members: without_envelope(verified.claims),
                })
            }
            _ => Err(RequestError(problems)),
        }
    }
}

/// A request that a key of the software signed, for us, just now. Only
/// [`UnverifiedRequest::verify`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedRequest {
    jti: Option<String>,
    issued_at: Timestamp,
    expires_at: Timestamp,
    key_thumbprint: String,
    members: Map<String, Value>,
}

impl VerifiedRequest {
    /// Its identifier, to be used once. A framework may do without.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        self.jti.as_deref()
    }

    /// When it was signed.
    #[must_use]
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// When it expires.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The RFC 7638 thumbprint of the key that signed it.
    #[must_use]
    pub fn key_thumbprint(&self) -> &str {
        &self.key_thumbprint
    }

    /// The metadata, without the envelope's claims.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }
}

fn without_envelope(mut claims: Map<String, Value>) -> Map<String, Value> {
    for claim in ENVELOPE {
        claims.remove(claim);
    }
    claims
}

fn check_absence(claim: EnvelopeClaim, rules: &RequestRules, problems: &mut Vec<RequestProblem>) {
    if rules.required.contains(&claim) {
        problems.push(RequestProblem::ClaimMissing(claim.name()));
    }
}

/// S12: `iss` and `aud`.
fn check_parties(
    claims: &Map<String, Value>,
    rules: &RequestRules,
    problems: &mut Vec<RequestProblem>,
) {
    match claims::text(claims, "iss") {
        Ok(Some(issuer)) if issuer == rules.issuer => {}
        Ok(Some(_)) => problems.push(RequestProblem::Issuer),
        Ok(None) => check_absence(EnvelopeClaim::Iss, rules, problems),
        Err(Malformed) => problems.push(RequestProblem::ClaimMalformed("iss")),
    }
    match claims::audience(claims, &rules.audiences) {
        Ok(Some(true)) => {}
        Ok(Some(false)) => problems.push(RequestProblem::Audience),
        Ok(None) => check_absence(EnvelopeClaim::Aud, rules, problems),
        Err(Malformed) => problems.push(RequestProblem::ClaimMalformed("aud")),
    }
}

/// S12: `iat`, `exp` and, if it is there, `nbf`.
fn check_times(
    claims: &Map<String, Value>,
    rules: &RequestRules,
    now: Timestamp,
    problems: &mut Vec<RequestProblem>,
) -> Option<(Timestamp, Timestamp)> {
    let mut read = |claim| {
        let instant = claims::instant(claims, claim);
        if instant.is_err() {
            problems.push(RequestProblem::ClaimMalformed(claim));
        }
        instant
    };
    let (issued_at, expires_at, not_before) = (read("iat"), read("exp"), read("nbf"));
    for (claim, instant) in [(EnvelopeClaim::Iat, issued_at), (EnvelopeClaim::Exp, expires_at)] {
        if instant == Ok(None) {
            check_absence(claim, rules, problems);
        }
    }
    let horizon = now.plus(rules.skew_seconds);
    for (claim, instant) in [("iat", issued_at), ("nbf", not_before)] {
        if matches!(instant, Ok(Some(instant)) if instant > horizon) {
            problems.push(RequestProblem::InFuture(claim));
        }
    }
    let most = rules.max_lifetime_seconds;
    // Where `exp` is absent, the longest lifetime says it; where `iat` is, the request is of now.
    let due = match (issued_at, expires_at) {
        (Ok(Some(issued_at)), Ok(None)) => Ok(Some(issued_at.plus(most))),
        (Ok(None), Ok(None)) if rules.is_timeless() => {
            problems.push(RequestProblem::ClaimMissing("exp"));
            return None;
        }
        (_, expires_at) => expires_at,
    };
    let expires_at = due.ok()??;
    if now >= expires_at {
        problems.push(RequestProblem::Expired);
    }
    let issued_at = issued_at.ok()?;
    let lifetime = expires_at.since(issued_at.unwrap_or(now));
    if lifetime > most || (lifetime <= 0 && issued_at.is_some()) {
        problems.push(RequestProblem::Lifetime { most });
    }
    Some((issued_at.unwrap_or(now), expires_at))
}
