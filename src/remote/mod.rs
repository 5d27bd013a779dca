//! What we ask others: one guarded fetcher, and the keys it brings (REG-X8, SEC-15, SEC-17, SEC-24).
//!
//! A stranger names the address, so nothing is taken for granted: `https` alone, hosts that a trust
//! framework allows, public addresses that are resolved once and connected to, no redirects, and a
//! limit on everything. Whoever calls has verified first what can be verified without a fetch.

mod address;
mod caching;
mod error;
mod fetcher;
mod freshness;
mod key_source;
mod resolver;
mod rules;
mod status_source;

pub use address::is_special_use;
pub use error::{InvalidAuthorities, RemoteError};
pub use fetcher::{Fetcher, LARGEST_DOCUMENT};
pub use key_source::KeySource;
pub use rules::FetchRules;
pub use status_source::{Heard, StatusSource};
