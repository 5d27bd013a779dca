//! What operators do, by HTTP: one story per resource of `/admin/v1`.

pub mod agreement;
pub mod api_product;
pub mod audit;
pub mod authentication;
pub mod body;
pub mod call;
pub mod client;
pub mod client_secret;
pub mod credential;
pub mod document;
pub mod entitlement;
pub mod error;
pub mod initial_access_token;
pub mod operations;
pub mod organisation;
pub mod query;
pub mod record;
pub mod resource_metadata;
pub mod resource_server;
pub mod schema;
pub mod signing_key;
pub mod software;
pub mod status;
pub mod store;

pub use operations::{BASE, Operation};
