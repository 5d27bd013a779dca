//! Australia's Consumer Data Right, with the file that ships: what its rules for registration ask of a
//! bank, and what a bank refuses (REG-AU1 to AU5, S18, S19).

use countersign::endpoints::exchange::{Incoming, Method};
use countersign::endpoints::registration::directory_standing::look_after;
use countersign::endpoints::token::token;
use countersign::jose::Algorithm;
use countersign::remote::{Fetcher, StatusSource};
use countersign::x509::PresentedCertificates;
use serde_json::{Value, json};

use crate::support::house::{ISSUER, refusal};
use crate::support::partner::{extend_agreement, merged};
use crate::support::pki::{Authority, Wanted};
use crate::support::scene::{Scene, Stage, shipped, showing, status};
use crate::support::tls_server::{Reply, TlsServer};

const BAD: &str = "invalid_software_statement";
const METADATA: &str = "invalid_client_metadata";
const SOFTWARE: &str = "740c368f-ecf9-4d29-a2ea-0514a66b0cdn";
const BRAND: &str = "3b0b0a7b-3e7b-4a2c-9497-e357a71d07c8";
const SCOPES: [&str; 3] =
    ["bank:accounts.basic:read", "bank:transactions:read", "cdr:registration"];

/// Where the Register says how products stand.
const STATUSES: &str =
    "https://api.cdr.gov.au/cdr-register/v1/all/data-recipients/brands/software-products/status";

/// A bank and the Register.
pub(crate) async fn scene() -> Scene {
    scene_and_register().await.0
}

async fn scene_and_register() -> (Scene, TlsServer) {
    let register = TlsServer::start(Reply::json(statuses("ACTIVE").to_string())).await;
    let at = register.uri("/status");
    let mut scene = Scene::set(Stage {
        text: shipped("australia.toml"),
        changes: &[
            (STATUSES, &at),
            ("[status_directory]", "[status_directory]\nallow_loopback = true"),
            ("source = \"jwks_uri\"", "source = \"file\""),
            (
                "jwks_uri = \"https://secure.api.cdr.gov.au/cdr-register/v1/jwks\"",
                "file = \"register.json\"",
            ),
            ("[\"secure.api.cdr.gov.au\"]", "[\"localhost\"]"),
        ],
        organisation: BRAND,
        scopes: &SCOPES,
        algorithm: Algorithm::Ps256,
    })
    .await;
    scene.app.settings.trust.allow_loopback = true;
    let fetcher = Fetcher::new(Some(&register.certificate)).unwrap();
    scene.app.status_source = StatusSource::new(fetcher);
    (scene, register)
}

/// The Register's list, with the product of this test in it.
fn statuses(status: &str) -> Value {
    json!({ "data": [{ "softwareProductId": SOFTWARE, "status": status }] })
}

/// AU1.
pub(crate) fn statement_claims(scene: &Scene) -> Value {
    let claims = json!({
        "iss": "cdr-register",
        "org_id": BRAND,
        "org_name": "Fern",
        "client_name": "Fern Budget",
        "client_description": "Shows where the money goes.",
        "client_uri": "https://fern.example",
        "redirect_uris": ["https://fern.example/cb", "https://fern.example/other"],
        "logo_uri": "https://fern.example/logo.png",
        "jwks_uri": scene.software_keys.uri("/jwks"),
        "revocation_uri": "https://fern.example/revocation",
        "recipient_base_uri": "https://fern.example",
        "software_id": SOFTWARE,
        "software_roles": "data-recipient-software-product",
        "scope": SCOPES.join(" "),
    });
    scene.timed(600, &claims)
}

/// AU2.
pub(crate) fn request_claims(scene: &Scene, statement: &str) -> Value {
    let claims = json!({
        "iss": SOFTWARE,
        "aud": ISSUER,
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "PS256",
        "grant_types": ["client_credentials", "authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "id_token_signed_response_alg": "PS256",
        "authorization_signed_response_alg": "PS256",
        "redirect_uris": ["https://fern.example/cb"],
        "software_statement": statement,
    });
    scene.timed(300, &claims)
}

/// The certificate of the software product.
pub(crate) fn certificate(scene: &Scene) -> PresentedCertificates {
    scene.authority.issue(Wanted::client(SOFTWARE)).presented()
}

/// A registration in which these claims are others.
pub(crate) fn registration(scene: &Scene, statement: &Value, request: &Value) -> Incoming {
    let statement = scene.statement(&merged(statement_claims(scene), statement));
    let request = scene.signed(&merged(request_claims(scene, &statement), request));
    showing(request, Some(&certificate(scene)))
}

fn good(scene: &Scene) -> Incoming {
    registration(scene, &json!({}), &json!({}))
}

async fn token_of(scene: &Scene, client: &Value, scope: &str) -> String {
    let shown = certificate(scene);
    scene.access_token(&scene.key, client, scope, Some(&shown)).await
}

#[tokio::test]
async fn the_register_vouches_for_a_software_product_reg_au1_au2_au4() {
    let scene = scene().await;
    let client = scene.registered(&good(&scene), 201).await;
    assert_eq!(client["token_endpoint_auth_method"], "private_key_jwt");
    for (member, value) in [
        ("client_name", json!("Fern Budget")),
        ("client_description", json!("Shows where the money goes.")),
        ("org_id", json!(BRAND)),
        ("org_name", json!("Fern")),
        ("software_id", json!(SOFTWARE)),
        ("software_roles", json!("data-recipient-software-product")),
        ("revocation_uri", json!("https://fern.example/revocation")),
        ("recipient_base_uri", json!("https://fern.example")),
        ("jwks_uri", json!(scene.software_keys.uri("/jwks"))),
        ("redirect_uris", json!(["https://fern.example/cb"])),
        ("application_type", json!("web")),
        ("response_types", json!(["code"])),
    ] {
        assert_eq!(client[member], value, "{member}");
    }
    // There is no other way to manage it than a token of its own.
    assert_eq!(client.get("registration_access_token"), None);
    let granted = client["scope"].as_str().unwrap().split(' ');
    assert_eq!(granted.collect::<std::collections::BTreeSet<_>>(), SCOPES.into());
}

#[tokio::test]
async fn without_a_choice_of_its_own_a_product_has_all_redirect_uris_of_the_register_reg_au2() {
    let scene = scene().await;
    let request = registration(&scene, &json!({}), &json!({ "redirect_uris": null }));
    let client = scene.registered(&request, 201).await;
    let all = json!(["https://fern.example/cb", "https://fern.example/other"]);
    assert_eq!(client["redirect_uris"], all);
}

#[tokio::test]
async fn a_software_product_registers_once_reg_au5_s18() {
    let scene = scene().await;
    let client = scene.registered(&good(&scene), 201).await;
    let refused = scene.refused(&good(&scene)).await;
    assert_eq!((refused.code.as_str(), status(&refused)), (BAD, 400));
    assert!(refused.body().to_string().contains(client["client_id"].as_str().unwrap()));
    assert_eq!(scene.clients().await, 1);
}

#[tokio::test]
async fn what_is_no_metadata_of_a_data_recipient_is_refused_reg_au2_au3() {
    let scene = scene().await;
    for (member, value) in [
        ("token_endpoint_auth_method", json!("tls_client_auth")),
        ("token_endpoint_auth_method", json!("client_secret_basic")),
        ("token_endpoint_auth_method", Value::Null),
        ("token_endpoint_auth_signing_alg", json!("RS256")),
        ("token_endpoint_auth_signing_alg", Value::Null),
        ("grant_types", json!(["client_credentials", "implicit"])),
        ("grant_types", Value::Null),
        ("response_types", json!(["code id_token"])),
        ("response_types", Value::Null),
        ("id_token_signed_response_alg", json!("none")),
        ("id_token_signed_response_alg", Value::Null),
        ("application_type", json!("native")),
        ("authorization_encrypted_response_alg", json!("RSA1_5")),
        ("authorization_encrypted_response_alg", json!("dir")),
    ] {
        let request = registration(&scene, &json!({}), &json!({ member: value }));
        scene.refused_for(&request, METADATA, member).await;
    }
    let foreign =
        json!({ "redirect_uris": ["https://fern.example/cb", "https://evil.example/cb"] });
    let request = registration(&scene, &json!({}), &foreign);
    scene.refused_for(&request, "invalid_redirect_uri", "evil.example").await;
    assert_eq!(scene.clients().await, 0);
}

#[tokio::test]
async fn a_statement_of_the_register_is_whole_fresh_and_used_once_reg_au1_s19() {
    let scene = scene().await;
    let now = scene.house.clock.now();
    for changes in [
        json!({ "exp": null }),
        json!({ "exp": now.plus(601) }),
        json!({ "exp": now.plus(-61) }),
        json!({ "iat": now.plus(-700) }),
        json!({ "jti": null }),
        json!({ "software_id": null }),
        json!({ "redirect_uris": null }),
        json!({ "jwks_uri": null }),
        json!({ "scope": null }),
        json!({ "client_name": null }),
        json!({ "org_name": null }),
    ] {
        let refused = scene.refused(&registration(&scene, &changes, &json!({}))).await;
        assert_eq!(refused.code.as_str(), BAD, "{changes}");
    }
    let other = registration(&scene, &json!({ "iss": "CDR-Register" }), &json!({}));
    assert_eq!(scene.refused(&other).await.code.as_str(), "unapproved_software_statement");
    let claims = statement_claims(&scene);
    let forged = scene.key.sign("JWT", &claims).unwrap();
    let forged = scene.signed(&request_claims(&scene, &forged));
    scene.refused_for(&showing(forged, Some(&certificate(&scene))), BAD, "sign").await;
    let statement = scene.statement(&claims);
    let request =
        || showing(scene.signed(&request_claims(&scene, &statement)), Some(&certificate(&scene)));
    scene.registered(&request(), 201).await;
    assert_eq!(scene.refused(&request()).await.code.as_str(), BAD);
    assert_eq!(scene.clients().await, 1);
}

#[tokio::test]
async fn the_request_is_the_products_own_and_comes_with_its_certificate_reg_au2_g1() {
    let scene = scene().await;
    for changes in [
        json!({ "iss": "other" }),
        json!({ "iss": null }),
        json!({ "aud": "https://other.example" }),
        json!({ "aud": null }),
        json!({ "exp": null }),
        json!({ "iat": null }),
        json!({ "jti": null }),
    ] {
        let refused = scene.refused(&registration(&scene, &json!({}), &changes)).await;
        assert_eq!(status(&refused), 400, "{changes}: {}", refused.body());
    }
    let stranger = Authority::root("The ecosystem's authority");
    for shown in [
        None,
        Some(stranger.issue(Wanted::client(SOFTWARE)).presented()),
        Some(scene.authority.issue(Wanted::client("other")).presented()),
    ] {
        let request = showing(good(&scene), shown.as_ref());
        assert_eq!(scene.refused(&request).await.code.as_str(), "invalid_client");
    }
    // Keys come from where the Register says, and from nowhere else (AU4).
    let own = json!({ "jwks_uri": "https://evil.example/jwks" });
    let client = scene.registered(&registration(&scene, &json!({}), &own), 201).await;
    assert_eq!(client["jwks_uri"], json!(scene.software_keys.uri("/jwks")));
}

#[tokio::test]
async fn a_product_manages_itself_with_its_own_token_scope_and_certificate_reg_au5_r1_r7() {
    let scene = scene().await;
    let client = scene.registered(&good(&scene), 201).await;
    let (full, poor) = (
        token_of(&scene, &client, "cdr:registration").await,
        token_of(&scene, &client, "bank:accounts.basic:read").await,
    );
    let renamed = json!({ "client_name": "Fern Money" });
    let update = || registration(&scene, &renamed, &json!({}));
    let (status, body) = scene.managed(&client, &poor, Method::Put, update()).await;
    assert_eq!((status, &body["error"]), (403, &json!("insufficient_scope")), "{body}");
    let bare = showing(update(), None);
    assert_eq!(scene.managed(&client, &full, Method::Put, bare).await.0, 401);
    let (status, body) = scene.managed(&client, &full, Method::Put, update()).await;
    assert_eq!((status, &body["client_name"]), (200, &json!("Fern Money")), "{body}");
    let plain = || showing(scene.plain(), Some(&certificate(&scene)));
    let (status, body) = scene.managed(&client, &full, Method::Get, plain()).await;
    assert_eq!((status, &body["client_name"]), (200, &json!("Fern Money")), "{body}");
    assert_eq!(scene.managed(&client, &full, Method::Delete, plain()).await.0, 204);
    assert_eq!(scene.managed(&client, &full, Method::Get, plain()).await.0, 401);
    let request = scene.token_request(&scene.key, &client, "cdr:registration");
    assert_eq!(refusal(token(&scene.app, &request).await).code.as_str(), "invalid_client");
    // The place is free again.
    scene.registered(&good(&scene), 201).await;
}

#[tokio::test]
async fn a_product_that_the_register_makes_inactive_ends_until_it_is_active_again_reg_l2_l4() {
    let (scene, register) = scene_and_register().await;
    extend_agreement(&scene.app, "e").await;
    let client = scene.registered(&registration(&scene, &json!({}), &json!({})), 201).await;
    assert!(register.last_request().contains("x-v: 2"), "{}", register.last_request());
    for (status, gets) in [("INACTIVE", false), ("ACTIVE", true), ("REMOVED", false)] {
        register.answer_with(Reply::json(statuses(status).to_string()));
        scene.house.clock.advance(120);
        look_after(&scene.app, scene.house.clock.now()).await.unwrap();
        let request = scene.token_request(&scene.key, &client, "bank:accounts.basic:read");
        let shown = showing(request, Some(&certificate(&scene)));
        assert_eq!(token(&scene.app, &shown).await.is_ok(), gets, "{status}");
    }
    // L4: what the list leaves out keeps the standing that it had.
    register.answer_with(Reply::json(json!({ "data": [] }).to_string()));
    scene.house.clock.advance(120);
    assert_eq!(look_after(&scene.app, scene.house.clock.now()).await.unwrap(), 0);
}
