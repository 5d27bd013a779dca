//! One certificate, read once (RFC 5280 §4).

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::CertificateDer;
use sha2::Digest as _;
use sha2::Sha256;
use webpki::EndEntityCert;
use webpki::Error as ChainError;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::extensions::X509Extension;
use x509_parser::oid_registry::OID_X509_EXT_KEY_USAGE;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Name;

use crate::types::DistinguishedName;
use crate::types::EncodedAttribute;
use crate::types::InvalidDistinguishedName;
use crate::types::Timestamp;
use crate::x509::alternative_names::AlternativeNames;

/// The longest certificate that is read, in bytes.
const LONGEST: usize = 16 * 1024;

/// Why something is not a certificate that we accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCertificate {
    /// It is longer than any certificate needs to be.
    #[error("it is longer than {LONGEST} bytes")]
    TooLarge,
    /// It is not the DER encoding of a certificate.
    #[error("it is not the DER encoding of a certificate")]
    Malformed,
    /// Something follows the certificate.
    #[error("something follows the certificate")]
    TrailingData,
    /// It is not of version 3, the only one with extensions.
    #[error("it is not a certificate of version 3")]
    Version,
    /// RFC 5280 §4.2: a critical extension that is not understood.
    #[error("it has a critical extension that is not understood")]
    CriticalExtension,
    /// RFC 5280 §4.2: an extension stands there twice.
    #[error("it has an extension twice")]
    RepeatedExtension,
    /// It ends before it begins, or lies outside the years that we can tell.
    #[error("its validity is no period between 1970 and 9999")]
    Validity,
    /// The name of its subject.
    #[error("the name of its subject is not accepted: {0}")]
    Subject(InvalidDistinguishedName),
    /// The name of its issuer.
    #[error("the name of its issuer is not accepted: {0}")]
    Issuer(InvalidDistinguishedName),
    /// RFC 5280 §4.2.1.6: a name that is not plain ASCII, an address of another length.
    #[error("an alternative name is malformed")]
    AlternativeName,
    /// None was presented.
    #[error("there is no certificate")]
    Missing,
    /// More were presented than a chain needs.
    #[error("there are more certificates than a chain needs")]
    TooMany,
}

/// A certificate. Whether its issuer is known is another question: see [`crate::x509::Anchors`].
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate(Arc<Parts>);

#[derive(PartialEq, Eq)]
struct Parts {
    der: Vec<u8>,
    thumbprint: String,
    subject: DistinguishedName,
    issuer: DistinguishedName,
    alternative_names: AlternativeNames,
    not_before: Timestamp,
    not_after: Timestamp,
    public_key: Vec<u8>,
    may_sign: bool,
}

impl Certificate {
    /// Reads a certificate. Nothing is verified: neither its signature nor its validity.
    ///
    /// # Errors
    ///
    /// It is malformed, or holds something that two readers could understand differently.
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidCertificate> {
        if der.len() > LONGEST {
            return Err(InvalidCertificate::TooLarge);
        }
        let (rest, read) =
            X509Certificate::from_der(der).map_err(|_| InvalidCertificate::Malformed)?;
        if !rest.is_empty() {
            return Err(InvalidCertificate::TrailingData);
        }
        extensions_stand_once(&read)?;
        both_readers_agree(der, &read)?;
        let (not_before, not_after) = validity(&read)?;
        Ok(Self(Arc::new(Parts {
            thumbprint: thumbprint(der),
            subject: name(read.subject())?.map_err(InvalidCertificate::Subject)?,
            issuer: name(read.issuer())?.map_err(InvalidCertificate::Issuer)?,
            alternative_names: AlternativeNames::of(&read)?,
            not_before,
            not_after,
            public_key: read.public_key().raw.to_vec(),
            may_sign: may_sign(&read)?,
            der: der.to_vec(),
        })))
    }

    /// The certificate as it was presented.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// RFC 8705 §3.1 `x5t#S256`.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// Whom it speaks of.
    #[must_use]
    pub fn subject(&self) -> &DistinguishedName {
        &self.0.subject
    }

    /// Who says to have issued it.
    #[must_use]
    pub fn issuer(&self) -> &DistinguishedName {
        &self.0.issuer
    }

    /// The `dNSName`s among its alternative names, as they are written.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.0.alternative_names.dns_names
    }

    /// The `uniformResourceIdentifier`s among its alternative names, as they are written.
    #[must_use]
    pub fn uris(&self) -> &[String] {
        &self.0.alternative_names.uris
    }

    /// The `iPAddress`es among its alternative names, in their shortest form (RFC 5952).
    #[must_use]
    pub fn ip_addresses(&self) -> &[String] {
        &self.0.alternative_names.ip_addresses
    }

    /// The `rfc822Name`s among its alternative names, as they are written.
    #[must_use]
    pub fn emails(&self) -> &[String] {
        &self.0.alternative_names.emails
    }

    /// The first second of its validity.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.0.not_before
    }

    /// The last second of its validity.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }

    /// Its public key, as a DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key_der(&self) -> &[u8] {
        &self.0.public_key
    }

    /// RFC 5280 §4.2.1.3: whether its key may sign, as a handshake does.
    pub(super) fn may_sign(&self) -> bool {
        self.0.may_sign
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Certificate")
            .field("subject", &self.subject().to_string())
            .field("thumbprint", &self.thumbprint())
            .finish_non_exhaustive()
    }
}

/// RFC 8705 §3.1 `x5t#S256`: the SHA-256 of a certificate in DER, in base64url.
fn thumbprint(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(der))
}

fn extensions_stand_once(read: &X509Certificate<'_>) -> Result<(), InvalidCertificate> {
    let mut seen = BTreeSet::new();
    let once = read.extensions().iter().all(|one| seen.insert(one.oid.to_id_string()));
    once.then_some(()).ok_or(InvalidCertificate::RepeatedExtension)
}

/// What the chain is later built from must be what has been read here.
fn both_readers_agree(der: &[u8], read: &X509Certificate<'_>) -> Result<(), InvalidCertificate> {
    let der = CertificateDer::from(der);
    let other = EndEntityCert::try_from(&der).map_err(|error| unreadable(&error))?;
    let same = read.subject().as_raw().ends_with(other.subject())
        && read.issuer().as_raw().ends_with(other.issuer())
        && read.raw_serial() == other.serial()
        && read.public_key().raw == other.subject_public_key_info().as_ref();
    same.then_some(()).ok_or(InvalidCertificate::Malformed)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's reasons grow; two of them have a name here"
)]
fn unreadable(error: &ChainError) -> InvalidCertificate {
    match error {
        ChainError::UnsupportedCertVersion => InvalidCertificate::Version,
        ChainError::UnsupportedCriticalExtension => InvalidCertificate::CriticalExtension,
        _ => InvalidCertificate::Malformed,
    }
}

fn validity(read: &X509Certificate<'_>) -> Result<(Timestamp, Timestamp), InvalidCertificate> {
    let at = |time: x509_parser::time::ASN1Time| {
        Timestamp::from_epoch(time.timestamp()).map_err(|_| InvalidCertificate::Validity)
    };
    let (not_before, not_after) = (at(read.validity().not_before)?, at(read.validity().not_after)?);
    if not_after < not_before {
        return Err(InvalidCertificate::Validity);
    }
    Ok((not_before, not_after))
}

/// A key without the extension may do anything.
fn may_sign(read: &X509Certificate<'_>) -> Result<bool, InvalidCertificate> {
    let found = read.extensions().iter().find(|one| one.oid == OID_X509_EXT_KEY_USAGE);
    match found.map(X509Extension::parsed_extension) {
        None => Ok(true),
        Some(ParsedExtension::KeyUsage(usage)) => Ok(usage.digital_signature()),
        Some(_) => Err(InvalidCertificate::Malformed),
    }
}

fn name(
    read: &X509Name<'_>,
) -> Result<Result<DistinguishedName, InvalidDistinguishedName>, InvalidCertificate> {
    let encoded = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| {
        let value = attribute.attr_value();
        // One identifier octet: every type that names use has one.
        let number = u8::try_from(value.tag().0).ok().filter(|number| *number < 0x1f)?;
        let constructed = if value.header.constructed() { 0x20 } else { 0 };
        let tag = number | constructed | u8::try_from(value.class() as u32).ok()?.checked_shl(6)?;
        let oid = attribute.attr_type().to_id_string();
        Some(EncodedAttribute { oid, tag, content: value.data.to_vec() })
    };
    let parts: Option<Vec<Vec<EncodedAttribute>>> =
        read.iter_rdn().map(|part| part.iter().map(encoded).collect()).collect();
    parts.map(DistinguishedName::from_encoded).ok_or(InvalidCertificate::Malformed)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// RFC 8705 appendix A.
    const EXAMPLE: &str = "\
        MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEy\
        MzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C\
        7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIh\
        AP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L\
        +SY=";

    #[test]
    fn the_example_of_the_standard_has_its_thumbprint() {
        let der = STANDARD.decode(EXAMPLE).unwrap();
        assert_eq!(thumbprint(&der), "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0");
        // It is of version 1, which no chain is built from.
        assert_eq!(Certificate::from_der(&der), Err(InvalidCertificate::Version));
    }
}
