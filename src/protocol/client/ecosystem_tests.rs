//! The rules that one ecosystem adds, by their numbers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::protocol::client::metadata::parse;
use crate::protocol::client::{ClientMetadata, Supported};
use crate::protocol::problem::Problems;

/// Everything that can be stored, without the rules of one ecosystem.
pub(super) fn known() -> Supported {
    Supported {
        members: std::collections::BTreeSet::new(),
        forced: std::collections::BTreeSet::new(),
        ..Supported::known()
    }
}

pub(super) fn with_members(members: &[&'static str]) -> Supported {
    Supported { members: members.iter().copied().collect(), ..known() }
}

pub(super) fn app(changes: Value) -> Map<String, Value> {
    let base = json!({
        "redirect_uris": ["https://acme.example/cb"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": "https://keys.acme.example/jwks",
    });
    let mut members: Map<String, Value> = serde_json::from_value(base).unwrap();
    members.extend(serde_json::from_value::<Map<String, Value>>(changes).unwrap());
    members
}

#[track_caller]
pub(super) fn accepted(changes: Value, supported: &Supported) -> ClientMetadata {
    let client = parse(&app(changes), supported).unwrap_or_else(|problems| panic!("{problems:?}"));
    let Value::Object(stored) = serde_json::to_value(&client).unwrap() else { panic!() };
    assert_eq!(parse(&stored, supported).as_ref(), Ok(&client), "what we return is taken back");
    client
}

pub(super) fn refused(changes: Value, supported: &Supported) -> Problems {
    parse(&app(changes), supported).expect_err("it should be refused")
}

/// Refused with this code and at these places alone.
#[track_caller]
pub(super) fn refused_at(changes: Value, supported: &Supported, code: &str, pointers: &[&str]) {
    let shown = changes.to_string();
    let problems = refused(changes, supported);
    let at: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(at, pointers, "{shown}: {problems:?}");
    assert_eq!(problems.code().as_str(), code, "{shown}");
}

pub(super) const ICM: &str = "invalid_client_metadata";
pub(super) const IRU: &str = "invalid_redirect_uri";
pub(super) const CIBA: &str = "urn:openid:params:grant-type:ciba";

pub(super) fn stored(client: &ClientMetadata, member: &str) -> Option<Value> {
    serde_json::to_value(client).unwrap().get(member).cloned()
}

#[test]
fn the_uk_has_another_name_for_the_user_code_and_allows_false_alone_reg_m42() {
    const ALIAS: &str = "backchannel_user_code_parameter_supported";
    let uk = with_members(&[ALIAS]);
    let client = accepted(json!({ (ALIAS): false }), &uk);
    assert_eq!(stored(&client, ALIAS), None);
    refused_at(json!({ (ALIAS): true }), &uk, ICM, &[&format!("/{ALIAS}")]);
    accepted(json!({ (ALIAS): true }), &known());
}

#[test]
fn webhooks_are_for_brazil_and_have_a_code_of_their_own_reg_m52() {
    let brazil = with_members(&["webhook_uris"]);
    let good = json!(["https://hook.example", "https://hook.example:8443/a/b"]);
    let client = accepted(json!({ "webhook_uris": good }), &brazil);
    assert_eq!(stored(&client, "webhook_uris"), Some(good));
    let long = format!("https://hook.example/{}", "x".repeat(255));
    for bad in [
        "https://hook.example/",
        "https://hook.example/a/",
        "https://hook.example/a//b",
        "https://hook.example/a?x=1",
        "https://hook.example?x",
        "https://hook.example/#a",
        "https://user@hook.example/a",
        "http://hook.example/a",
        "HTTPS://hook.example/a",
        "https://h\u{f6}ok.example/a",
        "https://",
        &long,
    ] {
        let changes = json!({ "webhook_uris": ["https://hook.example/ok", bad] });
        refused_at(changes, &brazil, "invalid_webhook_uris", &["/webhook_uris/1"]);
    }
    for bad in [json!("https://hook.example"), json!({}), json!(7)] {
        let changes = json!({ "webhook_uris": bad });
        refused_at(changes, &brazil, "invalid_webhook_uris", &["/webhook_uris"]);
    }
    let problems = refused(json!({ "webhook_uris": [7], "client_name": "a\u{202e}b" }), &brazil);
    assert_eq!(problems.code().as_str(), ICM, "another fault outweighs it");
    let client = accepted(json!({ "webhook_uris": ["nonsense"] }), &known());
    assert_eq!(stored(&client, "webhook_uris"), None);
}

#[test]
fn brazils_other_endpoints_know_one_method_reg_m53() {
    let members = ["introspection_endpoint_auth_method", "revocation_endpoint_auth_method"];
    let brazil = with_members(&members);
    for member in members {
        let client = accepted(json!({ (member): "private_key_jwt" }), &brazil);
        assert_eq!(stored(&client, member), Some(json!("private_key_jwt")));
        let bad = json!({ (member): "client_secret_basic" });
        refused_at(bad.clone(), &brazil, ICM, &[&format!("/{member}")]);
        assert_eq!(stored(&accepted(bad, &known()), member), None);
    }
}

#[test]
fn australias_register_speaks_and_the_request_does_not_reg_m54() {
    let said = json!({
        "legal_entity_id": "le-1", "legal_entity_name": "Acme Pty Ltd", "org_id": "o-1",
        "org_name": "Acme", "client_description": "Budgets",
        "revocation_uri": "https://acme.example/revoke",
        "recipient_base_uri": "https://acme.example",
        "software_roles": "data-recipient-software-product",
    });
    let names: Vec<String> = said.as_object().unwrap().keys().cloned().collect();
    let used = Supported::known().members;
    let members: Vec<&'static str> =
        used.into_iter().filter(|name| names.iter().any(|it| it == name)).collect();
    assert_eq!(members.len(), names.len());
    let mut australia = with_members(&members);
    let from_request = accepted(said.clone(), &australia);
    australia.vouched = names.iter().cloned().collect();
    let from_statement = accepted(said.clone(), &australia);
    for name in &names {
        assert_eq!(stored(&from_request, name), None, "{name}");
        assert_eq!(stored(&from_statement, name).as_ref(), said.get(name), "{name}");
    }
    for (member, bad) in [
        ("software_roles", json!(["data-recipient-software-product"])),
        ("org_name", json!("Acme\u{202e}")),
        ("revocation_uri", json!("http://acme.example/")),
        ("legal_entity_id", json!(7)),
    ] {
        refused_at(json!({ (member): bad }), &australia, ICM, &[&format!("/{member}")]);
    }
}

/// A certification that says so.
fn certification(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode("signature"))
}

fn udap_client(changes: Value) -> Value {
    let mut members = json!({
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "logo_uri": "https://acme.example/logo.png", "contacts": ["mailto:ops@acme.example"],
        "udap": "1", "client_name": "Acme",
    });
    let changes: Map<String, Value> = serde_json::from_value(changes).unwrap();
    members.as_object_mut().unwrap().extend(changes);
    members
}

#[test]
fn udap_wants_its_version_and_certifications_of_the_right_shape_reg_m55() {
    let udap = with_members(&["udap", "certifications"]);
    let header = json!({ "alg": "RS256", "x5c": ["MIIB"] });
    let claims = json!({
        "iss": "https://tester.example", "sub": "https://acme.example", "iat": 1_700_000_000,
        "exp": 1_790_000_000, "jti": "1", "certification_name": "Tested",
    });
    let good = certification(&header, &claims);
    let client = accepted(udap_client(json!({ "certifications": [good] })), &udap);
    assert_eq!(stored(&client, "certifications"), Some(json!([good])));
    assert_eq!(stored(&client, "udap"), Some(json!("1")));
    for bad in [json!(null), json!("2"), json!(1)] {
        refused_at(udap_client(json!({ "udap": bad })), &udap, ICM, &["/udap"]);
    }
    let without = |claim: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(claim);
        certification(&header, &claims)
    };
    let mut bad = vec![
        certification(&json!({ "alg": "none", "x5c": ["MIIB"] }), &claims),
        certification(&json!({ "alg": "RS256" }), &claims),
        certification(&header, &json!([])),
        good.rsplit_once('.').unwrap().0.to_owned(),
        format!("{good}.x"),
        format!("{good}="),
        "a.b.c".to_owned(),
        "x".repeat(100_000),
    ];
    bad.extend(["iss", "sub", "iat", "exp", "jti"].map(without));
    let mut long = claims.clone();
    long["exp"] = json!(1_700_000_000 + 4 * 366 * 86_400);
    bad.push(certification(&header, &long));
    long["exp"] = json!(1_600_000_000);
    bad.push(certification(&header, &long));
    for text in bad {
        let changes = udap_client(json!({ "certifications": [good.clone(), text] }));
        refused_at(changes, &udap, ICM, &["/certifications/1"]);
    }
    let many = udap_client(json!({ "certifications": vec![good; 21] }));
    refused_at(many, &udap, ICM, &["/certifications"]);
    assert_eq!(stored(&accepted(json!({ "udap": 7 }), &known()), "udap"), None);
}

#[test]
fn udap_clients_act_for_users_or_for_themselves_reg_x7() {
    let udap = with_members(&["udap"]);
    for (changes, at) in [
        (
            json!({ "grant_types": ["authorization_code", "client_credentials"] }),
            &["/grant_types"][..],
        ),
        (json!({ "response_types": ["code", "code token"] }), &["/grant_types", "/response_types"]),
        (json!({ "logo_uri": null }), &["/logo_uri"]),
        (json!({ "logo_uri": "https://acme.example/logo" }), &["/logo_uri"]),
        (json!({ "logo_uri": "https://acme.example/logo.webp" }), &["/logo_uri"]),
        (json!({ "contacts": ["https://acme.example/help"] }), &["/contacts"]),
        (json!({ "contacts": null }), &["/contacts"]),
    ] {
        refused_at(udap_client(changes), &udap, ICM, at);
    }
    let service = |changes: Value| {
        let mut members = udap_client(json!({
            "grant_types": ["client_credentials"], "response_types": [], "redirect_uris": null,
            "logo_uri": null,
        }));
        let changes: Map<String, Value> = serde_json::from_value(changes).unwrap();
        members.as_object_mut().unwrap().extend(changes);
        members
    };
    accepted(service(json!({})), &udap);
    let logo = json!({ "logo_uri": "https://acme.example/logo.png" });
    refused_at(service(logo), &udap, ICM, &["/logo_uri"]);
    let redirects = json!({ "redirect_uris": ["https://acme.example/cb"] });
    refused_at(service(redirects), &udap, IRU, &["/redirect_uris"]);
    let refresh = json!({ "grant_types": ["client_credentials", "refresh_token"] });
    refused_at(service(refresh), &udap, ICM, &["/grant_types"]);
}
