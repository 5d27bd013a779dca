//! Open Banking in the United Kingdom: what the tool of its conformance programme sends and asserts
//! (REG-C1 to C11, Q1 to Q13), against the framework that ships.

use countersign::jose::SigningKey;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::ecosystem::{Country, Ecosystem, Sent, TOKEN_ENDPOINT, Told, uuid};
use crate::support::house::ISSUER;
use crate::support::partner::merged;
use crate::support::pki::{Authority, Issued, ORGANISATION_IDENTIFIER, Wanted};

const SOFTWARE: &str = "4nZ7hJx2QpLk9VtRcYsWbA";
const ORGANISATION: &str = "0015800001ZEZ3WAAX";
const UNIT: &str = "2.5.4.11";
/// C5: for the endpoint, and for half an hour.
const ASSERTION: (&str, i64) = (TOKEN_ENDPOINT, 1800);
const UK: Country = Country {
    file: "uk.toml",
    keys: "https://keystore.openbanking.org.uk/keystore/openbanking.jwks",
    organisation: ORGANISATION,
    scopes: "accounts openid payments fundsconfirmations",
};

/// The tool, with the one statement that it is configured with.
struct Tool {
    world: Ecosystem,
    certificate: Issued,
    statement: String,
}

impl Tool {
    async fn new() -> Self {
        Self::of(&UK).await
    }

    async fn of(country: &Country) -> Self {
        let world = Ecosystem::new(country).await;
        let certificate = certificate(&world.authority);
        let statement = world.statement(&statement_claims(&world));
        Self { world, certificate, statement }
    }

    /// C2.
    fn claims(&self) -> Value {
        let now = self.world.house.clock.now();
        json!({
            "iss": SOFTWARE,
            "aud": ISSUER,
            "iat": now,
            "exp": now.plus(3600),
            "jti": uuid(),
            "grant_types": ["authorization_code", "client_credentials"],
            "application_type": "web",
            "redirect_uris": ["https://fern.example/cb"],
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "PS256",
            "software_statement": self.statement,
            "scope": "accounts openid",
            "request_object_signing_alg": "PS256",
            "id_token_signed_response_alg": "PS256",
            "response_types": ["code", "code id_token"],
        })
    }

    fn signed(&self, changes: &Value) -> String {
        self.world.key.sign("JWT", &merged(self.claims(), changes)).unwrap()
    }

    async fn post(&self, body: &str) -> Told {
        let sent = Sent { content_type: "application/jose", body, ..self.sent() };
        self.world.send(Method::POST, "/register", sent).await
    }

    fn sent(&self) -> Sent<'_> {
        Sent { certificate: Some(&self.certificate), ..Sent::default() }
    }

    async fn register(&self) -> String {
        let body = self.post(&self.signed(&json!({}))).await.good(201);
        body["client_id"].as_str().unwrap().to_owned()
    }

    async fn token(&self, id: &str) -> String {
        let body = self.world.token(id, &self.certificate, ASSERTION).await.good(200);
        assert_eq!(body["scope"], "accounts openid");
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// C3.
    async fn manage(&self, method: Method, id: &str, token: &str, body: &str) -> Told {
        let content_type = if body.is_empty() { "" } else { "application/jose" };
        let sent = Sent { bearer: Some(token), content_type, body, ..self.sent() };
        self.world.send(method, &format!("/register/{id}"), sent).await
    }

    async fn delete(&self, id: &str, token: &str) {
        let gone = self.manage(Method::DELETE, id, token, "").await;
        assert_eq!(gone, Told { status: 204, body: Value::Null });
    }

    /// What is refused is not stored either.
    async fn refused(&self, body: &str, why: &str) {
        let before = self.world.stored().await;
        let told = self.post(body).await;
        assert_eq!(told.refusal(), (400, "invalid_client_metadata"), "{why}: {told:?}");
        assert_eq!(self.world.stored().await, before, "{why}");
    }
}

/// The transport certificate of the directory: organisation and software by name.
fn certificate(authority: &Authority) -> Issued {
    authority.issue(Wanted::client(SOFTWARE).attribute(UNIT, ORGANISATION))
}

/// UK1.
fn statement_claims(world: &Ecosystem) -> Value {
    json!({
        "iss": "OpenBanking Ltd",
        "iat": world.house.clock.now(),
        "jti": uuid(),
        "software_id": SOFTWARE,
        "software_client_id": SOFTWARE,
        "software_client_name": "Fern Budget",
        "software_client_description": "Fern Budget",
        "software_client_uri": "https://fern.example",
        "software_version": 1.1,
        "software_environment": "production",
        "software_mode": "Live",
        "software_jwks_endpoint": world.keystore.uri("/fern.jwks"),
        "software_jwks_revoked_endpoint": world.keystore.uri("/revoked.jwks"),
        "software_logo_uri": "https://fern.example/logo.png",
        "software_policy_uri": "https://fern.example/policy",
        "software_tos_uri": "https://fern.example/terms",
        "software_redirect_uris": ["https://fern.example/cb", "https://fern.example/other"],
        "software_roles": ["AISP"],
        "organisation_competent_authority_claims": {
            "authority_id": "FCAGBR",
            "registration_id": "123456",
            "status": "Active",
            "authorisations": [{ "member_state": "GB", "roles": ["AISP"] }],
        },
        "org_status": "ACTIVE",
        "org_id": ORGANISATION,
        "org_name": "Fern",
        "org_contacts": [],
        "org_jwks_endpoint": world.keystore.uri("/org.jwks"),
        "org_jwks_revoked_endpoint": world.keystore.uri("/org-revoked.jwks"),
    })
}

/// C7 to C9.
fn assert_schema(body: &Value) {
    let text = |member: &str, longest: usize| {
        let value = body[member].as_str().unwrap_or_else(|| panic!("{member}: {body}")).to_owned();
        assert!((1..=longest).contains(&value.len()), "{member}: {value}");
        value
    };
    let list = |member: &str| {
        let values = body[member].as_array().unwrap_or_else(|| panic!("{member}: {body}"));
        values.iter().map(|value| value.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    text("client_id", 36);
    for uri in list("redirect_uris") {
        assert!(uri.len() <= 256 && uri.starts_with("https://") && !uri.contains('#'), "{uri}");
        assert!(!uri.contains("localhost") && !uri.contains("127.0.0.1"), "{uri}");
    }
    assert_eq!(text("token_endpoint_auth_method", 36), "private_key_jwt");
    let grants = ["client_credentials", "authorization_code", "refresh_token"];
    assert!(list("grant_types").iter().all(|grant| grants.contains(&grant.as_str())));
    let response_types = ["code", "code id_token"];
    assert!(list("response_types").iter().all(|one| response_types.contains(&one.as_str())));
    assert_eq!(text("scope", 256), "accounts openid");
    text("software_statement", usize::MAX);
    assert_eq!(text("application_type", 6), "web");
    text("id_token_signed_response_alg", 5);
    text("request_object_signing_alg", 5);
    text("token_endpoint_auth_signing_alg", 5);
    assert!(text("software_id", 22).bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert!(body["client_id_issued_at"].is_i64());
    assert_eq!(body.get("client_secret"), None);
    // REG-R2: who manages itself with its own access token has no other.
    assert_eq!(body.get("registration_access_token"), None);
    assert_eq!(body.get("registration_client_uri"), None);
}

#[tokio::test]
async fn dcr_001_discovery_names_the_registration_endpoint() {
    let tool = Tool::new().await;
    let path = "/.well-known/openid-configuration";
    // Q1: without a certificate.
    let document = tool.world.send(Method::GET, path, Sent::default()).await.good(200);
    assert_eq!(document["registration_endpoint"], format!("{ISSUER}/register"));
    assert_eq!(document["token_endpoint"], format!("{ISSUER}/token"));
    // C4, C6: what the tool chooses its method and its algorithm from.
    let has = |member: &str, value: &str| {
        document[member].as_array().unwrap().iter().any(|one| one == value)
    };
    assert!(has("token_endpoint_auth_methods_supported", "private_key_jwt"));
    assert!(has("token_endpoint_auth_signing_alg_values_supported", "PS256"));
}

#[tokio::test]
async fn dcr_002_a_client_registers_gets_a_token_and_is_deleted() {
    let tool = Tool::new().await;
    // C2: the response types that are published, or none where no list is.
    for response_types in [json!(["code", "code id_token"]), json!(["code id_token"]), json!(null)]
    {
        let text = tool.signed(&json!({ "response_types": response_types }));
        let body = tool.post(&text).await.good(201);
        assert_schema(&body);
        assert_eq!(body["software_statement"], tool.statement);
        let id = body["client_id"].as_str().unwrap();
        tool.delete(id, &tool.token(id).await).await;
        let ended = tool.world.token(id, &tool.certificate, ASSERTION).await;
        assert_eq!(ended.refusal(), (401, "invalid_client"));
    }
}

#[tokio::test]
async fn dcr_003_a_deleted_client_is_not_read_with_its_old_token() {
    let tool = Tool::new().await;
    let id = tool.register().await;
    let token = tool.token(&id).await;
    tool.delete(&id, &token).await;
    let before = tool.world.stored().await;
    let read = tool.manage(Method::GET, &id, &token, "").await;
    assert_eq!(read.refusal(), (401, "invalid_token"));
    assert_eq!(tool.world.stored().await, before);
}

#[tokio::test]
async fn dcr_004_a_request_that_is_expired_someone_elses_or_signed_by_another_algorithm_is_refused()
{
    let tool = Tool::new().await;
    let hour_ago = tool.world.house.clock.now().plus(-3600);
    for (why, changes) in [
        ("expired", json!({ "exp": hour_ago })),
        ("issuer", json!({ "iss": "foo.is/invalid" })),
        ("empty issuer", json!({ "iss": "" })),
        ("long issuer", json!({ "iss": "123456789012345678901234567890" })),
    ] {
        tool.refused(&tool.signed(&changes), why).await;
    }
    let mut key: Value = serde_json::from_str(tool.world.key.private_jwk().reveal()).unwrap();
    key["alg"] = json!("RS256");
    let key = SigningKey::from_jwk(&key).unwrap();
    let algorithms = json!({
        "token_endpoint_auth_signing_alg": "RS256", "request_object_signing_alg": "RS256",
        "id_token_signed_response_alg": "RS256",
    });
    for changes in [json!({}), algorithms.clone()] {
        let text = key.sign("JWT", &merged(tool.claims(), &changes)).unwrap();
        tool.refused(&text, "RS256").await;
    }
    tool.refused(&tool.signed(&algorithms), "algorithms").await;
    // The same request, as it should be.
    tool.register().await;
}

#[tokio::test]
async fn dcr_005_a_client_reads_its_registration() {
    let tool = Tool::new().await;
    let id = tool.register().await;
    let token = tool.token(&id).await;
    let read = tool.manage(Method::GET, &id, &token, "").await.good(200);
    assert_schema(&read);
    assert_eq!(read["client_id"], id.as_str());
    assert_eq!(read["grant_types"], json!(["authorization_code", "client_credentials"]));
    // Q3, E5: what the statement says stands in the answer.
    assert_eq!(read["org_id"], ORGANISATION);
    assert_eq!(read["software_roles"], json!(["AISP"]));
    tool.delete(&id, &token).await;
}

#[tokio::test]
async fn dcr_007_a_registration_is_not_read_with_an_empty_token() {
    let tool = Tool::new().await;
    let id = tool.register().await;
    let before = tool.world.stored().await;
    // Q6, Q7: whoever is nobody hears nothing of verbs and clients.
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        for id in [id.as_str(), "cl_unknown"] {
            let told = tool.manage(method.clone(), id, "", "").await;
            assert_eq!(told.refusal(), (401, "invalid_token"), "{method} {id}");
        }
    }
    assert_eq!(tool.world.stored().await, before);
    tool.delete(&id, &tool.token(&id).await).await;
}

#[tokio::test]
async fn dcr_008_a_client_updates_its_registration_with_the_same_statement() {
    let tool = Tool::new().await;
    let id = tool.register().await;
    let token = tool.token(&id).await;
    let before = tool.manage(Method::GET, &id, &token, "").await.good(200);
    let told = tool.manage(Method::PUT, &id, &token, &tool.signed(&json!({}))).await.good(200);
    assert_schema(&told);
    assert_eq!(told, before, "it sent the same claims");
    // UK5, U6: another redirect is registered, and the token still opens the address.
    let other = json!({ "redirect_uris": ["https://fern.example/other"] });
    let told = tool.manage(Method::PUT, &id, &token, &tool.signed(&other)).await.good(200);
    assert_eq!(told["redirect_uris"], other["redirect_uris"]);
    tool.delete(&id, &token).await;
}

#[tokio::test]
async fn dcr_009_a_deleted_client_is_not_updated() {
    let tool = Tool::new().await;
    let id = tool.register().await;
    let token = tool.token(&id).await;
    tool.delete(&id, &token).await;
    let before = tool.world.stored().await;
    let told = tool.manage(Method::PUT, &id, &token, &tool.signed(&json!({}))).await;
    assert_eq!(told.refusal(), (401, "invalid_token"));
    assert_eq!(tool.world.stored().await, before);
}

#[tokio::test]
async fn dcr_010_a_deleted_client_is_not_read() {
    let tool = Tool::new().await;
    let id = tool.register().await;
    let token = tool.token(&id).await;
    tool.delete(&id, &token).await;
    let before = tool.world.stored().await;
    for method in [Method::GET, Method::DELETE] {
        let told = tool.manage(method, &id, &token, "").await;
        assert_eq!(told.refusal(), (401, "invalid_token"));
        assert!(!told.body.to_string().contains(&id));
    }
    assert_eq!(tool.world.stored().await, before);
}

#[tokio::test]
async fn dcr_011_response_types_that_nobody_here_serves_are_refused() {
    let tool = Tool::new().await;
    let text = tool.signed(&json!({ "response_types": ["id_token", "token"] }));
    tool.refused(&text, "response types").await;
}

#[tokio::test]
async fn one_statement_is_good_for_a_whole_run_q3_c11() {
    let tool = Tool::new().await;
    for _ in 0..7 {
        let id = tool.register().await;
        tool.world.house.clock.advance(20);
        tool.delete(&id, &tool.token(&id).await).await;
    }
    let id = tool.register().await;
    let token = tool.token(&id).await;
    tool.manage(Method::PUT, &id, &token, &tool.signed(&json!({}))).await.good(200);
}

#[tokio::test]
async fn version_3_2_runs_the_same_scenarios() {
    let tool = Tool::of(&Country { file: "uk-3.2.toml", ..UK }).await;
    let body = tool.post(&tool.signed(&json!({}))).await.good(201);
    assert_schema(&body);
    let id = body["client_id"].as_str().unwrap();
    let token = tool.token(id).await;
    let read = tool.manage(Method::GET, id, &token, "").await.good(200);
    let told = tool.manage(Method::PUT, id, &token, &tool.signed(&json!({}))).await.good(200);
    assert_eq!(told, read);
    tool.delete(id, &token).await;
    for (method, body) in [(Method::GET, String::new()), (Method::PUT, tool.signed(&json!({})))] {
        let told = tool.manage(method, id, &token, &body).await;
        assert_eq!(told.refusal(), (401, "invalid_token"));
    }
    let types = json!({ "response_types": ["id_token", "token"] });
    tool.refused(&tool.signed(&types), "response types").await;
    // C7: CIBA is 3.3's.
    let ciba =
        json!({ "grant_types": ["client_credentials", "urn:openid:params:grant-type:ciba"] });
    tool.refused(&tool.signed(&ciba), "grant types").await;
}

#[tokio::test]
async fn a_certificate_of_eidas_names_the_organisation_as_well_uk2() {
    let tool = Tool::new().await;
    for (number, status) in [("123456", 201), ("654321", 401)] {
        let wanted = Wanted::client("fern.example")
            .attribute(ORGANISATION_IDENTIFIER, format!("PSDGB-FCA-{number}"));
        let issued = tool.world.authority.issue(wanted);
        let body = tool.signed(&json!({}));
        let sent = Sent {
            certificate: Some(&issued),
            body: &body,
            content_type: "application/jose",
            bearer: None,
        };
        tool.world.send(Method::POST, "/register", sent).await.good(status);
    }
}

#[tokio::test]
async fn a_client_that_authenticates_by_certificate_names_its_subject_c9_q12() {
    let tool = Tool::new().await;
    let by_subject = |subject: &str| {
        tool.signed(&json!({
            "token_endpoint_auth_method": "tls_client_auth",
            "token_endpoint_auth_signing_alg": null,
            "tls_client_auth_subject_dn": subject,
        }))
    };
    let subject = format!("CN={SOFTWARE},OU={ORGANISATION},2.5.4.97=PSDGB-FCA-123456");
    let told = tool.post(&by_subject(&subject)).await.good(201);
    assert_eq!(told["tls_client_auth_subject_dn"], subject);
    assert_eq!(told["token_endpoint_auth_method"], "tls_client_auth");
    let long = format!("CN={}", "a".repeat(126));
    for bad in ["", "fern", long.as_str()] {
        tool.refused(&by_subject(bad), bad).await;
    }
}

#[tokio::test]
async fn another_certificate_manages_nothing_t11_r7() {
    let tool = Tool::new().await;
    let id = tool.register().await;
    let token = tool.token(&id).await;
    let before = tool.world.stored().await;
    let cloned = certificate(&Authority::root("ecosystem"));
    let body = tool.signed(&json!({}));
    for shown in [None, Some(&cloned)] {
        for (method, body) in
            [(Method::GET, ""), (Method::PUT, body.as_str()), (Method::DELETE, "")]
        {
            let sent = Sent {
                certificate: shown,
                bearer: Some(&token),
                content_type: "application/jose",
                body,
            };
            let told = tool.world.send(method, &format!("/register/{id}"), sent).await;
            assert_eq!(told.refusal(), (401, "invalid_client"));
            assert!(!told.body.to_string().contains(&id));
        }
    }
    assert_eq!(tool.world.stored().await, before);
    tool.delete(&id, &token).await;
}

#[tokio::test]
async fn what_the_tool_never_checks_is_checked_q15() {
    let tool = Tool::new().await;
    let before = tool.world.stored().await;
    let mine = tool.signed(&json!({}));
    // The certificate: none, and a copy with another authority's signature (T11).
    let cloned = certificate(&Authority::root("ecosystem"));
    let others = tool.world.authority.issue(Wanted::client("other").attribute(UNIT, "other"));
    for shown in [None, Some(&cloned), Some(&others)] {
        let sent = Sent {
            certificate: shown,
            content_type: "application/jose",
            body: &mine,
            bearer: None,
        };
        let told = tool.world.send(Method::POST, "/register", sent).await;
        assert_eq!(told.refusal(), (401, "invalid_client"));
    }
    // The statement's signature, and the request's.
    let forged = tool.world.key.sign("JWT", &statement_claims(&tool.world)).unwrap();
    let told = tool.post(&tool.signed(&json!({ "software_statement": forged }))).await;
    assert_eq!(told.refusal(), (400, "invalid_software_statement"));
    let told = tool.post(&tool.world.directory.sign("JWT", &tool.claims()).unwrap()).await;
    assert_eq!(told.refusal(), (400, "invalid_client_metadata"));
    let redirect = json!({ "redirect_uris": ["https://thorn.example/cb"] });
    let told = tool.post(&tool.signed(&redirect)).await;
    assert_eq!(told.refusal(), (400, "invalid_redirect_uri"));
    // The role is AISP's, and the request is for us.
    let told = tool.post(&tool.signed(&json!({ "scope": "payments" }))).await;
    assert_eq!(told.refusal(), (400, "invalid_client_metadata"));
    let told = tool.post(&tool.signed(&json!({ "aud": "https://other.example" }))).await;
    assert_eq!(told.refusal(), (400, "invalid_client_metadata"));
    assert_eq!(tool.world.stored().await, before);
}
