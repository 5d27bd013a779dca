//! What holds for every registration that anybody can think of (REG-U3, W13, X9, T8, SEC-65 P2).

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::protocol::client::Supported;
use crate::protocol::client::metadata::parse;

/// Every member that may be stored, apart from `#lang` variants.
const ALLOWED: [&str; 78] = [
    "redirect_uris",
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "grant_types",
    "response_types",
    "scope",
    "contacts",
    "jwks",
    "jwks_uri",
    "software_id",
    "software_version",
    "client_name",
    "client_uri",
    "logo_uri",
    "tos_uri",
    "policy_uri",
    "application_type",
    "sector_identifier_uri",
    "subject_type",
    "id_token_signed_response_alg",
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_signed_response_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "request_object_signing_alg",
    "request_object_encryption_alg",
    "request_object_encryption_enc",
    "default_max_age",
    "require_auth_time",
    "default_acr_values",
    "initiate_login_uri",
    "request_uris",
    "response_modes",
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
    "tls_client_certificate_bound_access_tokens",
    "use_mtls_endpoint_aliases",
    "require_signed_request_object",
    "require_pushed_authorization_requests",
    "dpop_bound_access_tokens",
    "authorization_details_types",
    "authorization_signed_response_alg",
    "authorization_encrypted_response_alg",
    "authorization_encrypted_response_enc",
    "backchannel_token_delivery_mode",
    "backchannel_client_notification_endpoint",
    "backchannel_authentication_request_signing_alg",
    "backchannel_user_code_parameter",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
    "introspection_signed_response_alg",
    "introspection_encrypted_response_alg",
    "introspection_encrypted_response_enc",
    "webhook_uris",
    "introspection_endpoint_auth_method",
    "revocation_endpoint_auth_method",
    "legal_entity_id",
    "legal_entity_name",
    "org_id",
    "org_name",
    "client_description",
    "revocation_uri",
    "recipient_base_uri",
    "software_roles",
    "certifications",
    "udap",
    "id_token_signing_alg_values_supported",
    "subject_types_supported",
    "token_endpoint_auth_methods_supported",
    "userinfo_encryption_alg_values_supported",
    "userinfo_encryption_enc_values_supported",
];

/// What nobody may write: ours, the answer's, the envelope's, and what does not exist.
const FORBIDDEN: [&str; 20] = [
    "client_id",
    "client_secret",
    "client_id_issued_at",
    "client_secret_expires_at",
    "registration_access_token",
    "registration_client_uri",
    "software_statement",
    "iss",
    "aud",
    "jti",
    "state",
    "organisation_id",
    "software_product_id",
    "policy_digest",
    "entitlements",
    "is_admin",
    "display",
    "openid",
    "extension",
    "vouched",
];

fn everything() -> Supported {
    Supported {
        acr_values: vec!["urn:acr:2".to_owned()],
        authorization_details_types: vec!["payment_initiation".to_owned()],
        forced: BTreeSet::new(),
        members: Supported::known().members.into_iter().filter(|name| *name != "udap").collect(),
        vouched: ALLOWED.iter().map(|name| (*name).to_owned()).collect(),
        ..Supported::known()
    }
}

/// What some member may hold, and some of what none may.
const WORDS: [&str; 43] = [
    "",
    "authorization_code",
    "client_credentials",
    "implicit",
    "refresh_token",
    "urn:openid:params:grant-type:ciba",
    "code",
    "id_token",
    "id_token code",
    "code id_token",
    "token",
    "private_key_jwt",
    "tls_client_auth",
    "none",
    "PS256",
    "RS256",
    "ES256",
    "RSA-OAEP-256",
    "ECDH-ES",
    "A256GCM",
    "A128CBC-HS256",
    "public",
    "pairwise",
    "web",
    "native",
    "jwt",
    "query",
    "poll",
    "ping",
    "urn:acr:2",
    "payment_initiation",
    "https://acme.example/cb",
    "https://b.example/cb",
    "http://127.0.0.1/cb",
    "com.example.app:/cb",
    "javascript:alert(1)",
    "mailto:a@acme.example",
    "Acme",
    "a b",
    "CN=acme",
    "192.0.2.1",
    "client.acme.example",
    "\u{202e}",
];

/// Values that mean something in some member, among others.
fn value() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(WORDS.to_vec());
    let leaf = prop_oneof![
        6 => words.clone().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => ".{0,12}".prop_map(Value::from),
    ];
    prop_oneof![
        3 => leaf.clone(),
        2 => prop::collection::vec(words.prop_map(Value::from), 0..4).prop_map(Value::from),
        1 => leaf.prop_recursive(2, 8, 3, |inner| prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(ALLOWED.to_vec()).prop_map(str::to_owned),
        2 => prop::sample::select(FORBIDDEN.to_vec()).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["client_name#fr", "logo_uri#de", "tos_uri#x y", "scope#fr"])
            .prop_map(str::to_owned),
        1 => ".{0,10}",
    ]
}

fn registration(most: usize) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map(name(), value(), 0..most).prop_map(|changes| {
        let base = json!({
            "redirect_uris": ["https://acme.example/cb"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": "https://keys.acme.example/jwks",
        });
        let mut members: Map<String, Value> = serde_json::from_value(base).unwrap();
        members.extend(changes);
        members
    })
}

fn is_allowed(name: &str) -> bool {
    match name.split_once('#') {
        Some((base, _)) => {
            ["client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri"].contains(&base)
        }
        None => ALLOWED.contains(&name) && !name.ends_with("_supported"),
    }
}

fn stored(members: &Map<String, Value>) -> Option<Map<String, Value>> {
    let client = parse(members, &everything()).ok()?;
    serde_json::to_value(&client).unwrap().as_object().cloned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn nothing_is_stored_but_what_is_listed_and_nothing_empty_reg_x9_reg_t8_reg_e6(
        members in registration(6),
    ) {
        for (name, value) in stored(&members).unwrap_or_default() {
            prop_assert!(is_allowed(&name), "{}", name);
            prop_assert!(!value.is_null() && value != "", "{}", name);
        }
    }

    #[test]
    fn what_we_return_is_taken_back_and_changes_nothing_reg_u3_reg_w13(members in registration(4)) {
        if let Some(once) = stored(&members) {
            prop_assert_eq!(stored(&once), Some(once));
        }
    }

    #[test]
    fn what_is_kept_reads_back_from_the_store(members in registration(4)) {
        if let Ok(client) = parse(&members, &everything()) {
            let text = serde_json::to_string(&client).unwrap();
            prop_assert_eq!(serde_json::from_str(&text).ok(), Some(client));
        }
    }

    #[test]
    fn the_order_of_a_list_means_nothing_reg_m3_reg_m4(members in registration(4)) {
        let mut turned = members.clone();
        for value in turned.values_mut() {
            if let Value::Array(list) = value {
                list.reverse();
            }
        }
        // A choice among values is the first one, so its order does mean something (REG-M48).
        prop_assume!(!members.keys().any(|name| name.ends_with("_supported")));
        let sorted = |stored: Map<String, Value>| -> Map<String, Value> {
            stored.into_iter().map(|(name, mut value)| {
                if let Value::Array(list) = &mut value {
                    list.sort_by_key(Value::to_string);
                }
                (name, value)
            }).collect()
        };
        prop_assert_eq!(stored(&members).map(sorted), stored(&turned).map(sorted));
    }

    #[test]
    fn whatever_is_refused_is_refused_somewhere(members in registration(5)) {
        if let Err(problems) = parse(&members, &everything()) {
            prop_assert!(!problems.is_empty());
            for problem in &problems {
                prop_assert!(problem.pointer.starts_with('/'), "{:?}", problem);
                prop_assert!(problem.message.chars().all(|c| (' '..='~').contains(&c)), "{:?}", problem);
            }
        }
    }
}
