//! The certificate of a client in the fields of a request, from a proxy that ended its TLS
//! ([RFC 9440]).
//!
//! Whoever writes these fields says who the client is: the listener reads them from its own proxies
//! alone.
//!
//! [RFC 9440]: https://www.rfc-editor.org/rfc/rfc9440

use sfv::BareItem;
use sfv::Item;
use sfv::List;
use sfv::ListEntry;
use sfv::Parser;

use crate::protocol::parameters::decode;
use crate::x509::InvalidCertificate;
use crate::x509::PresentedCertificates;

/// The field with the client's own certificate (§2.2).
pub const CLIENT_CERT: &str = "client-cert";
/// The field with what leads to an authority (§2.3).
pub const CLIENT_CERT_CHAIN: &str = "client-cert-chain";

/// The certificate as nginx writes it in `$ssl_client_escaped_cert` and Envoy in
/// `%DOWNSTREAM_PEER_CERT%`: PEM, percent-encoded. No standard has it.
pub const CLIENT_CERT_PEM: &str = "x-client-cert-pem";

/// The longest of these fields that is read: ten certificates in base64.
const LONGEST: usize = 10 * 24 * 1024;

/// Why the fields name no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClientCertificateField {
    /// §2.2: an Item that is a Byte Sequence.
    #[error("`Client-Cert` is not one certificate between colons, in base64")]
    Certificate,
    /// [`CLIENT_CERT_PEM`].
    #[error("`X-Client-Cert-PEM` is not percent-encoded PEM")]
    Escaped,
    /// Two fields, and perhaps two certificates.
    #[error("`Client-Cert` and `X-Client-Cert-PEM` do not go together")]
    Both,
    /// §2.3: a List of Byte Sequences.
    #[error("`Client-Cert-Chain` is not a list of certificates between colons, in base64")]
    Chain,
    /// §2.3: a chain belongs to a certificate.
    #[error("there is a `Client-Cert-Chain` without a `Client-Cert`")]
    ChainAlone,
    /// What they hold is not accepted.
    #[error("the certificate of the client is not accepted: {0}")]
    Invalid(#[from] InvalidCertificate),
}

/// Reads both fields. Without a certificate the client has shown none.
///
/// # Errors
///
/// A field is malformed, or holds no certificate.
pub fn read(
    certificate: Option<&str>,
    chain: Option<&str>,
) -> Result<Option<PresentedCertificates>, InvalidClientCertificateField> {
    let Some(certificate) = certificate else {
        return match chain {
            None => Ok(None),
            Some(_) => Err(InvalidClientCertificateField::ChainAlone),
        };
    };
    let malformed = InvalidClientCertificateField::Certificate;
    let item = bounded(certificate).and_then(|text| Parser::new(text).parse::<Item>().ok());
    let mut ders = vec![item.and_then(bytes).ok_or(malformed)?];
    if let Some(chain) = chain {
        ders.extend(read_chain(chain).ok_or(InvalidClientCertificateField::Chain)?);
    }
    Ok(Some(PresentedCertificates::from_ders(ders)?))
}

/// Reads the certificate of whichever of two fields there is.
///
/// # Errors
///
/// Both are there, one is malformed, or it holds no certificate.
pub fn read_either(
    certificate: Option<&str>,
    escaped: Option<&str>,
) -> Result<Option<PresentedCertificates>, InvalidClientCertificateField> {
    // What a variable of a proxy is made of when there is nothing.
    match (certificate, escaped.filter(|text| *text != "-")) {
        (Some(_), Some(_)) => Err(InvalidClientCertificateField::Both),
        (certificate, None) => read(certificate, None),
        (None, Some(escaped)) => {
            let malformed = InvalidClientCertificateField::Escaped;
            // A `+` stands for itself here: this is no form.
            let escaped = bounded(escaped).map(|text| text.replace('+', "%2B"));
            let pem = escaped.and_then(|text| decode(text.as_bytes()));
            let pem = pem.filter(|pem| pem.contains("-----BEGIN CERTIFICATE-----"));
            Ok(Some(PresentedCertificates::from_pem(&pem.ok_or(malformed)?)?))
        }
    }
}

fn read_chain(chain: &str) -> Option<Vec<Vec<u8>>> {
    let list = Parser::new(bounded(chain)?).parse::<List>().ok()?;
    let entry = |entry: ListEntry| match entry {
        ListEntry::Item(item) => bytes(item),
        ListEntry::InnerList(_) => None,
    };
    list.into_iter().map(entry).collect()
}

fn bounded(text: &str) -> Option<&str> {
    Some(text).filter(|text| text.len() <= LONGEST)
}

fn bytes(item: Item) -> Option<Vec<u8>> {
    match item.bare_item {
        BareItem::ByteSequence(bytes) => Some(bytes),
        BareItem::Decimal(_)
        | BareItem::Integer(_)
        | BareItem::String(_)
        | BareItem::Boolean(_)
        | BareItem::Token(_)
        | BareItem::Date(_)
        | BareItem::DisplayString(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Is = InvalidClientCertificateField;

    #[test]
    fn without_a_certificate_there_is_none() {
        assert_eq!(read_either(None, None), Ok(None));
        assert_eq!(read_either(None, Some("-")), Ok(None));
    }

    #[test]
    fn one_field_at_a_time_is_read_and_well_formed() {
        let head = "-----BEGIN%20CERTIFICATE-----%0A";
        for (certificate, escaped, expected) in [
            (Some(":AA==:"), Some(head), Is::Both),
            (Some("AA=="), None, Is::Certificate),
            (None, Some(""), Is::Escaped),
            (None, Some("%"), Is::Escaped),
            (None, Some("-----BEGIN CERTIFICATE-----"), Is::Escaped),
            (None, Some("-----BEGIN%20PRIVATE%20KEY-----"), Is::Escaped),
            (None, Some(&"x".repeat(LONGEST.saturating_add(1))), Is::Escaped),
            (None, Some(head), Is::Invalid(InvalidCertificate::Malformed)),
        ] {
            assert_eq!(read_either(certificate, escaped), Err(expected), "{escaped:?}");
        }
    }
}
