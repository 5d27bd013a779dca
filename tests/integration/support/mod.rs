//! What several tests need.

pub(crate) mod house;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod redis;
pub(crate) mod samples;
pub(crate) mod store;
pub(crate) mod tls_server;
