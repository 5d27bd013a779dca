//! Introspection answers as JWT (RFC 9701), read by a library of its own, not by this server's code.

use countersign::app::App;
use countersign::endpoints::discovery::oauth_metadata;
use countersign::endpoints::exchange::{Answer, Incoming};
use countersign::endpoints::introspection::introspect;
use countersign::endpoints::token::token;
use countersign::governance::audit::AuditAction;
use countersign::jose::{CONTENT_ENCRYPTION, KEY_MANAGEMENT};
use countersign::partners::ResourceServer;
use countersign::protocol::ErrorCode;
use countersign::remote::{Fetcher, KeySource};
use countersign::types::HttpsUri;
use josekit::jwe::{self, JweDecrypter};
use josekit::jwk::{Jwk, P_256};
use josekit::jws;
use serde_json::{Map, Value, json};

use crate::support::house::{House, ISSUER, body, change, refusal};
use crate::support::running::Running;
use crate::support::samples as sample;
use crate::support::tls_server::{Reply, TlsServer};

const JWT: &str = "application/token-introspection+jwt";

struct Bank {
    house: House,
    app: App,
    token: String,
}

impl Bank {
    async fn new() -> Self {
        let house = House::new().await;
        let app = house.node().await;
        let token = issued(&house, &app).await;
        Self { house, app, token }
    }

    fn asking(&self, tag: &str, token: &str, accept: Option<&str>) -> Incoming {
        let asking = self.house.by_resource_server(tag, &format!("token={token}"));
        Incoming { accept: accept.map(str::to_owned), ..asking }
    }

    async fn answered(&self, tag: &str, token: &str, accept: Option<&str>) -> Answer {
        introspect(&self.app, &self.asking(tag, token, accept)).await.unwrap()
    }

    async fn jwt(&self, tag: &str, token: &str) -> String {
        let answer = self.answered(tag, token, Some(JWT)).await;
        assert_eq!((answer.status, answer.content_type), (200, JWT));
        String::from_utf8(answer.body).unwrap()
    }

    /// Header and claims of an answer, if our published key signed it.
    fn verified(&self, jwt: &str) -> (Value, Value) {
        let keys = self.app.keyring.last_loaded().jwks(self.house.clock.now());
        let key = Map::clone(keys["keys"][0].as_object().unwrap());
        let key = Jwk::from_map(key).unwrap();
        let verifier = jws::ES256.verifier_from_jwk(&key).unwrap();
        let (claims, header) = jws::deserialize_compact(jwt, &verifier).unwrap();
        (json!(header.claims_set()), serde_json::from_slice(&claims).unwrap())
    }

    async fn register(&self, change_it: impl FnOnce(&mut ResourceServer)) {
        let mut server = sample::resource_server("a");
        change_it(&mut server);
        let action = AuditAction::ResourceServerUpdated;
        change(&self.app, action, move |tx| tx.update_resource_server(&server)).await;
    }
}

async fn issued(house: &House, app: &App) -> String {
    let request = "grant_type=client_credentials&scope=scope:a";
    let answer = body(token(app, &house.authenticated(request)).await);
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_answer_is_signed_for_whoever_asked_and_says_of_the_token_what_json_says() {
    let bank = Bank::new().await;
    let plain = bank.answered("a", &bank.token, None).await;
    let plain: Value = serde_json::from_slice(&plain.body).unwrap();
    let (header, claims) = bank.verified(&bank.jwt("a", &bank.token).await);
    assert_eq!(header["typ"], "token-introspection+jwt");
    assert_eq!(header["alg"], "ES256");
    // §5, §8.1: no `sub` and no `exp` beside it.
    let expected = json!({
        "iss": ISSUER,
        "aud": "https://api.example/a",
        "iat": bank.house.clock.now(),
        "token_introspection": plain,
    });
    assert_eq!(claims, expected);
    assert_eq!(claims["token_introspection"]["active"], true);
}

#[tokio::test]
async fn what_does_not_hold_for_whoever_asked_is_inactive_and_nothing_more() {
    let bank = Bank::new().await;
    for (tag, token) in [("b", bank.token.as_str()), ("a", "x"), ("a", "a.b.c")] {
        let (_, claims) = bank.verified(&bank.jwt(tag, token).await);
        assert_eq!(claims["aud"], format!("https://api.example/{tag}"));
        assert_eq!(claims["token_introspection"], json!({ "active": false }), "{token}");
    }
}

/// SEC-60: an answer is signed by the key that signs access tokens, and is none.
#[tokio::test]
async fn an_answer_is_no_access_token() {
    let bank = Bank::new().await;
    let answer = bank.jwt("a", &bank.token).await;
    let asked = bank.answered("a", &answer, None).await;
    assert_eq!(serde_json::from_slice::<Value>(&asked.body).unwrap(), json!({ "active": false }));
}

#[tokio::test]
async fn whoever_does_not_ask_for_a_jwt_gets_json_and_refusals_are_json() {
    let bank = Bank::new().await;
    for accept in [None, Some("*/*"), Some("application/json"), Some("text/html")] {
        let answer = bank.answered("a", &bank.token, accept).await;
        assert_eq!(answer.content_type, "application/json", "{accept:?}");
    }
    let stranger = Incoming { authorization: None, ..bank.asking("a", "x", Some(JWT)) };
    let refused = refusal(introspect(&bank.app, &stranger).await);
    assert_eq!(refused.code, ErrorCode::InvalidClient);
    // §4: whoever is not authenticated is told nothing, in no format.
    let running = Running::new().await;
    let url = format!("{}/introspect", running.public_url());
    let request = running.client().post(url).header("accept", JWT);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = request.body("token=x").send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["content-type"], "application/json");
}

fn decrypter(pair: &Jwk, algorithm: &str) -> Box<dyn JweDecrypter> {
    match algorithm {
        "RSA-OAEP" => Box::new(jwe::RSA_OAEP.decrypter_from_jwk(pair).unwrap()),
        "RSA-OAEP-256" => Box::new(jwe::RSA_OAEP_256.decrypter_from_jwk(pair).unwrap()),
        "ECDH-ES" => Box::new(jwe::ECDH_ES.decrypter_from_jwk(pair).unwrap()),
        "ECDH-ES+A128KW" => Box::new(jwe::ECDH_ES_A128KW.decrypter_from_jwk(pair).unwrap()),
        _ => Box::new(jwe::ECDH_ES_A256KW.decrypter_from_jwk(pair).unwrap()),
    }
}

/// A public key for encryption, as its owner publishes it.
fn published(pair: &Jwk) -> Value {
    let mut public = pair.to_public_key().unwrap();
    public.set_key_use("enc");
    public.set_key_id("for-answers");
    Value::Object(Map::clone(public.as_ref()))
}

#[tokio::test]
async fn an_answer_is_encrypted_for_whoever_registered_so() {
    let bank = Bank::new().await;
    let (rsa, ec) = (Jwk::generate_rsa_key(2048).unwrap(), Jwk::generate_ec_key(P_256).unwrap());
    for algorithm in KEY_MANAGEMENT {
        let pair = if algorithm.starts_with("RSA") { &rsa } else { &ec };
        for encryption in CONTENT_ENCRYPTION.map(Some).into_iter().chain([None]) {
            bank.register(|server| {
                server.metadata.jwks = Some(json!({ "keys": [published(pair)] }));
                let answers = &mut server.metadata.answers;
                answers.introspection_encrypted_response_alg = Some(algorithm.to_owned());
                answers.introspection_encrypted_response_enc = encryption.map(str::to_owned);
            })
            .await;
            let answer = bank.jwt("a", &bank.token).await;
            let opened = jwe::deserialize_compact(&answer, &*decrypter(pair, algorithm)).unwrap();
            let header = json!(opened.1.claims_set());
            assert_eq!(header["alg"], algorithm);
            // §6: the default.
            assert_eq!(header["enc"], encryption.unwrap_or("A128CBC-HS256"));
            assert_eq!(header["cty"], "JWT");
            assert_eq!(header["kid"], "for-answers");
            let (header, claims) = bank.verified(std::str::from_utf8(&opened.0).unwrap());
            assert_eq!(header["typ"], "token-introspection+jwt");
            assert_eq!(claims["token_introspection"]["active"], true);
        }
    }
    // Whoever asks for JSON is answered in the same channel as ever.
    assert_eq!(bank.answered("a", &bank.token, None).await.content_type, "application/json");
}

#[tokio::test]
async fn keys_to_encrypt_for_are_fetched_and_a_set_without_one_is_the_owners_fault() {
    let mut bank = Bank::new().await;
    let pair = Jwk::generate_ec_key(P_256).unwrap();
    let keys = json!({ "keys": [published(&pair)] });
    let server = TlsServer::start(Reply::json(keys.to_string())).await;
    bank.app.key_source = KeySource::new(Fetcher::new(Some(&server.certificate)).unwrap());
    bank.app.settings.trust.allow_loopback = true;
    let uri = HttpsUri::parse(server.uri("/jwks")).unwrap();
    bank.register(|registered| {
        registered.metadata.jwks_uri = Some(uri);
        let answers = &mut registered.metadata.answers;
        answers.introspection_encrypted_response_alg = Some("ECDH-ES+A256KW".to_owned());
    })
    .await;
    let answer = bank.jwt("a", &bank.token).await;
    let opened = jwe::deserialize_compact(&answer, &*decrypter(&pair, "ECDH-ES+A256KW")).unwrap();
    let (_, claims) = bank.verified(std::str::from_utf8(&opened.0).unwrap());
    assert_eq!(claims["token_introspection"]["active"], true);
    server.answer_with(Reply::json(json!({ "keys": [] }).to_string()));
    bank.house.clock.advance(60);
    bank.app.key_source = KeySource::new(Fetcher::new(Some(&server.certificate)).unwrap());
    let refused = refusal(introspect(&bank.app, &bank.asking("a", "x", Some(JWT))).await);
    assert_eq!(refused.code, ErrorCode::InvalidRequest);
}

#[tokio::test]
async fn an_algorithm_that_we_do_not_sign_by_is_never_replaced_by_another() {
    let bank = Bank::new().await;
    let registered = |name: &'static str| {
        bank.register(move |server| {
            let answers = &mut server.metadata.answers;
            answers.introspection_signed_response_alg = Some(name.to_owned());
        })
    };
    registered("ES256").await;
    bank.verified(&bank.jwt("a", &bank.token).await);
    registered("PS256").await;
    let refused = refusal(introspect(&bank.app, &bank.asking("a", "x", Some(JWT))).await);
    assert_eq!(refused.code, ErrorCode::ServerError);
}

#[tokio::test]
async fn discovery_lists_what_secures_answers() {
    let bank = Bank::new().await;
    let document: Value = serde_json::from_slice(&oauth_metadata(&bank.app).body).unwrap();
    let listed = |name: &str| document[format!("introspection_{name}_values_supported")].clone();
    assert_eq!(listed("signing_alg"), json!(["ES256"]));
    assert_eq!(listed("encryption_alg"), json!(KEY_MANAGEMENT));
    assert_eq!(listed("encryption_enc"), json!(CONTENT_ENCRYPTION));
}
