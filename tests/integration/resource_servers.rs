//! Resource servers that prove who they are, by any method (RFC 7662 §2.1, RFC 7523, RFC 8705 §2): each
//! by the one that is registered for it, with the table of refusals (SEC-32, SEC-60).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::app::App;
use countersign::endpoints::discovery::oauth_metadata;
use countersign::endpoints::exchange::{Door, Incoming};
use countersign::endpoints::introspection::introspect;
use countersign::endpoints::token::token;
use countersign::governance::audit::AuditAction;
use countersign::jose::{Algorithm, PublicKey, SigningKey, mac_jwt};
use countersign::partners::credential::StoredSecret;
use countersign::partners::{EarlierSecret, ResourceServer, ResourceServerState};
use countersign::protocol::client::MutualTlsMetadata;
use countersign::protocol::client_authentication::ClientAuthenticationMethod;
use countersign::protocol::resource_server::ResourceServerMetadata;
use countersign::protocol::{ErrorCode, OAuthError};
use countersign::remote::{Fetcher, KeySource};
use countersign::trust::Authorities;
use countersign::types::{HttpsUri, Secret};
use countersign::x509::{PresentedCertificates, RevocationLists};
use rcgen::ExtendedKeyUsagePurpose;
use serde_json::{Value, json};

use crate::support::house::{House, body, change, refusal};
use crate::support::pki::{Authority, Issued, Wanted};
use crate::support::samples as sample;
use crate::support::tls_server::{Reply, TlsServer};

const ON: &str = "[server.mutual_tls]\nlisten = \"127.0.0.1:0\"\n\
    base_url = \"https://mtls.as.example\"\n";
const SECRET: &str = "a secret of the resource server, 32 bytes";
const SUBJECT: &str = "O=the bank,CN=api";
const REVOKED: u64 = 7;

/// A bank whose third resource server has everything that any method needs.
struct Bank {
    house: House,
    app: App,
    authority: Authority,
    key: SigningKey,
    own: Issued,
    token: String,
}

impl Bank {
    async fn new() -> Self {
        let (house, authority) = (House::new().await, Authority::root("root"));
        let revoked = authority.revocation_list(&[REVOKED]);
        let revoked = RevocationLists::parse_pem(&revoked).unwrap();
        let authorities = Authorities::new(authority.anchors(), revoked);
        let app = house.node_believing(ON, Some(authorities)).await;
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let own = wanted().self_signed();
        let request = "grant_type=client_credentials&scope=scope:a";
        let answer = body(token(&app, &house.authenticated(request)).await);
        let token = answer["access_token"].as_str().unwrap().to_owned();
        Self { house, app, authority, key, own, token }
    }

    /// The resource server of product a, as it authenticates by `method`.
    fn server(&self, method: ClientAuthenticationMethod) -> ResourceServer {
        let certified = self.own.certificate();
        let certified = PublicKey::from_public_key_info(certified.public_key_der()).unwrap();
        let jwks = json!({ "keys": [self.key.public_jwk(), certified.to_value()] });
        let secret = if method == ClientAuthenticationMethod::ClientSecretJwt {
            StoredSecret::Sealed(self.app.keyring.seal(&Secret::new(SECRET)).unwrap())
        } else {
            StoredSecret::Hashed(Secret::new(SECRET).hash())
        };
        ResourceServer {
            metadata: ResourceServerMetadata {
                jwks: Some(jwks),
                mutual_tls: MutualTlsMetadata {
                    tls_client_auth_subject_dn: Some(SUBJECT.to_owned()),
                    ..MutualTlsMetadata::default()
                },
                ..ResourceServerMetadata::of(method)
            },
            secret: Some(secret),
            ..sample::resource_server("a")
        }
    }

    async fn registers(&self, server: ResourceServer) {
        let action = AuditAction::ResourceServerUpdated;
        change(&self.app, action, move |tx| tx.update_resource_server(&server)).await;
    }

    fn asks(&self, more: &str) -> Incoming {
        let asking = self.house.post(&format!("token={}{more}", self.token), None);
        Incoming { path: "/introspect".to_owned(), ..asking }
    }

    fn basic(&self, secret: &str) -> Incoming {
        let header = format!("Basic {}", STANDARD.encode(format!("rs_a:{secret}")));
        Incoming { authorization: Some(Secret::new(header)), ..self.asks("") }
    }

    fn posted(&self, secret: &str) -> Incoming {
        self.asks(&format!("&client_id=rs_a&client_secret={}", secret.replace(' ', "+")))
    }

    fn claims(&self) -> Value {
        let mut claims = self.house.assertion_claims();
        claims["iss"] = json!("rs_a");
        claims["sub"] = json!("rs_a");
        claims
    }

    fn asserting(&self, assertion: &str) -> Incoming {
        self.house.with_assertion(&format!("token={}", self.token), assertion)
    }

    fn signed(&self) -> Incoming {
        self.asserting(&self.key.sign("JWT", &self.claims()).unwrap())
    }

    fn coded(&self, secret: &str) -> Incoming {
        self.asserting(&mac_jwt(&Secret::new(secret), &self.claims()).unwrap())
    }

    fn showing(&self, presented: Option<PresentedCertificates>) -> Incoming {
        Incoming { door: Door::MutualTls, presented, ..self.asks("&client_id=rs_a") }
    }

    fn certified(&self) -> Incoming {
        self.showing(Some(self.authority.issue(wanted()).presented()))
    }

    fn self_signed(&self) -> Incoming {
        self.showing(Some(self.own.presented()))
    }

    /// The credentials of every method, each as good as it can be.
    fn every(&self) -> Vec<(ClientAuthenticationMethod, Incoming)> {
        use ClientAuthenticationMethod as Method;
        vec![
            (Method::ClientSecretBasic, self.basic(SECRET)),
            (Method::ClientSecretPost, self.posted(SECRET)),
            (Method::ClientSecretJwt, self.coded(SECRET)),
            (Method::PrivateKeyJwt, self.signed()),
            (Method::TlsClientAuth, self.certified()),
            (Method::SelfSignedTlsClientAuth, self.self_signed()),
        ]
    }

    async fn told(&self, incoming: &Incoming) -> Value {
        body(introspect(&self.app, incoming).await)
    }

    async fn refused(&self, incoming: &Incoming, why: &str) {
        let refused = refusal(introspect(&self.app, incoming).await);
        assert_told_nothing(&refused, why);
    }
}

fn wanted() -> Wanted {
    Wanted::client("api").attribute("2.5.4.10", "the bank")
}

/// What everybody hears whose authentication failed, whatever the reason (SEC-29).
fn assert_told_nothing(refused: &OAuthError, why: &str) {
    assert_eq!(refused.code, ErrorCode::InvalidClient, "{why}: {refused:?}");
    assert_eq!(refused.description, "client authentication failed", "{why}: {refused:?}");
}

#[tokio::test]
async fn each_authenticates_by_the_method_that_is_registered_for_it_and_by_no_other() {
    let bank = Bank::new().await;
    for (registered, _) in bank.every() {
        bank.registers(bank.server(registered)).await;
        for (used, request) in bank.every() {
            if used == registered {
                assert_eq!(bank.told(&request).await["active"], true, "{used}");
            } else {
                bank.refused(&request, &format!("{used} instead of {registered}")).await;
            }
        }
        // Naming oneself proves nothing, whatever is registered.
        bank.refused(&bank.asks("&client_id=rs_a"), "a name").await;
        bank.refused(&bank.showing(None), "a name at the door for certificates").await;
    }
}

#[tokio::test]
async fn a_suspended_resource_server_is_not_answered_by_any_method() {
    let bank = Bank::new().await;
    for (method, _) in bank.every() {
        bank.registers(bank.server(method)).await;
        step(&bank, ResourceServerState::Active, ResourceServerState::Suspended).await;
        for (used, request) in bank.every() {
            bank.refused(&request, &format!("suspended, {used}")).await;
        }
        step(&bank, ResourceServerState::Suspended, ResourceServerState::Active).await;
    }
}

async fn step(bank: &Bank, from: ResourceServerState, to: ResourceServerState) {
    let id = sample::resource_server("a").id;
    change(&bank.app, AuditAction::ResourceServerStateChanged, move |tx| {
        tx.change_resource_server_state(&id, from, to)
    })
    .await;
}

#[tokio::test]
async fn a_certificate_is_refused_for_each_reason_sec_32() {
    let bank = Bank::new().await;
    bank.registers(bank.server(ClientAuthenticationMethod::TlsClientAuth)).await;
    let day = |count: i64| sample::at(count * 86_400);
    for (why, wanted) in [
        ("another subject", Wanted::client("api")),
        ("one attribute more", wanted().attribute("2.5.4.11", "unit")),
        ("expired", wanted().valid(day(-9), sample::at(-1))),
        ("not yet valid", wanted().valid(sample::at(1), day(9))),
        ("wrong use", wanted().purposes(&[ExtendedKeyUsagePurpose::ServerAuth])),
        ("revoked", wanted().serial(REVOKED)),
    ] {
        let shown = bank.authority.issue(wanted).presented();
        bank.refused(&bank.showing(Some(shown)), why).await;
    }
    let fake = Authority::root("root").issue(wanted()).presented();
    bank.refused(&bank.showing(Some(fake)), "a fake authority").await;
    let elsewhere = Incoming { door: Door::Public, ..bank.certified() };
    bank.refused(&elsewhere, "the public door").await;
    // Renewed: another key and serial, the same name (REG-G10).
    let renewed = bank.authority.issue(wanted().serial(9)).presented();
    assert_eq!(bank.told(&bank.showing(Some(renewed))).await["active"], true);
}

#[tokio::test]
async fn a_certificate_of_its_own_is_refused_for_each_reason() {
    let bank = Bank::new().await;
    let method = ClientAuthenticationMethod::SelfSignedTlsClientAuth;
    bank.registers(bank.server(method)).await;
    let another = wanted().self_signed().presented();
    bank.refused(&bank.showing(Some(another)), "another key").await;
    let elsewhere = Incoming { door: Door::Public, ..bank.self_signed() };
    bank.refused(&elsewhere, "the public door").await;
    for (why, from, until) in [("expired", -9, -1), ("not yet valid", 1, 9)] {
        let timed = wanted().valid(sample::at(from), sample::at(until)).self_signed();
        let key = PublicKey::from_public_key_info(timed.certificate().public_key_der()).unwrap();
        let mut server = bank.server(method);
        server.metadata.jwks = Some(json!({ "keys": [key.to_value()] }));
        bank.registers(server).await;
        bank.refused(&bank.showing(Some(timed.presented())), why).await;
    }
}

#[tokio::test]
async fn an_assertion_is_refused_for_each_reason() {
    let bank = Bank::new().await;
    bank.registers(bank.server(ClientAuthenticationMethod::PrivateKeyJwt)).await;
    let again = bank.signed();
    assert_eq!(bank.told(&again).await["active"], true);
    bank.refused(&again, "used before").await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut claims = bank.claims();
        change(&mut claims);
        bank.asserting(&bank.key.sign("JWT", &claims).unwrap())
    };
    let now = bank.house.clock.now();
    bank.refused(&with(&|claims| claims["aud"] = json!("https://evil.example")), "aud").await;
    bank.refused(&with(&|claims| claims["exp"] = json!(now.plus(-61))), "expired").await;
    bank.refused(&with(&|claims| claims["exp"] = json!(now.plus(3600))), "lives long").await;
    bank.refused(&with(&|claims| drop(claims["jti"].take())), "no jti").await;
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    bank.refused(&bank.asserting(&other.sign("JWT", &bank.claims()).unwrap()), "key").await;
    // SEC-60: another kind of JWT, and another's.
    let kind = bank.key.sign("at+jwt", &bank.claims()).unwrap();
    let refused = refusal(introspect(&bank.app, &bank.asserting(&kind)).await);
    assert_eq!(refused.code, ErrorCode::InvalidClient);
    let of_a_client = bank.house.authenticated(&format!("token={}", bank.token));
    bank.refused(&of_a_client, "a client's").await;
    // An algorithm that is not the registered one (SEC-10).
    let mut server = bank.server(ClientAuthenticationMethod::PrivateKeyJwt);
    server.metadata.token_endpoint_auth_signing_alg = Some("PS256".to_owned());
    bank.registers(server).await;
    bank.refused(&bank.signed(), "alg").await;
}

#[tokio::test]
async fn a_code_made_with_a_secret_counts_once_and_needs_that_secret() {
    let bank = Bank::new().await;
    bank.registers(bank.server(ClientAuthenticationMethod::ClientSecretJwt)).await;
    let once = bank.coded(SECRET);
    assert_eq!(bank.told(&once).await["active"], true);
    bank.refused(&once, "used before").await;
    bank.refused(&bank.coded("another secret of some other server"), "secret").await;
}

#[tokio::test]
async fn the_secret_before_is_good_until_its_second() {
    let bank = Bank::new().await;
    let hashed = |secret: &str| StoredSecret::Hashed(Secret::new(secret).hash());
    let ends_at = sample::at(60);
    let mut server = bank.server(ClientAuthenticationMethod::ClientSecretBasic);
    server.secret = Some(hashed("new"));
    server.earlier_secret = Some(EarlierSecret { secret: hashed("old"), ends_at });
    bank.registers(server).await;
    let at = |seconds, secret| Incoming { now: sample::at(seconds), ..bank.basic(secret) };
    for secret in ["new", "old"] {
        assert_eq!(bank.told(&at(59, secret)).await["active"], true, "{secret}");
    }
    assert_eq!(bank.told(&at(60, "new")).await["active"], true);
    bank.refused(&at(60, "old"), "ended").await;
    bank.refused(&bank.basic(SECRET), "the one before that").await;
}

#[tokio::test]
async fn keys_are_fetched_from_where_the_bank_said_that_they_are() {
    let mut bank = Bank::new().await;
    let keys = json!({ "keys": [bank.key.public_jwk()] });
    let server = TlsServer::start(Reply::json(keys.to_string())).await;
    bank.app.key_source = KeySource::new(Fetcher::new(Some(&server.certificate)).unwrap());
    bank.app.settings.trust.allow_loopback = true;
    let mut registered = bank.server(ClientAuthenticationMethod::PrivateKeyJwt);
    registered.metadata.jwks = None;
    registered.metadata.jwks_uri = Some(HttpsUri::parse(server.uri("/jwks")).unwrap());
    bank.registers(registered).await;
    for _ in 0..2 {
        assert_eq!(bank.told(&bank.signed()).await["active"], true);
    }
    assert_eq!(server.requests(), 1);
    server.answer_with(Reply::new("503 Service Unavailable", "Content-Type: text/plain", ""));
    bank.house.clock.advance(3600 * 24);
    let refused = refusal(introspect(&bank.app, &bank.signed()).await);
    assert_eq!(refused.code, ErrorCode::TemporarilyUnavailable);
}

#[tokio::test]
async fn what_is_off_authenticates_nobody_and_is_not_listed() {
    let listed = |app: &App| -> Value {
        let document: Value = serde_json::from_slice(&oauth_metadata(app).body).unwrap();
        document["introspection_endpoint_auth_methods_supported"].clone()
    };
    let mut bank = Bank::new().await;
    let names: Vec<_> = bank.every().iter().map(|(method, _)| method.name()).collect();
    let on = listed(&bank.app);
    assert!(names.iter().all(|name| on.as_array().unwrap().contains(&json!(name))), "{on}");
    assert_eq!(on.as_array().unwrap().len(), names.len(), "{on}");
    bank.app = bank.house.node_with("").await;
    let off = listed(&bank.app);
    assert!(!off.to_string().contains("tls"), "{off}");
    for method in [
        ClientAuthenticationMethod::TlsClientAuth,
        ClientAuthenticationMethod::SelfSignedTlsClientAuth,
    ] {
        bank.registers(bank.server(method)).await;
        bank.refused(&bank.certified(), "off").await;
        bank.refused(&bank.self_signed(), "off").await;
    }
    // Without an authority nobody is believed.
    bank.app = bank.house.node_with(ON).await;
    bank.registers(bank.server(ClientAuthenticationMethod::TlsClientAuth)).await;
    bank.refused(&bank.certified(), "no authority").await;
    assert!(!listed(&bank.app).to_string().contains("\"tls_client_auth\""));
}
