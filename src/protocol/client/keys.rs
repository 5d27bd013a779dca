//! A client's keys by value ([RFC 7591 §2]; REG-M9, M18, M30): for signatures, and for encryption
//! where something is encrypted for it.
//!
//! [RFC 7591 §2]: https://www.rfc-editor.org/rfc/rfc7591#section-2

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::jose::InvalidKey;
use crate::jose::JwkSet;
use crate::jose::PublicKey;
use crate::protocol::client::ClientMetadata;
use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::supported::Supported;
use crate::x509::Certificate;

const MEMBER: &str = "jwks";
const MOST_CERTIFICATES: usize = 5;
const LONGEST_CERTIFICATE: usize = 8 * 1024;

/// M9: public keys only, each of them usable. What is stored is what was understood.
pub(super) fn read(reader: &mut MemberReader<'_>) -> Option<Value> {
    let value = reader.value(MEMBER)?;
    let entries = value.get("keys").and_then(Value::as_array);
    let (for_encryption, for_signatures): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .flatten()
        .enumerate()
        .partition(|(_, entry)| entry.get("use").is_some_and(|purpose| purpose == "enc"));
    if for_encryption.is_empty() {
        return verified(reader, value, &for_signatures);
    }
    let mut kept: Vec<Value> = Vec::new();
    if !for_signatures.is_empty() {
        let entries: Vec<&Value> = for_signatures.iter().map(|(_, entry)| *entry).collect();
        let set = verified(reader, &json!({ "keys": entries }), &for_signatures)?;
        kept.extend(set.get("keys").and_then(Value::as_array).into_iter().flatten().cloned());
    }
    for (position, entry) in for_encryption {
        kept.push(encryption_key(reader, position, entry)?);
    }
    names_are_distinct(reader, &kept).then(|| json!({ "keys": kept }))
}

/// Reads the keys for signatures. `entries` are those of the set, with their places in what was sent.
fn verified(
    reader: &mut MemberReader<'_>,
    set: &Value,
    entries: &[(usize, &Value)],
) -> Option<Value> {
    let keys = match JwkSet::parse(set) {
        Ok(keys) => keys,
        Err(faults) => {
            for fault in faults {
                match fault {
                    InvalidKey::Key { position, problem } => {
                        let place = entries.get(position).map_or(position, |(place, _)| *place);
                        refuse_key(reader, place, &problem);
                    }
                    InvalidKey::NotASet | InvalidKey::Empty | InvalidKey::TooMany(_) => {
                        reader.refuse(MEMBER, format!("`jwks` is not acceptable: {fault}"));
                    }
                }
            }
            return None;
        }
    };
    let mut set = keys.to_value();
    let kept = set.get_mut("keys").and_then(Value::as_array_mut)?;
    for ((key, stored), (place, entry)) in keys.keys().iter().zip(kept).zip(entries) {
        let Some(chain) = entry.get("x5c") else { continue };
        if let Some(fault) = fault_of_chain(chain, key) {
            refuse_key(reader, *place, &fault);
            return None;
        }
        stored.as_object_mut()?.insert("x5c".to_owned(), chain.clone());
    }
    Some(set)
}

/// A key for encryption is one for signatures in all but its purpose, and never of Ed25519.
fn encryption_key(reader: &mut MemberReader<'_>, place: usize, entry: &Value) -> Option<Value> {
    let mut members = entry.as_object()?.clone();
    let algorithm = members.remove("alg");
    for purpose in ["use", "key_ops"] {
        members.remove(purpose);
    }
    let known = Supported::known().encryption_algs;
    let fits = |name: &Value| name.as_str().is_some_and(|name| known.contains(&name));
    if algorithm.as_ref().is_some_and(|name| !fits(name)) {
        refuse_key(reader, place, &"its `alg` is no supported encryption algorithm");
        return None;
    }
    if members.get("kty").is_some_and(|kind| kind == "OKP") {
        refuse_key(reader, place, &"its curve is not supported for encryption");
        return None;
    }
    let alone = JwkSet::parse(&json!({ "keys": [members] }));
    let key = match &alone {
        Ok(set) => set.keys().first()?,
        Err(faults) => {
            for fault in faults {
                refuse_key(reader, place, fault);
            }
            return None;
        }
    };
    let mut kept = key.to_value();
    let members = kept.as_object_mut()?;
    members.insert("use".to_owned(), json!("enc"));
    if let Some(algorithm) = algorithm {
        members.insert("alg".to_owned(), algorithm);
    }
    Some(kept)
}

fn refuse_key(reader: &mut MemberReader<'_>, place: usize, problem: &dyn std::fmt::Display) {
    reader.refuse_at(format!("/jwks/keys/{place}"), format!("`jwks` key {place}: {problem}"));
}

/// A `kid` names one key, whatever the key is for.
fn names_are_distinct(reader: &mut MemberReader<'_>, keys: &[Value]) -> bool {
    let mut names: Vec<&str> =
        keys.iter().filter_map(|key| key.get("kid").and_then(Value::as_str)).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    if names.len() != all {
        reader.refuse(MEMBER, "`jwks` is not acceptable: a `kid` stands twice in the set");
    }
    names.len() == all
}

/// RFC 7517 §4.7: certificates in base64, not base64url, and the first one is of this very key.
fn fault_of_chain(value: &Value, key: &PublicKey) -> Option<&'static str> {
    const MALFORMED: Option<&str> = Some("the member `x5c` is malformed");
    let decoded = |entry: &Value| {
        let text = entry.as_str().filter(|text| text.len() <= LONGEST_CERTIFICATE)?;
        Certificate::from_der(&STANDARD.decode(text).ok()?).ok()
    };
    let Some(chain) = value.as_array().filter(|chain| chain.len() <= MOST_CERTIFICATES) else {
        return MALFORMED;
    };
    let chain: Option<Vec<Certificate>> = chain.iter().map(decoded).collect();
    let Some(chain) = chain else { return MALFORMED };
    let Some(leaf) = chain.first() else { return MALFORMED };
    let certified = PublicKey::from_public_key_info(leaf.public_key_der());
    let same = certified.is_ok_and(|certified| certified.thumbprint() == key.thumbprint());
    (!same).then_some("the first certificate in `x5c` is of another key")
}

/// X3, X4, M18 and M30: keys are given once, where they are needed, and fit what they are for.
pub(super) fn check(client: &ClientMetadata, reader: &mut MemberReader<'_>) {
    let (by_value, by_address) = (reader.value(MEMBER), reader.value("jwks_uri"));
    if by_value.is_some() && by_address.is_some() {
        reader.refuse(MEMBER, "`jwks` and `jwks_uri` exclude each other");
    }
    if are_needed(client) && by_value.is_none() && by_address.is_none() {
        reader.refuse("jwks_uri", "`jwks_uri` or `jwks` is required: the client's keys are needed");
    }
    let Some(keys) = client.jwks.as_ref().and_then(|set| set.get("keys")?.as_array()) else {
        return;
    };
    let has_chain = |key: &Value| key.get("x5c").is_some();
    if client.token_endpoint_auth_method == "self_signed_tls_client_auth"
        && !keys.iter().any(has_chain)
    {
        let message = "`self_signed_tls_client_auth` needs a key with its certificate in `x5c`";
        reader.refuse(MEMBER, message);
    }
    let is_for_encryption = |key: &Value| key.get("use").is_some_and(|purpose| purpose == "enc");
    if client.token_endpoint_auth_method == "private_key_jwt"
        && !keys.is_empty()
        && keys.iter().all(is_for_encryption)
    {
        reader.refuse(MEMBER, "`private_key_jwt` needs a key for signatures in `jwks`");
    }
    for (member, algorithm) in encrypted_with(client) {
        if !keys.iter().any(|key| can_decrypt(key, algorithm)) {
            let message = format!("`{member}` needs a key with `use` `enc` that fits it in `jwks`");
            reader.refuse(MEMBER, message);
        }
    }
}

fn can_decrypt(key: &Value, algorithm: &str) -> bool {
    let due = if algorithm.starts_with("RSA") { "RSA" } else { "EC" };
    let named = key.get("alg").and_then(Value::as_str);
    key.get("use").is_some_and(|purpose| purpose == "enc")
        && key.get("kty").is_some_and(|kind| kind == due)
        && named.is_none_or(|named| named == algorithm)
}

fn are_needed(client: &ClientMetadata) -> bool {
    let method = client.token_endpoint_auth_method.as_str();
    let signs = client.openid.request_object_signing_alg.as_deref().is_some_and(|it| it != "none");
    signs
        || client.backchannel.backchannel_authentication_request_signing_alg.is_some()
        || matches!(method, "private_key_jwt" | "self_signed_tls_client_auth")
        || !encrypted_with(client).is_empty()
}

/// What is encrypted for the client: the member that says so, and its algorithm.
fn encrypted_with(client: &ClientMetadata) -> Vec<(&'static str, &str)> {
    let response = &client.signed_response.authorization_encrypted_response_alg;
    let introspection = &client.signed_introspection.introspection_encrypted_response_alg;
    [
        ("id_token_encrypted_response_alg", &client.openid.id_token_encrypted_response_alg),
        ("userinfo_encrypted_response_alg", &client.openid.userinfo_encrypted_response_alg),
        ("authorization_encrypted_response_alg", response),
        ("introspection_encrypted_response_alg", introspection),
    ]
    .into_iter()
    .filter_map(|(member, algorithm)| Some((member, algorithm.as_deref()?)))
    .collect()
}
