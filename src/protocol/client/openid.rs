//! The members of [OpenID Connect Registration 1.0 §2] (REG-M14 to M28).
//!
//! [OpenID Connect Registration 1.0 §2]: https://openid.net/specs/openid-connect-registration-1_0.html

use serde::{Deserialize, Serialize};

use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::member_reader::element_pointer;
use crate::protocol::client::supported::Supported;
use crate::protocol::problem::shown;
use crate::types::HttpsUri;

/// The longest `default_max_age`: ten years, in seconds.
const LONGEST_MAX_AGE: i64 = 315_360_000;

/// What OpenID Connect adds to a client's metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OpenIdMetadata {
    /// `web` or `native` (REG-M14); RFC 7591 clients that say nothing are `web`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<String>,
    /// Where the redirect URIs of one sector are listed (REG-M15).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<HttpsUri>,
    /// `public` or `pairwise` (REG-M16).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_type: Option<String>,
    /// REG-M17.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<String>,
    /// REG-M18.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_alg: Option<String>,
    /// REG-M18.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_enc: Option<String>,
    /// REG-M19.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<String>,
    /// REG-M19.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_alg: Option<String>,
    /// REG-M19.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_enc: Option<String>,
    /// REG-M20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<String>,
    /// REG-M21.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_alg: Option<String>,
    /// REG-M21.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_enc: Option<String>,
    /// REG-M23, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<i64>,
    /// REG-M24.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_auth_time: bool,
    /// REG-M25.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    /// REG-M26.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<HttpsUri>,
    /// REG-M27.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_uris: Vec<String>,
    /// REG-M28.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_modes: Vec<String>,
}

/// An algorithm for encryption and the content encryption that goes with it.
pub(super) struct Encryption {
    pub(super) alg: Option<String>,
    pub(super) enc: Option<String>,
}

impl OpenIdMetadata {
    pub(super) fn read(reader: &mut MemberReader<'_>, supported: &Supported) -> Self {
        let id_token = encryption(reader, "id_token_encrypted_response", supported);
        let userinfo = encryption(reader, "userinfo_encrypted_response", supported);
        let request_object = encryption(reader, "request_object_encryption", supported);
        Self {
            application_type: Some(application_type(reader, supported)),
            sector_identifier_uri: sector_identifier(reader, supported),
            subject_type: reader.choice("subject_type", &supported.subject_types),
            id_token_signed_response_alg: reader
                .choice("id_token_signed_response_alg", &supported.id_token_signing_algs),
            id_token_encrypted_response_alg: id_token.alg,
            id_token_encrypted_response_enc: id_token.enc,
            userinfo_signed_response_alg: reader
                .choice("userinfo_signed_response_alg", &supported.userinfo_signing_algs),
            userinfo_encrypted_response_alg: userinfo.alg,
            userinfo_encrypted_response_enc: userinfo.enc,
            request_object_signing_alg: reader
                .choice("request_object_signing_alg", &supported.request_object_signing_algs),
            request_object_encryption_alg: request_object.alg,
            request_object_encryption_enc: request_object.enc,
            default_max_age: max_age(reader, supported),
            require_auth_time: reader.ability("require_auth_time", supported.user_authentication),
            default_acr_values: reader
                .choices("default_acr_values", &supported.acr_values)
                .unwrap_or_default(),
            initiate_login_uri: initiate_login(reader, supported),
            request_uris: request_uris(reader, supported),
            response_modes: reader
                .choices("response_modes", &supported.response_modes)
                .unwrap_or_default(),
        }
    }
}

/// Reads `{stem}_alg` and `{stem}_enc`: `enc` needs `alg`, and is `A128CBC-HS256` if absent.
pub(super) fn encryption(
    reader: &mut MemberReader<'_>,
    stem: &str,
    supported: &Supported,
) -> Encryption {
    let (alg_member, enc_member) = (format!("{stem}_alg"), format!("{stem}_enc"));
    let alg = reader.choice(&alg_member, &supported.encryption_algs);
    let enc = reader.choice(&enc_member, &supported.encryption_encs);
    if enc.is_some() && reader.value(&alg_member).is_none() {
        reader.refuse(&enc_member, format!("`{enc_member}` needs `{alg_member}`"));
    }
    let enc = enc.or_else(|| alg.as_ref().map(|_| "A128CBC-HS256".to_owned()));
    Encryption { alg, enc }
}

/// M14: `web`, or the first of what the framework offers where that is not offered.
fn application_type(reader: &mut MemberReader<'_>, supported: &Supported) -> String {
    const STANDARD: &[&str] = &["web"];
    let offered = match supported.application_types.as_slice() {
        [] => STANDARD,
        offered => offered,
    };
    let default = offered.iter().find(|one| **one == "web").or_else(|| offered.first());
    reader
        .choice("application_type", offered)
        .unwrap_or_else(|| default.copied().unwrap_or("web").to_owned())
}

fn sector_identifier(reader: &mut MemberReader<'_>, supported: &Supported) -> Option<HttpsUri> {
    let uri = reader.https("sector_identifier_uri")?;
    if !supported.subject_types.contains(&"pairwise") {
        reader.refuse(
            "sector_identifier_uri",
            "`sector_identifier_uri` is not supported by this server: it issues no pairwise subjects",
        );
    }
    Some(uri)
}

fn max_age(reader: &mut MemberReader<'_>, supported: &Supported) -> Option<i64> {
    let value = reader.value("default_max_age")?;
    match value.as_i64().filter(|seconds| (0..=LONGEST_MAX_AGE).contains(seconds)) {
        Some(_) if !supported.user_authentication => {
            reader.refuse("default_max_age", "`default_max_age` is not supported by this server");
            None
        }
        Some(seconds) => Some(seconds),
        None => {
            reader.refuse("default_max_age", "`default_max_age` must be a number of seconds");
            None
        }
    }
}

fn initiate_login(reader: &mut MemberReader<'_>, supported: &Supported) -> Option<HttpsUri> {
    let uri = reader.https("initiate_login_uri")?;
    if !supported.user_authentication {
        reader.refuse("initiate_login_uri", "`initiate_login_uri` is not supported by this server");
    }
    Some(uri)
}

/// A request URI may carry a fragment: the hash of what it leads to (OpenID Connect Core §6.2).
fn request_uris(reader: &mut MemberReader<'_>, supported: &Supported) -> Vec<String> {
    let Some(list) = reader.list("request_uris") else { return Vec::new() };
    if !list.is_empty() && !supported.request_uris {
        reader.refuse("request_uris", "`request_uris` is not supported by this server");
        return Vec::new();
    }
    let is_hash =
        |hash: &str| hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    for (index, text) in &list {
        let (address, hash) = text.split_once('#').unwrap_or((text, ""));
        let fault = match HttpsUri::parse(address) {
            Err(error) => error.to_string(),
            Ok(_) if !is_hash(hash) => "its fragment is no hash".to_owned(),
            Ok(_) => continue,
        };
        let at = element_pointer("request_uris", *index);
        reader.refuse_at(at, format!("`{}`: {fault}", shown(text)));
    }
    list.into_iter().map(|(_, text)| text.to_owned()).collect()
}
