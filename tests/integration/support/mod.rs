//! What several tests need.

pub(crate) mod tls_server;
