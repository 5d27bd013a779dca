//! What the standards say: one home per standard, its checks in the standard's own order.

pub mod bearer;
pub mod challenge;
pub mod client;
pub mod client_authentication;
pub mod client_certificate_field;
pub mod discovery;
pub mod dpop;
pub mod error;
pub mod introspection;
pub mod parameters;
pub mod problem;
pub mod protected_resource;
pub mod registration;
pub mod resource_server;
pub mod revocation;
pub mod step_up;
pub mod signed_introspection;
pub mod token;

pub use error::{ErrorCode, OAuthError};
pub use problem::{Problem, Problems};
