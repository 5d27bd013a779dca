//! Certificates ([RFC 5280]): what they say, and whether an authority that we trust has said it.
//!
//! This room is the only door to the libraries that read certificates. Two of them read each: one
//! for what it says, the other, stricter, for its chain; what only one understands is refused.
//!
//! [RFC 5280]: https://www.rfc-editor.org/rfc/rfc5280

mod alternative_names;
mod anchors;
mod certificate;
mod chain;
mod presented;
mod revocation;

pub use anchors::{Anchors, InvalidAnchors};
pub use certificate::{Certificate, InvalidCertificate};
pub use chain::{InvalidChain, Usage};
pub use presented::PresentedCertificates;
pub use revocation::{InvalidRevocationLists, RevocationLists};
