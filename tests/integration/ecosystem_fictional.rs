//! An ecosystem that nobody has heard of: a file is all that it takes, from the first registration to
//! the last (REG-G6).

use countersign::endpoints::exchange::{Incoming, Method};
use countersign::jose::Algorithm;
use countersign::x509::PresentedCertificates;
use serde_json::{Value, json};

use crate::support::partner::merged;
use crate::support::pki::{Authority, Wanted};
use crate::support::scene::{Scene, Stage, showing};

/// Other names for everything, roles with tides, a certificate that names the hull.
const LAGUNA: &str = r#"
name = "laguna"
title = "Open Harbours of the Laguna"
environment = "production"
issuers = ["urn:laguna:doge"]
duplicates = "reject"
echo = ["house", "motto"]
[keys]
source = "file"
file = "doge.json"
[statement]
algorithms = ["PS256"]
types = ["seal+jwt"]
max_age_seconds = 120
max_lifetime_seconds = 120
skew_seconds = 5
expiry = "required"
audience = "optional"
jti = "single_use"
[request]
binding = "certificate"
formats = ["application/json"]
[certificate]
anchors = ["arsenal.pem"]
[[certificate.require]]
any_of = [{ subject = "CN", equals = "galley {hull.number}" }]
[facts]
software_id = "hull.number"
software_name = "hull.name"
organisation_id = "house"
[roles]
claim = "berths"
role_member = "trade"
status_member = "tide"
accepted = ["high"]
[roles.ceilings.SALT]
scope = "salt:weigh"
[roles.ceilings.SILK]
scope = "silk:weigh silk:sell"
[management]
authorisation = "registration_access_token"
methods = ["GET", "DELETE"]
update_body = "like_registration"
[client_keys]
allowed_hosts = ["keys.laguna.example"]
[client]
absent_scope = "all_of_role"
[client.defaults]
grant_types = ["client_credentials"]
token_endpoint_auth_method = "private_key_jwt"
[claims.redirect_uris]
statement = "moorings"
mode = "must_be_subset"
[claims.jwks_uri]
statement = "hull.keys"
mode = "override"
required = true
[claims.client_name]
statement = "hull.name"
mode = "override"
"#;

async fn scene() -> Scene {
    Scene::set(Stage {
        text: LAGUNA.to_owned(),
        changes: &[("keys.laguna.example", "localhost")],
        organisation: "dandolo",
        scopes: &["salt:weigh", "silk:weigh", "silk:sell"],
        algorithm: Algorithm::Es256,
    })
    .await
}

fn registration(scene: &Scene, changes: &Value, members: &Value) -> Incoming {
    let claims = json!({
        "iss": "urn:laguna:doge", "house": "dandolo", "motto": "Slowly",
        "hull": { "number": "42", "name": "Bucintoro", "keys": scene.software_keys.uri("/jwks") },
        "berths": [{ "trade": "SALT", "tide": "HIGH" }, { "trade": "SILK", "tide": "low" }],
    });
    let claims = merged(scene.timed(120, &claims), changes);
    let statement = scene.directory.sign("seal+jwt", &claims).unwrap();
    let members = merged(json!({ "software_statement": statement }), members);
    showing(scene.json(&members), Some(&galley(&scene.authority, "42")))
}

fn galley(authority: &Authority, number: &str) -> PresentedCertificates {
    authority.issue(Wanted::client(&format!("Galley {number}"))).presented()
}

#[tokio::test]
async fn an_ecosystem_is_a_file_from_registration_to_deletion_reg_g6() {
    let scene = scene().await;
    let nothing = json!({});
    let client = scene.registered(&registration(&scene, &nothing, &nothing), 201).await;
    assert_eq!(client["client_name"], "Bucintoro");
    assert_eq!((&client["house"], &client["motto"]), (&json!("dandolo"), &json!("Slowly")));
    // The berth at low tide counts for nothing; the other gives all that it has.
    assert_eq!(client["scope"], "salt:weigh");
    scene.access_token(&scene.key, &client, "salt:weigh", None).await;
    let again = scene.refused(&registration(&scene, &nothing, &nothing)).await;
    assert_eq!(again.code.as_str(), "invalid_software_statement");
    let access = client["registration_access_token"].as_str().unwrap();
    let shown = galley(&scene.authority, "42");
    let plain = || showing(scene.plain(), Some(&shown));
    assert_eq!(scene.managed(&client, access, Method::Get, plain()).await.0, 200);
    let put = registration(&scene, &nothing, &nothing);
    assert_eq!(scene.managed(&client, access, Method::Put, put).await.0, 405);
    assert_eq!(scene.managed(&client, access, Method::Delete, plain()).await.0, 204);
    assert_eq!(scene.managed(&client, access, Method::Get, plain()).await.0, 401);
}

#[tokio::test]
async fn its_file_alone_says_what_is_refused_reg_g6() {
    let scene = scene().await;
    let (nothing, now) = (json!({}), scene.house.clock.now());
    for (changes, code) in [
        (json!({ "iss": "urn:laguna:sultan" }), "unapproved_software_statement"),
        (json!({ "house": "foscari" }), "unapproved_software_statement"),
        (json!({ "exp": now.plus(121) }), "invalid_software_statement"),
        (json!({ "exp": null }), "invalid_software_statement"),
        (json!({ "jti": null }), "invalid_software_statement"),
        (json!({ "hull": { "number": "42", "name": "x" } }), "invalid_software_statement"),
    ] {
        let refused = scene.refused(&registration(&scene, &changes, &nothing)).await;
        assert_eq!(refused.code.as_str(), code, "{changes}: {}", refused.body());
    }
    let greedy = registration(&scene, &nothing, &json!({ "scope": "silk:sell" }));
    assert_eq!(scene.refused(&greedy).await.code.as_str(), "invalid_client_metadata");
    let stranger = galley(&Authority::root("The ecosystem's authority"), "42");
    for shown in [None, Some(stranger), Some(galley(&scene.authority, "43"))] {
        let request = showing(registration(&scene, &nothing, &nothing), shown.as_ref());
        assert_eq!(scene.refused(&request).await.code.as_str(), "invalid_client");
    }
    assert_eq!(scene.clients().await, 0);
}
