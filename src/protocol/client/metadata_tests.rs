//! Each rule of REG-M and REG-X that metadata obeys, by its number.

use serde_json::{Map, Value, json};

use crate::jose::Algorithm;
use crate::jose::SigningKey;
use crate::protocol::client::ClientMetadata;
use crate::protocol::client::Supported;
use crate::protocol::client::metadata::parse;
use crate::protocol::client_authentication::ClientAuthenticationMethod;
use crate::protocol::discovery::Features;
use crate::protocol::error::ErrorCode;
use crate::protocol::problem::Problems;

pub(super) fn map(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).expect("an object")
}

/// What this server does today.
pub(super) fn today() -> Supported {
    Supported::of(&Features {
        resource_server_methods: Vec::new(),
        introspection_signing_algorithms: Vec::new(),
        authentication_methods: vec![ClientAuthenticationMethod::PrivateKeyJwt],
        registration: true,
        introspection: true,
        authorize_requests: true,
        revocation: true,
        dpop: false,
        mutual_tls: false,
        assertion_algorithms: vec![Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa],
    })
}

/// A registration that this server takes, with some members replaced or, by `null`, taken out.
pub(super) fn service(changes: Value) -> Map<String, Value> {
    let mut members = map(json!({
        "client_name": "Acme Budget",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": "https://keys.acme.example/jwks",
        "scope": "accounts balances",
    }));
    members.extend(map(changes));
    members
}

/// A server that also sends people to clients, with everything of OpenID Connect and its extensions.
pub(super) fn everything() -> Supported {
    Supported {
        grant_types: vec!["authorization_code", "refresh_token", "client_credentials", "implicit"],
        response_types: vec!["code", "code id_token", "token"],
        token_endpoint_auth_methods: vec![
            "client_secret_basic",
            "private_key_jwt",
            "tls_client_auth",
            "none",
        ],
        id_token_signing_algs: vec!["PS256"],
        userinfo_signing_algs: vec!["PS256"],
        request_object_signing_algs: vec!["PS256"],
        authorization_signing_algs: vec!["PS256"],
        encryption_algs: vec!["RSA-OAEP-256"],
        encryption_encs: vec!["A256GCM", "A128CBC-HS256"],
        subject_types: vec!["public", "pairwise"],
        acr_values: vec!["urn:acr:2".to_owned()],
        response_modes: vec!["query", "jwt"],
        authorization_details_types: vec!["payment_initiation".to_owned()],
        request_uris: true,
        user_authentication: true,
        pushed_authorization_requests: true,
        dpop: true,
        certificate_bound_access_tokens: true,
        mtls_endpoint_aliases: true,
        ..today()
    }
}

pub(super) fn app(changes: Value) -> Map<String, Value> {
    let mut members = map(json!({
        "redirect_uris": ["https://acme.example/cb"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": "https://keys.acme.example/jwks",
    }));
    members.extend(map(changes));
    members
}

pub(super) fn accepted(members: &Map<String, Value>, supported: &Supported) -> ClientMetadata {
    parse(members, supported).unwrap_or_else(|problems| panic!("{members:?}: {problems:?}"))
}

pub(super) fn refused(members: &Map<String, Value>, supported: &Supported) -> Problems {
    parse(members, supported).expect_err("it should be refused")
}

pub(super) fn names(problems: &Problems, code: ErrorCode, pointer: &str) -> bool {
    problems.iter().any(|problem| problem.code == code && problem.pointer == pointer)
}

/// Refused for this member alone.
#[track_caller]
pub(super) fn refused_at(members: &Map<String, Value>, supported: &Supported, pointer: &str) {
    let problems = refused(members, supported);
    assert!(
        problems.iter().all(|problem| problem.pointer.starts_with(pointer)),
        "{members:?}: {problems:?}"
    );
    assert_eq!(problems.code(), ErrorCode::InvalidClientMetadata, "{problems:?}");
}

#[test]
fn a_service_registers_with_what_this_server_does_today() {
    let client = accepted(&service(json!({})), &today());
    assert_eq!(client.client_name(), Some("Acme Budget"));
    assert_eq!(client.scope.to_string(), "accounts balances");
    assert!(client.response_types.is_empty() && client.allows_grant("client_credentials"));
}

#[test]
fn every_problem_is_reported_not_only_the_first_reg_e11() {
    let members = service(json!({
        "redirect_uris": ["https://a.example/cb", "javascript:alert(1)", "https://b.example/#x"],
        "grant_types": ["client_credentials", "password"],
        "token_endpoint_auth_method": "client_secret_post",
        "client_name": "a\u{202e}b",
        "scope": "a\"b",
        "jwks_uri": "http://a.example/",
        "contacts": ["nobody"],
    }));
    let problems = refused(&members, &today());
    assert!(names(&problems, ErrorCode::InvalidRedirectUri, "/redirect_uris/1"));
    assert!(names(&problems, ErrorCode::InvalidRedirectUri, "/redirect_uris/2"));
    for pointer in [
        "/grant_types/1",
        "/token_endpoint_auth_method",
        "/client_name",
        "/scope",
        "/jwks_uri",
        "/contacts/0",
    ] {
        assert!(names(&problems, ErrorCode::InvalidClientMetadata, pointer), "{pointer}");
    }
    assert_eq!(problems.iter().count(), 8, "{problems:?}");
}

#[test]
fn every_redirect_uri_is_checked_wherever_the_bad_one_stands_reg_m1_peer_1() {
    for bad in 0..3 {
        let mut uris = ["https://a.example/1", "https://a.example/2", "https://a.example/3"];
        uris[bad] = "data:text/html,x";
        let problems = refused(&app(json!({ "redirect_uris": uris })), &everything());
        assert_eq!(problems.code(), ErrorCode::InvalidRedirectUri);
        let pointer = format!("/redirect_uris/{bad}");
        assert!(names(&problems, ErrorCode::InvalidRedirectUri, &pointer), "{problems:?}");
    }
}

#[test]
fn redirect_uris_are_required_for_a_grant_that_sends_people_back_reg_m1_reg_x2() {
    for absent in [json!(null), json!("")] {
        let problems = refused(&app(json!({ "redirect_uris": absent })), &everything());
        assert!(names(&problems, ErrorCode::InvalidRedirectUri, "/redirect_uris"));
    }
    let problems = refused(&app(json!({ "redirect_uris": [] })), &everything());
    assert_eq!(problems.code(), ErrorCode::InvalidRedirectUri);
}

#[test]
fn a_redirect_uri_fits_its_application_reg_m1_reg_m14() {
    let local = ["http://127.0.0.1/cb", "com.example.app:/cb"];
    for uri in local {
        assert!(parse(&app(json!({ "redirect_uris": [uri] })), &everything()).is_err(), "{uri}");
        accepted(
            &app(json!({ "redirect_uris": [uri], "application_type": "native" })),
            &everything(),
        );
    }
    let here = app(json!({ "redirect_uris": ["https://localhost:3000/cb"] }));
    assert!(parse(&here, &everything()).is_err());
    accepted(&here, &Supported { local_redirects: true, ..everything() });
}

#[test]
fn an_unsupported_authentication_method_is_refused_reg_m2() {
    for method in ["client_secret_basic", "none", "tls_client_auth", "Private_Key_Jwt"] {
        let members = service(json!({ "token_endpoint_auth_method": method }));
        refused_at(&members, &today(), "/token_endpoint_auth_method");
    }
}

#[test]
fn an_absent_authentication_method_is_client_secret_basic_reg_m2() {
    let members = app(json!({ "token_endpoint_auth_method": null }));
    let client = accepted(&members, &everything());
    assert_eq!(client.token_endpoint_auth_method, "client_secret_basic");
    let members = service(json!({ "token_endpoint_auth_method": null }));
    refused_at(&members, &today(), "/token_endpoint_auth_method");
}

#[test]
fn grant_types_lose_doubles_and_an_empty_array_is_none_reg_m3() {
    let members = service(json!({ "grant_types": ["client_credentials", "client_credentials"] }));
    let client = accepted(&members, &today());
    assert_eq!(client.grant_types, ["client_credentials"]);
    let none = accepted(&service(json!({ "grant_types": [] })), &today());
    assert!(none.grant_types.is_empty());
}

#[test]
fn absent_grant_types_mean_authorization_code_which_is_refused_where_unsupported_reg_m3() {
    let members = service(json!({ "grant_types": null }));
    refused_at(&members, &today(), "/grant_types");
    let client = accepted(&app(json!({})), &everything());
    assert_eq!(client.grant_types, ["authorization_code"]);
    assert_eq!(client.response_types, ["code"]);
}

#[test]
fn the_code_grant_is_not_supported_today() {
    let members = service(json!({ "grant_types": ["authorization_code"] }));
    let problems = refused(&members, &today());
    assert!(names(&problems, ErrorCode::InvalidClientMetadata, "/grant_types/0"));
}

#[test]
fn a_response_type_is_a_set_of_words_reg_m4() {
    let members = app(json!({
        "response_types": ["id_token code", "code"],
        "grant_types": ["authorization_code", "implicit"],
    }));
    assert_eq!(accepted(&members, &everything()).response_types, ["code id_token", "code"]);
    let members = app(json!({ "response_types": ["id_token", "token"] }));
    assert!(parse(&members, &everything()).is_err());
    refused_at(&service(json!({ "response_types": ["code"] })), &today(), "/response_types");
}

#[test]
fn language_variants_pass_the_same_checks_reg_m5() {
    let members = service(json!({
        "client_name#ja-Jpan-JP": "\u{30a2}\u{30af}\u{30e1}",
        "client_uri": "https://acme.example/",
        "tos_uri#fr": "https://www.acme.example/fr",
        "logo_uri": "https://acme.example/logo.png",
    }));
    let client = accepted(&members, &today());
    assert_eq!(client.display.get("client_name#ja-Jpan-JP"), Some("\u{30a2}\u{30af}\u{30e1}"));
    for (member, value) in [
        ("client_name#x", json!("a\u{0}b")),
        ("client_name#not a tag", json!("Acme")),
        ("client_name#fr", json!(7)),
        ("logo_uri#fr", json!("data:image/svg+xml,<svg onload=alert(1)>")),
        ("policy_uri", json!("http://acme.example/")),
        ("tos_uri#de", json!("https://evil.example/")),
        ("logo_uri", json!("https://com/logo.png")),
    ] {
        let members = service(json!({ "client_uri": "https://acme.example/", (member): value }));
        refused_at(&members, &today(), &format!("/{member}"));
    }
}

#[test]
fn hosts_that_the_statement_vouches_for_may_be_foreign_reg_m5() {
    let members = service(json!({
        "client_uri": "https://acme.example/", "logo_uri": "https://cdn.directory.example/1.png",
    }));
    let mut supported = today();
    refused_at(&members, &supported, "/logo_uri");
    supported.vouched.insert("logo_uri".to_owned());
    accepted(&members, &supported);
}

#[test]
fn a_malformed_scope_is_a_metadata_error_reg_m6() {
    for bad in [json!("a  b"), json!(["a"]), json!("a\u{e9}"), json!(7)] {
        refused_at(&service(json!({ "scope": bad })), &today(), "/scope");
    }
}

#[test]
fn contacts_are_addresses_reg_m7() {
    let good = json!(["dev@acme.example", "mailto:sec@acme.example", "https://acme.example/help"]);
    let client = accepted(&service(json!({ "contacts": good })), &today());
    assert_eq!(client.contacts.len(), 3);
    for bad in [json!("dev@acme.example"), json!([1]), json!(["a b@c"]), json!([""])] {
        refused_at(&service(json!({ "contacts": bad })), &today(), "/contacts");
    }
}

#[test]
fn keys_are_given_by_value_or_by_address_and_public_only_reg_m8_reg_m9_reg_x4() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let by_value = json!({ "jwks": { "keys": [key.public_jwk()] }, "jwks_uri": null });
    let client = accepted(&service(by_value), &today());
    assert_eq!(client.jwks.unwrap()["keys"][0]["x"], key.public_jwk()["x"]);

    let both = service(json!({ "jwks": { "keys": [key.public_jwk()] } }));
    refused_at(&both, &today(), "/jwks");

    let private: Value = serde_json::from_str(key.private_jwk().reveal()).unwrap();
    for bad in [json!({ "keys": [private] }), json!({}), json!([]), json!("x"), json!({"keys": 1})]
    {
        let members = service(json!({ "jwks": bad, "jwks_uri": null }));
        refused_at(&members, &today(), "/jwks");
    }
}

#[test]
fn a_method_that_signs_needs_keys_reg_x3() {
    let members = service(json!({ "jwks_uri": null }));
    refused_at(&members, &today(), "/jwks_uri");
}

#[test]
fn the_software_is_named_and_versioned_reg_m10_reg_m11() {
    let members = service(json!({ "software_id": "a-1", "software_version": 1.5 }));
    let client = accepted(&members, &today());
    assert_eq!(client.software_version.as_deref(), Some("1.5"));
    for (member, bad) in [
        ("software_id", json!("a b")),
        ("software_id", json!(1)),
        ("software_version", json!("a\nb")),
        ("software_version", json!([])),
    ] {
        let members = service(json!({ (member): bad }));
        refused_at(&members, &today(), &format!("/{member}"));
    }
}

#[test]
fn what_only_the_server_may_say_and_what_is_unknown_is_ignored_reg_m13_reg_e7_reg_x9() {
    let members = service(json!({
        "client_id": "mine", "client_secret": "s", "registration_access_token": "t", "state": "active",
        "organisation_id": "org_1", "is_admin": true, "frobnicate": {"deep": [1]},
    }));
    let client = accepted(&members, &today());
    let stored = serde_json::to_value(client).unwrap();
    for name in ["client_id", "client_secret", "state", "organisation_id", "is_admin", "frobnicate"]
    {
        assert_eq!(stored.get(name), None, "{name}");
    }
}

#[test]
fn null_and_the_empty_text_are_omission_and_nothing_unset_is_stored_reg_e6() {
    let members =
        service(json!({ "client_uri": null, "logo_uri": "", "jwks": null, "contacts": null }));
    let stored = serde_json::to_value(accepted(&members, &today())).unwrap();
    for (name, value) in stored.as_object().unwrap() {
        assert!(!value.is_null() && value != "", "{name}");
    }
}
