//! The metadata of mutual TLS ([RFC 8705] §2.1.2, §3, §5; REG-M29 to M32).
//!
//! [RFC 8705]: https://www.rfc-editor.org/rfc/rfc8705

use serde::{Deserialize, Serialize};

use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::supported::{CERTIFICATE_SUBJECTS, Supported};
use crate::types::DistinguishedName;
use crate::types::ResourceUri;
use crate::types::misleads;
use crate::x509::Certificate;

const METHOD: &str = "tls_client_auth";
const LONGEST_SUBJECT: usize = 1024;

/// What RFC 8705 adds to a client's metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MutualTlsMetadata {
    /// The subject of its certificate, as RFC 4514 writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    /// A DNS name in its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    /// A URI in its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_uri: Option<String>,
    /// An IP address in its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_ip: Option<String>,
    /// An e-mail address in its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_email: Option<String>,
    /// Its access tokens are bound to its certificate.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// It uses the endpoints for mutual TLS.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub use_mtls_endpoint_aliases: bool,
}

impl MutualTlsMetadata {
    pub(super) fn read(reader: &mut MemberReader<'_>, supported: &Supported) -> Self {
        let [dn, dns, uri, ip, email] =
            CERTIFICATE_SUBJECTS.map(|member| subject(reader, member, supported));
        Self {
            tls_client_auth_subject_dn: dn,
            tls_client_auth_san_dns: dns,
            tls_client_auth_san_uri: uri,
            tls_client_auth_san_ip: ip,
            tls_client_auth_san_email: email,
            tls_client_certificate_bound_access_tokens: reader.binding(
                "tls_client_certificate_bound_access_tokens",
                supported.certificate_bound_access_tokens,
                supported,
            ),
            use_mtls_endpoint_aliases: reader
                .ability("use_mtls_endpoint_aliases", supported.mtls_endpoint_aliases),
        }
    }

    /// Whether a certificate is the one that the client registered by its subject (RFC 8705 §2.1.2).
    /// A certificate may have more names; the next one with this name is the client's, too (REG-G10).
    #[must_use]
    pub fn names(&self, certificate: &Certificate) -> bool {
        let held = [
            self.tls_client_auth_subject_dn.as_deref().map(|name| {
                DistinguishedName::parse(name).is_ok_and(|name| name.matches(certificate.subject()))
            }),
            self.tls_client_auth_san_dns.as_deref().map(|name| {
                certificate.dns_names().iter().any(|held| held.eq_ignore_ascii_case(name))
            }),
            self.tls_client_auth_san_uri
                .as_ref()
                .map(|name| certificate.uris().iter().any(|held| held == name)),
            self.tls_client_auth_san_ip.as_deref().map(|name| has_address(certificate, name)),
            self.tls_client_auth_san_email
                .as_deref()
                .map(|name| certificate.emails().iter().any(|held| is_same_mailbox(held, name))),
        ];
        let mut registered = held.into_iter().flatten().peekable();
        registered.peek().is_some() && registered.all(|held| held)
    }

    /// M29: one subject is named, by a client that authenticates with it and by no other.
    pub(super) fn check(method: &str, reader: &mut MemberReader<'_>) {
        let named: Vec<&str> = CERTIFICATE_SUBJECTS
            .into_iter()
            .filter(|member| reader.value(member).is_some())
            .collect();
        match (method == METHOD, named.as_slice()) {
            (true, [_]) | (false, []) => {}
            (true, []) => reader.refuse(
                "tls_client_auth_subject_dn",
                "`tls_client_auth` needs one `tls_client_auth_` member that names the certificate",
            ),
            (true, [_, more @ ..]) => {
                for member in more {
                    let message = "only one `tls_client_auth_` member may name the certificate";
                    reader.refuse(member, message);
                }
            }
            (false, all) => {
                for member in all {
                    reader.refuse(member, format!("`{member}` goes with `tls_client_auth` only"));
                }
            }
        }
    }
}

fn subject(
    reader: &mut MemberReader<'_>,
    member: &'static str,
    supported: &Supported,
) -> Option<String> {
    let text = reader.text(member)?;
    let able = supported.token_endpoint_auth_methods.contains(&METHOD);
    if !able || !supported.certificate_subjects.contains(&member) {
        reader.refuse(member, format!("`{member}` is not supported by this server"));
        return None;
    }
    let longest = supported.longest_certificate_subject.unwrap_or(LONGEST_SUBJECT);
    if text.len() > longest {
        reader.refuse(member, format!("`{member}` is longer than {longest} characters"));
        return None;
    }
    if !is_well_formed(member, text) {
        reader.refuse(member, format!("`{member}` is malformed"));
        return None;
    }
    Some(text.to_owned())
}

fn is_well_formed(member: &str, text: &str) -> bool {
    match member {
        "tls_client_auth_subject_dn" => {
            DistinguishedName::parse(text).is_ok_and(|name| !name.is_empty())
                && !text.chars().any(misleads)
        }
        "tls_client_auth_san_dns" => is_dns_name(text),
        "tls_client_auth_san_uri" => ResourceUri::parse(text).is_ok(),
        "tls_client_auth_san_ip" => text.parse::<std::net::IpAddr>().is_ok(),
        _ => is_mailbox(text),
    }
}

/// A full name in plain form: a wildcard names nobody (RFC 6125 §7.2).
fn is_dns_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(label)
        && text.parse::<std::net::Ipv4Addr>().is_err()
}

fn has_address(certificate: &Certificate, name: &str) -> bool {
    let address = |text: &str| text.parse::<std::net::IpAddr>().ok();
    let Some(registered) = address(name) else { return false };
    certificate.ip_addresses().iter().any(|held| address(held) == Some(registered))
}

/// RFC 5280 §7.5: the host in any case, the rest to the byte.
fn is_same_mailbox(one: &str, other: &str) -> bool {
    match (one.rsplit_once('@'), other.rsplit_once('@')) {
        (Some((name, host)), Some((other_name, other_host))) => {
            name == other_name && host.eq_ignore_ascii_case(other_host)
        }
        _ => false,
    }
}

/// One local part and one host (RFC 5280 §4.2.1.6 has them in ASCII).
fn is_mailbox(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"(),:;<>[\\]".contains(&byte);
    text.bytes().all(plain)
        && text
            .split_once('@')
            .is_some_and(|(local, host)| (1..=64).contains(&local.len()) && is_dns_name(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_a_subject_is_checked_reg_m29() {
        for (member, good, bad) in [
            (
                "tls_client_auth_subject_dn",
                &["CN=acme,O=Acme\\, Inc,C=GB", "2.5.4.97=#0C024142,CN=a"][..],
                &["acme", "CN=a\u{0}b", "CN=\u{202e}a", "CN=a,,O=b", "2.5.4.97=#0C"][..],
            ),
            (
                "tls_client_auth_san_dns",
                &["client.acme.example"],
                &["*.acme.example", "acme", "a..example", "-a.example", "192.0.2.1", "\u{430}.b"],
            ),
            (
                "tls_client_auth_san_uri",
                &["https://acme.example/client", "urn:uuid:1"],
                &["acme", "https://a b", "https://a.example/#x"],
            ),
            ("tls_client_auth_san_ip", &["192.0.2.1", "2001:db8::1"], &["192.0.2", "x", "[::1]"]),
            (
                "tls_client_auth_san_email",
                &["ops@acme.example"],
                &["ops", "@acme.example", "a@b@c.example", "a b@c.example"],
            ),
        ] {
            assert!(good.iter().all(|text| is_well_formed(member, text)), "{member}");
            for text in bad {
                assert!(!is_well_formed(member, text), "{member}: {text}");
            }
        }
    }
}
