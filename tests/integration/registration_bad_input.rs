//! What a hostile or careless partner sends: every mistake is named at once, nothing is stored, and
//! nobody is asked for anything (REG-T2 to T7, X8, E11).

use countersign::app::App;
use countersign::endpoints::registration::register;
use countersign::jose::{Algorithm, SigningKey};
use countersign::remote::{FetchRules, Fetcher, KeySource};
use countersign::trust::Framework;
use serde_json::{Map, Value, json};

use crate::support::house::{ISSUER, refusal};
use crate::support::partner::{DIRECTORY, Partner, Remembered, SOFTWARE, merged, refused};
use crate::support::samples as sample;
use crate::support::tls_server::{Reply, TlsServer};

const BAD: &str = "invalid_software_statement";
const METADATA: &str = "invalid_client_metadata";

/// Redirect URIs that look like others, or lead elsewhere than they seem to (T6).
const REDIRECTS: [&str; 22] = [
    "https://fern.example/r\u{fc}ck",
    "https://f\u{1eb}rn.example/cb",
    "https://fern.example/cb\u{202e}",
    "https://user@fern.example/cb",
    "https://user:secret@fern.example/cb",
    "https://fern.example\\@evil.example/cb",
    "https:\\\\fern.example\\cb",
    "HTTPS://fern.example/cb",
    "HtTpS://fern.example/cb",
    "JaVaScRiPt:alert(1)",
    "VBSCRIPT:x",
    "Data:text/html,x",
    "blob:https://fern.example/1",
    "http://fern.example/cb",
    "https://fern.example/cb#fragment",
    "https://fern.example/*",
    "https://*.fern.example/cb",
    "https://fern.example/cb ",
    "https://fern.example/c\nb",
    "//fern.example/cb",
    "fern.example/cb",
    "",
];

/// Whether anything but the refusal was written down.
async fn assert_nothing_stored(app: &App, before: &Remembered, refusals: usize) {
    let after = Remembered::of(app).await;
    assert_eq!(after.clients.len(), before.clients.len());
    assert_eq!(after.credentials.len(), before.credentials.len());
    assert_eq!(after.entitlements.len(), before.entitlements.len());
    let actions = after.actions_since(before);
    assert!(actions.iter().all(|action| *action == "registration.refused"), "{actions:?}");
    assert!(actions.len() <= refusals);
}

#[tokio::test]
async fn every_bad_value_of_one_request_is_named_at_once_reg_t6_t7_e11() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let before = Remembered::of(&app).await;
    // The directory's word makes none of them better.
    let statement = partner.statement_with(&json!({
        "software_redirect_uris": REDIRECTS,
        "software_logo_uri": "https://fern.example/logo.svg",
    }));
    let contacts: Vec<String> = (0..1000).map(|n| format!("mailto:ops{n}@fern.example")).collect();
    let request = merged(
        partner.request_claims(&statement, "scope:a"),
        &json!({
            "redirect_uris": REDIRECTS,
            "contacts": contacts,
            "tos_uri": "javascript:alert(1)",
        }),
    );
    let refused = refusal(register(&app, &partner.posted(&request)).await);
    let problems = refused.members["problems"].as_array().unwrap();
    let at: Vec<_> = problems.iter().map(|one| one["pointer"].as_str().unwrap()).collect();
    let redirects = (0..REDIRECTS.len()).map(|index| format!("/redirect_uris/{index}"));
    let others = ["/logo_uri", "/contacts", "/tos_uri"];
    for pointer in redirects.chain(others.map(str::to_owned)) {
        assert!(at.contains(&pointer.as_str()), "{pointer} in {at:?}");
    }
    for problem in problems {
        let message = problem["message"].as_str().unwrap();
        assert!(!message.is_empty() && message.chars().count() < 400, "{message}");
        assert!(!message.contains(['\u{202e}', '\n']), "{message}");
    }
    assert_nothing_stored(&app, &before, 1).await;
}

#[tokio::test]
async fn a_name_that_people_read_differently_is_refused_whoever_says_it_reg_t7() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let before = Remembered::of(&app).await;
    // Bidi controls, an isolate, a zero-width space, a control character.
    for bad in ["Fern \u{202e}tegduB", "Fern \u{2066}x", "Fe\u{200b}rn", "Fern\u{7}"] {
        let said = partner.statement_with(&json!({ "software_client_name": bad }));
        let told = refusal(register(&app, &partner.presenting(&said, "scope:a")).await);
        assert_eq!(told.code.as_str(), BAD, "{bad:?}");
        let at = &told.members["problems"][0]["pointer"];
        assert_eq!(at, "/software_statement/software_client_name");
        // A translation is only shown to people, so it is told with the metadata.
        let said = partner.statement_with(&json!({ "software_client_name#nl": bad }));
        let told = refusal(register(&app, &partner.presenting(&said, "scope:a")).await);
        assert_eq!(told.code.as_str(), METADATA, "{bad:?}");
        assert_eq!(told.members["problems"][0]["pointer"], "/client_name#nl");
    }
    assert_nothing_stored(&app, &before, 8).await;
}

#[tokio::test]
async fn each_bad_redirect_uri_alone_is_refused_as_one_reg_t6() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let before = Remembered::of(&app).await;
    for uri in REDIRECTS.into_iter().filter(|uri| !uri.is_empty()) {
        let statement = partner.statement_with(&json!({ "software_redirect_uris": [uri] }));
        let request = partner.request_claims(&statement, "scope:a");
        let request = merged(request, &json!({ "redirect_uris": [uri] }));
        assert_eq!(refused_code(&app, &partner, &request).await, "invalid_redirect_uri", "{uri}");
    }
    assert_nothing_stored(&app, &before, REDIRECTS.len()).await;
}

async fn refused_code(app: &App, partner: &Partner, request: &Value) -> &'static str {
    refused(app, &partner.posted(request)).await
}

/// A header that offers a key, or says where one is.
fn headers(loopback: &str, key: &SigningKey) -> Vec<Value> {
    let jwk = key.public_jwk();
    let us = format!("{ISSUER}/jwks");
    vec![
        json!({ "jwk": jwk }),
        json!({ "jku": us }),
        json!({ "jku": loopback }),
        json!({ "x5u": us }),
        json!({ "x5u": loopback }),
        json!({ "jwk": jwk, "jku": loopback }),
    ]
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn no_key_is_taken_from_a_header_and_nobody_is_asked_for_one_reg_t4_g2() {
    let partner = Partner::new().await;
    let server = TlsServer::start(Reply::json(json!({ "keys": [] }).to_string())).await;
    let mut app = partner.node().await;
    app.key_source = KeySource::new(Fetcher::new(Some(&server.certificate)).unwrap());
    let rules = FetchRules { allowed_hosts: vec!["*".to_owned()], allow_loopback: true };
    app.fetch_rules.insert(sample::framework(), rules);
    let loopback = server.uri("/jwks").replace("localhost", "127.0.0.1");
    let before = Remembered::of(&app).await;
    let thief = SigningKey::generate(Algorithm::Es256).unwrap();
    for header in headers(&loopback, &thief) {
        // In the statement, whoever signs it.
        for signer in [&partner.directory, &thief] {
            let claims = object(&partner.statement_claims());
            let statement = signer.sign_with("JWT", &object(&header), &claims).unwrap();
            let request = partner.request_claims(&statement, "scope:a");
            assert_eq!(refused_code(&app, &partner, &request).await, BAD, "{header}");
        }
        // In the request.
        for signer in [&partner.key, &thief] {
            let claims = object(&partner.request_claims(&partner.statement(), "scope:a"));
            let request = signer.sign_with("JWT", &object(&header), &claims).unwrap();
            assert_eq!(refused(&app, &partner.posted_text(&request)).await, METADATA, "{header}");
        }
    }
    // Where a statement says that its software's keys are: here, or on this machine.
    let strict = partner.node().await;
    for place in [format!("{ISSUER}/jwks"), loopback, "https://[::1]/jwks".to_owned()] {
        let claims = json!({ "software_jwks": null, "software_jwks_uri": place });
        let request = partner.request_claims(&partner.statement_with(&claims), "scope:a");
        let code = refused_code(&strict, &partner, &request).await;
        assert_eq!(code, "unapproved_software_statement", "{place}");
    }
    assert_eq!(server.connections(), 0);
    assert_nothing_stored(&app, &before, 64).await;
}

#[tokio::test]
async fn a_statement_of_another_framework_is_that_frameworks_alone_reg_t1_t2() {
    let (partner, other) = (Partner::new().await, Partner::new().await);
    let second = other
        .framework_text(&[("name = \"directory\"", "name = \"second\"")])
        .replace(&format!("issuers = [\"{DIRECTORY}\"]"), "issuers = [\"https://second.example\"]");
    let second = Framework::parse("second.toml", &second).unwrap();
    let app = partner
        .node_of([
            ("directory.toml".to_owned(), partner.framework(&[])),
            ("second.toml".to_owned(), second),
        ])
        .await;
    let before = Remembered::of(&app).await;
    let theirs = json!({ "iss": "https://second.example" });
    for (signer, changes, code) in [
        // One directory in the name of the other.
        (&partner.directory, theirs.clone(), BAD),
        (&other.directory, json!({}), BAD),
        // The other about the same software of the same name: the bank does not know it there.
        (&other.directory, theirs, "unapproved_software_statement"),
        (
            &partner.directory,
            json!({ "iss": "https://third.example" }),
            "unapproved_software_statement",
        ),
        (&partner.directory, json!({ "iss": null }), BAD),
    ] {
        let claims = merged(partner.statement_claims(), &changes);
        let statement = signer.sign("JWT", &claims).unwrap();
        let request = partner.request_claims(&statement, "scope:a");
        assert_eq!(refused_code(&app, &partner, &request).await, code, "{changes} {SOFTWARE}");
    }
    assert_nothing_stored(&app, &before, 5).await;
}

#[tokio::test]
async fn an_algorithm_that_the_framework_does_not_name_signs_nothing_reg_s3() {
    let mut partner = Partner::new().await;
    let app = partner.node().await;
    for algorithm in [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Es384] {
        let key = SigningKey::generate(algorithm).unwrap();
        let statement = key.sign("JWT", &partner.statement_claims()).unwrap();
        let request = partner.request_claims(&statement, "scope:a");
        assert_eq!(refused_code(&app, &partner, &request).await, BAD, "{algorithm}");
        partner.key = key;
        let request = partner.registration("scope:a");
        assert_eq!(refused(&app, &request).await, METADATA, "{algorithm}");
    }
}
