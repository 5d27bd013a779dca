//! The alternative names of a certificate's subject (RFC 5280 §4.2.1.6).

use std::net::IpAddr;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::extensions::ParsedExtension;
use x509_parser::extensions::X509Extension;
use x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME;

use crate::x509::certificate::InvalidCertificate;

/// The names of the kinds that RFC 8705 §2.1.2 compares.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AlternativeNames {
    pub(super) dns_names: Vec<String>,
    pub(super) uris: Vec<String>,
    pub(super) ip_addresses: Vec<String>,
    pub(super) emails: Vec<String>,
}

impl AlternativeNames {
    pub(super) fn of(read: &X509Certificate<'_>) -> Result<Self, InvalidCertificate> {
        let oid = OID_X509_EXT_SUBJECT_ALT_NAME;
        let mut found = Self::default();
        let extension = read.extensions().iter().find(|one| one.oid == oid);
        match extension.map(X509Extension::parsed_extension) {
            None => {}
            Some(ParsedExtension::SubjectAlternativeName(names)) => {
                names.general_names.iter().try_for_each(|name| found.add(name))?;
            }
            Some(_) => return Err(InvalidCertificate::AlternativeName),
        }
        Ok(found)
    }

    fn add(&mut self, name: &GeneralName<'_>) -> Result<(), InvalidCertificate> {
        match name {
            GeneralName::DNSName(name) => self.dns_names.push(plain(name)?),
            GeneralName::URI(uri) => self.uris.push(plain(uri)?),
            GeneralName::RFC822Name(email) => self.emails.push(plain(email)?),
            GeneralName::IPAddress(octets) => self.ip_addresses.push(address(octets)?),
            GeneralName::Invalid(..) => return Err(InvalidCertificate::AlternativeName),
            GeneralName::OtherName(..)
            | GeneralName::X400Address(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EDIPartyName(_)
            | GeneralName::RegisteredID(_) => {}
        }
        Ok(())
    }
}

/// An `IA5String` in which every character can be seen: a NUL has ended names early before.
fn plain(name: &str) -> Result<String, InvalidCertificate> {
    let visible = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
    visible.then(|| name.to_owned()).ok_or(InvalidCertificate::AlternativeName)
}

fn address(octets: &[u8]) -> Result<String, InvalidCertificate> {
    let address = <[u8; 4]>::try_from(octets)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from));
    address.map(|address| address.to_string()).map_err(|_| InvalidCertificate::AlternativeName)
}
