//! A bank's own partners, with the file that ships: the bank issues their statements itself, and their
//! keys stand in a file beside the framework's (REG-G1, R1, S7, S8, S11, S18).

use countersign::endpoints::exchange::{Incoming, Method};
use countersign::jose::{Algorithm, SigningKey};
use serde_json::{Value, json};

use crate::support::house::ISSUER;
use crate::support::partner::merged;
use crate::support::scene::{Scene, Stage, offering, shipped};

const BAD: &str = "invalid_software_statement";
pub(crate) const SOFTWARE: &str = "fern-budget";
const SCOPES: [&str; 2] = ["accounts", "payments"];

/// A bank that has signed a contract.
pub(crate) async fn scene() -> Scene {
    Scene::set(Stage {
        text: shipped("bilateral.toml"),
        changes: &[("[\"keys.partner.example\"]", "[\"localhost\"]")],
        organisation: "contract-7",
        scopes: &SCOPES,
        algorithm: Algorithm::Es256,
    })
    .await
}

/// What the bank says of its partner's software.
pub(crate) fn statement_claims(scene: &Scene) -> Value {
    let claims = json!({
        "iss": "https://statements.bank.example",
        "aud": ISSUER,
        "software_id": SOFTWARE,
        "software_client_name": "Fern Budget",
        "software_jwks_uri": scene.software_keys.uri("/jwks"),
        "software_redirect_uris": ["https://fern.example/cb"],
        "software_roles": ["AISP"],
        "scope": SCOPES.join(" "),
        "org_id": "contract-7",
        "org_name": "Fern",
        "org_contacts": ["mailto:ops@fern.example"],
    });
    scene.timed(1800, &claims)
}

/// What the software asks for.
pub(crate) fn request_claims(scene: &Scene, statement: &str) -> Value {
    let claims = json!({
        "iss": SOFTWARE,
        "aud": ISSUER,
        "scope": "accounts",
        "software_statement": statement,
    });
    scene.timed(60, &claims)
}

fn registration(scene: &Scene, statement: &Value, request: &Value) -> Incoming {
    let statement = scene.statement(&merged(statement_claims(scene), statement));
    scene.signed(&merged(request_claims(scene, &statement), request))
}

fn good(scene: &Scene) -> Incoming {
    registration(scene, &json!({}), &json!({}))
}

#[tokio::test]
async fn a_partner_registers_with_the_banks_own_statement() {
    let scene = scene().await;
    let client = scene.registered(&good(&scene), 201).await;
    assert_eq!(
        (&client["scope"], &client["client_name"]),
        (&json!("accounts"), &json!("Fern Budget"))
    );
    assert_eq!(client["jwks_uri"], json!(scene.software_keys.uri("/jwks")));
    assert_eq!(client["contacts"], json!(["mailto:ops@fern.example"]));
    assert_eq!(client["grant_types"], json!(["client_credentials"]));
    scene.access_token(&scene.key, &client, "accounts", None).await;
    let access = client["registration_access_token"].as_str().unwrap();
    let (status, body) = scene.managed(&client, access, Method::Get, scene.plain()).await;
    assert_eq!((status, &body["client_id"]), (200, &client["client_id"]));
    let more = registration(&scene, &json!({}), &json!({ "scope": "accounts payments" }));
    let (status, body) = scene.managed(&client, access, Method::Put, more).await;
    assert_eq!((status, &body["scope"]), (200, &json!("accounts payments")), "{body}");
}

#[tokio::test]
async fn asking_again_returns_the_client_that_is_there_reg_s18() {
    let scene = scene().await;
    let first = scene.registered(&good(&scene), 201).await;
    let second = scene.registered(&good(&scene), 200).await;
    assert_eq!(second["client_id"], first["client_id"]);
    assert_ne!(second["registration_access_token"], first["registration_access_token"]);
    assert_eq!(scene.clients().await, 1);
}

#[tokio::test]
async fn the_banks_statement_is_for_us_fresh_signed_by_its_key_and_used_once_reg_s5_to_s8() {
    let scene = scene().await;
    let now = scene.house.clock.now();
    for changes in [
        json!({ "aud": null }),
        json!({ "aud": "https://other.example" }),
        json!({ "exp": null }),
        json!({ "exp": now.plus(604_801) }),
        json!({ "exp": now.plus(-61), "iat": now.plus(-120) }),
        json!({ "iat": now.plus(-604_861), "exp": now.plus(1) }),
        json!({ "iat": now.plus(120) }),
        json!({ "jti": null }),
        json!({ "scope": null }),
        json!({ "org_id": null }),
        json!({ "software_id": null }),
    ] {
        let refused = scene.refused(&registration(&scene, &changes, &json!({}))).await;
        assert_eq!(refused.code.as_str(), BAD, "{changes}: {}", refused.body());
    }
    let forged = scene.key.sign("JWT", &statement_claims(&scene)).unwrap();
    let forged = scene.signed(&request_claims(&scene, &forged));
    assert_eq!(scene.refused(&forged).await.code.as_str(), BAD);
    let once = scene.statement(&statement_claims(&scene));
    scene.registered(&scene.signed(&request_claims(&scene, &once)), 201).await;
    let again = scene.signed(&request_claims(&scene, &once));
    assert_eq!(scene.refused(&again).await.code.as_str(), BAD);
}

#[tokio::test]
async fn a_statement_is_as_old_as_its_framework_lets_it_be_reg_s19() {
    let scene = scene().await;
    let now = scene.house.clock.now();
    let days = json!({ "iat": now.plus(-500_000), "exp": now.plus(100_000) });
    let client = scene.registered(&registration(&scene, &days, &json!({})), 201).await;
    assert_eq!(client["scope"], "accounts");
}

#[tokio::test]
async fn nobody_but_the_partners_software_presents_its_statement_reg_g1_s11() {
    let scene = scene().await;
    let statement = scene.statement(&statement_claims(&scene));
    let thief = SigningKey::generate(Algorithm::Es256).unwrap();
    let stolen = thief.sign("JWT", &request_claims(&scene, &statement)).unwrap();
    assert!(!offering(&scene.key).contains(thief.key_id()));
    let stolen = scene.posted("application/jwt", &stolen);
    let refused = scene.refused(&stolen).await;
    assert_ne!(refused.code.as_str(), "temporarily_unavailable");
    // Without a signature, nothing.
    let plain = scene.json(&request_claims(&scene, &statement));
    assert_eq!(scene.refused(&plain).await.code.as_str(), "invalid_client_metadata");
    assert_eq!(scene.clients().await, 0);
}

#[tokio::test]
async fn a_partner_chooses_within_its_statement_reg_p2_p3() {
    let scene = scene().await;
    let narrow = registration(
        &scene,
        &json!({ "scope": "accounts" }),
        &json!({ "scope": "accounts payments" }),
    );
    let client = scene.registered(&narrow, 201).await;
    assert_eq!(client["scope"], json!("accounts"));
    let elsewhere = json!({ "redirect_uris": ["https://evil.example/cb"], "response_types": [] });
    let elsewhere = registration(&scene, &json!({}), &elsewhere);
    scene.refused_for(&elsewhere, "invalid_redirect_uri", "evil.example").await;
    let keys =
        registration(&scene, &json!({}), &json!({ "jwks_uri": "https://evil.example/jwks" }));
    scene.refused_for(&keys, "invalid_client_metadata", "jwks_uri").await;
}
