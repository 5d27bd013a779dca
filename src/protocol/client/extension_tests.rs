//! The rules that an extension adds, by their numbers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::jose::{Algorithm, PublicKey, SigningKey};
use crate::protocol::client::Supported;
use crate::protocol::client::ecosystem_tests::*;
use crate::x509::Certificate;

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
