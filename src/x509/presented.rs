//! What a client shows: its certificate, and those that lead to an authority.

use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::x509::Certificate;
use crate::x509::InvalidCertificate;

/// The most certificates between the client's own and an authority.
const MOST_INTERMEDIATES: usize = 9;
/// The longest of these, in bytes.
const LONGEST_INTERMEDIATE: usize = 16 * 1024;

/// A client's certificate and what came with it. Whoever shows them has proved to hold the key of the
/// first: by a handshake of our own, or of the proxy that we believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedCertificates {
    leaf: Certificate,
    intermediates: Arc<[Vec<u8>]>,
}

impl PresentedCertificates {
    /// Reads what was presented: the client's own certificate first.
    ///
    /// # Errors
    ///
    /// There are none or too many, or the first is not a certificate that we accept.
    pub fn from_ders(mut ders: Vec<Vec<u8>>) -> Result<Self, InvalidCertificate> {
        if ders.is_empty() {
            return Err(InvalidCertificate::Missing);
        }
        let intermediates = ders.split_off(1);
        if intermediates.len() > MOST_INTERMEDIATES {
            return Err(InvalidCertificate::TooMany);
        }
        if intermediates.iter().any(|der| der.len() > LONGEST_INTERMEDIATE) {
            return Err(InvalidCertificate::TooLarge);
        }
        let leaf = ders.first().ok_or(InvalidCertificate::Missing)?;
        Ok(Self { leaf: Certificate::from_der(leaf)?, intermediates: intermediates.into() })
    }

    /// Reads the same in PEM, one after the other.
    ///
    /// # Errors
    ///
    /// As [`Self::from_ders`]; or it is not PEM.
    pub fn from_pem(pem: &str) -> Result<Self, InvalidCertificate> {
        let ders = CertificateDer::pem_slice_iter(pem.as_bytes())
            .take(MOST_INTERMEDIATES.saturating_add(2));
        let ders: Result<_, _> = ders.map(|one| one.map(|der| der.to_vec())).collect();
        Self::from_ders(ders.map_err(|_| InvalidCertificate::Malformed)?)
    }

    /// The client's own certificate.
    #[must_use]
    pub const fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// What came with it, as it came.
    #[must_use]
    pub fn intermediates(&self) -> &[Vec<u8>] {
        &self.intermediates
    }
}
