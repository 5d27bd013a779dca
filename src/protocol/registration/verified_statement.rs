//! A software statement that has been verified ([RFC 7591 §2.3]): what may be asked of it.
//!
//! [RFC 7591 §2.3]: https://www.rfc-editor.org/rfc/rfc7591#section-2.3

use serde_json::{Map, Value, json};

use crate::types::Timestamp;
use crate::x509::Certificate;

/// Who signed a statement for itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Signer {
    pub(super) certificate: Certificate,
    pub(super) key: Value,
}

/// A software statement that holds: signed by its framework, current, for us, and of good standing.
/// Only the verification of an
/// `UnverifiedStatement` makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct SoftwareStatement {
    pub(super) issuer: String,
    pub(super) jti: Option<String>,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) key_id: Option<String>,
    pub(super) digest: String,
    pub(super) claims: Map<String, Value>,
    pub(super) text: String,
    pub(super) signer: Option<Signer>,
}

impl SoftwareStatement {
    /// Who issued it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its identifier, if it has one.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        self.jti.as_deref()
    }

    /// When it was issued.
    #[must_use]
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// When it expires, if it says so.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// The `kid` of the key that signed it.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// SHA-256 of its text, base64url.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What it says.
    #[must_use]
    pub const fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The certificate of the software that signed it for itself, if one did.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.signer.as_ref().map(|signer| &signer.certificate)
    }

    /// The key of that certificate, as a key set.
    #[must_use]
    pub fn own_keys(&self) -> Option<Value> {
        self.signer.as_ref().map(|signer| json!({ "keys": [signer.key] }))
    }

    /// The compact text, byte for byte (REG-E5).
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}
