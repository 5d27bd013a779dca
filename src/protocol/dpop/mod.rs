//! Senders that prove a key at the level of the application ([RFC 9449], `DPoP`).
//!
//! A proof is read ([`UnverifiedProof`]), its nonce checked where we demand one ([`Nonces`]), and
//! then it is verified for one request ([`VerifiedProof`]). Its `jti` has not been burnt yet.
//!
//! [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449

pub mod error;
pub mod nonce;
pub mod proof;
pub mod target;

pub use error::InvalidProof;
pub use nonce::{NONCE_HEADER, Nonces};
pub use proof::{Expected, TYPE, UnverifiedProof, VerifiedProof, hash};

use crate::jose::Algorithm;

/// What a proof may be signed with; never RS256, never a shared secret.
pub const ALGORITHMS: [Algorithm; 3] = [Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa];
