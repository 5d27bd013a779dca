//! The operator API: who may, what can be recorded and changed, what is refused and how, and what
//! the audit log keeps of it (GOV §2, §7.3).

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::running::{ANNA, OTTO, Running};

fn organisation() -> Value {
    json!({
        "framework": "directory",
        "directory_id": "fern",
        "legal_name": "Fern Finance Ltd",
        "jurisdiction": "GB",
        "risk_score": 20,
        "regulatory_roles": ["AISP"],
        "attestation": { "kind": "iso27001_certificate", "issued_at": "2026-05-01" },
    })
}

fn product(scope: &str) -> Value {
    json!({
        "name": "Accounts v1",
        "audience": "https://api.bank.example/accounts",
        "scopes": [{ "scope": scope, "tier": "T2" }],
        "publish": true,
    })
}

fn step(state: &str) -> Value {
    json!({ "state": state, "reason": "because the test says so" })
}

fn pointers(refusal: &Value) -> Vec<&str> {
    let problems = refusal["problems"].as_array().unwrap().iter();
    problems.map(|problem| problem["pointer"].as_str().unwrap()).collect()
}

fn id(record: &Value) -> &str {
    record["id"].as_str().unwrap()
}

#[tokio::test]
async fn nobody_is_let_in_without_an_operator_token() {
    let running = Running::new().await;
    for token in [None, Some("wrong"), Some("anna-s-operator-toke"), Some("")] {
        let response = running.send(Method::GET, "/organisations", token, None).await;
        assert_eq!(response.status(), 401, "{token:?}");
        assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"], "invalid_token");
    }
    let nothing = running.send(Method::GET, "/openapi.json", None, None).await;
    assert_eq!(nothing.status(), 401);
}

#[tokio::test]
async fn an_auditor_reads_everything_and_changes_nothing() {
    let running = Running::furnished().await;
    for path in ["/organisations", "/clients/cl_a", "/audit-events", "/status", "/signing-keys"] {
        let response = running.send(Method::GET, path, Some(OTTO), None).await;
        assert_eq!(response.status(), 200, "{path}");
    }
    for (method, path) in [
        (Method::POST, "/organisations"),
        (Method::PATCH, "/organisations/org_a"),
        (Method::POST, "/organisations/org_a/state"),
        (Method::POST, "/signing-keys/rotate"),
        (Method::POST, "/resource-servers"),
    ] {
        let body = Some(step("suspended").to_string());
        let response = running.send(method, path, Some(OTTO), body).await;
        assert_eq!(response.status(), 403, "{path}");
    }
    assert_eq!(running.get("/organisations/org_a").await["state"], "active");
}

#[tokio::test]
async fn an_organisation_is_recorded_vetted_changed_and_stopped() {
    let running = Running::new().await;
    let created = running.post("/organisations", organisation()).await;
    assert_eq!(created["state"], "proposed");
    assert_eq!(created["may_become"], json!(["verifying", "rejected"]));
    assert_eq!(created["attestation"]["issued_at"], "2026-05-01T00:00:00Z");
    let path = format!("/organisations/{}", id(&created));
    let step_to = format!("{path}/state");
    running.post(&step_to, step("verifying")).await;
    running.post(&step_to, step("active")).await;
    let changed = json!({ "risk_score": 70, "attestation": null });
    let changed = running.patch(&path, changed).await;
    assert_eq!((&changed["risk_score"], &changed["attestation"]), (&json!(70), &Value::Null));
    running.post(&step_to, step("suspended")).await;
    let restored = running.post(&step_to, step("active")).await;
    assert_eq!(running.get(&path).await, restored);
    let events = running.events(id(&created)).await;
    let actions: Vec<&str> = events.iter().map(|(action, _)| action.as_str()).collect();
    let stepped = "organisation.state_changed";
    assert_eq!(
        actions,
        ["organisation.created", stepped, stepped, "organisation.updated", stepped, stepped]
    );
    assert_eq!(events[3].1["before"]["risk_score"], 20);
    assert_eq!(events[3].1["after"]["risk_score"], 70);
    assert_eq!(events[4].1["from"], "active");
    assert_eq!(events[4].1["to"], "suspended");
    assert_eq!(events[4].1["reason"], "because the test says so");
}

#[tokio::test]
async fn an_event_names_the_operator_and_the_request() {
    let running = Running::furnished().await;
    running.post("/clients/cl_a/state", step("quarantined")).await;
    let log = running.get("/audit-events?object_id=cl_a").await;
    let event = &log["items"][0];
    assert_eq!(event["actor"], json!({ "kind": "operator", "id": "anna" }));
    assert_eq!(event["object"], json!({ "kind": "client", "id": "cl_a" }));
    assert!(event["request_id"].is_string());
    let shown = running.get(&format!("/audit-events/{}", id(event))).await;
    assert_eq!(shown, *event);
}

#[tokio::test]
async fn a_step_that_the_table_does_not_know_is_refused_and_changes_nothing() {
    let running = Running::furnished().await;
    let (status, refusal) = running.refused("/organisations/org_a/state", step("archived")).await;
    assert_eq!(status, 409);
    assert_eq!(refusal["error"], "conflict");
    assert_eq!(refusal["state"], "active");
    assert_eq!(refusal["may_become"], json!(["suspended", "withdrawn", "revoked"]));
    let (status, refusal) = running.refused("/organisations/org_a/state", step("asleep")).await;
    assert_eq!((status, pointers(&refusal)), (400, vec!["/state"]));
    assert_eq!(running.get("/organisations/org_a").await["state"], "active");
    assert_eq!(running.events("org_a").await, []);
}

#[tokio::test]
async fn of_two_operators_at_once_one_is_told_to_look_again() {
    let running = Running::furnished().await;
    let step_to = "/organisations/org_a/state";
    let (one, other) = (step("withdrawn"), step("revoked"));
    let (one, other) = tokio::join!(
        running.told(Method::POST, step_to, Some(&one)),
        running.told(Method::POST, step_to, Some(&other)),
    );
    let statuses = BTreeSet::from([one.0.as_u16(), other.0.as_u16()]);
    assert_eq!(statuses, BTreeSet::from([200, 409]));
    assert_eq!(running.events("org_a").await.len(), 1);
}

#[tokio::test]
async fn what_exists_is_a_conflict_that_names_it() {
    let running = Running::new().await;
    let created = running.post("/organisations", organisation()).await;
    let (status, refusal) = running.refused("/organisations", organisation()).await;
    assert_eq!((status, id(&refusal)), (409, id(&created)));
    let product_created = running.post("/products", product("accounts:read")).await;
    let (status, refusal) = running.refused("/products", product("accounts:read")).await;
    assert_eq!((status, id(&refusal)), (409, id(&product_created)));
    let server = json!({ "name": "accounts", "audience": "https://api.bank.example/accounts" });
    let server_created = running.post("/resource-servers", server.clone()).await;
    let (status, refusal) = running.refused("/resource-servers", server).await;
    assert_eq!((status, id(&refusal)), (409, id(&server_created)));
}

#[tokio::test]
async fn an_agreement_begins_without_force_and_ends_for_good() {
    let running = Running::furnished().await;
    let new = json!({
        "organisation_id": "org_a", "reference": "C-2", "products": ["prd_a"],
        "environments": ["sandbox"], "valid_from": "2026-01-01", "valid_until": "2030-01-01",
    });
    let created = running.post("/agreements", new.clone()).await;
    assert_eq!((&created["state"], &created["binds_now"]), (&json!("draft"), &json!(false)));
    let (status, refusal) = running.refused("/agreements", new.clone()).await;
    assert_eq!((status, id(&refusal)), (409, id(&created)));
    let path = format!("/agreements/{}", id(&created));
    let step_to = format!("{path}/state");
    assert_eq!(running.post(&step_to, step("signed")).await["binds_now"], false);
    assert_eq!(running.post(&step_to, step("active")).await["binds_now"], true);
    let ended = json!({ "valid_until": "2026-01-02T10:00:00Z" });
    assert_eq!(running.patch(&path, ended).await["binds_now"], false);
    running.post(&step_to, step("terminated")).await;
    let body = json!({ "valid_until": "2031-01-01" });
    assert_eq!(running.told(Method::PATCH, &path, Some(&body)).await.0, 409);
    let mut walked = new;
    walked["reference"] = json!("C-3");
    walked["activate"] = json!(true);
    let walked = running.post("/agreements", walked).await;
    assert_eq!(walked["state"], "active");
    let events = running.events(id(&walked)).await;
    let steps: Vec<&Value> = events.iter().map(|(_, detail)| &detail["to"]).collect();
    assert_eq!(steps, [&Value::Null, &json!("signed"), &json!("active")]);
}

#[tokio::test]
async fn an_agreement_names_what_is_there() {
    let running = Running::furnished().await;
    let body = json!({
        "organisation_id": "org_b", "reference": "C-2", "products": ["prd_a", "prd_z"],
        "environments": ["moon"], "valid_from": "2027-01-01", "valid_until": "2026-01-01",
    });
    let (status, refusal) = running.refused("/agreements", body).await;
    assert_eq!((status, pointers(&refusal)), (400, vec!["/environments/0", "/valid_until"]));
    let body = json!({
        "organisation_id": "org_b", "reference": "C-2", "products": ["prd_a", "prd_z"],
        "environments": ["sandbox"], "valid_from": "2026-01-01", "valid_until": "2027-01-01",
    });
    let (status, refusal) = running.refused("/agreements", body).await;
    assert_eq!((status, pointers(&refusal)), (400, vec!["/organisation_id", "/products"]));
}

#[tokio::test]
async fn a_product_needs_a_sunset_before_it_is_deprecated() {
    let running = Running::new().await;
    let created = running.post("/products", product("accounts:read")).await;
    assert_eq!(created["scopes"][0]["max_token_seconds"], 600);
    let path = format!("/products/{}", id(&created));
    let step_to = format!("{path}/state");
    assert_eq!(running.refused(&step_to, step("deprecated")).await.0, 409);
    running.patch(&path, json!({ "sunset": "2030-01-01" })).await;
    let deprecated = running.post(&step_to, step("deprecated")).await;
    assert_eq!(deprecated["live_now"], true);
    running.patch(&path, json!({ "sunset": null, "name": "Accounts" })).await;
    assert_eq!(running.get(&path).await["live_now"], false);
    let scopes =
        json!({ "scopes": [{ "scope": "a", "tier": "T2" }, { "scope": "b", "tier": "T4" }] });
    let changed = running.patch(&path, scopes).await;
    assert_eq!(changed["scopes"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn software_is_recorded_under_its_organisations_framework() {
    let running = Running::furnished().await;
    let new = json!({ "organisation_id": "org_a", "software_id": "app-2", "name": "App" });
    let created = running.post("/software", new.clone()).await;
    assert_eq!((&created["framework"], &created["state"]), (&json!("directory"), &json!("draft")));
    let (status, refusal) = running.refused("/software", new).await;
    assert_eq!((status, id(&refusal)), (409, id(&created)));
    let listed = running.get("/software?organisation_id=org_a").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    let nobody = json!({ "organisation_id": "org_z", "software_id": "x", "name": "X" });
    assert_eq!(pointers(&running.refused("/software", nobody).await.1), ["/organisation_id"]);
}

#[tokio::test]
async fn a_client_is_explained_scope_by_scope() {
    let running = Running::furnished().await;
    let good = running.get("/clients/cl_a/standing").await;
    assert_eq!(good["environment"], "sandbox");
    assert_eq!(
        good["scopes"][0],
        json!({
            "scope": "scope:a", "in_good_standing": true, "lapses": [],
        })
    );
    running.post("/organisations/org_a/state", step("suspended")).await;
    running.post("/entitlements/ent_a/state", step("revoked")).await;
    let bad = running.get("/clients/cl_a/standing").await;
    let lapses = bad["scopes"][0]["lapses"].as_array().unwrap();
    let codes: Vec<&str> = lapses.iter().map(|lapse| lapse["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["organisation_not_active", "entitlement_not_active"]);
    assert!(lapses.iter().all(|lapse| lapse["message"].is_string()));
}

#[tokio::test]
async fn a_clients_keys_and_permissions_are_shown_and_stopped() {
    let running = Running::furnished().await;
    let shown = running.get("/clients/cl_a").await;
    assert_eq!(shown["metadata"]["client_name"], "Überblick");
    let text = shown.to_string();
    assert!(!text.contains("registration_access_token") && !text.contains("e30.e30"), "{text}");
    let keys = running.get("/clients/cl_a/credentials").await;
    assert_eq!(keys["items"][0]["usable_now"], true);
    let stopped = running.post("/credentials/crd_a/state", step("compromised")).await;
    assert_eq!((&stopped["usable_now"], &stopped["may_become"]), (&json!(false), &json!([])));
    running.post("/entitlements/ent_a/state", step("due")).await;
    let renewed = running.post("/entitlements/ent_a/state", step("renewed")).await;
    assert_eq!(renewed["state"], "renewed");
    let held = running.get("/clients/cl_a/entitlements").await;
    assert_eq!(held["items"][0], renewed);
    for filter in ["organisation_id=org_a", "software_product_id=sfp_a", ""] {
        let listed = running.get(&format!("/clients?{filter}")).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{filter}");
    }
    assert_eq!(running.get("/clients?organisation_id=org_b").await["items"], json!([]));
}

#[tokio::test]
async fn the_secret_of_a_resource_server_is_shown_once() {
    let running = Running::new().await;
    let new = json!({ "name": "accounts", "audience": "https://api.bank.example/accounts" });
    let created = running.post("/resource-servers", new).await;
    let secret = created["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 43);
    let path = format!("/resource-servers/{}", id(&created));
    assert!(running.get(&path).await.get("secret").is_none());
    assert_eq!(
        running.post(&format!("{path}/state"), step("suspended")).await["state"],
        "suspended"
    );
    let log = running.get("/audit-events").await.to_string();
    assert!(!log.contains(secret) && !log.contains("secret_hash"), "{log}");
}

/// RFC 9728: what is printed is true of what is recorded and switched on.
#[tokio::test]
async fn the_metadata_of_a_resource_server_is_there_to_be_served() {
    let running = Running::furnished().await;
    let api = json!({ "name": "Accounts", "audience": "https://api.example/a" });
    let path =
        format!("/resource-servers/{}/metadata", id(&running.post("/resource-servers", api).await));
    assert_eq!(
        running.get(&path).await,
        json!({
            "resource": "https://api.example/a",
            "resource_name": "Accounts",
            "authorization_servers": ["https://localhost"],
            "scopes_supported": ["scope:a", "scope:a:write"],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": ["ES256", "PS256", "EdDSA"],
        })
    );
    let urn = json!({ "name": "Accounts", "audience": "urn:bank:accounts" });
    let path =
        format!("/resource-servers/{}/metadata", id(&running.post("/resource-servers", urn).await));
    let (status, told) = running.told(Method::GET, &path, None).await;
    assert_eq!((status.as_u16(), &told["error"]), (409, &json!("conflict")));
}

#[tokio::test]
async fn signing_keys_change_in_order_and_in_an_emergency() {
    let running = Running::new().await;
    let before = running.get("/signing-keys").await;
    assert_eq!(before["items"][0]["state"], "active");
    let orderly = json!({ "reason": "quarterly" });
    let rotated = running.post("/signing-keys/rotate", orderly).await;
    let all = |keys: &Value| -> Vec<Value> {
        keys["items"].as_array().unwrap().iter().map(|key| key["state"].clone()).collect()
    };
    assert_eq!(all(&rotated), ["active", "prepublished"]);
    let emergency = json!({ "reason": "it leaked", "emergency": true });
    let rotated = running.post("/signing-keys/rotate", emergency).await;
    assert_eq!(all(&rotated), ["active"]);
    assert_ne!(rotated["items"][0]["id"], before["items"][0]["id"]);
    let (status, refusal) = running.refused("/signing-keys/rotate", json!({})).await;
    assert_eq!((status, pointers(&refusal)), (400, vec!["/reason"]));
    assert!(!rotated.to_string().contains("\"d\""));
}

#[tokio::test]
async fn all_that_is_wrong_with_a_body_is_told_at_once() {
    let running = Running::new().await;
    let body = json!({
        "framework": "directory", "legal_name": "", "jurisdiction": "gb", "risk_score": 101,
        "regulatory_roles": ["AISP", 7], "attestation": { "kind": "x" }, "colour": "red",
    });
    let (status, refusal) = running.refused("/organisations", body).await;
    assert_eq!(status, 400);
    assert_eq!(
        pointers(&refusal),
        [
            "/directory_id",
            "/legal_name",
            "/jurisdiction",
            "/regulatory_roles/1",
            "/risk_score",
            "/attestation/issued_at",
            "/colour",
        ]
    );
    let mut unknown = organisation();
    unknown["framework"] = json!("elsewhere");
    assert_eq!(pointers(&running.refused("/organisations", unknown).await.1), ["/framework"]);
}

#[tokio::test]
async fn a_bad_body_is_refused_in_json_and_never_breaks_the_server() {
    let running = Running::furnished().await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for body in [
        "",
        "nonsense",
        "[]",
        "null",
        "{\"a\":1,\"a\":2}",
        "{\"risk_score\":1e400}",
        "{\"risk_score\":99999999999999999999}",
        "{\"state\":\"\\ud800\",\"reason\":\"x\"}",
        "{\"state\":{},\"reason\":[]}",
        deep.as_str(),
    ] {
        for path in ["/organisations", "/agreements", "/products", "/organisations/org_a/state"] {
            let sent = Some(body.to_owned());
            let response = running.send(Method::POST, path, Some(ANNA), sent).await;
            assert_eq!(response.status(), 400, "{path} {body:.40}");
            let told: Value = response.json().await.unwrap();
            assert_eq!(told["error"], "invalid_request", "{path} {body:.40}");
        }
    }
    let sent = Some(format!("{{\"legal_name\":\"{}\"}}", "x".repeat(1 << 20)));
    let response = running.send(Method::POST, "/organisations", Some(ANNA), sent).await;
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn a_bad_query_is_refused_and_names_its_parameters() {
    let running = Running::new().await;
    let (status, refusal) =
        running.told(Method::GET, "/organisations?limit=201&limit=0&colour=red", None).await;
    assert_eq!((status.as_u16(), pointers(&refusal)), (400, vec!["?limit", "?limit", "?colour"]));
    for path in
        ["/status?x", "/organisations/org_a?x=1", "/audit-events?since=yesterday", "/decisions"]
    {
        assert_eq!(running.told(Method::GET, path, None).await.0, 400, "{path}");
    }
    for path in ["/organisations/org_z", "/organisations/%00", "/clients/%2e%2e/standing"] {
        assert_eq!(running.told(Method::GET, path, None).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let running = Running::new().await;
    for number in 0..5 {
        let mut new = organisation();
        new["directory_id"] = json!(format!("fern-{number}"));
        running.post("/organisations", new).await;
    }
    for path in ["/organisations", "/audit-events", "/audit-events?order=oldest"] {
        let mut seen = BTreeSet::new();
        let mut next = String::new();
        let mut pages = 0;
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = running.get(&format!("{path}{joint}limit=2{next}")).await;
            pages += 1;
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 2);
            seen.extend(items.iter().map(|item| id(item).to_owned()));
            match page["next"].as_str() {
                Some(cursor) => next = format!("&after={cursor}"),
                None => break,
            }
        }
        assert!(seen.len() >= 5 && pages >= 3, "{path}: {} in {pages}", seen.len());
    }
}

#[tokio::test]
async fn every_described_path_is_served_and_nothing_else() {
    let running = Running::new().await;
    let document = running.get("/openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for (path, operations) in document["paths"].as_object().unwrap() {
        let operations = operations.as_object().unwrap();
        let path = path.strip_prefix("/admin/v1").unwrap().replace("{id}", "nobody");
        for method in ["get", "post", "patch", "put", "delete"] {
            let asked = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let response = running.send(asked, &path, Some(ANNA), Some("{}".to_owned())).await;
            let status = response.status().as_u16();
            let told: Value = response.json().await.unwrap_or_default();
            let Some(operation) = operations.get(method) else {
                assert_eq!(status, 405, "{method} {path}");
                continue;
            };
            assert_ne!(status, 405, "{method} {path}");
            assert!(status < 500, "{method} {path}: {told}");
            let described = operation["responses"].as_object().unwrap();
            assert!(described.contains_key(&status.to_string()), "{method} {path}: {status}");
            let description = told["error_description"].as_str().unwrap_or_default();
            assert!(!description.contains("address"), "{method} {path}: {description}");
        }
    }
    assert_eq!(running.told(Method::GET, "/nothing", None).await.0, 404);
}

#[tokio::test]
async fn the_operator_api_is_not_on_the_public_listener() {
    let running = Running::new().await;
    let folder = running.file("server.pem");
    let trusted = reqwest::Certificate::from_pem(&std::fs::read(folder).unwrap()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([trusted]).no_proxy().build().unwrap();
    let status =
        async |url: String| client.get(url).bearer_auth(ANNA).send().await.unwrap().status();
    assert_eq!(status(format!("{}/admin/v1/status", running.public_url())).await, 404);
    assert_eq!(status(format!("{}/jwks", running.public_url())).await, 200);
    assert_eq!(status(format!("{}/health/ready", running.public_url())).await, 200);
    assert_eq!(status(format!("{}/jwks", running.operator_url())).await, 404);
}
