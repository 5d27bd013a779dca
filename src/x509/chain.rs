//! Whether a chain leads from a client's certificate to an authority that we believe (RFC 5280 §6).

use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::UnixTime;
use webpki::ALL_VERIFICATION_ALGS;
use webpki::EndEntityCert;
use webpki::Error;
use webpki::ExpirationPolicy;
use webpki::ExtendedKeyUsageValidator;
use webpki::KeyPurposeIdIter;
use webpki::KeyUsage;
use webpki::RevocationCheckDepth;
use webpki::RevocationOptions;
use webpki::RevocationOptionsBuilder;
use webpki::UnknownStatusPolicy;

use crate::types::Timestamp;
use crate::x509::Anchors;
use crate::x509::PresentedCertificates;
use crate::x509::RevocationLists;

/// What a certificate is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// A client authenticates: RFC 5280 §4.2.1.12 `clientAuth`, where the certificate limits its use.
    ClientAuthentication,
    /// Whatever it was issued for, for example to sign software statements.
    Any,
}

/// Why a certificate is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChain {
    /// It, or one above it, has ended.
    #[error("a certificate of the chain has expired")]
    Expired,
    /// It, or one above it, has not begun.
    #[error("a certificate of the chain is not valid yet")]
    NotYetValid,
    /// It was issued for something else.
    #[error("the certificate was not issued for this use")]
    WrongUsage,
    /// No chain leads to an authority that is trusted here.
    #[error("no chain leads to a trusted authority")]
    UnknownIssuer,
    /// It names an issuer that has not signed it.
    #[error("a certificate of the chain was not signed by the issuer that it names")]
    WrongSignature,
    /// It was signed with an algorithm that proves nothing, or with one that is not known.
    #[error("a certificate of the chain was signed with an algorithm that is not accepted")]
    Algorithm,
    /// It is an authority's, or one above it is not.
    #[error("a certificate of the chain is an authority's where it may not be, or the reverse")]
    NotAnAuthority,
    /// An authority has exceeded what it may issue: names, depth.
    #[error("an authority of the chain may not issue such a certificate")]
    Constraints,
    /// The issuer has taken it back.
    #[error("a certificate of the chain has been revoked")]
    Revoked,
    /// No revocation list covers it.
    #[error("no revocation list covers a certificate of the chain")]
    UnknownRevocation,
    /// The revocation list is too old, or was not signed by the issuer.
    #[error("a revocation list is out of date or not signed by the issuer")]
    UnusableRevocationList,
    /// There are too many ways through what was presented.
    #[error("the chain is too long or too tangled")]
    TooComplex,
    /// A certificate above the client's own cannot be understood.
    #[error("a certificate of the chain is malformed")]
    Malformed,
}

impl Anchors {
    /// Whether a chain leads from the presented certificate to one of these authorities, and every
    /// certificate on the way is valid now, issued for this use and not revoked.
    ///
    /// # Errors
    ///
    /// No chain does; the reason is that of the chain that came closest.
    pub fn verify(
        &self,
        presented: &PresentedCertificates,
        lists: &RevocationLists,
        usage: Usage,
        now: Timestamp,
    ) -> Result<(), InvalidChain> {
        let leaf = presented.leaf();
        if usage == Usage::ClientAuthentication && !leaf.may_sign() {
            return Err(InvalidChain::WrongUsage);
        }
        let der = CertificateDer::from(leaf.der());
        let certificate = EndEntityCert::try_from(&der).map_err(|error| reason(&error))?;
        let intermediates: Vec<CertificateDer<'_>> = presented
            .intermediates()
            .iter()
            .map(|der| CertificateDer::from(der.as_slice()))
            .collect();
        let lists: Vec<_> = lists.as_slice().iter().collect();
        let seconds = u64::try_from(now.epoch()).unwrap_or_default();
        certificate
            .verify_for_usage(
                ALL_VERIFICATION_ALGS,
                self.as_slice(),
                &intermediates,
                UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
                usage,
                revocation(&lists),
                None,
            )
            .map(drop)
            .map_err(|error| reason(&error))
    }
}

/// Every certificate of a chain is looked up, and a list that is missing or out of date refuses.
fn revocation<'a>(
    lists: &'a [&'a webpki::CertRevocationList<'a>],
) -> Option<RevocationOptions<'a>> {
    let builder = RevocationOptionsBuilder::new(lists).ok()?;
    let strict = builder
        .with_depth(RevocationCheckDepth::Chain)
        .with_status_policy(UnknownStatusPolicy::Deny)
        .with_expiration_policy(ExpirationPolicy::Enforce);
    Some(strict.build())
}

impl ExtendedKeyUsageValidator for Usage {
    fn validate(&self, mut purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        match self {
            Self::ClientAuthentication => KeyUsage::client_auth().validate(purposes),
            Self::Any => purposes.try_for_each(|purpose| purpose.map(drop)),
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's reasons grow; the rest are certificates that cannot be understood"
)]
fn reason(error: &Error) -> InvalidChain {
    match error {
        Error::CertExpired { .. } => InvalidChain::Expired,
        Error::CertNotValidYet { .. } => InvalidChain::NotYetValid,
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => InvalidChain::WrongUsage,
        Error::UnknownIssuer => InvalidChain::UnknownIssuer,
        Error::InvalidSignatureForPublicKey => InvalidChain::WrongSignature,
        Error::SignatureAlgorithmMismatch
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => InvalidChain::Algorithm,
        Error::CaUsedAsEndEntity | Error::EndEntityUsedAsCa => InvalidChain::NotAnAuthority,
        Error::NameConstraintViolation | Error::PathLenConstraintViolated => {
            InvalidChain::Constraints
        }
        Error::CertRevoked | Error::CertDistrusted => InvalidChain::Revoked,
        Error::UnknownRevocationStatus => InvalidChain::UnknownRevocation,
        Error::CrlExpired { .. }
        | Error::InvalidCrlSignatureForPublicKey
        | Error::IssuerNotCrlSigner
        | Error::UnsupportedCrlSignatureAlgorithmContext(_)
        | Error::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
            InvalidChain::UnusableRevocationList
        }
        Error::MaximumPathDepthExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => InvalidChain::TooComplex,
        _ => InvalidChain::Malformed,
    }
}
