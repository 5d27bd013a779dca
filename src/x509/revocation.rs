//! The lists in which authorities take back what they issued (RFC 5280 §5).

use std::sync::Arc;

use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject as _;
use webpki::CertRevocationList;
use webpki::OwnedCertRevocationList;

/// The most lists of one framework.
const MOST: usize = 1000;

/// Why a text holds no revocation lists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRevocationLists {
    /// It holds no list, or something that is not PEM.
    #[error("there is no revocation list in PEM")]
    NoList,
    /// It holds more than there are authorities.
    #[error("there are more than {MOST} revocation lists")]
    TooMany,
    /// One of the lists cannot be read, or is of a kind that is not understood (delta, indirect).
    #[error("revocation list {0} is not understood")]
    NotUnderstood(usize),
}

/// Revocation lists. Without any, revocation is not looked at; with some, every certificate of a chain
/// must be covered by a current one.
#[derive(Debug, Clone, Default)]
pub struct RevocationLists(Arc<[CertRevocationList<'static>]>);

impl RevocationLists {
    /// Reads lists in PEM, one after the other. Their signatures are verified with each chain.
    ///
    /// # Errors
    ///
    /// There are none, too many, or one that is not understood.
    pub fn parse_pem(pem: &str) -> Result<Self, InvalidRevocationLists> {
        let lists: Vec<CertificateRevocationListDer<'static>> =
            CertificateRevocationListDer::pem_slice_iter(pem.as_bytes())
                .take(MOST.saturating_add(1))
                .collect::<Result<_, _>>()
                .map_err(|_| InvalidRevocationLists::NoList)?;
        match lists.len() {
            0 => return Err(InvalidRevocationLists::NoList),
            count if count > MOST => return Err(InvalidRevocationLists::TooMany),
            _ => {}
        }
        let read = |(place, list): (usize, &CertificateRevocationListDer<'static>)| {
            OwnedCertRevocationList::from_der(list)
                .map(CertRevocationList::Owned)
                .map_err(|_| InvalidRevocationLists::NotUnderstood(place.saturating_add(1)))
        };
        lists.iter().enumerate().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_slice(&self) -> &[CertRevocationList<'static>] {
        &self.0
    }
}
