//! Software statements ([RFC 7591 §2.3]): what a directory says of a partner's software, checked in
//! the order of REG-S3 to S9.
//!
//! Until its signature holds, a statement is asked one thing: who claims to have issued it. After
//! that, everything that is wrong with it is told at once.
//!
//! [RFC 7591 §2.3]: https://www.rfc-editor.org/rfc/rfc7591#section-2.3

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::jose::Algorithm;
use crate::jose::Header;
use crate::jose::HeaderRules;
use crate::jose::InvalidJws;
use crate::jose::JwkSet;
use crate::jose::PublicKey;
use crate::jose::UnverifiedJws;
use crate::protocol::problem::shown;
use crate::protocol::registration::claims;
use crate::protocol::registration::claims::Malformed;
use crate::protocol::registration::statement_problem::StatementError;
use crate::protocol::registration::statement_problem::StatementProblem;
use crate::protocol::registration::status_claim::StatusRule;
use crate::protocol::registration::verified_statement::Signer;
use crate::protocol::registration::verified_statement::SoftwareStatement;
use crate::types::Timestamp;
use crate::x509::Certificate;

/// The longest statement that is read, in bytes.
pub const LONGEST_STATEMENT: usize = 16 * 1024;

/// What a trust framework demands of its statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRules {
    /// S3: how they may be signed.
    pub algorithms: Vec<Algorithm>,
    /// S3: the values of `typ` that are understood; a header without one is accepted.
    pub types: Vec<String>,
    /// S4: the names of the framework's issuer.
    pub issuers: Vec<String>,
    /// S6: how far clocks may differ, in seconds.
    pub skew_seconds: i64,
    /// S19: how long ago `iat` may be, in seconds.
    pub max_age_seconds: i64,
    /// S19: how far `exp` may be from `iat`, in seconds.
    pub max_lifetime_seconds: i64,
    /// S6: whether `exp` is required; some directories leave it out (REG-G5).
    pub expiry_required: bool,
    /// S7: our names; an `aud` must hold one of them.
    pub audiences: Vec<String>,
    /// S7: whether `aud` is required.
    pub audience_required: bool,
    /// S8: whether `jti` is required, so that a statement can be used once only.
    pub jti_required: bool,
    /// S9.
    pub statuses: Vec<StatusRule>,
}

/// A software statement of which nothing is known yet.
#[derive(Debug, Clone)]
pub struct UnverifiedStatement {
    text: String,
    jws: UnverifiedJws,
}

impl UnverifiedStatement {
    /// S3: reads a compact JWS.
    ///
    /// # Errors
    ///
    /// Too long, not a JWS, `alg: none` or symmetric, a member twice, or a header that is refused.
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        if text.len() > LONGEST_STATEMENT {
            return Err(StatementProblem::TooLong.into());
        }
        // Whether a certificate in the header is accepted is for the framework to say.
        let rules = HeaderRules { certificates: true, embedded_key: false };
        let jws = UnverifiedJws::parse_with(text, rules).map_err(StatementProblem::Malformed)?;
        Ok(Self { text: text.to_owned(), jws })
    }

    /// S4: who claims to have issued it; only to find the framework whose keys decide.
    ///
    /// # Errors
    ///
    /// There is no `iss`, or it is not a text.
    pub fn issuer(&self) -> Result<&str, StatementError> {
        match claims::text(self.jws.unverified_claims(), "iss") {
            Ok(Some(issuer)) => Ok(issuer),
            Ok(None) => Err(StatementProblem::IssuerMissing.into()),
            Err(Malformed) => Err(malformed("iss").into()),
        }
    }

    /// S5: the key that it names; one that we lack makes its framework's keys worth fetching anew.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.jws.header().key_id.as_deref()
    }

    /// The certificates in its header, as DER, the signer's first; nothing of them is verified.
    #[must_use]
    pub fn certificates(&self) -> Option<&[Vec<u8>]> {
        self.jws.header().certificates.as_deref()
    }

    /// S3 to S9 at the instant `now`, with the keys of its framework.
    ///
    /// # Errors
    ///
    /// Type, certificates in the header, algorithm or signature alone; after those, everything else
    /// that is wrong.
    pub fn verify(
        self,
        rules: &StatementRules,
        keys: &JwkSet,
        now: Timestamp,
    ) -> Result<SoftwareStatement, StatementError> {
        check_type(self.jws.header(), rules)?;
        self.refuse_certificates()?;
        let verified =
            self.jws.verify(keys, &rules.algorithms).map_err(StatementProblem::Signature)?;
        check(self.text, (verified.header, verified.claims), None, rules, now)
    }

    /// A statement out of our own database, which was verified when a client was registered with it:
    /// its signature is not verified again, and it need not be new. It must not have ended, and what
    /// it says must be what the framework accepts today (REG-U5, S6 to S9, S21).
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it now.
    pub fn stands(
        self,
        rules: &StatementRules,
        now: Timestamp,
    ) -> Result<SoftwareStatement, StatementError> {
        self.refuse_certificates()?;
        let of_any_age = StatementRules { max_age_seconds: i64::MAX, ..rules.clone() };
        let said = (self.jws.header().clone(), self.jws.unverified_claims().clone());
        check(self.text, said, None, &of_any_age, now)
    }

    /// A key that is never taken from the statement itself (REG-G2).
    ///
    /// # Errors
    ///
    /// There are certificates in the header.
    pub fn refuse_certificates(&self) -> Result<(), StatementError> {
        if self.certificates().is_none() {
            return Ok(());
        }
        Err(StatementProblem::Malformed(InvalidJws::ForbiddenHeader { member: "x5c" }).into())
    }

    /// The same with the key of a certificate to which a chain of the framework leads: the software
    /// is its own issuer, and its names are those of the certificate (UDAP, REG-S11).
    ///
    /// # Errors
    ///
    /// As [`Self::verify`]; and `iss` is no URI of the certificate, or `sub` is another.
    pub fn verify_by_certificate(
        self,
        rules: &StatementRules,
        signer: &Certificate,
        now: Timestamp,
    ) -> Result<SoftwareStatement, StatementError> {
        check_type(self.jws.header(), rules)?;
        let key = PublicKey::from_public_key_info(signer.public_key_der())
            .map_err(StatementProblem::CertificateKey)?;
        let verified =
            self.jws.verify_by(&key, &rules.algorithms).map_err(StatementProblem::Signature)?;
        let mut problems = Vec::new();
        let named = |claim| claims::text(&verified.claims, claim).ok().flatten();
        let (issuer, subject) = (named("iss"), named("sub"));
        if !issuer.is_some_and(|issuer| signer.uris().iter().any(|uri| uri == issuer)) {
            problems.push(StatementProblem::CertificateName);
        }
        if subject != issuer {
            problems.push(StatementProblem::Subject);
        }
        let own = StatementRules { issuers: signer.uris().to_vec(), ..rules.clone() };
        let signer = Signer { certificate: signer.clone(), key: key.to_value() };
        match check(self.text, (verified.header, verified.claims), Some(signer), &own, now) {
            Ok(statement) if problems.is_empty() => Ok(statement),
            Ok(_) => Err(StatementError(problems)),
            Err(StatementError(others)) => {
                // That the issuer is nobody's name has been said.
                let unsaid =
                    |one: &StatementProblem| !matches!(one, StatementProblem::IssuerUnknown { .. });
                problems.extend(others.into_iter().filter(unsaid));
                Err(StatementError(problems))
            }
        }
    }
}

/// What is left to check once the signature holds.
fn check(
    text: String,
    (header, claims): (Header, Map<String, Value>),
    signer: Option<Signer>,
    rules: &StatementRules,
    now: Timestamp,
) -> Result<SoftwareStatement, StatementError> {
    let mut check = Check { claims: &claims, rules, now, problems: Vec::new() };
    let issuer = check.issuer();
    let times = check.times();
    check.audience();
    let jti = check.jti();
    check.statuses();
    let problems = check.problems;
    match (issuer, times) {
        (Some(issuer), Some((issued_at, expires_at))) if problems.is_empty() => {
            Ok(SoftwareStatement {
                issuer,
                jti,
                issued_at,
                expires_at,
                key_id: header.key_id,
                digest: URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes())),
                claims,
                text,
                signer,
            })
        }
        _ => Err(StatementError(problems)),
    }
}

fn malformed(claim: &str) -> StatementProblem {
    StatementProblem::ClaimMalformed { claim: claim.to_owned() }
}

fn missing(claim: &str) -> StatementProblem {
    StatementProblem::ClaimMissing { claim: claim.to_owned() }
}

/// S3.
fn check_type(header: &Header, rules: &StatementRules) -> Result<(), StatementProblem> {
    if header.typ.is_some() && !rules.types.iter().any(|known| header.is_typ(known)) {
        return Err(StatementProblem::Type);
    }
    Ok(())
}

struct Check<'a> {
    claims: &'a Map<String, Value>,
    rules: &'a StatementRules,
    now: Timestamp,
    problems: Vec<StatementProblem>,
}

impl Check<'_> {
    /// S4 again, now that the claims are known to be the signer's: the keys of one framework sign
    /// for that framework's issuer alone (PEER-7).
    fn issuer(&mut self) -> Option<String> {
        let problem = match claims::text(self.claims, "iss") {
            Ok(Some(issuer)) if self.rules.issuers.iter().any(|known| known == issuer) => {
                return Some(issuer.to_owned());
            }
            Ok(Some(issuer)) => StatementProblem::IssuerUnknown { issuer: shown(issuer) },
            Ok(None) => StatementProblem::IssuerMissing,
            Err(Malformed) => malformed("iss"),
        };
        self.problems.push(problem);
        None
    }

    /// S6: `iat`, `exp`, `nbf`.
    fn times(&mut self) -> Option<(Timestamp, Option<Timestamp>)> {
        let issued_at = self.instant("iat");
        let expires_at = self.instant("exp");
        let not_before = self.instant("nbf");
        let horizon = self.now.plus(self.rules.skew_seconds);
        if issued_at == Ok(None) {
            self.problems.push(missing("iat"));
        }
        if expires_at == Ok(None) && self.rules.expiry_required {
            self.problems.push(missing("exp"));
        }
        if let Ok(Some(issued_at)) = issued_at {
            self.age(issued_at, horizon);
        }
        if let Ok(Some(expires_at)) = expires_at {
            if self.now >= expires_at.plus(self.rules.skew_seconds) {
                self.problems.push(StatementProblem::Expired);
            }
            if let Ok(Some(issued_at)) = issued_at {
                self.lifetime(expires_at.since(issued_at));
            }
        }
        if matches!(not_before, Ok(Some(not_before)) if not_before > horizon) {
            self.problems.push(StatementProblem::NotYetValid);
        }
        issued_at.ok().flatten().zip(expires_at.ok())
    }

    /// An age is never negative beyond the skew: `-5 <= 300` would let the future pass.
    fn age(&mut self, issued_at: Timestamp, horizon: Timestamp) {
        let (age, most) = (self.now.since(issued_at), self.rules.max_age_seconds);
        if issued_at > horizon {
            self.problems.push(StatementProblem::IssuedInFuture);
        } else if age > most {
            self.problems.push(StatementProblem::TooOld { age, most });
        }
    }

    fn lifetime(&mut self, seconds: i64) {
        let most = self.rules.max_lifetime_seconds;
        if seconds <= 0 || seconds > most {
            self.problems.push(StatementProblem::Lifetime { most });
        }
    }

    fn instant(&mut self, claim: &str) -> Result<Option<Timestamp>, Malformed> {
        let read = claims::instant(self.claims, claim);
        if read.is_err() {
            self.problems.push(malformed(claim));
        }
        read
    }

    /// S7.
    fn audience(&mut self) {
        match claims::audience(self.claims, &self.rules.audiences) {
            Ok(Some(false)) => self.problems.push(StatementProblem::Audience),
            Ok(None) if self.rules.audience_required => self.problems.push(missing("aud")),
            Ok(Some(true) | None) => {}
            Err(Malformed) => self.problems.push(malformed("aud")),
        }
    }

    /// S8: whether it has been used is for the replay store to say; here it must be nameable.
    fn jti(&mut self) -> Option<String> {
        match claims::jti(self.claims) {
            Ok(Some(jti)) => return Some(jti.to_owned()),
            Ok(None) if self.rules.jti_required => self.problems.push(missing("jti")),
            Ok(None) => {}
            Err(Malformed) => self.problems.push(malformed("jti")),
        }
        None
    }

    /// S9.
    fn statuses(&mut self) {
        let found = self.rules.statuses.iter().filter_map(|rule| rule.check(self.claims));
        self.problems.extend(found);
    }
}
