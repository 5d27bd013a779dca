//! What the standards say: one home per standard, its checks in the standard's own order.

pub mod client;
pub mod error;

pub use error::{ErrorCode, OAuthError};
