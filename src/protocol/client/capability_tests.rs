//! What a server can do bounds what a client may register (REG-M14 to M38, X1 to X6).

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::protocol::client::ClientMetadata;
use crate::protocol::client::Supported;
use crate::protocol::client::metadata::parse;
use crate::protocol::client::metadata_tests::*;

#[test]
fn a_capability_that_is_not_there_is_refused_not_ignored_reg_m15_to_m38() {
    for (member, value) in [
        ("sector_identifier_uri", json!("https://acme.example/s")),
        ("subject_type", json!("pairwise")),
        ("id_token_signed_response_alg", json!("PS256")),
        ("id_token_encrypted_response_alg", json!("RSA-OAEP-256")),
        ("userinfo_signed_response_alg", json!("PS256")),
        ("request_object_signing_alg", json!("PS256")),
        ("request_object_encryption_alg", json!("RSA-OAEP-256")),
        ("default_max_age", json!(60)),
        ("require_auth_time", json!(true)),
        ("default_acr_values", json!(["urn:acr:2"])),
        ("initiate_login_uri", json!("https://acme.example/login")),
        ("request_uris", json!(["https://acme.example/r"])),
        ("response_modes", json!(["jwt"])),
        ("tls_client_auth_subject_dn", json!("CN=acme")),
        ("tls_client_certificate_bound_access_tokens", json!(true)),
        ("use_mtls_endpoint_aliases", json!(true)),
        ("require_signed_request_object", json!(true)),
        ("require_pushed_authorization_requests", json!(true)),
        ("authorization_signed_response_alg", json!("PS256")),
        ("dpop_bound_access_tokens", json!(true)),
        ("authorization_details_types", json!(["payment_initiation"])),
    ] {
        let members = service(json!({ (member): value }));
        refused_at(&members, &today(), &format!("/{member}"));
    }
}

#[test]
fn a_flag_at_its_default_asks_for_nothing_reg_m24_to_m37() {
    let members = service(json!({
        "dpop_bound_access_tokens": false, "require_auth_time": false, "response_types": [],
        "require_pushed_authorization_requests": false,
    }));
    accepted(&members, &today());
    refused_at(
        &service(json!({ "dpop_bound_access_tokens": "false" })),
        &today(),
        "/dpop_bound_access_tokens",
    );
}

#[test]
fn a_server_with_everything_takes_everything_reg_m14_to_m38() {
    let members = app(json!({
        "application_type": "web", "sector_identifier_uri": "https://acme.example/s",
        "subject_type": "pairwise", "id_token_signed_response_alg": "PS256",
        "id_token_encrypted_response_alg": "RSA-OAEP-256", "default_max_age": 60,
        "request_object_signing_alg": "PS256", "require_auth_time": true,
        "default_acr_values": ["urn:acr:2"], "initiate_login_uri": "https://acme.example/login",
        "request_uris": ["https://acme.example/r#abc_1"], "response_modes": ["jwt"],
        "tls_client_certificate_bound_access_tokens": true, "use_mtls_endpoint_aliases": true,
        "require_signed_request_object": true, "require_pushed_authorization_requests": true,
        "authorization_signed_response_alg": "PS256", "token_endpoint_auth_signing_alg": "PS256",
        "authorization_details_types": ["payment_initiation"],
    }));
    let client = accepted(&members, &everything());
    assert_eq!(client.openid.id_token_encrypted_response_enc.as_deref(), Some("A128CBC-HS256"));
    let text = serde_json::to_string(&client).unwrap();
    assert_eq!(serde_json::from_str::<ClientMetadata>(&text).unwrap(), client);
}

#[test]
fn content_encryption_needs_key_management_reg_m18() {
    let members = app(json!({ "id_token_encrypted_response_enc": "A256GCM" }));
    refused_at(&members, &everything(), "/id_token_encrypted_response_enc");
}

#[test]
fn a_key_signs_and_a_secret_does_not_sec_10() {
    let both = Supported {
        token_endpoint_auth_methods: vec!["private_key_jwt", "client_secret_jwt"],
        token_endpoint_auth_signing_algs: vec!["ES256", "HS256"],
        ..today()
    };
    for (method, good, bad) in
        [("private_key_jwt", "ES256", "HS256"), ("client_secret_jwt", "HS256", "ES256")]
    {
        let members = |algorithm| {
            service(json!({
                "token_endpoint_auth_method": method,
                "token_endpoint_auth_signing_alg": algorithm,
            }))
        };
        assert!(parse(&members(good), &both).is_ok(), "{method}");
        refused_at(&members(bad), &both, "/token_endpoint_auth_signing_alg");
    }
}

#[test]
fn a_signing_algorithm_goes_with_a_method_that_signs_and_is_never_none_reg_m22() {
    for alg in ["none", "HS256", "RS256", "es256"] {
        let members = service(json!({ "token_endpoint_auth_signing_alg": alg }));
        refused_at(&members, &today(), "/token_endpoint_auth_signing_alg");
    }
    let members = app(json!({
        "token_endpoint_auth_method": "client_secret_basic",
        "token_endpoint_auth_signing_alg": "ES256",
    }));
    refused_at(&members, &everything(), "/token_endpoint_auth_signing_alg");
}

#[test]
fn mutual_tls_names_exactly_one_subject_reg_m29() {
    let with = |changes: Value| {
        let mut members = app(json!({ "token_endpoint_auth_method": "tls_client_auth" }));
        members.extend(map(changes));
        members
    };
    accepted(&with(json!({ "tls_client_auth_san_ip": "192.0.2.1" })), &everything());
    let both =
        json!({ "tls_client_auth_san_dns": "a.example", "tls_client_auth_subject_dn": "CN=a" });
    for bad in [json!({}), both] {
        refused_at(&with(bad), &everything(), "/tls_client_auth_");
    }
    let members = app(json!({ "tls_client_auth_subject_dn": "CN=a" }));
    refused_at(&members, &everything(), "/tls_client_auth_subject_dn");
}

#[test]
fn grants_and_responses_match_reg_x1() {
    for (grants, responses) in [
        (json!(["refresh_token"]), json!(["code"])),
        (json!(["authorization_code"]), json!(["code id_token"])),
        (json!(["authorization_code"]), json!(["code", "token"])),
        (json!(["authorization_code"]), json!([])),
    ] {
        let members = app(json!({ "grant_types": grants, "response_types": responses }));
        assert!(parse(&members, &everything()).is_err(), "{grants} {responses}");
    }
    let members = app(json!({
        "grant_types": ["authorization_code"], "response_types": ["code", "code id_token"],
    }));
    accepted(&members, &Supported { hybrid_without_implicit: true, ..everything() });
}

#[test]
fn tokens_are_bound_in_one_way_reg_x5() {
    let members = app(json!({
        "dpop_bound_access_tokens": true, "tls_client_certificate_bound_access_tokens": true,
    }));
    refused_at(&members, &everything(), "/dpop_bound_access_tokens");
    let members = app(json!({
        "dpop_bound_access_tokens": true, "response_types": ["code", "token"],
        "grant_types": ["authorization_code", "implicit"],
    }));
    refused_at(&members, &everything(), "/response_types");
}

#[test]
fn a_public_client_does_not_act_for_itself_reg_x6() {
    let members = app(json!({
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "client_credentials"],
    }));
    refused_at(&members, &everything(), "/token_endpoint_auth_method");
}

/// Any JSON value, not too deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_a_member_holds_nothing_panics_and_what_is_accepted_is_accepted_back_reg_u3(
        member in prop::sample::select(vec![
            "redirect_uris", "grant_types", "response_types", "client_name", "client_name#en",
            "logo_uri", "scope", "contacts", "jwks", "jwks_uri", "software_id", "software_version",
            "application_type", "default_max_age", "request_uris", "tls_client_auth_san_ip",
        ]),
        value in any_json(),
    ) {
        if let Ok(client) = parse(&app(json!({ (member): value })), &everything()) {
            let again = map(serde_json::to_value(&client).unwrap());
            prop_assert_eq!(parse(&again, &everything()), Ok(client));
        }
    }
}
