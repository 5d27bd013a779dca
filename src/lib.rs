//! Countersign: an OAuth 2.0 / OpenID Connect authorization server that admits vetted partners'
//! software by policy.
//!
//! The rooms stand in the order of the arrow: a room may use those above it, never those below.
//! `tests/integration/architecture.rs` enforces it.

// Only think: no async, no IO, no clock, no log.
pub mod types;
pub mod x509;
pub mod jose;
pub mod protocol;
pub mod trust;
pub mod partners;
pub mod policy;
pub mod governance;
pub mod config;
// Do.
pub mod storage;
pub mod remote;
pub mod keyring;
pub mod clock;
pub mod random;
pub mod app;
pub mod endpoints;
pub mod http;
pub mod cli;
