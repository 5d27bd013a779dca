//! One proof, checked in the order of [RFC 9449 §4.3].
//!
//! [RFC 9449 §4.3]: https://www.rfc-editor.org/rfc/rfc9449#section-4.3

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize as _;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::jose::{Algorithm, HeaderRules, UnverifiedJws};
use crate::protocol::dpop::error::InvalidProof;
use crate::protocol::dpop::nonce::NonceTimes;
use crate::protocol::dpop::target;
use crate::protocol::token::Confirmation;
use crate::types::{Secret, Timestamp};

/// The `typ` of a proof.
pub const TYPE: &str = "dpop+jwt";
/// The longest proof that is read, in bytes.
pub const LONGEST_PROOF: usize = 8 * 1024;
/// The longest `jti`, in characters.
const LONGEST_JTI: usize = 256;
/// How old a proof may be, in seconds.
pub const OLDEST: i64 = 60;
/// How far ahead of ours the sender's clock may be, in seconds.
pub const AHEAD: i64 = 15;

/// What a proof must have been made for.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The names of the request's method.
    pub methods: &'a [&'a str],
    /// The addresses by which the request may have been sent: ours for this path.
    pub addresses: &'a [String],
    /// What it may be signed with.
    pub algorithms: &'a [Algorithm],
    /// The access token that the request presents, if it does.
    pub access_token: Option<&'a Secret>,
    /// The nonce of ours that it holds, where we demand one; it says when the proof was made better
    /// than the sender's clock does.
    pub nonce: Option<NonceTimes>,
}

/// A proof as it came. Its signature is made by the key that it brings along, or so it says.
#[derive(Debug)]
pub struct UnverifiedProof {
    jws: UnverifiedJws,
}

/// A proof that the holder of a key made for this request, a moment ago. Its `jti` has not been
/// burnt yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedProof {
    thumbprint: String,
    jti: String,
    issued_at: Timestamp,
    refused_from: Timestamp,
}

impl UnverifiedProof {
    /// Checks 2 to 5 and 7: a well-formed JWT that has everything, of the right kind, by an
    /// asymmetric algorithm, with a public key. That the header stands once (check 1), whoever reads
    /// the request sees to.
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub fn parse(text: &str) -> Result<Self, InvalidProof> {
        if text.len() > LONGEST_PROOF {
            return Err(InvalidProof::TooLong);
        }
        let rules = HeaderRules { certificates: false, embedded_key: true };
        let jws = UnverifiedJws::parse_with(text, rules)?;
        Claims::read(jws.unverified_claims())?;
        if jws.header().typ.as_deref() != Some(TYPE) {
            return Err(InvalidProof::Type);
        }
        if jws.header().embedded_key.is_none() {
            return Err(InvalidProof::NoKey);
        }
        Ok(Self { jws })
    }

    /// The nonce that it holds, if any. Nobody has verified it; that it is ours shows by itself.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.jws.unverified_claims().get("nonce").and_then(Value::as_str)
    }

    /// Checks 6 and 8 to 12.
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub fn verify(
        self,
        expected: &Expected<'_>,
        now: Timestamp,
    ) -> Result<VerifiedProof, InvalidProof> {
        let key = self.jws.header().embedded_key.clone().ok_or(InvalidProof::NoKey)?;
        let verified = self.jws.verify_by(&key, expected.algorithms)?;
        let claims = Claims::read(&verified.claims)?;
        if !expected.methods.contains(&claims.method) {
            return Err(InvalidProof::Method);
        }
        if !expected.addresses.iter().any(|address| target::is_same(claims.target, address)) {
            return Err(InvalidProof::Target);
        }
        let NonceTimes { issued_at, refused_from } = match expected.nonce {
            Some(nonce) => nonce,
            None => claims.times(now)?,
        };
        if let Some(token) = expected.access_token
            && claims.token_hash != Some(hash(token).as_str())
        {
            return Err(InvalidProof::AccessToken);
        }
        let jti = claims.jti.to_owned();
        Ok(VerifiedProof { thumbprint: verified.thumbprint, jti, issued_at, refused_from })
    }
}

impl VerifiedProof {
    /// RFC 7638 thumbprint of the key that made it.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// What makes it unique.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// When it was made; of a proof with a nonce, when that was given out.
    #[must_use]
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// The first instant at which it is surely refused: until then its `jti` must be remembered
    /// (SEC-52).
    #[must_use]
    pub const fn refused_from(&self) -> Timestamp {
        self.refused_from
    }

    /// What a token that is handed out for it is bound to (RFC 9449 §6).
    #[must_use]
    pub fn confirmation(&self) -> Confirmation {
        Confirmation::DpopKey(self.thumbprint.clone())
    }

    /// That the proof is made with the key that something is bound to: an access token (check 12), or
    /// an authorization code by `dpop_jkt` (RFC 9449 §10).
    ///
    /// # Errors
    ///
    /// It is another key.
    pub fn check_bound_to(&self, thumbprint: &str) -> Result<(), InvalidProof> {
        if self.thumbprint == thumbprint { Ok(()) } else { Err(InvalidProof::AnotherKey) }
    }
}

/// RFC 9449 §4.2: the hash of an access token.
#[must_use]
pub fn hash(access_token: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(access_token.reveal().as_bytes()))
}

/// The claims that every proof has (RFC 9449 §4.2), and the one that goes with an access token.
/// Others are ignored, `nbf` and `exp` among them.
struct Claims<'a> {
    jti: &'a str,
    method: &'a str,
    target: &'a str,
    issued_at: Timestamp,
    token_hash: Option<&'a str>,
}

impl<'a> Claims<'a> {
    fn read(claims: &'a Map<String, Value>) -> Result<Self, InvalidProof> {
        let jti = text(claims, "jti")?;
        if jti.is_empty() || jti.chars().nth(LONGEST_JTI).is_some() {
            return Err(InvalidProof::Claim("jti"));
        }
        let issued_at = claims.get("iat").ok_or(InvalidProof::Claim("iat"))?;
        Ok(Self {
            jti,
            method: text(claims, "htm")?,
            target: text(claims, "htu")?,
            issued_at: Timestamp::deserialize(issued_at).map_err(|_| InvalidProof::Claim("iat"))?,
            token_hash: claims.get("ath").and_then(Value::as_str),
        })
    }
}

impl Claims<'_> {
    /// When it was made by the sender's clock, and from when on it is refused.
    fn times(&self, now: Timestamp) -> Result<NonceTimes, InvalidProof> {
        let refused_from = self.issued_at.plus(OLDEST).plus(1);
        if refused_from <= now || self.issued_at > now.plus(AHEAD) {
            return Err(InvalidProof::Time);
        }
        Ok(NonceTimes { issued_at: self.issued_at, refused_from })
    }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, InvalidProof> {
    claims.get(name).and_then(Value::as_str).ok_or(InvalidProof::Claim(name))
}

#[cfg(test)]
mod tests;
