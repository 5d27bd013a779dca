//! Defects that were read in other servers, PEER-1 to PEER-26: each is a test of ours. Those that have
//! their place in another file are in [`COVERED`].

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::endpoints::Failure;
use countersign::endpoints::exchange::{Answer, Method};
use countersign::endpoints::registration::{manage, plan, recover, register};
use countersign::jose::{Algorithm, SigningKey, forge};
use countersign::remote::{Fetcher, KeySource};
use countersign::trust::{Framework, SHIPPED_DIRECTORY};
use serde_json::{Map, Value, json};

use crate::support::house::refusal;
use crate::support::partner::{
    ALL_SCOPES, DIRECTORY, Partner, Registered, Remembered, end_agreement, merged, not_managed,
    refused,
};
use crate::support::tls_server::{Reply, TlsServer};

/// Where the others are tested.
const COVERED: [(u8, &str, &str); 15] = [
    (
        3,
        "src/policy/engine/bundle_tests.rs",
        "a_misspelt_fact_does_not_load_and_the_error_names_rule_and_line",
    ),
    (
        4,
        "tests/integration/registration.rs",
        "what_can_be_granted_is_registered_and_the_rest_is_explained",
    ),
    (
        6,
        "tests/integration/registration.rs",
        "nothing_is_fetched_for_a_request_that_is_refused_already_sec_17",
    ),
    (8, "tests/integration/registration.rs", "a_request_and_a_statement_work_once_reg_t1"),
    (9, "tests/integration/registration.rs", "without_frameworks_nobody_registers_peer_9"),
    (
        10,
        "tests/integration/registration.rs",
        "a_bad_statement_has_the_code_of_its_fault_and_leaves_nothing_reg_s3_to_s9",
    ),
    (
        12,
        "src/protocol/registration/software_statement_tests.rs",
        "every_fault_that_the_test_directory_can_make_gets_its_code",
    ),
    (
        13,
        "tests/integration/registration.rs",
        "a_ceiling_of_the_statement_is_a_ceiling_of_the_client_reg_p3",
    ),
    (
        17,
        "tests/integration/token.rs",
        "an_agreement_that_ends_at_midnight_ends_tokens_at_midnight",
    ),
    (18, "src/policy/engine/bundle_tests.rs", "a_fact_that_no_rule_reads_does_not_load"),
    (
        22,
        "tests/integration/registration_lifecycle.rs",
        "an_initial_access_token_binds_whom_it_lets_in_reg_i2",
    ),
    (
        23,
        "tests/integration/registration_operator.rs",
        "a_token_that_would_let_nobody_in_is_not_issued_peer_23",
    ),
    (
        24,
        "tests/integration/registration_management.rs",
        "an_update_gets_no_more_than_the_contract_allows_now",
    ),
    (
        25,
        "tests/integration/registration_lifecycle.rs",
        "a_lost_management_token_is_recovered_by_a_registered_key_reg_r10",
    ),
    (
        26,
        "tests/integration/registration_lifecycle.rs",
        "a_deletion_ends_tokens_permissions_keys_and_management_at_once_reg_u8_peer_26",
    ),
];

#[test]
fn every_defect_of_a_peer_is_a_test() {
    let read =
        |file: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    for (number, file, test) in COVERED {
        assert!(read(file).contains(&format!("fn {test}(")), "PEER-{number}: {file} {test}");
    }
    let ours = read(file!());
    for number in 1..=26 {
        let elsewhere = COVERED.iter().any(|(covered, ..)| *covered == number);
        assert!(elsewhere || ours.contains(&format!("_peer_{number}(")), "PEER-{number}");
    }
}

const BAD: &str = "invalid_software_statement";

#[tokio::test]
async fn every_redirect_uri_is_checked_wherever_the_bad_one_stands_peer_1() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let (one, two, evil) =
        ("https://fern.example/cb", "https://fern.example/other", "https://evil.example/cb");
    for listed in [[evil, one, two], [one, evil, two], [one, two, evil]] {
        let request = partner.registration_with("scope:a", &json!({ "redirect_uris": listed }));
        assert_eq!(refused(&app, &request).await, "invalid_redirect_uri", "{listed:?}");
    }
}

#[tokio::test]
async fn scopes_are_compared_whole_peer_2() {
    let partner = Partner::new().await;
    let role = "claim = \"software_roles\"\n[roles.ceilings.AISP]\nscope = \"scope:a scope:b\"";
    let (plain, bounded) =
        (partner.node().await, partner.node_with(&[("claim = \"software_roles\"", role)]).await);
    let near = "scope scope:a scope:a-extra scope:a:write scope:aa xscope:a";
    // What the statement vouches for is one of them, and so is what the role may have.
    let vouched = partner.statement_with(&json!({ "scope": "scope:a" }));
    for (app, statement) in [(&plain, vouched), (&bounded, partner.statement())] {
        let answer = register(app, &partner.presenting(&statement, near)).await;
        let client = Registered::of(&answer.map_err(Failure::into_error).unwrap());
        assert_eq!(client.body["scope"], "scope:a");
    }
    for (vouched, asked) in [("scope:a:write", "scope:a"), ("scope:a", "scope:a:write")] {
        let statement = partner.statement_with(&json!({ "scope": vouched }));
        let request = partner.presenting(&statement, asked);
        assert_eq!(refused(&plain, &request).await, "invalid_client_metadata", "{asked}");
    }
}

#[tokio::test]
async fn a_scope_that_nobody_sells_is_refused_and_none_is_added_unasked_peer_5() {
    let partner = Partner::new().await;
    let role = "claim = \"software_roles\"\n[roles.ceilings.AISP]\nscope = \"scope:a scope:b nobody:sells\"";
    let app = partner.node_with(&[("claim = \"software_roles\"", role)]).await;
    let more = json!({ "scope": "scope:a scope:b nobody:sells" });
    let request = partner.presenting(&partner.statement_with(&more), "scope:a nobody:sells");
    let client = Registered::of(&register(&app, &request).await.unwrap());
    assert_eq!(client.body["scope"], "scope:a");
    let alone = partner.presenting(&partner.statement_with(&more), "nobody:sells");
    assert_eq!(refused(&app, &alone).await, "unapproved_software_statement");
    assert!(!partner.gets_token(&app, &client.id, "nobody:sells").await);
    assert!(!partner.gets_token(&app, &client.id, "scope:b").await);
}

#[tokio::test]
async fn the_key_of_one_issuer_signs_for_no_other_peer_7() {
    let partner = Partner::new().await;
    let other = Partner::new().await;
    let renamed = other.framework(&[
        ("name = \"directory\"", "name = \"second\""),
        ("issuers = [\"https://localhost:8445\"]", "issuers = [\"https://second.example\"]"),
    ]);
    let app = partner
        .node_of([
            ("directory.toml".to_owned(), partner.framework(&[])),
            ("second.toml".to_owned(), renamed),
        ])
        .await;
    let second = json!({ "iss": "https://second.example" });
    let forged = partner.presenting(&partner.statement_with(&second), "scope:a");
    assert_eq!(refused(&app, &forged).await, BAD);
    let forged = other.signed_by_directory(&partner.statement_claims());
    assert_eq!(refused(&app, &partner.presenting(&forged, "scope:a")).await, BAD);
}

#[tokio::test]
async fn no_key_is_taken_from_the_statement_peer_11() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let own = SigningKey::generate(Algorithm::Ps256).unwrap();
    let claims: Map<String, Value> = serde_json::from_value(partner.statement_claims()).unwrap();
    for header in [
        json!({ "jwk": own.public_jwk() }),
        json!({ "jku": "https://localhost:8445/jwks" }),
        json!({ "x5u": "https://127.0.0.1/chain.pem" }),
    ] {
        let statement = own.sign_with("JWT", header.as_object().unwrap(), &claims).unwrap();
        let request = partner.presenting(&statement, "scope:a");
        assert_eq!(refused(&app, &request).await, BAD, "{header}");
    }
}

#[tokio::test]
async fn claims_that_no_rule_maps_are_not_copied_peer_14() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let claims = json!({ "client_id": "cl_mine", "sector": "x", "policy_digest": "mine" });
    let statement = partner.statement_with(&claims);
    let answer = register(&app, &partner.presenting(&statement, "scope:a")).await.unwrap();
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_ne!(body["client_id"], "cl_mine");
    assert_ne!(body["policy_digest"], "mine");
    assert_eq!(body.get("sector"), None);
}

#[tokio::test]
async fn symmetric_algorithms_and_none_sign_nothing_peer_15() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let claims = merged(partner.statement_claims(), &json!({}));
    let shared = forge::hs256_with_public_key(&partner.directory, &claims).unwrap();
    for statement in [shared, forge::unsigned(&claims)] {
        assert_eq!(refused(&app, &partner.presenting(&statement, "scope:a")).await, BAD);
    }
    // The directory signs with PS256, and the framework's list decides.
    let list = "algorithms = [\"ES256\", \"PS256\", \"EdDSA\"]\ntypes = [\"JWT\"]\nmax_age";
    let less = "algorithms = [\"ES256\"]\ntypes = [\"JWT\"]\nmax_age";
    let strict = partner.node_with(&[(list, less)]).await;
    assert_eq!(refused(&strict, &partner.registration("scope:a")).await, BAD);
}

#[tokio::test]
async fn a_code_does_not_come_from_the_words_of_a_message_peer_19() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let named = json!({ "token_endpoint_auth_method": "redirect_uri" });
    let request = partner.registration_with("scope:a", &named);
    assert_eq!(refused(&app, &request).await, "invalid_client_metadata");
}

#[tokio::test]
async fn registrations_go_on_with_cached_keys_while_the_issuer_is_down_peer_16() {
    let partner = Partner::new().await;
    let keys = json!({ "keys": [partner.directory.public_jwk()] }).to_string();
    let issuer = TlsServer::start(Reply::json(keys)).await;
    let text = SHIPPED_DIRECTORY.replace("https://localhost:8445/jwks", &issuer.uri("/jwks"));
    let framework = Framework::parse("directory.toml", &text).unwrap();
    let mut app = partner.node_of([("directory.toml".to_owned(), framework)]).await;
    app.settings.trust.allow_loopback = true;
    app.key_source = KeySource::new(Fetcher::new(Some(&issuer.certificate)).unwrap());
    partner.registered(&app, "scope:a").await;
    assert_eq!(issuer.requests(), 1);
    issuer.answer_with(Reply::new("500 Internal Server Error", "Content-Type: text/plain", ""));
    for _ in 0..3 {
        partner.registered(&app, "scope:a").await;
    }
    // Statements by keys that nobody knows make nobody ask without end.
    for _ in 0..20 {
        let unknown = SigningKey::generate(Algorithm::Es256).unwrap();
        let statement = unknown.sign("JWT", &partner.statement_claims()).unwrap();
        assert!(register(&app, &partner.presenting(&statement, "scope:a")).await.is_err());
    }
    assert!(issuer.requests() <= 4, "{}", issuer.requests());
    partner.registered(&app, "scope:a").await;
}

#[tokio::test]
async fn every_door_decides_alike_peer_20() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let client = partner.registered(&app, "scope:a").await;
    let decided = |answer: Result<Answer, Failure>, planned: bool| {
        let answer = answer.map_err(Failure::into_error).unwrap();
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let items = if planned { &body["decision"]["items"] } else { &body["decisions"] };
        items.as_array().unwrap().clone()
    };
    let request = || partner.registration(ALL_SCOPES);
    let planned = decided(plan(&app, &request()).await, true);
    assert_eq!(planned.len(), 4);
    assert_eq!(decided(register(&app, &request()).await, false), planned);
    let put = client.managed(Method::Put, request());
    assert_eq!(decided(manage(&app, &put).await, false), planned);
    // And when the contract ends, at every door for the same reason.
    end_agreement(&app).await;
    let codes: Vec<_> = [
        refusal(register(&app, &request()).await),
        refusal(manage(&app, &client.managed(Method::Put, request())).await),
    ]
    .into_iter()
    .map(|refused| (refused.code, refused.members["decisions"].clone()))
    .collect();
    assert_eq!(codes[0], codes[1]);
    let planned = decided(plan(&app, &request()).await, true);
    assert_eq!(json!(planned), codes[0].1);
}

#[tokio::test]
async fn a_statement_that_cannot_be_verified_is_never_ignored_peer_21() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let client = partner.registered(&app, "scope:a").await;
    let before = Remembered::of(&app).await;
    let good = partner.statement();
    let (head, rest) = good.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let thief = SigningKey::generate(Algorithm::Ps256).unwrap();
    let claims = partner.statement_claims();
    let other = thief.sign("JWT", &claims).unwrap();
    let (_, others) = other.split_once('.').unwrap();
    let none = URL_SAFE_NO_PAD.encode(br#"{"alg":"none"}"#);
    for statement in [
        json!("x"),
        json!("a.b.c"),
        json!(7),
        json!({ "iss": DIRECTORY }),
        json!(other),
        json!(format!("{head}.{others}")),
        json!(format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()))),
        json!(format!("{none}.{}.", URL_SAFE_NO_PAD.encode(claims.to_string()))),
        json!(head),
        json!(forge::with_broken_signature(&partner.directory, &claims).unwrap()),
    ] {
        let asked = || {
            let claims = merged(
                partner.request_claims("", "scope:a"),
                &json!({ "software_statement": statement }),
            );
            partner.posted(&claims)
        };
        let at = |method| client.managed(method, asked());
        assert_eq!(refused(&app, &asked()).await, BAD, "{statement}");
        assert_eq!(refusal(plan(&app, &asked()).await).code.as_str(), BAD, "{statement}");
        assert_eq!(not_managed(&app, &at(Method::Put)).await, BAD, "{statement}");
        let lost = refusal(recover(&app, &at(Method::Post)).await);
        assert_eq!(lost.code.as_str(), BAD, "{statement}");
    }
    assert_eq!(Remembered::of(&app).await.counts(), before.counts());
}
