//! What several tests need.

pub(crate) mod house;
pub(crate) mod partner;
pub(crate) mod pki;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod redis;
pub(crate) mod running;
pub(crate) mod samples;
pub(crate) mod store;
pub(crate) mod tls_server;

use rcgen::Certificate;
use rcgen::CertificateParams;
use rcgen::KeyPair;

/// A certificate for this machine that is its own authority, and its key.
pub(crate) fn self_signed() -> (Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    (certificate, key)
}
