//! The signature algorithms we know ([RFC 7518] §3.1, RFC 8037 §3.1), and those named only to be
//! refused.
//!
//! [RFC 7518]: https://www.rfc-editor.org/rfc/rfc7518

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A signature algorithm. Which of them is accepted where is the caller's allow-list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// EdDSA on Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256: read, but on no allow-list by default.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384: only where a trust framework names it (UDAP).
    Rs384,
    /// ECDSA on P-384 with SHA-384: only where a trust framework names it (UDAP).
    Es384,
}

/// Why a name is not an algorithm of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAlgorithm {
    /// `none`, in any case.
    #[error("an unsigned JWT is refused")]
    Unsigned,
    /// `HS256` and its like: a shared secret proves nothing about who signed.
    #[error("a symmetric algorithm is refused")]
    Symmetric,
    /// Anything else, ours in the wrong case among them.
    #[error("the algorithm `{0}` is not supported")]
    Unknown(String),
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 6] =
        [Self::Es256, Self::Ps256, Self::EdDsa, Self::Rs256, Self::Rs384, Self::Es384];

    /// The `alg` value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Ps256 => "PS256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Es384 => "ES384",
        }
    }

    /// Reads an `alg` value, which is case-sensitive (RFC 7515 §4.1.1, SEC-10).
    ///
    /// # Errors
    ///
    /// `none`, a symmetric algorithm, or one we do not know.
    pub fn parse(name: &str) -> Result<Self, InvalidAlgorithm> {
        if let Some(known) = Self::ALL.into_iter().find(|algorithm| algorithm.name() == name) {
            return Ok(known);
        }
        if name.eq_ignore_ascii_case("none") {
            return Err(InvalidAlgorithm::Unsigned);
        }
        if ["HS256", "HS384", "HS512"].iter().any(|hmac| name.eq_ignore_ascii_case(hmac)) {
            return Err(InvalidAlgorithm::Symmetric);
        }
        Err(InvalidAlgorithm::Unknown(name.chars().take(LONGEST_NAME_SHOWN).collect()))
    }
}

/// How much of an unknown name an error repeats.
const LONGEST_NAME_SHOWN: usize = 32;

impl std::fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

impl std::str::FromStr for Algorithm {
    type Err = InvalidAlgorithm;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::parse(name)
    }
}

impl Serialize for Algorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Algorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_reads_back_from_its_name() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.name()), Ok(algorithm));
        }
    }

    #[test]
    fn unsigned_and_symmetric_algorithms_are_refused_by_name_in_any_case() {
        for name in ["none", "None", "NONE", "nOnE"] {
            assert_eq!(Algorithm::parse(name), Err(InvalidAlgorithm::Unsigned));
        }
        for name in ["HS256", "hs256", "HS384", "HS512"] {
            assert_eq!(Algorithm::parse(name), Err(InvalidAlgorithm::Symmetric));
        }
    }

    #[test]
    fn wrong_case_and_neighbouring_algorithms_are_unknown() {
        for name in [
            "es256", "Es256", "ps256", "EDDSA", "eddsa", "ES256K", "es384", "RS512", "PS384",
            "PS512", "",
        ] {
            assert_eq!(Algorithm::parse(name), Err(InvalidAlgorithm::Unknown(name.to_owned())));
        }
    }

    #[test]
    fn an_error_repeats_only_the_beginning_of_an_unknown_name() {
        let refused = Algorithm::parse(&"é".repeat(60_000)).unwrap_err();
        assert!(refused.to_string().chars().count() < 80);
    }
}
