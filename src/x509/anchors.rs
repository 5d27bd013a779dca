//! The authorities that are believed without proof.

use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::TrustAnchor;
use rustls_pki_types::pem::PemObject as _;
use webpki::anchor_from_trusted_cert;

/// The most authorities of one framework.
const MOST: usize = 1000;

/// Why a text names no authorities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAnchors {
    /// It holds no certificate, or something that is not PEM.
    #[error("there is no certificate in PEM")]
    NoCertificate,
    /// It holds more than anybody trusts.
    #[error("there are more than {MOST} certificates")]
    TooMany,
    /// One of the certificates cannot be an authority.
    #[error("certificate {0} is not one of an authority")]
    NotAnAuthority(usize),
}

/// The authorities at the end of every chain that is believed.
#[derive(Debug, Clone)]
pub struct Anchors(Arc<[TrustAnchor<'static>]>);

impl Anchors {
    /// Reads certificates in PEM, one after the other.
    ///
    /// # Errors
    ///
    /// There are none, too many, or one that cannot be read.
    pub fn parse_pem(pem: &str) -> Result<Self, InvalidAnchors> {
        let certificates: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(pem.as_bytes())
                .take(MOST.saturating_add(1))
                .collect::<Result<_, _>>()
                .map_err(|_| InvalidAnchors::NoCertificate)?;
        match certificates.len() {
            0 => return Err(InvalidAnchors::NoCertificate),
            count if count > MOST => return Err(InvalidAnchors::TooMany),
            _ => {}
        }
        let anchor = |(place, certificate): (usize, &CertificateDer<'static>)| {
            anchor_from_trusted_cert(certificate)
                .map(|anchor| anchor.to_owned())
                .map_err(|_| InvalidAnchors::NotAnAuthority(place.saturating_add(1)))
        };
        certificates.iter().enumerate().map(anchor).collect::<Result<_, _>>().map(Self)
    }

    /// How many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn as_slice(&self) -> &[TrustAnchor<'static>] {
        &self.0
    }
}
