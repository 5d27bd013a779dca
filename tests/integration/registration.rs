//! Dynamic client registration by software statement (RFC 7591, REG-E, REG-S, REG-T).

use std::sync::Arc;

use countersign::app::App;
use countersign::endpoints::Failure;
use countersign::endpoints::exchange::{Caching, Incoming};
use countersign::endpoints::introspection::introspect;
use countersign::endpoints::registration::register;
use countersign::endpoints::token::token;
use countersign::governance::audit::AuditAction;
use countersign::jose::{Algorithm, SigningKey, forge};
use countersign::partners::{Organisation, OrganisationState, SoftwareProductState};
use countersign::protocol::ErrorCode;
use countersign::remote::{FetchRules, Fetcher, KeySource};
use countersign::types::{OrganisationId, Secret};
use serde_json::{Value, json};

use crate::support::house::{ISSUER, body, change, refusal};
use crate::support::partner::{
    ALL_SCOPES, DIRECTORY, Partner, Registered, Remembered, SOFTWARE, end_agreement, merged,
    object, refused, told,
};
use crate::support::samples as sample;
use crate::support::store::Store;
use crate::support::tls_server::{Reply, TlsServer};

const ONE_CLIENT: (&str, &str) = ("duplicates = \"allow_many\"", "duplicates = \"reject\"");

const BAD: &str = "invalid_software_statement";
const UNAPPROVED: &str = "unapproved_software_statement";

async fn suspend_organisation(app: &App) {
    change(app, AuditAction::OrganisationStateChanged, |tx| {
        tx.change_organisation_state(
            &sample::organisation("a").id,
            OrganisationState::Active,
            OrganisationState::Suspended,
        )
    })
    .await;
}

/// The outcome and reason codes of a scope.
fn decided(answer: &Value, scope: &str) -> (String, Vec<String>) {
    let item = format!("scope:{scope}");
    let decisions = answer["decisions"].as_array().unwrap();
    let decision = decisions.iter().find(|decision| decision["item"] == item).unwrap();
    let reasons = decision["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
    let codes = reasons.iter().map(|reason| reason["code"].as_str().unwrap().to_owned());
    (decision["outcome"].as_str().unwrap().to_owned(), codes.collect())
}

/// Registers with every request at once, on two nodes.
async fn race(nodes: [App; 2], requests: Vec<Incoming>) -> Vec<Result<(u16, Value), String>> {
    let nodes = nodes.map(Arc::new);
    let mut racers = tokio::task::JoinSet::new();
    for (app, request) in nodes.iter().cycle().zip(requests) {
        let app = Arc::clone(app);
        racers.spawn(async move { told(register(&app, &request).await) });
    }
    racers.join_all().await
}

fn winners(answers: &[Result<(u16, Value), String>]) -> usize {
    answers.iter().filter(|answer| matches!(answer, Ok((201, _)))).count()
}

/// The codes of those that did not win, each once.
fn losses(answers: Vec<Result<(u16, Value), String>>) -> Vec<String> {
    let mut codes: Vec<String> = answers.into_iter().filter_map(Result::err).collect();
    codes.sort();
    codes.dedup();
    codes
}

#[tokio::test]
async fn what_can_be_granted_is_registered_and_the_rest_is_explained() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let before = Remembered::of(&app).await;
    let statement = partner.statement();
    let answer = register(&app, &partner.presenting(&statement, ALL_SCOPES)).await.unwrap();
    assert_eq!((answer.status, answer.caching), (201, Caching::Never));
    assert_eq!(answer.content_type, "application/json");
    let Registered { id, body } = Registered::of(&answer);
    assert!(id.as_str().len() <= 36 && !id.as_str().starts_with("https://"));
    for (member, value) in [
        ("client_id_issued_at", json!(partner.house.clock.now())),
        ("scope", json!("scope:a")),
        ("software_statement", json!(statement)),
        ("registration_client_uri", json!(format!("{ISSUER}/register/{id}"))),
        ("client_name", json!("Fern Budget")),
        ("client_name#nl", json!("Varen Budget")),
        ("redirect_uris", json!(["https://fern.example/cb", "https://fern.example/other"])),
        ("grant_types", json!(["client_credentials"])),
        ("response_types", json!([])),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("application_type", json!("web")),
        ("software_id", json!(SOFTWARE)),
        ("software_version", json!("1.1")),
        ("contacts", json!(["mailto:ops@fern.example"])),
        ("org_id", json!("dir-a")),
        ("org_name", json!("Fern")),
        ("software_roles", json!(["AISP"])),
        ("policy_digest", json!(app.policy.digest())),
    ] {
        assert_eq!(body[member], value, "{member}");
    }
    for absent in ["iss", "aud", "exp", "iat", "jti", "client_secret", "client_secret_expires_at"] {
        assert_eq!(body.get(absent), None, "{absent}");
    }
    for (name, value) in body.as_object().unwrap() {
        assert!(!value.is_null() && value != "", "{name}");
    }
    assert_eq!(body["registration_access_token"].as_str().unwrap().len(), 43);
    assert_eq!(decided(&body, "scope:a"), ("approved".into(), vec![]));
    let referred = ("referred".into(), vec!["sender_constraint_required".into()]);
    assert_eq!(decided(&body, "scope:a:write"), referred);
    let refused = ("refused".into(), vec!["product_not_contracted".into()]);
    assert_eq!(decided(&body, "scope:c"), refused);
    assert_eq!(decided(&body, "nobody:sells"), ("refused".into(), vec!["scope_unknown".into()]));
    let after = Remembered::of(&app).await;
    assert_eq!(after.actions_since(&before), ["client.registered"]);
    let [clients, entitlements, credentials, decisions, _] = after.counts();
    let [had_clients, had_entitlements, had_credentials, had_decisions, _] = before.counts();
    assert_eq!(clients - had_clients, 1);
    assert_eq!(entitlements - had_entitlements, 1);
    assert_eq!(credentials - had_credentials, 1);
    assert_eq!(decisions - had_decisions, 1);
}

#[tokio::test]
async fn a_registered_client_gets_a_token_at_once_and_it_is_active() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let client = partner.registered(&app, "scope:a scope:a:write").await;
    let answer = body(token(&app, &partner.token_request(&client.id, "scope:a")).await);
    assert_eq!(answer["scope"], "scope:a");
    let asked = format!("token={}", answer["access_token"].as_str().unwrap());
    let told = body(introspect(&app, &partner.house.by_resource_server("a", &asked)).await);
    assert_eq!((&told["active"], &told["client_id"]), (&json!(true), &json!(client.id)));
    assert!(!partner.gets_token(&app, &client.id, "scope:a:write").await);
}

#[tokio::test]
async fn what_is_written_down_holds_no_statement_and_no_secret_reg_t13() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let statement = partner.statement();
    let request = partner.presenting(&statement, ALL_SCOPES);
    let answer = register(&app, &request).await.unwrap();
    let token = Registered::of(&answer).token().to_owned();
    assert_eq!(
        refused(&app, &partner.registration("scope:c")).await,
        "unapproved_software_statement"
    );
    let text = Remembered::of(&app).await.text();
    let event = format!("\"key_thumbprint\":\"{}\"", partner.key.thumbprint());
    assert!(text.contains(&event), "{text}");
    for secret in [statement.as_str(), token.as_str(), "eyJ"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(!format!("{answer:?} {request:?}").contains("eyJ"));
}

#[tokio::test]
async fn when_nothing_can_be_granted_all_reasons_are_told_and_written_down() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let before = Remembered::of(&app).await;
    let request = partner.registration("scope:c nobody:sells");
    let refusal = refusal(register(&app, &request).await);
    assert_eq!(refusal.code, ErrorCode::UnapprovedSoftwareStatement);
    let told = refusal.body();
    assert_eq!(decided(&told, "scope:c").1, ["product_not_contracted"]);
    assert_eq!(decided(&told, "nobody:sells").1, ["scope_unknown"]);
    assert_eq!(told["policy_digest"], app.policy.digest());
    let after = Remembered::of(&app).await;
    assert_eq!(after.actions_since(&before), ["registration.refused"]);
    let event = after.since(&before)[0].clone();
    assert_eq!(event.object, object("software", SOFTWARE));
    assert_eq!(event.request_id, Some(request.request_id.clone()));
    assert_eq!(event.detail["refused"], "nobody:sells scope:c");
    assert_eq!(after.clients.len(), before.clients.len());
    let decision = after.decisions.last().unwrap();
    assert_eq!((&decision.subject, &decision.items), (&event.object, &told["decisions"]));
}

#[tokio::test]
async fn what_people_must_decide_is_registered_without_a_scope() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let client = partner.registered(&app, "scope:a:write").await;
    assert_eq!(client.body.get("scope"), None);
    assert_eq!(decided(&client.body, "scope:a:write").0, "referred");
    assert!(!partner.gets_token(&app, &client.id, "scope:a:write").await);
    assert!(Remembered::of(&app).await.entitlements.iter().all(|held| held.client_id != client.id));
}

#[tokio::test]
async fn a_bad_statement_has_the_code_of_its_fault_and_leaves_nothing_reg_s3_to_s9() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let before = Remembered::of(&app).await;
    let claims = partner.statement_claims();
    let with = |changes: Value| partner.statement_with(&changes);
    let now = partner.house.clock.now();
    let key = &partner.directory;
    let opened = |member: &str| claims.to_string().replacen('{', &format!("{{{member},"), 1);
    let huge =
        claims.to_string().replace(&format!("\"exp\":{}", now.plus(300).epoch()), "\"exp\":1e19");
    let raw = |text: &str| forge::raw_payload(key, text.as_bytes()).unwrap();
    for (name, statement, code) in [
        ("expired", with(json!({ "iat": now.plus(-200), "exp": now.plus(-100) })), BAD),
        ("stale", with(json!({ "iat": now.plus(-301) })), BAD),
        ("future", with(json!({ "iat": now.plus(3600), "exp": now.plus(3900) })), BAD),
        ("not yet", with(json!({ "nbf": now.plus(60) })), BAD),
        ("no exp", with(json!({ "exp": null })), BAD),
        ("no jti", with(json!({ "jti": null })), BAD),
        ("endless", with(json!({ "exp": now.plus(86_401) })), BAD),
        ("wrong_issuer", with(json!({ "iss": "https://directory.invalid" })), UNAPPROVED),
        ("bad_signature", forge::with_broken_signature(key, &claims).unwrap(), BAD),
        ("alg_none", forge::unsigned(&claims), BAD),
        ("hs256_public_key", forge::hs256_with_public_key(key, &claims).unwrap(), BAD),
        ("unknown_kid", forge::with_key_id(key, "unpublished", &claims).unwrap(), BAD),
        ("by the software itself", partner.key.sign("JWT", &claims).unwrap(), BAD),
        ("an access token", key.sign("at+jwt", &claims).unwrap(), BAD),
        ("huge_exp", raw(&huge), BAD),
        ("oversized", with(json!({ "padding": "x".repeat(24 * 1024) })), BAD),
        ("missing_iss", with(json!({ "iss": null })), BAD),
        ("duplicate_member", raw(&opened("\"iss\":\"https://other.example\"")), BAD),
        ("for another server", with(json!({ "aud": "https://other.example" })), BAD),
        ("revoked organisation", with(json!({ "org_status": "Revoked" })), UNAPPROVED),
        ("unknown status", with(json!({ "org_status": null })), UNAPPROVED),
        ("withdrawn", with(json!({ "software_statement_status": "Inactive" })), UNAPPROVED),
        ("no software", with(json!({ "software_id": null })), BAD),
        ("a number for a name", with(json!({ "org_id": 7 })), BAD),
        (
            "keys elsewhere",
            with(json!({ "software_jwks_uri": "https://169.254.169.254/k" })),
            UNAPPROVED,
        ),
        ("keys that are none", with(json!({ "software_jwks": { "keys": [7] } })), BAD),
        ("no keys", with(json!({ "software_jwks": null })), BAD),
        ("not a JWS", "statement".to_owned(), BAD),
    ] {
        assert_eq!(refused(&app, &partner.presenting(&statement, "scope:a")).await, code, "{name}");
    }
    let after = Remembered::of(&app).await;
    assert_eq!(after.counts(), before.counts());
    let aimed = with(json!({ "aud": [ISSUER, "https://other.example"] }));
    assert!(register(&app, &partner.presenting(&aimed, "scope:a")).await.is_ok());
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_statement_is_told_at_once() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let statement =
        partner.statement_with(&json!({ "exp": "soon", "jti": 7, "org_status": "Revoked" }));
    let refused = refusal(register(&app, &partner.presenting(&statement, "scope:a")).await);
    assert_eq!(refused.code, ErrorCode::InvalidSoftwareStatement);
    let problems = refused.members["problems"].as_array().unwrap();
    let at: Vec<_> = problems.iter().map(|problem| problem["pointer"].as_str().unwrap()).collect();
    let expected = ["exp", "jti", "org_status"].map(|claim| format!("/software_statement/{claim}"));
    assert_eq!(at, expected);
}

#[tokio::test]
async fn only_known_active_organisations_register() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let unknown = partner.statement_with(&json!({ "org_id": "dir-unknown" }));
    let refused = refusal(register(&app, &partner.presenting(&unknown, "scope:a")).await);
    assert_eq!(refused.code, ErrorCode::UnapprovedSoftwareStatement);
    assert!(decided(&refused.body(), "scope:a").1.contains(&"organisation_not_active".to_owned()));
    suspend_organisation(&app).await;
    let refused = refusal(register(&app, &partner.registration("scope:a")).await);
    assert_eq!(decided(&refused.body(), "scope:a").1, ["organisation_not_active"]);
}

#[tokio::test]
async fn an_agreement_that_has_ended_registers_nothing() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    end_agreement(&app).await;
    let refused = refusal(register(&app, &partner.registration("scope:a")).await);
    assert_eq!(
        decided(&refused.body(), "scope:a"),
        ("refused".into(), vec!["agreement_lapsed".into()])
    );
}

#[tokio::test]
async fn what_the_bank_changes_counts_from_the_next_registration_on() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let stranger = || partner.statement_with(&json!({ "org_id": "dir-late" }));
    let refused = refusal(register(&app, &partner.presenting(&stranger(), "scope:a")).await);
    assert!(decided(&refused.body(), "scope:a").1.contains(&"organisation_not_active".to_owned()));
    let known = sample::organisation("a");
    let id = OrganisationId::from_random("late");
    let late = Organisation { id, directory_id: "dir-late".parse().unwrap(), ..known };
    change(&app, AuditAction::OrganisationCreated, move |tx| tx.insert_organisation(&late)).await;
    let refused = refusal(register(&app, &partner.presenting(&stranger(), "scope:a")).await);
    let reasons = decided(&refused.body(), "scope:a").1;
    assert!(!reasons.contains(&"organisation_not_active".to_owned()), "{reasons:?}");
    assert!(register(&app, &partner.registration("scope:a")).await.is_ok());
    end_agreement(&app).await;
    let refused = refusal(register(&app, &partner.registration("scope:a")).await);
    assert_eq!(decided(&refused.body(), "scope:a").1, ["agreement_lapsed"]);
}

#[tokio::test]
async fn a_request_that_comes_again_uses_no_statement_up() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let (used, fresh) = (partner.statement(), partner.statement());
    let claims = partner.request_claims(&used, "scope:a");
    assert!(register(&app, &partner.posted(&claims)).await.is_ok());
    let again = merged(claims, &json!({ "software_statement": fresh }));
    assert_eq!(refused(&app, &partner.posted(&again)).await, "invalid_client_metadata");
    assert!(register(&app, &partner.presenting(&fresh, "scope:a")).await.is_ok());
}

#[tokio::test]
async fn a_statement_for_another_environment_registers_nothing() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    for environment in ["sandbox", "staging"] {
        let statement = partner.statement_with(&json!({ "software_environment": environment }));
        let refused = refusal(register(&app, &partner.presenting(&statement, "scope:a")).await);
        assert_eq!(decided(&refused.body(), "scope:a").1, ["environment_mismatch"]);
    }
}

#[tokio::test]
async fn software_of_another_organisation_is_refused_and_written_down_reg_t2() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    change(&app, AuditAction::OrganisationCreated, |tx| {
        tx.insert_organisation(&sample::organisation("b"))
    })
    .await;
    partner.registered(&app, "scope:a").await;
    let before = Remembered::of(&app).await;
    for organisation in ["dir-b", "dir-unknown"] {
        let statement = partner.statement_with(&json!({ "org_id": organisation }));
        let refused = refusal(register(&app, &partner.presenting(&statement, "scope:a")).await);
        assert_eq!(refused.code, ErrorCode::UnapprovedSoftwareStatement);
        assert!(refused.description.contains("another organisation"), "{refused}");
    }
    let after = Remembered::of(&app).await;
    assert_eq!(after.actions_since(&before), ["registration.refused"; 2]);
    assert_eq!(after.clients.len(), before.clients.len());
}

#[tokio::test]
async fn software_that_the_bank_has_stopped_is_refused() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let client = partner.registered(&app, "scope:a").await;
    let software = Remembered::of(&app).await.client(&client.id).software_product_id.clone();
    change(&app, AuditAction::SoftwareProductStateChanged, move |tx| {
        let (from, to) = (SoftwareProductState::Active, SoftwareProductState::Inactive);
        tx.change_software_product_state(&software, from, to)
    })
    .await;
    let refused = refusal(register(&app, &partner.registration("scope:a")).await);
    assert_eq!(refused.code, ErrorCode::UnapprovedSoftwareStatement);
    assert_eq!(refused.members["reasons"][0]["code"], "software_product_not_active");
}

#[tokio::test]
async fn only_signed_requests_are_taken_reg_e1() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let statement = partner.statement();
    let claims = partner.request_claims(&statement, "scope:a");
    let typed = |content_type: Option<&str>, body: &str| Incoming {
        content_type: content_type.map(str::to_owned),
        ..partner.posted_text(body)
    };
    let signed = partner.key.sign("JWT", &claims).unwrap();
    for bad in [
        typed(Some("application/json"), &claims.to_string()),
        typed(Some("application/json"), &signed),
        typed(Some("text/plain"), &signed),
        typed(None, &signed),
        typed(Some("application/jwt"), &claims.to_string()),
    ] {
        assert_eq!(refused(&app, &bad).await, "invalid_client_metadata", "{:?}", bad.content_type);
    }
    // Nothing of it was used up, and the other name of the format works too.
    let good = typed(Some("Application/JOSE; charset=utf-8"), &format!("{signed}\n"));
    assert_eq!(register(&app, &good).await.map_err(Failure::into_error).unwrap().status, 201);
}

#[tokio::test]
async fn a_request_proves_who_sends_it_for_whom_and_when_reg_s11_s12() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let before = Remembered::of(&app).await;
    let now = partner.house.clock.now();
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    let claims = partner.request_claims(&partner.statement(), "scope:a");
    let text = |key: &SigningKey| key.sign("JWT", &claims).unwrap();
    for (name, bad) in [
        ("another key", partner.posted_text(&text(&other))),
        ("the directory's key", partner.posted_text(&text(&partner.directory))),
        (
            "a borrowed kid",
            partner
                .posted_text(&forge::with_key_id(&other, partner.key.key_id(), &claims).unwrap()),
        ),
        ("unsigned", partner.posted_text(&forge::unsigned(&claims))),
        ("another issuer", partner.registration_with("scope:a", &json!({ "iss": "other" }))),
        ("another audience", partner.registration_with("scope:a", &json!({ "aud": DIRECTORY }))),
        ("no audience", partner.registration_with("scope:a", &json!({ "aud": null }))),
        (
            "expired",
            partner.registration_with("scope:a", &json!({ "iat": now.plus(-60), "exp": now })),
        ),
        (
            "future",
            partner.registration_with(
                "scope:a",
                &json!({ "iat": now.plus(61), "exp": now.plus(120) }),
            ),
        ),
        ("endless", partner.registration_with("scope:a", &json!({ "exp": now.plus(301) }))),
        ("no jti", partner.registration_with("scope:a", &json!({ "jti": null }))),
        ("no exp", partner.registration_with("scope:a", &json!({ "exp": null }))),
        (
            "no statement",
            partner.registration_with("scope:a", &json!({ "software_statement": null })),
        ),
        (
            "a statement that is none",
            partner.registration_with(
                "scope:a",
                &json!({ "jwks": {}, "software_id": "x", "software_statement": "" }),
            ),
        ),
    ] {
        assert_eq!(refused(&app, &bad).await, "invalid_client_metadata", "{name}");
    }
    assert_eq!(Remembered::of(&app).await.counts(), before.counts());
}

#[tokio::test]
async fn a_statement_is_of_no_use_to_whoever_copies_it_reg_g1() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let copied = partner.statement();
    let thief = SigningKey::generate(Algorithm::Es256).unwrap();
    let theirs =
        json!({ "software_id": "thief", "software_jwks": { "keys": [thief.public_jwk()] } });
    let own = partner.statement_with(&theirs);
    for (statement, changes) in [
        (&copied, json!({})),
        (&copied, json!({ "iss": "thief" })),
        (&copied, json!({ "jwks": { "keys": [thief.public_jwk()] } })),
        (&own, json!({ "software_id": SOFTWARE, "iss": "thief" })),
    ] {
        let claims = merged(partner.request_claims(statement, "scope:a"), &changes);
        let request = partner.posted_text(&thief.sign("JWT", &claims).unwrap());
        assert_eq!(refused(&app, &request).await, "invalid_client_metadata", "{changes}");
    }
    // Nobody but its owner has used it up.
    assert!(register(&app, &partner.presenting(&copied, "scope:a")).await.is_ok());
}

#[tokio::test]
async fn a_request_and_a_statement_work_once_reg_t1() {
    let partner = Partner::new().await;
    let (one, other) = (partner.node().await, partner.node().await);
    let statement = partner.statement();
    let claims = partner.request_claims(&statement, "scope:a");
    let request = partner.posted(&claims);
    assert!(register(&one, &request).await.is_ok());
    let before = Remembered::of(&one).await;
    for app in [&one, &other] {
        let fresh = merged(claims.clone(), &json!({ "software_statement": partner.statement() }));
        assert_eq!(refused(app, &request).await, "invalid_client_metadata");
        assert_eq!(refused(app, &partner.posted(&fresh)).await, "invalid_client_metadata");
        let again = refusal(register(app, &partner.presenting(&statement, "scope:a")).await);
        assert_eq!(again.code, ErrorCode::InvalidSoftwareStatement);
        assert_eq!(again.members["problems"][0]["pointer"], "/software_statement/jti");
    }
    let after = Remembered::of(&one).await;
    assert_eq!(after.actions_since(&before), ["registration.refused"; 2]);
    assert_eq!(after.clients.len(), before.clients.len());
}

#[tokio::test]
async fn a_statement_is_remembered_as_long_as_it_could_be_accepted_sec_52() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let statement =
        partner.statement_with(&json!({ "exp": partner.house.clock.now().plus(80_000) }));
    partner.house.clock.advance(-10);
    assert!(register(&app, &partner.presenting(&statement, "scope:a")).await.is_ok());
    partner.house.clock.advance(310);
    let now = partner.house.clock.now();
    // The request's mark goes, the statement's stays.
    assert_eq!(app.database.remove_expired(now, 1000).await.unwrap(), 1);
    let again = partner.presenting(&statement, "scope:a");
    let refused = refusal(register(&app, &again).await);
    assert!(refused.description.contains("used before"), "{refused}");
    partner.house.clock.advance(1);
    let refused = refusal(register(&app, &partner.presenting(&statement, "scope:a")).await);
    assert!(refused.description.contains("issued 301 seconds ago"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_16_racers_with_one_statement_one_registers_reg_t1() {
    let partner = Partner::new().await;
    let nodes = [partner.node().await, partner.node().await];
    let statement = partner.statement();
    let requests = (0..16).map(|_| partner.presenting(&statement, "scope:a")).collect();
    let answers = race(nodes, requests).await;
    assert_eq!(winners(&answers), 1);
    assert_eq!(losses(answers), ["invalid_software_statement"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_16_racers_with_one_request_one_registers() {
    let partner = Partner::new().await;
    let nodes = [partner.node().await, partner.node().await];
    let request = partner.registration("scope:a");
    let answers = race(nodes, vec![request; 16]).await;
    assert_eq!(winners(&answers), 1);
    assert_eq!(losses(answers), ["invalid_client_metadata"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn software_has_no_more_clients_than_its_framework_allows_reg_s18() {
    let partner = Partner::new().await;
    let few = ("clients_per_software_product = 20", "clients_per_software_product = 3");
    let nodes = [partner.node_with(&[few]).await, partner.node_with(&[few]).await];
    let requests = (0..16).map(|_| partner.registration("scope:a")).collect();
    let answers = race(nodes, requests).await;
    assert_eq!(winners(&answers), 3);
    assert_eq!(losses(answers), [ErrorCode::TooManyRequests.as_str()]);
    let app = partner.node_with(&[few]).await;
    let remembered = Remembered::of(&app).await;
    let refused = remembered.events.iter().filter(|e| e.action == AuditAction::RegistrationRefused);
    assert_eq!(refused.count(), 13);
    let registered = remembered.events.iter().filter(|e| e.action == AuditAction::ClientRegistered);
    // The house begins with a client of its own.
    assert_eq!(registered.count(), 1 + 3);
}

async fn one_client_per_software(store: Store) {
    let partner = Partner::on(store).await;
    let nodes = [partner.node_with(&[ONE_CLIENT]).await, partner.node_with(&[ONE_CLIENT]).await];
    let requests = (0..8).map(|_| partner.registration("scope:a")).collect();
    let answers = race(nodes, requests).await;
    assert_eq!(winners(&answers), 1);
    assert_eq!(losses(answers), ["invalid_software_statement"]);
    let app = partner.node_with(&[ONE_CLIENT]).await;
    let refused = refusal(register(&app, &partner.registration("scope:a")).await);
    assert!(refused.description.contains("registration_client_uri"), "{refused}");
}
crate::support::store::on_each_engine!(one_client_per_software);

async fn two_organisations_and_one_software(store: Store) {
    let partner = Partner::on(store).await;
    let nodes = [partner.node().await, partner.node().await];
    change(&nodes[0], AuditAction::OrganisationCreated, |tx| {
        tx.insert_organisation(&sample::organisation("b"))?;
        tx.insert_agreement(&sample::agreement("b"))
    })
    .await;
    let theirs = |tag: &str, scope: &str| {
        let statement = partner.statement_with(&json!({ "org_id": format!("dir-{tag}") }));
        partner.presenting(&statement, scope)
    };
    let requests = (0..4).flat_map(|_| [theirs("a", "scope:a"), theirs("b", "scope:b")]).collect();
    let answers = race(nodes, requests).await;
    assert_eq!(winners(&answers), 4);
    assert_eq!(losses(answers), ["unapproved_software_statement"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_organisations_with_one_software_one_has_it() {
    if let Some(store) = Store::postgresql() {
        Box::pin(two_organisations_and_one_software(store)).await;
    }
    Box::pin(two_organisations_and_one_software(Store::sqlite())).await;
}

#[tokio::test]
async fn every_mistake_in_the_metadata_is_told_and_the_statement_can_be_used_again() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let before = Remembered::of(&app).await;
    let statement = partner.statement();
    let wrong = json!({
        "redirect_uris": ["https://fern.example/cb", "https://evil.example/cb"],
        "grant_types": ["authorization_code", "password"],
        "token_endpoint_auth_method": "none",
        "jwks_uri": "https://evil.example/jwks",
        "software_id": "other",
        "client_uri": "javascript:alert(1)",
        "contacts": "nobody",
        "scope": "a\"b",
        "dpop_bound_access_tokens": "yes",
    });
    let claims = merged(partner.request_claims(&statement, "scope:a"), &wrong);
    let refused = refusal(register(&app, &partner.posted(&claims)).await);
    assert_eq!(refused.code, ErrorCode::InvalidClientMetadata);
    let problems = refused.members["problems"].as_array().unwrap();
    let at: Vec<_> = problems.iter().map(|problem| problem["pointer"].as_str().unwrap()).collect();
    for pointer in [
        "/redirect_uris/1",
        "/grant_types/0",
        "/grant_types/1",
        "/token_endpoint_auth_method",
        "/jwks_uri",
        "/software_id",
        "/client_uri",
        "/contacts/1",
        "/scope",
        "/dpop_bound_access_tokens",
    ] {
        assert!(at.contains(&pointer), "{pointer} in {at:?}");
    }
    let after = Remembered::of(&app).await;
    assert_eq!(after.actions_since(&before), ["registration.refused"]);
    let event = after.since(&before)[0].clone();
    assert_eq!(event.detail["error"], "invalid_client_metadata");
    assert!(!event.detail.to_string().contains("evil"), "{}", event.detail);
    // Nothing is lost on a retry.
    assert!(register(&app, &partner.presenting(&statement, "scope:a")).await.is_ok());
}

#[tokio::test]
async fn redirect_uris_that_the_statement_lacks_have_their_own_code() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let stranger = json!({ "redirect_uris": ["https://evil.example/cb"] });
    let request = partner.registration_with("scope:a", &stranger);
    assert_eq!(refused(&app, &request).await, "invalid_redirect_uri");
}

#[tokio::test]
async fn a_registrant_writes_nothing_but_metadata_reg_x9() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let privileged = json!({
        "client_id": "cl_mine",
        "client_secret": "mine",
        "client_id_issued_at": 1,
        "registration_access_token": "mine",
        "registration_client_uri": "https://evil.example",
        "state": "suspended",
        "organisation_id": "org_mine",
        "software_product_id": "sfp_mine",
        "policy_digest": "mine",
        "decisions": [],
        "entitlements": ["scope:a:write"],
        "issued_at": 1,
        "org_id": "dir-b",
        "org_name": "Mine",
        "software_roles": ["BANK"],
        "client_name": "Mine",
        "client_name#en": "Mine",
        "sub": "mine",
        "unknown": { "deep": [1, 2, 3] },
    });
    let answer = register(&app, &partner.registration_with("scope:a", &privileged)).await.unwrap();
    let client = Registered::of(&answer);
    let plain = partner.registered(&app, "scope:a").await;
    let own =
        ["client_id", "registration_access_token", "registration_client_uri", "software_statement"];
    let (mut one, mut other) = (client.body.clone(), plain.body.clone());
    for member in own {
        assert_ne!(one[member], other[member], "{member}");
        one[member].take();
        other[member].take();
    }
    assert_eq!(one, other);
    let remembered = Remembered::of(&app).await;
    let (one, other) = (remembered.client(&client.id), remembered.client(&plain.id));
    assert_eq!(one.metadata, other.metadata);
    assert_eq!(one.organisation_id, other.organisation_id);
    assert_eq!((one.state, one.issued_at), (other.state, other.issued_at));
    assert!(!one.registration_access_token.matches(&Secret::new("mine")));
    assert!(!format!("{one:?}").contains("mine"));
}

#[tokio::test]
async fn without_a_scope_there_is_nothing_to_register() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let refused = refusal(register(&app, &partner.registration("")).await);
    assert_eq!(refused.code, ErrorCode::UnapprovedSoftwareStatement);
    assert!(refused.description.contains("no scope is asked for"), "{refused}");
}

#[tokio::test]
async fn a_ceiling_of_the_statement_is_a_ceiling_of_the_client_reg_p3() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let statement = partner.statement_with(&json!({ "scope": "scope:a scope:a:write" }));
    let request = partner.presenting(&statement, "scope:a scope:b");
    let client = Registered::of(&register(&app, &request).await.unwrap());
    assert_eq!(client.body["scope"], "scope:a");
    assert_eq!(client.body["decisions"].as_array().unwrap().len(), 1);
    let events = Remembered::of(&app).await.events;
    let event = events.iter().find(|event| event.object.id == client.id.as_str()).unwrap();
    assert_eq!(event.detail["replaced"], json!(["scope"]));
}

#[tokio::test]
async fn a_role_has_only_the_resource_servers_that_it_names_reg_s14() {
    let partner = Partner::new().await;
    let roles = "claim = \"software_roles\"\n\
        [roles.ceilings.AISP]\nscope = \"scope:a scope:b\"\naudiences = [\"https://api.example/a\"]\n\
        [roles.ceilings.PISP]\nscope = \"scope:b\"\naudiences = [\"https://api.example/b\"]";
    let app = partner.node_with(&[("claim = \"software_roles\"", roles)]).await;
    let client = partner.registered(&app, "scope:a scope:b").await;
    assert_eq!(client.body["scope"], "scope:a");
    let (outcome, codes) = decided(&client.body, "scope:b");
    assert_eq!((outcome.as_str(), codes), ("refused", vec!["scope_not_in_role".to_owned()]));
    let both = json!({ "software_roles": ["AISP", "PISP"] });
    let request = partner.presenting(&partner.statement_with(&both), "scope:a scope:b");
    let client = Registered::of(&register(&app, &request).await.unwrap());
    assert_eq!(client.body["scope"], "scope:a scope:b");
}

#[tokio::test]
async fn where_registration_is_off_there_is_nothing_reg_e12() {
    let partner = Partner::new().await;
    let mut app = partner.node().await;
    app.features.registration = false;
    assert_eq!(refused(&app, &partner.registration("scope:a")).await, "not_found");
}

#[tokio::test]
async fn without_frameworks_nobody_registers_peer_9() {
    let partner = Partner::new().await;
    let app = partner.house.node().await;
    let code = refused(&app, &partner.registration("scope:a")).await;
    assert_eq!(code, "unapproved_software_statement");
}

#[tokio::test]
async fn a_directory_that_cannot_be_asked_is_not_the_partners_fault() {
    let partner = Partner::new().await;
    let address = ("https://localhost:8445/jwks", "https://localhost:1/jwks");
    let framework = countersign::trust::Framework::parse(
        "directory.toml",
        &countersign::trust::SHIPPED_DIRECTORY.replace(address.0, address.1),
    );
    let mut app = partner.node_of([("directory.toml".to_owned(), framework.unwrap())]).await;
    app.settings.trust.allow_loopback = true;
    let statement = partner.statement();
    let code = refused(&app, &partner.presenting(&statement, "scope:a")).await;
    assert_eq!(code, "temporarily_unavailable");
    // Nothing was used up.
    let app = partner.node().await;
    assert!(register(&app, &partner.presenting(&statement, "scope:a")).await.is_ok());
}

/// A node that may ask the software's own server for its keys, and what the statement says of it.
async fn node_with_keys_elsewhere(partner: &Partner) -> (App, TlsServer, Value) {
    let keys = json!({ "keys": [partner.key.public_jwk()] }).to_string();
    let server = TlsServer::start(Reply::json(keys)).await;
    let mut app = partner.node().await;
    app.key_source = KeySource::new(Fetcher::new(Some(&server.certificate)).unwrap());
    let rules = FetchRules { allowed_hosts: vec!["localhost".to_owned()], allow_loopback: true };
    app.fetch_rules.insert(sample::framework(), rules);
    let elsewhere = json!({ "software_jwks": null, "software_jwks_uri": server.uri("/jwks") });
    (app, server, elsewhere)
}

#[tokio::test]
async fn keys_are_fetched_from_where_the_statement_says_and_kept() {
    let partner = Partner::new().await;
    let (app, server, elsewhere) = node_with_keys_elsewhere(&partner).await;
    for _ in 0..3 {
        let request = partner.presenting(&partner.statement_with(&elsewhere), "scope:a");
        let client = Registered::of(&register(&app, &request).await.unwrap());
        assert_eq!(client.body["jwks_uri"], elsewhere["software_jwks_uri"]);
        assert_eq!(client.body.get("jwks"), None);
        assert!(partner.gets_token(&app, &client.id, "scope:a").await);
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn nothing_is_fetched_for_a_request_that_is_refused_already_sec_17() {
    let partner = Partner::new().await;
    let (app, server, elsewhere) = node_with_keys_elsewhere(&partner).await;
    let claims = merged(partner.statement_claims(), &elsewhere);
    let forged = forge::with_broken_signature(&partner.directory, &claims).unwrap();
    assert_eq!(refused(&app, &partner.presenting(&forged, "scope:a")).await, BAD);
    let stale = merged(elsewhere.clone(), &json!({ "org_status": "Revoked" }));
    let stale = partner.presenting(&partner.statement_with(&stale), "scope:a");
    assert_eq!(refused(&app, &stale).await, UNAPPROVED);
    let unsigned = partner.request_claims(&partner.statement_with(&elsewhere), "scope:a");
    let unsigned = Incoming {
        content_type: Some("application/json".to_owned()),
        ..partner.posted_text(&unsigned.to_string())
    };
    assert_eq!(refused(&app, &unsigned).await, "invalid_client_metadata");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn keys_that_cannot_be_had_cost_no_statement() {
    let partner = Partner::new().await;
    let (app, server, elsewhere) = node_with_keys_elsewhere(&partner).await;
    let before = Remembered::of(&app).await;
    server.answer_with(Reply::new("404 Not Found", "Content-Type: text/plain", ""));
    let request = partner.presenting(&partner.statement_with(&elsewhere), "scope:a");
    let told = refusal(register(&app, &request).await);
    assert_eq!(told.code, ErrorCode::InvalidClientMetadata);
    assert_eq!(told.members["problems"][0]["pointer"], "/jwks_uri");
    assert_eq!(Remembered::of(&app).await.counts(), before.counts());
    server.answer_with(Reply::json(json!({ "keys": [partner.key.public_jwk()] }).to_string()));
    partner.house.clock.advance(10);
    let again = Incoming { now: partner.house.clock.now(), ..request };
    assert!(register(&app, &again).await.is_ok());
}
