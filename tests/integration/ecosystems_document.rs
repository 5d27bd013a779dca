//! `docs/ecosystems.md` shows a registration in each ecosystem as this server answers it today.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use countersign::endpoints::Failure;
use countersign::endpoints::exchange::Incoming;
use countersign::endpoints::registration::register;
use countersign::jose::Algorithm;
use serde_json::{Value, json};

use crate::support::house::ISSUER;
use crate::support::partner::merged;
use crate::support::pki::{ORGANISATION_IDENTIFIER, UID, Wanted};
use crate::support::scene::{Scene, Stage, shipped, showing, status};
use crate::{ecosystem_australia, ecosystem_bilateral, ecosystem_udap};

/// Members whose values are others each time.
const VOLATILE: [&str; 10] = [
    "jti",
    "client_id",
    "registration_access_token",
    "software_statement",
    "policy_digest",
    "x",
    "y",
    "n",
    "kid",
    "x5c",
];

/// What is said in a registration, one thing after the other.
#[derive(Default)]
struct Transcript(String);

impl Transcript {
    fn show(&mut self, title: &str, value: &Value) {
        let mut value = value.clone();
        mask(&mut value);
        let text = serde_json::to_string_pretty(&value).unwrap();
        write!(self.0, "{title}\n\n```json\n{text}\n```\n\n").unwrap();
    }

    async fn answer(&mut self, scene: &Scene, title: &str, incoming: &Incoming) {
        let answer = register(&scene.app, incoming).await.map_err(Failure::into_error);
        let (status, body) = match answer {
            Ok(answer) => (answer.status, serde_json::from_slice(&answer.body).unwrap()),
            Err(refused) => (status(&refused), refused.body()),
        };
        self.show(&format!("{title}: `{status}`"), &body);
    }
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if VOLATILE.contains(&name.as_str()) {
                    *member = json!("…");
                } else if name == "registration_client_uri" {
                    *member = json!(format!("{ISSUER}/register/…"));
                } else {
                    mask(member);
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(mask),
        Value::String(text) if text.starts_with("https://localhost:") => {
            *text = "https://keys.example/jwks".to_owned();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

const STATEMENT: &str = "The statement says:";
const REQUEST: &str = "The request says:";
const ANSWER: &str = "The answer";

async fn australia() -> String {
    let (scene, mut told) = (ecosystem_australia::scene().await, Transcript::default());
    let claims = ecosystem_australia::statement_claims(&scene);
    let request = ecosystem_australia::request_claims(&scene, &scene.statement(&claims));
    told.show(STATEMENT, &claims);
    told.show(REQUEST, &request);
    let shown = ecosystem_australia::certificate(&scene);
    let signed = showing(scene.signed(&request), Some(&shown));
    told.answer(&scene, ANSWER, &signed).await;
    let again = ecosystem_australia::registration(&scene, &json!({}), &json!({}));
    told.answer(&scene, "The same product again", &again).await;
    told.0
}

async fn udap() -> String {
    let (scene, mut told) = (ecosystem_udap::scene().await, Transcript::default());
    let claims = ecosystem_udap::claims(&scene);
    told.show(STATEMENT, &claims);
    let own = Scene::named_by_uri(&scene.authority, ecosystem_udap::APP);
    let request = json!({ "software_statement": Scene::own_statement(&own, &claims), "udap": "1" });
    told.show(REQUEST, &request);
    told.answer(&scene, ANSWER, &scene.json(&request)).await;
    let long = merged(
        ecosystem_udap::claims(&scene),
        &json!({ "exp": scene.house.clock.now().plus(301) }),
    );
    let long = ecosystem_udap::request(&scene, &Scene::own_statement(&own, &long));
    told.answer(&scene, "A statement that lives longer than five minutes", &long).await;
    told.0
}

async fn bilateral() -> String {
    let (scene, mut told) = (ecosystem_bilateral::scene().await, Transcript::default());
    let claims = ecosystem_bilateral::statement_claims(&scene);
    let statement = scene.statement(&claims);
    let request = ecosystem_bilateral::request_claims(&scene, &statement);
    told.show(STATEMENT, &claims);
    told.show(REQUEST, &request);
    told.answer(&scene, ANSWER, &scene.signed(&request)).await;
    let again = scene.signed(&ecosystem_bilateral::request_claims(&scene, &statement));
    told.answer(&scene, "The same statement a second time", &again).await;
    told.0
}

async fn brazil() -> String {
    const ORGANISATION: &str = "67c57882-043b-11ec-9a03-0242ac130003";
    const SOFTWARE: &str = "25556d5a-b9dd-4e27-aa1a-cce732fe74de";
    let scene = Scene::set(Stage {
        text: shipped("brazil.toml"),
        changes: &[
            ("source = \"jwks_uri\"", "source = \"file\""),
            (
                "jwks_uri = \"https://keystore.directory.openbankingbrasil.org.br/openbanking.jwks\"",
                "file = \"directory.json\"",
            ),
            ("[\"keystore.directory.openbankingbrasil.org.br\"]", "[\"localhost\"]"),
        ],
        organisation: ORGANISATION,
        scopes: &["openid", "payments"],
        algorithm: Algorithm::Ps256,
    })
    .await;
    let keys = scene.software_keys.uri("/jwks");
    let claims = json!({
        "iss": "Open Banking Open Banking Brasil prod SSA issuer",
        "iat": scene.house.clock.now(),
        "software_id": SOFTWARE,
        "software_client_name": "Fern Budget",
        "software_redirect_uris": ["https://fern.example/cb"],
        "software_jwks_uri": keys,
        "software_statement_roles": [{ "role": "PAGTO", "status": "Active" }],
        "org_id": ORGANISATION,
        "org_name": "Fern",
        "org_status": "Active",
    });
    let request = |scene: &Scene| {
        json!({
            "software_statement": scene.statement(&claims),
            "redirect_uris": ["https://fern.example/cb"],
            "jwks_uri": keys,
            "token_endpoint_auth_method": "private_key_jwt",
            "grant_types": ["authorization_code", "implicit", "refresh_token", "client_credentials"],
            "response_types": ["code id_token"],
        })
    };
    let mut told = Transcript::default();
    told.show(STATEMENT, &claims);
    told.show(REQUEST, &request(&scene));
    let certificate = |software: &str| {
        let wanted = Wanted::client("fern.example").attribute(UID, software);
        let organisation = format!("OFBBR-{ORGANISATION}");
        scene.authority.issue(wanted.attribute(ORGANISATION_IDENTIFIER, organisation)).presented()
    };
    let (own, foreign) = (certificate(SOFTWARE), certificate("another-software"));
    let shown = showing(scene.json(&request(&scene)), Some(&own));
    told.answer(&scene, ANSWER, &shown).await;
    let cloned = showing(scene.json(&request(&scene)), Some(&foreign));
    told.answer(&scene, "With the certificate of other software", &cloned).await;
    told.0
}

async fn uk(file: &str) -> String {
    let scene = Scene::set(Stage {
        text: shipped(file),
        changes: &[
            ("source = \"jwks_uri\"", "source = \"file\""),
            (
                "jwks_uri = \"https://keystore.openbanking.org.uk/keystore/openbanking.jwks\"",
                "file = \"directory.json\"",
            ),
            ("[\"keystore.openbanking.org.uk\"]", "[\"localhost\"]"),
        ],
        organisation: "0015800001041RHAAY",
        scopes: &["openid", "accounts"],
        algorithm: Algorithm::Ps256,
    })
    .await;
    let claims = json!({
        "iss": "OpenBanking Ltd",
        "software_id": "65d1f27c-4aea-4549-9c21-60e495a7a86f",
        "software_client_name": "Fern Budget",
        "software_mode": "Live",
        "software_jwks_endpoint": scene.software_keys.uri("/jwks"),
        "software_redirect_uris": ["https://fern.example/cb"],
        "software_roles": ["AISP"],
        "org_id": "0015800001041RHAAY",
        "org_name": "Fern",
        "org_status": "Active",
    });
    let claims = scene.timed(1800, &claims);
    let request = |scene: &Scene, scope: &str| {
        let request = json!({
            "iss": "65d1f27c-4aea-4549-9c21-60e495a7a86f",
            "aud": ISSUER,
            "redirect_uris": ["https://fern.example/cb"],
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "PS256",
            "grant_types": ["client_credentials", "authorization_code", "refresh_token"],
            "response_types": ["code id_token"],
            "software_statement": scene.statement(&claims),
            "scope": scope,
            "application_type": "web",
            "id_token_signed_response_alg": "PS256",
            "request_object_signing_alg": "PS256",
        });
        scene.timed(1800, &request)
    };
    let mut told = Transcript::default();
    told.show(STATEMENT, &claims);
    let good = request(&scene, "openid accounts");
    told.show(REQUEST, &good);
    let shown = Wanted::client("65d1f27c-4aea-4549-9c21-60e495a7a86f");
    let shown = scene.authority.issue(shown).presented();
    told.answer(&scene, ANSWER, &showing(scene.signed(&good), Some(&shown))).await;
    let greedy = scene.signed(&request(&scene, "payments"));
    let title = "A scope that the role does not have";
    told.answer(&scene, title, &showing(greedy, Some(&shown))).await;
    told.0
}

async fn directory() -> String {
    let partner = crate::support::partner::Partner::new().await;
    let app = partner.node().await;
    let claims = partner.statement_claims();
    let request = partner.request_claims(&partner.signed_by_directory(&claims), "scope:a");
    let mut told = Transcript::default();
    told.show(STATEMENT, &claims);
    told.show(REQUEST, &request);
    let answer = register(&app, &partner.posted(&request)).await.unwrap();
    told.show("The answer: `201`", &serde_json::from_slice(&answer.body).unwrap());
    let refused = register(&app, &partner.registration("nobody:sells")).await;
    let refused = refused.map_err(Failure::into_error).unwrap_err();
    told.show("A scope that the bank does not sell: `400`", &refused.body());
    told.0
}

#[tokio::test]
async fn the_document_shows_each_registration_as_it_is_answered() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ecosystems.md");
    let document = fs::read_to_string(path).unwrap();
    let mut missing = String::new();
    for (name, transcript) in [
        ("uk", uk("uk.toml").await),
        ("brazil", brazil().await),
        ("australia", australia().await),
        ("udap", udap().await),
        ("bilateral", bilateral().await),
        ("directory", directory().await),
    ] {
        let due = format!("<!-- transcript: {name} -->\n\n{transcript}<!-- end -->\n");
        if !document.contains(&due) {
            missing.push_str(&due);
        }
    }
    assert!(missing.is_empty(), "put this into docs/ecosystems.md:\n{missing}");
}

#[test]
fn the_document_has_a_page_for_every_file_that_ships() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("docs/ecosystems.md")).unwrap();
    let files = fs::read_dir(root.join("frameworks")).unwrap();
    let files: BTreeSet<_> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    for file in files.iter().filter(|name| name.strip_suffix(".toml").is_some()) {
        assert!(document.contains(&format!("`frameworks/{file}`")), "{file}");
    }
}
