//! A UDAP community, with the file that ships: software that vouches for itself with a certificate
//! (REG-UD1, UD3, UD4, X7, S18 to S20).

use countersign::endpoints::exchange::{Incoming, Method};
use countersign::endpoints::token::token;
use countersign::jose::{Algorithm, SigningKey};
use rcgen::string::Ia5String;
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, SanType};
use serde_json::{Value, json};

use crate::ecosystem_bilateral;
use crate::support::house::{ISSUER, refusal};
use crate::support::partner::merged;
use crate::support::pki::{Authority, Issued, Wanted};
use crate::support::scene::{Scene, Stage, shipped};

const BAD: &str = "invalid_software_statement";
const METADATA: &str = "invalid_client_metadata";
const UNAPPROVED: &str = "unapproved_software_statement";
pub(crate) const APP: &str = "https://app.example/udap";
const SCOPES: [&str; 2] = ["system/Patient.read", "system/Observation.read"];

/// A bank in a community.
pub(crate) async fn scene() -> Scene {
    Scene::set(Stage {
        text: shipped("udap.toml"),
        changes: &[],
        organisation: APP,
        scopes: &SCOPES,
        algorithm: Algorithm::Es256,
    })
    .await
}

/// UD1.
pub(crate) fn claims(scene: &Scene) -> Value {
    let claims = json!({
        "iss": APP,
        "sub": APP,
        "aud": "https://as.example/register",
        "client_name": "Fern Health",
        "contacts": ["mailto:ops@app.example"],
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": SCOPES.join(" "),
    });
    scene.timed(300, &claims)
}

/// The request around a statement.
pub(crate) fn request(scene: &Scene, statement: &str) -> Incoming {
    scene.json(&json!({ "software_statement": statement, "udap": "1" }))
}

fn registration(scene: &Scene, issued: &Issued, changes: &Value) -> Incoming {
    let claims = merged(claims(scene), changes);
    request(scene, &Scene::own_statement(issued, &claims))
}

fn own(scene: &Scene) -> Issued {
    Scene::named_by_uri(&scene.authority, APP)
}

fn key(issued: &Issued) -> SigningKey {
    SigningKey::from_private_key_info(issued.key.serialized_der()).unwrap()
}

#[tokio::test]
async fn software_registers_itself_and_its_certificates_key_is_its_key_reg_ud1() {
    let scene = scene().await;
    let own = own(&scene);
    let client = scene.registered(&registration(&scene, &own, &json!({})), 201).await;
    assert_eq!(client["client_name"], "Fern Health");
    assert_eq!(client["contacts"], json!(["mailto:ops@app.example"]));
    assert_eq!(client["token_endpoint_auth_method"], "private_key_jwt");
    assert_eq!(client["grant_types"], json!(["client_credentials"]));
    assert!(client["software_statement"].as_str().is_some_and(|text| text.contains('.')));
    let access = scene.access_token(&key(&own), &client, SCOPES[0], None).await;
    let (status, body) = scene.managed(&client, &access, Method::Get, scene.plain()).await;
    assert_eq!((status, &body["client_id"]), (200, &client["client_id"]));
    // A registration is replaced by registering again, and in no other way.
    let put = registration(&scene, &own, &json!({}));
    assert_eq!(scene.managed(&client, &access, Method::Put, put).await.0, 405);
}

#[tokio::test]
async fn what_stands_beside_the_statement_counts_for_nothing_reg_ud1() {
    let scene = scene().await;
    let statement = Scene::own_statement(&own(&scene), &claims(&scene));
    let beside = json!({
        "software_statement": statement, "udap": "1",
        "client_name": "Somebody else", "scope": "system/*.*",
    });
    let client = scene.registered(&scene.json(&beside), 201).await;
    assert_eq!(client["client_name"], "Fern Health");
    assert!(!client["scope"].as_str().unwrap().contains('*'));
}

#[tokio::test]
async fn a_certificate_that_the_community_does_not_know_is_unapproved_reg_s20() {
    let scene = scene().await;
    let stranger = Scene::named_by_uri(&Authority::root("The ecosystem's authority"), APP);
    let request = registration(&scene, &stranger, &json!({}));
    assert_eq!(scene.refused(&request).await.code.as_str(), UNAPPROVED);
    assert_eq!(scene.clients().await, 0);
}

#[tokio::test]
async fn a_certificate_of_two_communities_is_unapproved_reg_s20() {
    let mut scene = scene().await;
    let one = shipped("udap.toml");
    let two = one.replace("name = \"udap\"", "name = \"second\"");
    scene.believe(&[("udap.toml", &one), ("second.toml", &two)]);
    let request = registration(&scene, &own(&scene), &json!({}));
    assert_eq!(scene.refused(&request).await.code.as_str(), UNAPPROVED);
}

#[tokio::test]
async fn a_statement_says_what_its_certificate_says_to_us_and_for_five_minutes_reg_ud1_s19() {
    let scene = scene().await;
    let now = scene.house.clock.now();
    for changes in [
        json!({ "iss": "https://other.example", "sub": "https://other.example" }),
        // Addresses are compared as they are written.
        json!({ "iss": "https://APP.example/udap", "sub": "https://APP.example/udap" }),
        json!({ "iss": format!("{APP}/"), "sub": format!("{APP}/") }),
        json!({ "sub": "https://other.example" }),
        json!({ "sub": null }),
        json!({ "iss": null }),
        json!({ "aud": "https://as.example" }),
        json!({ "aud": "https://AS.example/register" }),
        json!({ "aud": null }),
        json!({ "exp": now.plus(301) }),
        json!({ "exp": now.plus(-31), "iat": now.plus(-60) }),
        // UD5: samples in circulation end before they begin.
        json!({ "exp": now.plus(60), "iat": now.plus(120) }),
        json!({ "exp": null }),
        json!({ "iat": null }),
        json!({ "jti": null }),
        json!({ "client_name": null }),
        json!({ "contacts": null }),
        json!({ "grant_types": null }),
        json!({ "token_endpoint_auth_method": null }),
        json!({ "scope": null }),
    ] {
        let request = registration(&scene, &own(&scene), &changes);
        let refused = scene.refused(&request).await;
        assert_eq!(refused.code.as_str(), BAD, "{changes}: {}", refused.body());
    }
    assert_eq!(scene.clients().await, 0);
}

#[tokio::test]
async fn a_statement_is_signed_by_the_certificate_it_carries_and_carries_one_reg_s5() {
    let scene = scene().await;
    let mixed = Issued { key: own(&scene).key, ..own(&scene) };
    let request = registration(&scene, &mixed, &json!({}));
    assert_eq!(scene.refused(&request).await.code.as_str(), BAD);
    let bare = self::request(&scene, &key(&own(&scene)).sign("JWT", &claims(&scene)).unwrap());
    assert_eq!(scene.refused(&bare).await.code.as_str(), UNAPPROVED);
}

#[tokio::test]
async fn a_statement_is_used_once_reg_ud1_s8() {
    let scene = scene().await;
    let own = own(&scene);
    let same = json!({ "jti": "the-very-same" });
    scene.registered(&registration(&scene, &own, &same), 201).await;
    let again = registration(&scene, &own, &same);
    assert_eq!(scene.refused(&again).await.code.as_str(), BAD);
    scene.registered(&registration(&scene, &own, &json!({ "jti": "another" })), 200).await;
}

#[tokio::test]
async fn the_same_software_again_replaces_its_registration_and_keeps_its_name_reg_ud3() {
    let scene = scene().await;
    let first = scene.registered(&registration(&scene, &own(&scene), &json!({})), 201).await;
    // With a new certificate, too: the name is the URI.
    let (renewed, less) = (own(&scene), json!({ "client_name": "Fern", "scope": SCOPES[0] }));
    let second = scene.registered(&registration(&scene, &renewed, &less), 200).await;
    assert_eq!(second["client_id"], first["client_id"]);
    assert_eq!((&second["client_name"], &second["scope"]), (&json!("Fern"), &json!(SCOPES[0])));
    assert_eq!(scene.clients().await, 1);
    scene.access_token(&key(&renewed), &second, SCOPES[0], None).await;
}

#[tokio::test]
async fn a_registration_without_grant_types_cancels_reg_ud3() {
    let scene = scene().await;
    let own = own(&scene);
    let client = scene.registered(&registration(&scene, &own, &json!({})), 201).await;
    let empty = registration(&scene, &own, &json!({ "grant_types": [] }));
    let answer = scene.registered(&empty, 200).await;
    assert_eq!(answer, json!({ "client_id": client["client_id"], "grant_types": [] }));
    let request = scene.token_request(&key(&own), &client, SCOPES[0]);
    assert_eq!(refusal(token(&scene.app, &request).await).code.as_str(), "invalid_client");
    let anew = scene.registered(&registration(&scene, &own, &json!({})), 201).await;
    assert_ne!(anew["client_id"], client["client_id"]);
}

#[tokio::test]
async fn one_community_never_touches_the_registration_of_another_reg_ud3_s18() {
    let mut scene = scene().await;
    let first = scene.registered(&registration(&scene, &own(&scene), &json!({})), 201).await;
    // The other community has software of the same name.
    let text = shipped("udap.toml").replace("name = \"udap\"", "name = \"second\"");
    scene.authority = Authority::root("Another community's authority");
    scene.believe(&[("second.toml", &text)]);
    let name = scene.app.frameworks.iter().next().unwrap().name().clone();
    scene.introduce("f", &name, APP, &["user/Patient.read"]).await;
    let changes = json!({ "scope": "user/Patient.read" });
    let second = scene.registered(&registration(&scene, &own(&scene), &changes), 201).await;
    assert_ne!(second["client_id"], first["client_id"]);
    assert_eq!(scene.clients().await, 2);
}

#[tokio::test]
async fn grants_and_what_goes_with_them_exclude_each_other_reg_x7() {
    let scene = scene().await;
    let with_code = json!({
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "redirect_uris": ["https://app.example/cb"],
        "logo_uri": "https://app.example/logo.png",
    });
    for (changes, member) in [
        (json!({ "grant_types": ["authorization_code", "client_credentials"] }), "grant_types"),
        (json!({ "logo_uri": null }), "logo_uri"),
        (json!({ "logo_uri": "https://app.example/logo.svg" }), "logo_uri"),
        (json!({ "response_types": null }), "response_types"),
        (json!({ "redirect_uris": null }), "redirect_uris"),
        (json!({ "redirect_uris": ["http://app.example/cb"] }), "redirect_uris"),
    ] {
        let changes = merged(with_code.clone(), &changes);
        let body = scene.refused(&registration(&scene, &own(&scene), &changes)).await.body();
        assert!(body.to_string().contains(member), "{changes}: {body}");
    }
    for (changes, member) in [
        (json!({ "grant_types": ["client_credentials", "refresh_token"] }), "refresh_token"),
        (json!({ "response_types": ["code"] }), "response_types"),
        (json!({ "redirect_uris": ["https://app.example/cb"] }), "redirect_uris"),
        (json!({ "logo_uri": "https://app.example/logo.png" }), "logo_uri"),
        (json!({ "contacts": ["https://app.example"] }), "contacts"),
        (json!({ "token_endpoint_auth_method": "client_secret_basic" }), "auth_method"),
    ] {
        let body = scene.refused(&registration(&scene, &own(&scene), &changes)).await.body();
        assert!(body.to_string().contains(member), "{changes}: {body}");
    }
    let bare = scene.json(&json!({
        "software_statement": Scene::own_statement(&own(&scene), &claims(&scene)),
    }));
    scene.refused_for(&bare, METADATA, "udap").await;
    assert_eq!(scene.clients().await, 0);
    let client = scene.registered(&registration(&scene, &own(&scene), &with_code), 201).await;
    assert_eq!(client["response_types"], json!(["code"]));
}

/// An assertion for the token endpoint with the certificate in its header, as UDAP's clients make them.
fn asserting(scene: &Scene, client: &Value, issued: &Issued, changes: &Value) -> Incoming {
    let id = &client["client_id"];
    let claims = json!({ "iss": id, "sub": id, "aud": "https://as.example/token" });
    let claims = merged(scene.timed(60, &claims), changes);
    let assertion = Scene::own_statement(issued, &claims);
    let body = format!("grant_type=client_credentials&scope={}", SCOPES[0]);
    scene.house.with_assertion(&body, &assertion)
}

#[tokio::test]
async fn a_client_shows_the_certificate_that_vouches_for_it_reg_ud1() {
    let scene = scene().await;
    let own = own(&scene);
    let client = scene.registered(&registration(&scene, &own, &json!({})), 201).await;
    for issued in [&own, &self::own(&scene)] {
        // G10: a certificate that was renewed, with another key, is as good as the first.
        let request = asserting(&scene, &client, issued, &json!({}));
        assert!(token(&scene.app, &request).await.is_ok());
        let again = refusal(token(&scene.app, &request).await);
        assert_eq!(again.code.as_str(), "invalid_client", "once");
    }
}

#[tokio::test]
async fn a_certificate_of_somebody_else_authenticates_nobody_reg_s5_s20() {
    let scene = scene().await;
    let own = own(&scene);
    let client = scene.registered(&registration(&scene, &own, &json!({})), 201).await;
    let cloned = Scene::named_by_uri(&Authority::root("The ecosystem's authority"), APP);
    let another = Scene::named_by_uri(&scene.authority, "https://other.example/udap");
    let longer = Scene::named_by_uri(&scene.authority, &format!("{APP}/"));
    for issued in [&cloned, &another, &longer] {
        let refused =
            refusal(token(&scene.app, &asserting(&scene, &client, issued, &json!({}))).await);
        assert_eq!(refused.code.as_str(), "invalid_client");
    }
    let now = scene.house.clock.now();
    for changes in [
        json!({ "aud": "https://other.example/token" }),
        json!({ "exp": now.plus(-120), "iat": now.plus(-180) }),
        json!({ "sub": "cl_other" }),
    ] {
        let refused = refusal(token(&scene.app, &asserting(&scene, &client, &own, &changes)).await);
        assert_eq!(refused.code.as_str(), "invalid_client", "{changes}");
    }
    // Signed by another key than that of the certificate that is shown.
    let thief = Issued { key: KeyPair::generate().unwrap(), ..self::own(&scene) };
    let refused = refusal(token(&scene.app, &asserting(&scene, &client, &thief, &json!({}))).await);
    assert_eq!(refused.code.as_str(), "invalid_client");
}

#[tokio::test]
async fn elsewhere_no_key_is_taken_from_an_assertion_reg_g2() {
    let scene = ecosystem_bilateral::scene().await;
    let statement = scene.statement(&ecosystem_bilateral::statement_claims(&scene));
    let request = scene.signed(&ecosystem_bilateral::request_claims(&scene, &statement));
    let client = scene.registered(&request, 201).await;
    let software = client["software_id"].as_str().unwrap();
    let issued = Scene::named_by_uri(&scene.authority, &format!("https://app.example/{software}"));
    let request = asserting(&scene, &client, &issued, &json!({ "aud": ISSUER }));
    assert_eq!(refusal(token(&scene.app, &request).await).code.as_str(), "invalid_client");
}

#[tokio::test]
async fn a_community_may_have_longer_curves_reg_s3() {
    let scene = scene().await;
    let name = SanType::URI(Ia5String::try_from(APP).unwrap());
    let longer = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let wanted = Wanted::client("app").alternative_name(name).with_key(longer);
    let own = scene.authority.issue(wanted);
    assert_eq!(key(&own).algorithm(), Algorithm::Es384);
    let client = scene.registered(&registration(&scene, &own, &json!({})), 201).await;
    let request = asserting(&scene, &client, &own, &json!({}));
    assert!(token(&scene.app, &request).await.is_ok());
    // Without the certificate it is a key like any other, and no such algorithm is taken.
    let bare = scene.token_request(&key(&own), &client, SCOPES[0]);
    assert_eq!(refusal(token(&scene.app, &bare).await).code.as_str(), "invalid_client");
}
