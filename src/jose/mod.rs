//! Signatures: JSON Web Keys, Signatures and Encryption ([RFC 7515] to [RFC 7519]), strictly.
//!
//! This room is the only door to josekit, OpenSSL and aws-lc, and they are used for bytes alone: to
//! sign, verify, encrypt and decrypt. Headers are read before and claims after by our own types (SEC-41 …
//! SEC-49). Keys are imported once and kept with their verifiers (FLR-2).
//!
//! [RFC 7515]: https://www.rfc-editor.org/rfc/rfc7515
//! [RFC 7519]: https://www.rfc-editor.org/rfc/rfc7519

mod algorithm;
mod compact;
mod ed25519;
mod rsa;
mod key_material;
mod verifier;
mod jwk;
mod jwk_set;
mod key_info;
mod header;
mod jwe;
mod jws;
mod decoy;
mod mac;
mod signer;
mod signing_key;
mod mac_key;
mod sealing_key;
pub mod forge;
#[cfg(test)]
mod attacks;

pub use algorithm::{Algorithm, InvalidAlgorithm};
pub use decoy::DecoyKeys;
pub use header::{Header, HeaderRules};
pub use jwe::{CONTENT_ENCRYPTION, EncryptionError, KEY_MANAGEMENT};
pub use jwk::{KeyProblem, LONGEST_KEY_ID, PublicKey};
pub use jwk_set::{InvalidKey, JwkSet, MOST_KEYS};
pub use jws::{InvalidJws, LONGEST_JWS, UnverifiedJws, VerifiedJws};
pub use mac::{HS256, UnverifiedMac, mac_jwt};
pub use mac_key::MacKey;
pub use sealing_key::{SealingError, SealingKey};
pub use signing_key::{SigningError, SigningKey};
