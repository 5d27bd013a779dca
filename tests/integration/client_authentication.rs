//! Client authentication with a secret, and without anything (RFC 6749 §2.3, OpenID Connect Core §9):
//! each method with the whole table of its refusals. Keys are tested in `token`, certificates in
//! `certificate_authentication`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::app::App;
use countersign::endpoints::exchange::Incoming;
use countersign::endpoints::registration::register;
use countersign::endpoints::revocation::revoke;
use countersign::endpoints::token::token;
use countersign::governance::audit::AuditAction;
use countersign::jose::mac_jwt;
use countersign::partners::credential::StoredSecret;
use countersign::partners::{Client, Credential, CredentialState};
use countersign::protocol::client_authentication::client_assertion::JWT_BEARER;
use countersign::protocol::{ErrorCode, OAuthError};
use countersign::trust::Frameworks;
use countersign::types::{ClientId, CredentialId, Secret};
use serde_json::{Value, json};

use crate::support::house::{House, ISSUER, body, change, refusal};
use crate::support::partner::{Partner, merged};
use crate::support::samples as sample;

const REQUEST: &str = "grant_type=client_credentials&scope=scope:a";
const SECRET: &str = "YW5vdGhlciBzZWNyZXQgb2Ygb3Vycy4gNDI_";
const ALL_ON: &str = "[clients]\nauthentication_methods = [\"private_key_jwt\", \
    \"client_secret_basic\", \"client_secret_post\", \"client_secret_jwt\", \"none\"]\n";

/// A bank that has switched on every method, and one client that registered `method`.
struct Bank {
    house: House,
    app: App,
    client: Client,
}

impl Bank {
    async fn with(method: &str) -> Self {
        let house = House::new().await;
        let app = house.node_with(ALL_ON).await;
        let mut client = house.client();
        client.metadata.token_endpoint_auth_method = method.to_owned();
        client.metadata.token_endpoint_auth_signing_alg = None;
        client.metadata.jwks = None;
        let secret = match method {
            "client_secret_jwt" => {
                StoredSecret::Sealed(app.keyring.seal(&Secret::new(SECRET)).unwrap())
            }
            _ => StoredSecret::Hashed(Secret::new(SECRET).hash()),
        };
        let credential = credential("secret", secret);
        let updated = client.clone();
        change(&app, AuditAction::ClientUpdated, move |tx| {
            tx.update_client(&updated)?;
            tx.insert_credential(&credential)
        })
        .await;
        Self { house, app, client }
    }

    fn id(&self) -> &str {
        self.client.id.as_str()
    }

    fn basic(&self, id: &str, secret: &str) -> Incoming {
        let header = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        self.house.post(REQUEST, Some(header))
    }

    fn posted(&self, id: &str, secret: &str) -> Incoming {
        self.house.post(&format!("{REQUEST}&client_id={id}&client_secret={secret}"), None)
    }

    fn claims(&self) -> Value {
        self.house.assertion_claims()
    }

    fn asserted(&self, secret: &str, claims: &Value) -> Incoming {
        let jwt = mac_jwt(&Secret::new(secret), claims).unwrap();
        self.house.with_assertion(REQUEST, &jwt)
    }

    async fn refused(&self, incoming: &Incoming) -> OAuthError {
        refusal(token(&self.app, incoming).await)
    }

    async fn accepted(&self, incoming: &Incoming) -> Value {
        body(token(&self.app, incoming).await)
    }
}

fn credential(tag: &str, secret: StoredSecret) -> Credential {
    let id = CredentialId::from_random(tag);
    Credential {
        thumbprint: id.to_string(),
        id,
        client_id: sample::client("a").id,
        secret: Some(secret),
        ..sample::credential("a")
    }
}

/// What everybody hears whose authentication failed, whatever the reason (SEC-29).
fn assert_told_nothing(refused: &OAuthError) {
    assert_eq!(refused.code, ErrorCode::InvalidClient, "{refused:?}");
    assert_eq!(refused.description, "client authentication failed", "{refused:?}");
}

#[tokio::test]
async fn a_secret_in_the_header_authenticates_whoever_registered_that() {
    let bank = Bank::with("client_secret_basic").await;
    assert_eq!(bank.accepted(&bank.basic(bank.id(), SECRET)).await["token_type"], "Bearer");
    // RFC 6749 §2.3.1: both halves are form-encoded; what needs no encoding is taken as it is.
    let encoded = SECRET.replace('_', "%5F").replace('Y', "%59");
    bank.accepted(&bank.basic(&bank.id().replace('_', "%5f"), &encoded)).await;
}

#[tokio::test]
async fn a_secret_in_the_header_is_refused_for_each_reason() {
    let bank = Bank::with("client_secret_basic").await;
    let id = bank.id();
    let short = SECRET.get(..SECRET.len() - 1).unwrap();
    let longer = format!("{SECRET}x");
    for secret in ["", "x", short, &longer, &SECRET.to_lowercase()] {
        assert_told_nothing(&bank.refused(&bank.basic(id, secret)).await);
    }
    let hash = Secret::new(SECRET).hash();
    assert_told_nothing(&bank.refused(&bank.basic(id, hash.as_str())).await);
    for stranger in ["cl_nobody", "rs_a", &"x".repeat(200), "\u{e9}"] {
        assert_told_nothing(&bank.refused(&bank.basic(stranger, SECRET)).await);
    }
    // Another way than the one that it registered, with the right secret.
    assert_told_nothing(&bank.refused(&bank.posted(id, SECRET)).await);
    assert_told_nothing(&bank.refused(&bank.asserted(SECRET, &bank.claims())).await);
    let named = bank.house.post(&format!("{REQUEST}&client_id={id}"), None);
    assert_told_nothing(&bank.refused(&named).await);
    assert_told_nothing(&bank.refused(&bank.house.post(REQUEST, None)).await);
}

#[tokio::test]
async fn a_secret_in_the_body_authenticates_whoever_registered_that_and_nobody_else() {
    let bank = Bank::with("client_secret_post").await;
    let id = bank.id();
    bank.accepted(&bank.posted(id, SECRET)).await;
    for (id, secret) in [(id, "x"), (id, "%20"), ("cl_nobody", SECRET), ("rs_a", SECRET)] {
        assert_told_nothing(&bank.refused(&bank.posted(id, secret)).await);
    }
    assert_told_nothing(&bank.refused(&bank.basic(id, SECRET)).await);
    let without_name = bank.house.post(&format!("{REQUEST}&client_secret={SECRET}"), None);
    assert_eq!(bank.refused(&without_name).await.code, ErrorCode::InvalidClient);
}

#[tokio::test]
async fn one_request_uses_one_method_rfc_6749_2_3() {
    let bank = Bank::with("client_secret_basic").await;
    let mut several = bank.posted(bank.id(), SECRET);
    several.authorization = bank.basic(bank.id(), SECRET).authorization;
    assert_eq!(bank.refused(&several).await.code, ErrorCode::InvalidRequest);
    let mut several = bank.asserted(SECRET, &bank.claims());
    several.authorization = bank.basic(bank.id(), SECRET).authorization;
    assert_eq!(bank.refused(&several).await.code, ErrorCode::InvalidRequest);
    // CONF-32: a `client_id` of another client beside the header.
    let mut other = bank.house.post(&format!("{REQUEST}&client_id=cl_other"), None);
    other.authorization = bank.basic(bank.id(), SECRET).authorization;
    assert_eq!(bank.refused(&other).await.code, ErrorCode::InvalidClient);
}

#[tokio::test]
async fn an_assertion_made_with_the_secret_works_once() {
    let bank = Bank::with("client_secret_jwt").await;
    let request = bank.asserted(SECRET, &bank.claims());
    bank.accepted(&request).await;
    assert_told_nothing(&bank.refused(&request).await);
}

#[tokio::test]
async fn an_assertion_made_with_a_secret_is_refused_for_each_reason() {
    let bank = Bank::with("client_secret_jwt").await;
    let now = bank.house.clock.now().epoch();
    for (name, value) in [
        ("aud", json!([ISSUER])),
        ("aud", json!(format!("{ISSUER}/token"))),
        ("aud", Value::Null),
        ("exp", Value::Null),
        ("exp", json!(now - 300)),
        ("exp", json!(now + 4000)),
        ("jti", Value::Null),
        ("iss", json!("cl_other")),
        ("sub", Value::Null),
        ("iat", json!(now + 62)),
        ("nbf", json!(now + 62)),
    ] {
        let mut claims = bank.claims();
        claims[name] = value;
        assert_told_nothing(&bank.refused(&bank.asserted(SECRET, &claims)).await);
    }
    let another = SECRET.replace('Y', "Z");
    assert_told_nothing(&bank.refused(&bank.asserted(&another, &bank.claims())).await);
    // Signed by the key that the client had before.
    assert_told_nothing(&bank.refused(&bank.house.authenticated(REQUEST)).await);
    assert_told_nothing(&bank.refused(&bank.basic(bank.id(), SECRET)).await);
    let mut stranger = bank.claims();
    stranger["iss"] = json!("cl_nobody");
    stranger["sub"] = json!("cl_nobody");
    assert_told_nothing(&bank.refused(&bank.asserted(SECRET, &stranger)).await);
}

#[tokio::test]
async fn whoever_has_a_key_has_no_secret_sec_10() {
    let house = House::new().await;
    let app = house.node_with(ALL_ON).await;
    let public = house.key.public_jwk().to_string();
    let jwt = mac_jwt(&Secret::new(public), &house.assertion_claims()).unwrap();
    assert_told_nothing(&refusal(token(&app, &house.with_assertion(REQUEST, &jwt)).await));
}

#[tokio::test]
async fn an_unknown_client_costs_what_a_wrong_code_costs_sec_29() {
    let bank = Bank::with("client_secret_jwt").await;
    let mut stranger = bank.claims();
    stranger["iss"] = json!("cl_nobody");
    stranger["sub"] = json!("cl_nobody");
    assert_eq!(bank.app.decoys.verified(), 0);
    bank.refused(&bank.asserted(SECRET, &stranger)).await;
    assert_eq!(bank.app.decoys.verified(), 1);
    let another = SECRET.replace('Y', "Z");
    bank.refused(&bank.asserted(&another, &bank.claims())).await;
    assert_eq!(bank.app.decoys.verified(), 1);
}

#[tokio::test]
async fn a_secret_ends_with_its_day_or_when_it_is_withdrawn_and_so_does_what_it_obtained() {
    let bank = Bank::with("client_secret_basic").await;
    let token_of_it = bank.accepted(&bank.basic(bank.id(), SECRET)).await;
    let token_of_it = token_of_it["access_token"].as_str().unwrap();
    let asked = bank.house.by_resource_server("a", &format!("token={token_of_it}"));
    let introspect = countersign::endpoints::introspection::introspect;
    assert_eq!(body(introspect(&bank.app, &asked).await)["active"], true);
    change(&bank.app, AuditAction::CredentialStateChanged, |tx| {
        tx.change_credential_state(
            &CredentialId::from_random("secret"),
            CredentialState::Active,
            CredentialState::Revoked,
        )
    })
    .await;
    assert_told_nothing(&bank.refused(&bank.basic(bank.id(), SECRET)).await);
    assert_eq!(body(introspect(&bank.app, &asked).await), json!({ "active": false }));
    let bank = Bank::with("client_secret_basic").await;
    bank.house.clock.advance(499);
    // The agreement has ended by then: the client is who it says, and may have nothing.
    let refused = bank.refused(&bank.basic(bank.id(), SECRET)).await;
    assert_eq!(refused.code, ErrorCode::UnauthorizedClient);
    bank.house.clock.advance(1);
    assert_told_nothing(&bank.refused(&bank.basic(bank.id(), SECRET)).await);
}

#[tokio::test]
async fn a_method_that_the_bank_has_not_switched_on_authenticates_nobody() {
    let bank = Bank::with("client_secret_basic").await;
    let elsewhere = bank.house.node().await;
    let refused = refusal(token(&elsewhere, &bank.basic(bank.id(), SECRET)).await);
    assert_told_nothing(&refused);
}

#[tokio::test]
async fn a_public_client_is_named_and_proves_nothing() {
    let bank = Bank::with("none").await;
    let named = |body: &str| bank.house.post(&format!("{body}&client_id={}", bank.id()), None);
    // RFC 7009 §2.1: it may give up its tokens.
    assert_eq!(revoke(&bank.app, &named("token=x")).await.unwrap().status, 200);
    let told = refusal(token(&bank.app, &named("grant_type=client_credentials")).await);
    // RFC 6749 §4.4: the grant is for confidential clients, whatever was registered.
    assert_eq!(told.code, ErrorCode::UnauthorizedClient);
    assert_told_nothing(&bank.refused(&bank.basic(bank.id(), SECRET)).await);
    assert_told_nothing(&bank.refused(&bank.posted(bank.id(), SECRET)).await);
    let stranger = bank.house.post("token=x&client_id=cl_nobody", None);
    assert_told_nothing(&refusal(revoke(&bank.app, &stranger).await));
}

#[tokio::test]
async fn a_client_that_has_ended_authenticates_no_longer() {
    let bank = Bank::with("client_secret_basic").await;
    let id: ClientId = bank.client.id.clone();
    change(&bank.app, AuditAction::ClientDeleted, move |tx| {
        let (active, retired) = (
            countersign::partners::ClientState::Active,
            countersign::partners::ClientState::Retired,
        );
        tx.change_client_state(&id, active, retired)
    })
    .await;
    assert_told_nothing(&bank.refused(&bank.basic(bank.id(), SECRET)).await);
}

#[tokio::test]
async fn an_assertion_type_alone_is_no_assertion() {
    let bank = Bank::with("client_secret_jwt").await;
    let typed = format!("{REQUEST}&client_assertion_type={JWT_BEARER}");
    assert_told_nothing(&bank.refused(&bank.house.post(&typed, None)).await);
}

/// RFC 7591 §3.2.1: from the registration that hands out the secret to its use.
#[tokio::test]
async fn a_secret_that_a_registration_hands_out_authenticates_its_client() {
    let partner = Partner::new().await;
    // Elsewhere policy wants a key.
    let sandbox = format!("environment = \"sandbox\"\n{ALL_ON}");
    let mut app = partner.house.node_with(&sandbox).await;
    let framework = ("directory.toml".to_owned(), partner.framework(&[]));
    app.frameworks = Frameworks::new([framework]).unwrap();
    let asking = |changes: &Value| {
        let statement = partner.statement_with(&json!({ "software_environment": "sandbox" }));
        partner.posted(&merged(partner.request_claims(&statement, "scope:a"), changes))
    };
    for method in ["client_secret_basic", "client_secret_post", "client_secret_jwt"] {
        let changes = json!({ "token_endpoint_auth_method": method });
        let answer = register(&app, &asking(&changes)).await;
        let told: Value = serde_json::from_slice(&answer.unwrap().body).unwrap();
        let (id, secret) = (&told["client_id"], told["client_secret"].as_str().unwrap());
        let at = |name: &str| told[name].as_i64().unwrap();
        assert!(at("client_secret_expires_at") > at("client_id_issued_at"));
        let id = id.as_str().unwrap();
        let with = |secret: &str| match method {
            "client_secret_basic" => {
                let header = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
                partner.house.post(REQUEST, Some(header))
            }
            "client_secret_post" => {
                let body = format!("{REQUEST}&client_id={id}&client_secret={secret}");
                partner.house.post(&body, None)
            }
            _ => {
                let mut claims = partner.house.assertion_claims();
                (claims["iss"], claims["sub"]) = (json!(id), json!(id));
                let jwt = mac_jwt(&Secret::new(secret), &claims).unwrap();
                partner.house.with_assertion(REQUEST, &jwt)
            }
        };
        assert_eq!(body(token(&app, &with(secret)).await)["scope"], "scope:a", "{method}");
        let another = format!("{secret}x");
        assert_told_nothing(&refusal(token(&app, &with(&another)).await));
    }
    // SEC-10: a key is no secret.
    let changes = json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "HS256",
    });
    let refused = refusal(register(&app, &asking(&changes)).await);
    assert_eq!(refused.code, ErrorCode::InvalidClientMetadata);
}
