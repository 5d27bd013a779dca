//! TLS at the edge: 1.3, and 1.2 with the suites that FAPI 2 §5.2.1 and BCP 195 ([RFC 9325]) leave. A
//! renewed certificate is taken up without a restart.
//!
//! [RFC 9325]: https://www.rfc-editor.org/rfc/rfc9325

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::CertificateError;
use rustls::CipherSuite;
use rustls::DigitallySignedStruct;
use rustls::DistinguishedName;
use rustls::ServerConfig;
use rustls::SignatureScheme;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::verify_tls12_signature;
use rustls::crypto::verify_tls13_signature;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::UnixTime;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::ClientHello;
use rustls::server::ResolvesServerCert;
use rustls::server::danger::ClientCertVerified;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::CertifiedKey;

use crate::http::entrance;

/// Ephemeral keys and authenticated encryption; the rest of TLS 1.2 is not spoken.
const SUITES: [CipherSuite; 7] = [
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
];

/// Where a listener's certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, PEM, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

impl TlsFiles {
    /// The server's own certificate (DER), once both files are read and found to belong together.
    ///
    /// # Errors
    ///
    /// A listener would not start with them.
    pub fn own_certificate(&self) -> Result<Vec<u8>, TlsError> {
        let read = read(self)?;
        Ok(read.chain.first().map(|own| own.to_vec()).unwrap_or_default())
    }
}

/// Why a listener has no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("`{path}` cannot be read: {source}", path = path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file holds something else.
    #[error("`{path}` holds no {what} in PEM", path = path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// The library refuses them, for example because they do not belong together.
    #[error("certificate and key cannot be used: {0}")]
    Refused(#[from] rustls::Error),
}

/// A certificate that follows its files.
#[derive(Debug)]
pub(super) struct Certificate {
    files: TlsFiles,
    in_use: ArcSwap<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    /// What was read, to notice when it is different.
    chain: Vec<CertificateDer<'static>>,
    key: Arc<CertifiedKey>,
}

impl Certificate {
    pub(super) fn load(files: TlsFiles) -> Result<Arc<Self>, TlsError> {
        let in_use = ArcSwap::from_pointee(read(&files)?);
        Ok(Arc::new(Self { files, in_use }))
    }

    /// Reads the files again. While they are half-written or broken, the old certificate stays in
    /// use. Says whether there is a new one.
    pub(super) fn reload(&self) -> Result<bool, TlsError> {
        let found = read(&self.files)?;
        let is_new = found.chain != self.in_use.load().chain;
        if is_new {
            self.in_use.store(Arc::new(found));
        }
        Ok(is_new)
    }

    /// The configuration of a listener with this certificate, on which clients may show theirs or
    /// are not asked for any. actix adds the protocols, `h2` and
    /// `http/1.1`.
    pub(super) fn server_config(self: &Arc<Self>, mutual: bool) -> Result<ServerConfig, TlsError> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as _;
        let config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        let config = if mutual {
            config.with_client_cert_verifier(AnyCertificate::verifier())
        } else {
            config.with_no_client_auth()
        };
        Ok(config.with_cert_resolver(resolver))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.in_use.load().key))
    }
}

/// Lets in whoever proves to hold the key of a certificate that can be read, and whoever shows none.
/// Who issued it is judged by the trust framework of the client, which a handshake does not know.
#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl AnyCertificate {
    fn verifier() -> Arc<dyn ClientCertVerifier> {
        Arc::new(Self(provider().signature_verification_algorithms))
    }
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let shown: Vec<_> = [end_entity].into_iter().chain(intermediates).cloned().collect();
        match entrance::read(&shown) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(_) => Err(rustls::Error::InvalidCertificate(CertificateError::BadEncoding)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

fn provider() -> CryptoProvider {
    let mut provider = default_provider();
    provider.cipher_suites.retain(|suite| SUITES.contains(&suite.suite()));
    provider
}

fn read(files: &TlsFiles) -> Result<Loaded, TlsError> {
    let malformed = |path: &Path, what| TlsError::Malformed { path: path.to_owned(), what };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes(&files.certificate)?)
        .collect::<Result<_, _>>()
        .map_err(|_| malformed(&files.certificate, "certificate"))?;
    if chain.is_empty() {
        return Err(malformed(&files.certificate, "certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(&bytes(&files.key)?)
        .map_err(|_| malformed(&files.key, "private key"))?;
    let key = CertifiedKey::from_der(chain.clone(), key, &provider())?;
    Ok(Loaded { chain, key: Arc::new(key) })
}

fn bytes(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_on_the_list_is_spoken_and_no_other() {
        let spoken: Vec<_> =
            provider().cipher_suites.iter().map(rustls::SupportedCipherSuite::suite).collect();
        assert_eq!(spoken.len(), SUITES.len());
    }

    fn write(folder: &Path) -> TlsFiles {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files = TlsFiles { certificate: folder.join("a.pem"), key: folder.join("a.key") };
        fs::write(&files.certificate, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        files
    }

    #[test]
    fn a_renewed_certificate_is_taken_up_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = write(folder.path());
        let certificate = Certificate::load(files.clone()).unwrap();
        assert!(!certificate.reload().unwrap());
        let old_key = fs::read(&files.key).unwrap();
        write(folder.path());
        assert!(certificate.reload().unwrap());
        assert!(!certificate.reload().unwrap());
        let in_use = certificate.in_use.load().chain.clone();
        write(folder.path());
        fs::write(&files.key, old_key).unwrap();
        assert!(matches!(certificate.reload(), Err(TlsError::Refused(_))));
        fs::write(&files.certificate, "-----BEGIN").unwrap();
        assert!(matches!(certificate.reload(), Err(TlsError::Malformed { .. })));
        assert_eq!(certificate.in_use.load().chain, in_use);
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = write(folder.path());
        files.key = folder.path().join("elsewhere.key");
        let error = Certificate::load(files).unwrap_err();
        assert!(error.to_string().contains("elsewhere.key"), "{error}");
    }
}
