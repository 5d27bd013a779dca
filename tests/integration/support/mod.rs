//! What several tests need.

pub(crate) mod ecosystem;
pub(crate) mod gateway;
pub(crate) mod house;
pub(crate) mod nginx;
pub(crate) mod partner;
pub(crate) mod pki;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod redis;
pub(crate) mod running;
pub(crate) mod samples;
#[cfg(test)]
pub(crate) mod scene;
pub(crate) mod service;
pub(crate) mod store;
pub(crate) mod tls_server;

use rcgen::Certificate;
use rcgen::CertificateParams;
use rcgen::KeyPair;
use rustls::crypto::aws_lc_rs;

/// A client that trusts this authority and shows this certificate, if any, where it is asked for one.
pub(crate) fn mtls_client(authority: &str, shown: Option<&pki::Issued>) -> reqwest::Client {
    drop(aws_lc_rs::default_provider().install_default());
    let trusted = reqwest::Certificate::from_pem(authority.as_bytes()).unwrap();
    let mut builder = reqwest::Client::builder().tls_certs_only([trusted]).no_proxy();
    if let Some(shown) = shown {
        let both = format!("{}{}", shown.pem, shown.key.serialize_pem());
        builder = builder.identity(reqwest::Identity::from_pem(both.as_bytes()).unwrap());
    }
    builder.build().unwrap()
}

/// A certificate for this machine that is its own authority, and its key.
pub(crate) fn self_signed() -> (Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    (certificate, key)
}
