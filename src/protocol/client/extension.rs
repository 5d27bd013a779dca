//! The metadata of extensions: mutual TLS (RFC 8705), request objects (RFC 9101), pushed requests
//! (RFC 9126), JARM, `DPoP` (RFC 9449) and rich requests (RFC 9396) (REG-M29 to M38).

use serde::{Deserialize, Serialize};

use crate::protocol::client::display_text::misleads;
use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::openid::encryption;
use crate::protocol::client::supported::Supported;

const LONGEST_SUBJECT: usize = 1024;
/// RFC 8705 §2.1.2: the members that name the certificate's subject; one of them is set.
const SUBJECTS: [&str; 5] = [
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
];

/// What extensions add to a client's metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one member of the metadata")]
pub struct ExtensionMetadata {
    /// REG-M29.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    /// REG-M29.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    /// REG-M29.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_uri: Option<String>,
    /// REG-M29.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_ip: Option<String>,
    /// REG-M29.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_email: Option<String>,
    /// REG-M31.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// REG-M32.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub use_mtls_endpoint_aliases: bool,
    /// REG-M33.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_signed_request_object: bool,
    /// REG-M34.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_pushed_authorization_requests: bool,
    /// REG-M35.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_signed_response_alg: Option<String>,
    /// REG-M36.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_encrypted_response_alg: Option<String>,
    /// REG-M36.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_encrypted_response_enc: Option<String>,
    /// REG-M37.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dpop_bound_access_tokens: bool,
    /// REG-M38.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types: Vec<String>,
}

impl ExtensionMetadata {
    pub(super) fn read(reader: &mut MemberReader<'_>, supported: &Supported) -> Self {
        let [dn, dns, uri, ip, email] = SUBJECTS.map(|member| subject(reader, member, supported));
        let response = encryption(reader, "authorization_encrypted_response", supported);
        Self {
            tls_client_auth_subject_dn: dn,
            tls_client_auth_san_dns: dns,
            tls_client_auth_san_uri: uri,
            tls_client_auth_san_ip: ip,
            tls_client_auth_san_email: email,
            tls_client_certificate_bound_access_tokens: reader.ability(
                "tls_client_certificate_bound_access_tokens",
                supported.certificate_bound_access_tokens,
            ),
            use_mtls_endpoint_aliases: reader
                .ability("use_mtls_endpoint_aliases", supported.mtls_endpoint_aliases),
            require_signed_request_object: reader.ability(
                "require_signed_request_object",
                !supported.request_object_signing_algs.is_empty(),
            ),
            require_pushed_authorization_requests: reader.ability(
                "require_pushed_authorization_requests",
                supported.pushed_authorization_requests,
            ),
            authorization_signed_response_alg: reader
                .choice("authorization_signed_response_alg", &supported.authorization_signing_algs),
            authorization_encrypted_response_alg: response.alg,
            authorization_encrypted_response_enc: response.enc,
            dpop_bound_access_tokens: reader.ability("dpop_bound_access_tokens", supported.dpop),
            authorization_details_types: reader
                .choices("authorization_details_types", &supported.authorization_details_types)
                .unwrap_or_default(),
        }
    }

    /// How many members name the subject of a certificate.
    pub(super) fn certificate_subjects(&self) -> usize {
        [
            &self.tls_client_auth_subject_dn,
            &self.tls_client_auth_san_dns,
            &self.tls_client_auth_san_uri,
            &self.tls_client_auth_san_ip,
            &self.tls_client_auth_san_email,
        ]
        .into_iter()
        .flatten()
        .count()
    }
}

fn subject(
    reader: &mut MemberReader<'_>,
    member: &'static str,
    supported: &Supported,
) -> Option<String> {
    let text = reader.text(member)?;
    if !supported.token_endpoint_auth_methods.contains(&"tls_client_auth") {
        reader.refuse(member, format!("`{member}` is not supported by this server"));
        return None;
    }
    let malformed = match member {
        "tls_client_auth_san_ip" => text.parse::<std::net::IpAddr>().is_err(),
        _ => text.len() > LONGEST_SUBJECT || text.chars().any(misleads),
    };
    if malformed {
        reader.refuse(member, format!("`{member}` is malformed"));
        return None;
    }
    Some(text.to_owned())
}
