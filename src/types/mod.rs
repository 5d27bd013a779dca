//! The words: what an identifier, an instant, a scope, a secret or an address is.
//!
//! A value of these types has been checked. Nothing here reads a clock, draws a random number or
//! knows a protocol.

mod distinguished_name;
mod identifier;
pub mod json;
mod reason_code;
mod scope;
mod secret;
mod timestamp;
mod uri;
mod visible_text;

pub use distinguished_name::{DistinguishedName, EncodedAttribute, InvalidDistinguishedName};
pub use identifier::*;
pub use reason_code::ReasonCode;
pub use scope::{InvalidScope, Scope, ScopeSet};
pub use secret::{Secret, SecretHash};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use uri::{HttpsUri, InvalidUri, Issuer, ResourceUri};
pub use visible_text::misleads;
