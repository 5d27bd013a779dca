//! The rules that an extension or one ecosystem adds, by their numbers.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::jose::{Algorithm, PublicKey, SigningKey};
use crate::protocol::client::metadata::parse;
use crate::protocol::client::{ClientMetadata, Supported};
use crate::protocol::problem::Problems;
use crate::x509::Certificate;

/// Everything that can be stored, without the rules of one ecosystem.
fn known() -> Supported {
    Supported {
        members: std::collections::BTreeSet::new(),
        forced: std::collections::BTreeSet::new(),
        ..Supported::known()
    }
}

fn with_members(members: &[&'static str]) -> Supported {
    Supported { members: members.iter().copied().collect(), ..known() }
}

fn app(changes: Value) -> Map<String, Value> {
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
fn accepted(changes: Value, supported: &Supported) -> ClientMetadata {
    let client = parse(&app(changes), supported).unwrap_or_else(|problems| panic!("{problems:?}"));
    let Value::Object(stored) = serde_json::to_value(&client).unwrap() else { panic!() };
    assert_eq!(parse(&stored, supported).as_ref(), Ok(&client), "what we return is taken back");
    client
}

fn refused(changes: Value, supported: &Supported) -> Problems {
    parse(&app(changes), supported).expect_err("it should be refused")
}

/// Refused with this code and at these places alone.
#[track_caller]
fn refused_at(changes: Value, supported: &Supported, code: &str, pointers: &[&str]) {
    let shown = changes.to_string();
    let problems = refused(changes, supported);
    let at: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(at, pointers, "{shown}: {problems:?}");
    assert_eq!(problems.code().as_str(), code, "{shown}");
}

const ICM: &str = "invalid_client_metadata";
const IRU: &str = "invalid_redirect_uri";
const CIBA: &str = "urn:openid:params:grant-type:ciba";

fn stored(client: &ClientMetadata, member: &str) -> Option<Value> {
    serde_json::to_value(client).unwrap().get(member).cloned()
}

#[test]
fn ciba_needs_a_delivery_mode_and_whoever_is_told_an_address_reg_m39_reg_m40() {
    let ciba = |changes: Value| {
        let mut members = json!({
            "grant_types": [CIBA], "response_types": [], "redirect_uris": null,
            "backchannel_token_delivery_mode": "poll",
        });
        let changes: Map<String, Value> = serde_json::from_value(changes).unwrap();
        members.as_object_mut().unwrap().extend(changes);
        members
    };
    let client = accepted(ciba(json!({})), &known());
    assert_eq!(stored(&client, "backchannel_token_delivery_mode"), Some(json!("poll")));
    let endpoint = "backchannel_client_notification_endpoint";
    for (changes, at) in [
        (json!({ "backchannel_token_delivery_mode": null }), "/backchannel_token_delivery_mode"),
        (json!({ "backchannel_token_delivery_mode": "shout" }), "/backchannel_token_delivery_mode"),
        (
            json!({ "backchannel_token_delivery_mode": "ping" }),
            "/backchannel_client_notification_endpoint",
        ),
        (json!({ (endpoint): "http://a.example/" }), "/backchannel_client_notification_endpoint"),
        (
            json!({ "backchannel_authentication_request_signing_alg": "HS256" }),
            "/backchannel_authentication_request_signing_alg",
        ),
        (json!({ "backchannel_user_code_parameter": "no" }), "/backchannel_user_code_parameter"),
    ] {
        refused_at(ciba(changes), &known(), ICM, &[at]);
    }
    let ping = json!({
        "backchannel_token_delivery_mode": "ping", (endpoint): "https://acme.example/told",
        "backchannel_authentication_request_signing_alg": "PS256",
        "backchannel_user_code_parameter": true,
    });
    accepted(ciba(ping), &known());
    refused_at(
        json!({ "backchannel_token_delivery_mode": "poll" }),
        &known(),
        ICM,
        &["/backchannel_token_delivery_mode"],
    );
    let fapi = Supported { backchannel_token_delivery_modes: vec!["poll", "ping"], ..known() };
    let push = json!({
        "backchannel_token_delivery_mode": "push", (endpoint): "https://acme.example/told",
    });
    refused_at(ciba(push), &fapi, ICM, &["/backchannel_token_delivery_mode"]);
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
fn logout_sends_people_where_they_may_be_sent_reg_m43_to_m45() {
    let client = accepted(
        json!({
            "post_logout_redirect_uris": ["https://acme.example/bye"],
            "backchannel_logout_uri": "https://acme.example/out",
            "backchannel_logout_session_required": true,
            "frontchannel_logout_uri": "https://acme.example/front?x=1",
            "frontchannel_logout_session_required": true,
        }),
        &known(),
    );
    assert_eq!(
        stored(&client, "post_logout_redirect_uris"),
        Some(json!(["https://acme.example/bye"]))
    );
    refused_at(
        json!({ "post_logout_redirect_uris": [
            "https://acme.example/bye", "javascript:alert(1)", "http://127.0.0.1/", "https://a.example/#x",
        ] }),
        &known(),
        IRU,
        &[
            "/post_logout_redirect_uris/1",
            "/post_logout_redirect_uris/3",
            "/post_logout_redirect_uris/2",
        ],
    );
    refused_at(
        json!({ "backchannel_logout_uri": "http://acme.example/out" }),
        &known(),
        ICM,
        &["/backchannel_logout_uri"],
    );
    for elsewhere in
        ["https://acme.example:8443/front", "https://www.acme.example/", "https://evil.example/"]
    {
        let changes = json!({ "frontchannel_logout_uri": elsewhere });
        refused_at(changes, &known(), ICM, &["/frontchannel_logout_uri"]);
    }
}

#[test]
fn introspection_responses_are_signed_and_encrypted_as_asked_reg_m46() {
    let client = accepted(
        json!({
            "introspection_signed_response_alg": "PS256",
            "introspection_encrypted_response_alg": "RSA-OAEP-256",
        }),
        &known(),
    );
    let enc = stored(&client, "introspection_encrypted_response_enc");
    assert_eq!(enc, Some(json!("A128CBC-HS256")));
    for (changes, at) in [
        (
            json!({ "introspection_signed_response_alg": "none" }),
            "/introspection_signed_response_alg",
        ),
        (
            json!({ "introspection_encrypted_response_enc": "A256GCM" }),
            "/introspection_encrypted_response_enc",
        ),
        (
            json!({ "introspection_encrypted_response_alg": "RSA1_5" }),
            "/introspection_encrypted_response_alg",
        ),
    ] {
        refused_at(changes, &known(), ICM, &[at]);
    }
}

#[test]
fn of_several_values_the_first_that_is_to_be_had_is_registered_reg_m48() {
    let supported = Supported {
        token_endpoint_auth_methods: vec!["tls_client_auth", "private_key_jwt"],
        id_token_signing_algs: vec!["PS256", "ES256"],
        ..known()
    };
    let client = accepted(
        json!({
            "token_endpoint_auth_method": null,
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS512", "ES256", "PS256"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "PS256"],
            "id_token_encryption_alg_values_supported": ["RSA-OAEP-256"],
            "id_token_encryption_enc_values_supported": ["A256GCM"],
            "userinfo_encryption_enc_values_supported": ["A256GCM"],
            "subject_types_supported": ["pairwise", "public"],
        }),
        &supported,
    );
    for (member, value) in [
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("token_endpoint_auth_signing_alg", "ES256"),
        ("id_token_signed_response_alg", "ES256"),
        ("id_token_encrypted_response_alg", "RSA-OAEP-256"),
        ("id_token_encrypted_response_enc", "A256GCM"),
        ("subject_type", "pairwise"),
    ] {
        assert_eq!(stored(&client, member), Some(json!(value)), "{member}");
    }
    assert_eq!(stored(&client, "userinfo_encrypted_response_enc"), None);
    assert_eq!(stored(&client, "id_token_signing_alg_values_supported"), None);
    refused_at(
        json!({ "id_token_signing_alg_values_supported": ["RS256", "none"] }),
        &supported,
        ICM,
        &["/id_token_signing_alg_values_supported"],
    );
    refused_at(
        json!({
            "id_token_signed_response_alg": "PS256",
            "id_token_signing_alg_values_supported": ["ES256"],
        }),
        &supported,
        ICM,
        &["/id_token_signed_response_alg"],
    );
    refused_at(
        json!({ "subject_types_supported": "public" }),
        &supported,
        ICM,
        &["/subject_types_supported"],
    );
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

#[test]
fn a_framework_has_its_own_limits_reg_m1_reg_m29() {
    let uk = Supported {
        longest_redirect_uri: Some(256),
        longest_certificate_subject: Some(128),
        certificate_subjects: vec!["tls_client_auth_subject_dn"],
        ..known()
    };
    let long = format!("https://acme.example/{}", "x".repeat(256 - 21));
    accepted(json!({ "redirect_uris": [long] }), &uk);
    refused_at(json!({ "redirect_uris": [format!("{long}y")] }), &uk, IRU, &["/redirect_uris/0"]);
    let tls = |member: &str, value: &str| json!({ "token_endpoint_auth_method": "tls_client_auth", (member): value });
    let subject = format!("CN={}", "x".repeat(125));
    accepted(tls("tls_client_auth_subject_dn", &subject), &uk);
    let at = ["/tls_client_auth_subject_dn"];
    refused_at(tls("tls_client_auth_subject_dn", &format!("{subject}x")), &uk, ICM, &at);
    let dns = tls("tls_client_auth_san_dns", "a.example");
    refused_at(dns.clone(), &uk, ICM, &["/tls_client_auth_san_dns"]);
    accepted(dns, &known());
}

#[test]
fn a_framework_may_want_members_and_set_flags_for_everybody_reg_m31_reg_m34() {
    let strict = Supported {
        required: ["client_name", "redirect_uris", "scope"].map(str::to_owned).into(),
        forced: ["tls_client_certificate_bound_access_tokens"].into(),
        certificate_bound_access_tokens: false,
        ..known()
    };
    let named = json!({ "client_name": "Acme", "scope": "a" });
    for said in [json!(null), json!(false), json!(true)] {
        let mut members = named.clone();
        members["tls_client_certificate_bound_access_tokens"] = said;
        assert!(accepted(members, &strict).mutual_tls.tls_client_certificate_bound_access_tokens);
    }
    let nothing = json!({
        "redirect_uris": null, "grant_types": ["client_credentials"], "response_types": [],
        "client_name": "", "scope": null,
    });
    refused_at(nothing, &strict, ICM, &["/client_name", "/redirect_uris", "/scope"]);
}

#[test]
fn a_self_signed_certificate_stands_with_its_key_reg_m30() {
    let certificate = || {
        let issued = rcgen::generate_simple_self_signed(vec!["acme.example".to_owned()]).unwrap();
        issued.cert.der().to_vec()
    };
    let (own, other) = (certificate(), certificate());
    let read = Certificate::from_der(&own).unwrap();
    let key = PublicKey::from_public_key_info(read.public_key_der()).unwrap().to_value();
    let self_signed = |key: &Value| {
        json!({
            "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks_uri": null,
            "jwks": { "keys": [key] },
        })
    };
    refused_at(self_signed(&key), &known(), ICM, &["/jwks"]);
    let mut with_chain = key;
    with_chain["x5c"] = json!([STANDARD.encode(own), STANDARD.encode(&other)]);
    let client = accepted(self_signed(&with_chain), &known());
    assert_eq!(client.jwks.unwrap()["keys"][0]["x5c"], with_chain["x5c"]);
    let other = json!([STANDARD.encode(other)]);
    for bad in [json!([]), json!("MIIB"), json!(["-_-_"]), json!([7]), json!(["MIIB"]), other] {
        with_chain["x5c"] = bad;
        refused_at(self_signed(&with_chain), &known(), ICM, &["/jwks/keys/0"]);
    }
}

#[test]
fn what_is_encrypted_for_a_client_needs_its_key_for_encryption_reg_m18() {
    let signing = SigningKey::generate(Algorithm::Es256).unwrap().public_jwk();
    let with = |name: &str, value: Value, mut key: Value| {
        key[name] = value;
        key
    };
    let rsa = SigningKey::generate(Algorithm::Ps256).unwrap().public_jwk();
    let encryption = with("use", json!("enc"), with("alg", json!("RSA-OAEP-256"), rsa));
    let client = |keys: Value| {
        json!({
            "jwks_uri": null, "jwks": { "keys": keys },
            "id_token_encrypted_response_alg": "RSA-OAEP-256",
        })
    };
    let kept = accepted(client(json!([encryption, signing])), &known());
    assert_eq!(kept.jwks.unwrap()["keys"].as_array().unwrap().len(), 2);
    refused_at(client(json!([signing])), &known(), ICM, &["/jwks"]);
    let other = with("alg", json!("RSA-OAEP"), encryption.clone());
    refused_at(client(json!([signing, other])), &known(), ICM, &["/jwks"]);
    for bad in [
        with("d", json!("AQ"), encryption.clone()),
        with("alg", json!("RSA1_5"), encryption.clone()),
        with("n", json!("AQAB"), encryption.clone()),
    ] {
        refused_at(client(json!([signing, bad])), &known(), ICM, &["/jwks/keys/1"]);
    }
    let twin = with("kid", signing["kid"].clone(), encryption);
    refused_at(client(json!([signing, twin])), &known(), ICM, &["/jwks"]);
}

#[test]
fn one_name_for_a_user_at_several_hosts_needs_their_list_reg_m15() {
    let pairwise = |uris: Value| json!({ "subject_type": "pairwise", "redirect_uris": uris });
    accepted(pairwise(json!(["https://a.example/1", "https://a.example/2"])), &known());
    let several = json!(["https://a.example/1", "https://b.example/1"]);
    refused_at(pairwise(several.clone()), &known(), ICM, &["/sector_identifier_uri"]);
    let mut listed = pairwise(several);
    listed["sector_identifier_uri"] = json!("https://a.example/sector");
    accepted(listed, &known());
}

#[test]
fn an_unsigned_id_token_never_comes_through_the_browser_reg_m17() {
    let unsigned = |grants: Value, responses: Value| {
        json!({
            "id_token_signed_response_alg": "none", "grant_types": grants,
            "response_types": responses,
        })
    };
    accepted(unsigned(json!(["authorization_code"]), json!(["code"])), &known());
    let hybrid = unsigned(json!(["authorization_code", "implicit"]), json!(["code id_token"]));
    refused_at(hybrid, &known(), ICM, &["/id_token_signed_response_alg"]);
}

#[test]
fn defaults_are_stored_and_shown_reg_m16_reg_m17_reg_m35_reg_e4() {
    let client = accepted(json!({ "response_modes": ["jwt"] }), &known());
    for (member, value) in [
        ("subject_type", json!("public")),
        ("id_token_signed_response_alg", json!("RS256")),
        ("authorization_signed_response_alg", json!("RS256")),
        ("application_type", json!("web")),
        ("grant_types", json!(["authorization_code"])),
        ("response_types", json!(["code"])),
    ] {
        assert_eq!(stored(&client, member), Some(value), "{member}");
    }
    let fapi = Supported { id_token_signing_algs: vec!["PS256", "ES256"], ..known() };
    let client = accepted(json!({}), &fapi);
    assert_eq!(stored(&client, "id_token_signed_response_alg"), Some(json!("PS256")));
    assert_eq!(stored(&client, "authorization_signed_response_alg"), None);
}

#[test]
fn members_of_a_standard_that_is_not_used_are_ignored_reg_e7() {
    let off = Supported {
        grant_types: vec!["authorization_code"],
        response_types: vec!["code"],
        token_endpoint_auth_methods: vec!["private_key_jwt"],
        ..Supported::default()
    };
    let sent = json!({
        "backchannel_token_delivery_mode": "shout", "backchannel_user_code_parameter": 7,
        "backchannel_client_notification_endpoint": "nowhere",
        "post_logout_redirect_uris": ["javascript:alert(1)"], "backchannel_logout_uri": 7,
        "frontchannel_logout_uri": "x", "introspection_signed_response_alg": "none",
        "webhook_uris": 7, "udap": 7, "certifications": 7, "software_roles": 7,
        "spiffe_id": "spiffe://x", "client_registration_types": ["automatic"],
        "lookback_period": 60,
    });
    let client = accepted(sent.clone(), &off);
    for name in sent.as_object().unwrap().keys() {
        assert_eq!(stored(&client, name), None, "{name}");
    }
}
