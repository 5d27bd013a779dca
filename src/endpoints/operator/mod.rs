//! What operators do, by HTTP: one story per resource of `/admin/v1`.

pub mod body;
pub mod error;
pub mod query;
pub mod schema;
