//! What we remember: the one database query set over SQLite and PostgreSQL, and the single-use
//! values in the database or in Redis.
//!
//! Nothing of diesel or Redis leaves this room. Reads and writes are jobs for worker threads that
//! own a connection each; a write hands over its audit events with its result ([`Change`]), and
//! storage appends them in the same transaction.

mod agreements;
mod api_products;
mod audit_events;
mod client_activity;
mod client_records;
mod clients;
mod connection;
mod credentials;
mod database;
mod decisions;
mod directory;
mod entitlements;
mod error;
mod generation;
mod initial_access_tokens;
mod job;
mod limited;
mod migrations;
mod one_time;
mod organisations;
mod reader;
mod registration_rates;
mod registration_retries;
mod resource_servers;
mod revoked_tokens;
mod rows;
mod schema;
mod signing_keys;
mod software_products;
mod worker;
mod writer;

pub use audit_events::AuditFilter;
pub use client_activity::ClientActivity;
pub use database::{Database, DatabaseOptions};
pub use decisions::DecisionRecord;
pub use directory::{DirectoryOrganisation, DirectorySoftware};
pub use error::StorageError;
pub use one_time::{Consumed, OneTimeKind, OneTimeStore, OneTimeUse};
pub use reader::{Page, Reader};
pub use registration_retries::RegistrationRetry;
pub use signing_keys::SigningKeyRecord;
pub use writer::{Change, Writer};
