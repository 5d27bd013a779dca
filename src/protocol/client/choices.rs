//! Several values instead of one ([OpenID Connect Relying Party Metadata Choices 1.0 §2]; REG-M48):
//! of what the client lists, the first that is to be had becomes the value.
//!
//! [OpenID Connect Relying Party Metadata Choices 1.0 §2]: https://openid.net/specs/openid-connect-rp-metadata-choices-1_0.html

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::member_reader::not_offered;
use crate::protocol::client::supported::Supported;
use crate::protocol::problem::Problem;

type Offered = fn(&Supported) -> &[&'static str];

/// The member with the choices, the member that takes one of them, and what is to be had. A member
/// that needs another one stands after it.
const CHOICES: [(&str, &str, Offered); 19] = [
    ("subject_types_supported", "subject_type", |it| &it.subject_types),
    ("id_token_signing_alg_values_supported", "id_token_signed_response_alg", |it| {
        &it.id_token_signing_algs
    }),
    ("id_token_encryption_alg_values_supported", "id_token_encrypted_response_alg", |it| {
        &it.encryption_algs
    }),
    ("id_token_encryption_enc_values_supported", "id_token_encrypted_response_enc", |it| {
        &it.encryption_encs
    }),
    ("userinfo_signing_alg_values_supported", "userinfo_signed_response_alg", |it| {
        &it.userinfo_signing_algs
    }),
    ("userinfo_encryption_alg_values_supported", "userinfo_encrypted_response_alg", |it| {
        &it.encryption_algs
    }),
    ("userinfo_encryption_enc_values_supported", "userinfo_encrypted_response_enc", |it| {
        &it.encryption_encs
    }),
    ("request_object_signing_alg_values_supported", "request_object_signing_alg", |it| {
        &it.request_object_signing_algs
    }),
    ("request_object_encryption_alg_values_supported", "request_object_encryption_alg", |it| {
        &it.encryption_algs
    }),
    ("request_object_encryption_enc_values_supported", "request_object_encryption_enc", |it| {
        &it.encryption_encs
    }),
    ("token_endpoint_auth_methods_supported", "token_endpoint_auth_method", |it| {
        &it.token_endpoint_auth_methods
    }),
    ("token_endpoint_auth_signing_alg_values_supported", "token_endpoint_auth_signing_alg", |it| {
        &it.token_endpoint_auth_signing_algs
    }),
    ("authorization_signing_alg_values_supported", "authorization_signed_response_alg", |it| {
        &it.authorization_signing_algs
    }),
    (
        "authorization_encryption_alg_values_supported",
        "authorization_encrypted_response_alg",
        |it| &it.encryption_algs,
    ),
    (
        "authorization_encryption_enc_values_supported",
        "authorization_encrypted_response_enc",
        |it| &it.encryption_encs,
    ),
    ("introspection_signing_alg_values_supported", "introspection_signed_response_alg", |it| {
        &it.introspection_signing_algs
    }),
    (
        "introspection_encryption_alg_values_supported",
        "introspection_encrypted_response_alg",
        |it| &it.encryption_algs,
    ),
    (
        "introspection_encryption_enc_values_supported",
        "introspection_encrypted_response_enc",
        |it| &it.encryption_encs,
    ),
    (
        "backchannel_authentication_request_signing_alg_values_supported",
        "backchannel_authentication_request_signing_alg",
        |it| &it.backchannel_signing_algs,
    ),
];

/// The members with every choice made, and what is wrong with the choices. The lists themselves are
/// not stored: the answer says what was chosen.
pub(super) fn settle<'a>(
    members: &'a Map<String, Value>,
    supported: &Supported,
) -> (Cow<'a, Map<String, Value>>, Vec<Problem>) {
    let mut settled = Cow::Borrowed(members);
    let mut problems = Vec::new();
    for (choices, member, offered) in CHOICES {
        let mut reader = MemberReader::new(&settled);
        let chosen = choose(&mut reader, choices, member, offered(supported));
        problems.append(&mut reader.problems);
        if let Some(chosen) = chosen {
            settled.to_mut().insert(member.to_owned(), chosen.into());
        }
    }
    (settled, problems)
}

fn choose(
    reader: &mut MemberReader<'_>,
    choices: &str,
    member: &str,
    offered: &[&'static str],
) -> Option<&'static str> {
    reader.value(choices)?;
    let listed = reader.list(choices)?;
    let has = |wanted: &str| listed.iter().any(|(_, text)| *text == wanted);
    if let Some(given) = reader.value(member) {
        if !given.as_str().is_some_and(has) {
            reader.refuse(member, format!("`{member}` is not among `{choices}`"));
        }
        return None;
    }
    if offered.is_empty() || !is_of_use(reader, member) {
        return None;
    }
    let first = listed.iter().find_map(|(_, text)| offered.iter().find(|one| *one == text));
    if first.is_none() {
        let shown = listed.iter().map(|(_, text)| *text).collect::<Vec<_>>().join(", ");
        reader.refuse(choices, not_offered(choices, &shown, offered));
    }
    first.copied()
}

/// Some members mean nothing without another one.
fn is_of_use(reader: &MemberReader<'_>, member: &str) -> bool {
    if let Some(stem) = member.strip_suffix("_enc") {
        return reader.value(&format!("{stem}_alg")).is_some();
    }
    match member {
        "token_endpoint_auth_signing_alg" => reader
            .value("token_endpoint_auth_method")
            .is_none_or(|method| method == "private_key_jwt"),
        "backchannel_authentication_request_signing_alg" => {
            reader.value("backchannel_token_delivery_mode").is_some()
        }
        _ => true,
    }
}
