//! `DPoP` (RFC 9449) at the token endpoint and where an access token is used: the suite's negatives
//! with their exact codes (CONF-66 to CONF-72), replay on every node, and nonces.

use std::sync::atomic::{AtomicU64, Ordering};

use countersign::app::App;
use countersign::config::DpopNonces;
use countersign::endpoints::Failure;
use countersign::endpoints::dpop::access_token;
use countersign::endpoints::exchange::{Answer, Incoming, Method};
use countersign::endpoints::introspection::introspect;
use countersign::endpoints::registration::register;
use countersign::endpoints::token::token;
use countersign::governance::audit::AuditAction;
use countersign::jose::{Algorithm, SigningKey};
use countersign::protocol::ErrorCode;
use countersign::protocol::dpop::proof::hash;
use countersign::protocol::dpop::{NONCE_HEADER, TYPE};
use countersign::types::Secret;
use serde_json::{Map, Value, json};

use crate::support::house::{House, ISSUER, body, change, refusal};
use crate::support::partner::{Partner, merged, told};

const FOR_A: &str = "grant_type=client_credentials&scope=scope:a";

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

/// The claims of a good proof for the token endpoint, with a fresh `jti`.
fn claims(house: &House) -> Value {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    json!({
        "jti": format!("proof-{}", NEXT.fetch_add(1, Ordering::SeqCst)),
        "htm": "POST",
        "htu": format!("{ISSUER}/token"),
        "iat": house.clock.now(),
    })
}

fn proof(key: &SigningKey, claims: &Value) -> String {
    proof_as(key, TYPE, &json!({ "jwk": key.public_jwk() }), claims)
}

fn proof_as(key: &SigningKey, typ: &str, header: &Value, claims: &Value) -> String {
    let empty = Map::new();
    let header = header.as_object().unwrap_or(&empty);
    key.sign_with(typ, header, claims.as_object().unwrap()).unwrap()
}

/// A good token request of the client's, with this proof.
fn asking(house: &House, proof: &str) -> Incoming {
    with_proof(house.authenticated(FOR_A), proof)
}

fn with_proof(incoming: Incoming, proof: &str) -> Incoming {
    Incoming { path: "/token".to_owned(), dpop: Some(Secret::new(proof)), ..incoming }
}

/// The client, whose tokens are to be bound.
async fn bind(house: &House, app: &App) {
    let mut client = house.client();
    client.metadata.extension.dpop_bound_access_tokens = true;
    change(app, AuditAction::ClientUpdated, move |tx| tx.update_client(&client)).await;
}

async fn bound_token(house: &House, app: &App, key: &SigningKey) -> String {
    let told = body(token(app, &asking(house, &proof(key, &claims(house)))).await);
    assert_eq!(told["token_type"], "DPoP");
    told["access_token"].as_str().unwrap().to_owned()
}

fn nonce_of(answer: &Result<Answer, Failure>) -> Option<String> {
    let headers = match answer {
        Ok(answer) => answer.headers.clone(),
        Err(failure) => failure.clone().into_error().headers,
    };
    let nonce = headers.into_iter().find(|(name, _)| *name == NONCE_HEADER);
    nonce.map(|(_, nonce)| nonce)
}

#[tokio::test]
async fn a_token_is_bound_to_the_key_that_its_sender_proves() {
    let house = House::new().await;
    let app = house.node().await;
    for algorithm in [Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa] {
        let key = SigningKey::generate(algorithm).unwrap();
        let token = bound_token(&house, &app, &key).await;
        let asked = house.by_resource_server("a", &format!("token={token}"));
        let told = body(introspect(&app, &asked).await);
        assert_eq!(told["active"], true);
        assert_eq!(told["token_type"], "DPoP");
        assert_eq!(told["cnf"], json!({ "jkt": key.thumbprint() }));
    }
}

#[tokio::test]
async fn without_a_proof_a_token_is_a_bearer_token_unless_its_client_registered_otherwise_conf_66()
{
    let house = House::new().await;
    let app = house.node().await;
    let bare = body(token(&app, &house.authenticated(FOR_A)).await);
    assert_eq!(bare["token_type"], "Bearer");
    bind(&house, &app).await;
    let refused = refusal(token(&app, &house.authenticated(FOR_A)).await);
    assert_eq!(refused.code, ErrorCode::InvalidDpopProof);
    bound_token(&house, &app, &key()).await;
}

#[tokio::test]
async fn a_client_whose_tokens_are_bound_to_a_certificate_proves_no_key() {
    let house = House::new().await;
    let app = house.node().await;
    let mut client = house.client();
    client.metadata.mutual_tls.tls_client_certificate_bound_access_tokens = true;
    change(&app, AuditAction::ClientUpdated, move |tx| tx.update_client(&client)).await;
    let refused = refusal(token(&app, &asking(&house, &proof(&key(), &claims(&house)))).await);
    assert_eq!(refused.code, ErrorCode::InvalidDpopProof);
}

#[tokio::test]
async fn the_feature_off_ignores_the_header() {
    let house = House::new().await;
    let mut app = house.node().await;
    app.features.dpop = false;
    let told = body(token(&app, &asking(&house, "no proof at all")).await);
    assert_eq!(told["token_type"], "Bearer");
}

/// A name, a proof that is refused and how its claims differ from good ones.
fn bad_proofs(house: &House) -> Vec<(&'static str, String)> {
    let (key, other) = (key(), key());
    let now = house.clock.now();
    let with = |changes: Value| proof(&key, &merged(claims(house), &changes));
    let without = |name: &str| {
        let mut claims = claims(house);
        claims.as_object_mut().unwrap().remove(name);
        proof(&key, &claims)
    };
    let as_typ = |typ| proof_as(&key, typ, &json!({ "jwk": key.public_jwk() }), &claims(house));
    let by = |jwk: Value| proof_as(&key, TYPE, &json!({ "jwk": jwk }), &claims(house));
    let good = proof(&key, &claims(house));
    let forged = |header: Value| {
        use base64::Engine as _;
        let encode = |text: String| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let rest = good.split_once('.').unwrap().1;
        format!("{}.{rest}", encode(header.to_string()))
    };
    let header = |alg: Value| json!({ "typ": TYPE, "alg": alg, "jwk": key.public_jwk() });
    let rsa = SigningKey::generate(Algorithm::Rs256).unwrap();
    let private: Value = serde_json::from_str(key.private_jwk().reveal()).unwrap();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let unsigned = format!("{signed}.");
    let other_start = if signature.starts_with('A') { 'B' } else { 'A' };
    let tampered = format!("{signed}.{other_start}{}", signature.get(1..).unwrap());
    vec![
        ("empty", String::new()),
        ("malformed", "not a proof".to_owned()),
        ("two in one header", format!("{good}, {good}")),
        ("no typ", forged(json!({ "alg": "ES256", "jwk": key.public_jwk() }))),
        ("another typ", as_typ("JWT")),
        ("typ in another case", as_typ("DPoP+jwt")),
        ("no alg", forged(json!({ "typ": TYPE, "jwk": key.public_jwk() }))),
        ("alg none", forged(header(json!("none")))),
        ("no signature", unsigned),
        ("alg HS256", forged(header(json!("HS256")))),
        ("alg in another case", forged(header(json!("es256")))),
        ("RS256", proof(&rsa, &claims(house))),
        ("no jwk", proof_as(&key, TYPE, &json!({}), &claims(house))),
        ("a private jwk", by(private)),
        ("a symmetric jwk", by(json!({ "kty": "oct", "k": "AAAA" }))),
        ("another's jwk", by(other.public_jwk())),
        ("a bad signature", tampered),
        ("no jti", without("jti")),
        ("an empty jti", with(json!({ "jti": "" }))),
        ("a jti that is no text", with(json!({ "jti": 7 }))),
        ("a long jti", with(json!({ "jti": "j".repeat(257) }))),
        ("no htm", without("htm")),
        ("another htm", with(json!({ "htm": "GET" }))),
        ("htm in another case", with(json!({ "htm": "post" }))),
        ("no htu", without("htu")),
        ("another htu", with(json!({ "htu": format!("{ISSUER}/introspect") }))),
        ("another host", with(json!({ "htu": "https://rs.example/token" }))),
        ("htu in another case", with(json!({ "htu": format!("{ISSUER}/TOKEN") }))),
        ("no iat", without("iat")),
        ("an iat that is no number", with(json!({ "iat": now.epoch().to_string() }))),
        ("an enormous iat", with(json!({ "iat": 1e300 }))),
        ("an hour old", with(json!({ "iat": now.plus(-3600) }))),
        ("an hour ahead", with(json!({ "iat": now.plus(3600) }))),
    ]
}

#[tokio::test]
async fn each_bad_proof_is_an_invalid_proof_at_the_token_endpoint() {
    let house = House::new().await;
    let app = house.node().await;
    for (name, bad) in bad_proofs(&house) {
        let refused = refusal(token(&app, &asking(&house, &bad)).await);
        assert_eq!(refused.code, ErrorCode::InvalidDpopProof, "{name}: {refused}");
    }
}

#[tokio::test]
async fn ten_seconds_and_further_claims_are_no_reason_to_refuse_conf_69() {
    let house = House::new().await;
    let app = house.node().await;
    let now = house.clock.now();
    for changes in [
        json!({ "iat": now.plus(-10) }),
        json!({ "iat": now.plus(10) }),
        json!({ "nbf": now.plus(-5), "exp": now.plus(5), "ath": "x", "nonce": "x" }),
        json!({ "htu": "HTTPS://AS.Example:443/token?a=b#c" }),
    ] {
        let proof = proof(&key(), &merged(claims(&house), &changes));
        let told = body(token(&app, &asking(&house, &proof)).await);
        assert_eq!(told["token_type"], "DPoP", "{changes}");
    }
}

#[tokio::test]
async fn a_proof_is_used_once_on_any_node_sec_6() {
    let house = House::new().await;
    let (one, two) = (house.node().await, house.node().await);
    let key = key();
    let claims = claims(&house);
    let first = proof(&key, &claims);
    body(token(&one, &asking(&house, &first)).await);
    // ES256 signs differently each time: it is the `jti` that is remembered.
    let signed_again = proof(&key, &claims);
    for (app, again) in [(&one, &first), (&two, &first), (&two, &signed_again)] {
        let refused = refusal(token(app, &asking(&house, again)).await);
        assert_eq!(refused.code, ErrorCode::InvalidDpopProof);
        assert!(refused.description.contains("used before"), "{refused}");
    }
    // Another key's proof may have the same `jti`: nobody burns what is somebody else's.
    body(token(&two, &asking(&house, &proof(&self::key(), &claims))).await);
}

#[tokio::test]
async fn of_many_who_send_one_proof_one_gets_a_token() {
    let house = House::new().await;
    let nodes = [house.node().await, house.node().await].map(std::sync::Arc::new);
    let proof = proof(&key(), &claims(&house));
    let mut racers = tokio::task::JoinSet::new();
    for app in nodes.iter().cycle().take(16) {
        let (app, request) = (std::sync::Arc::clone(app), asking(&house, &proof));
        racers.spawn(async move { token(&app, &request).await.is_ok() });
    }
    let winners = racers.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(winners, 1);
}

#[tokio::test]
async fn a_nonce_is_demanded_given_out_and_known_to_every_node() {
    let house = House::new().await;
    let (mut one, mut two) = (house.node().await, house.node().await);
    one.settings.dpop.nonces = DpopNonces::Required;
    two.settings.dpop.nonces = DpopNonces::Required;
    let key = key();
    let assertion = house.assertion();
    let ask = |changes: &Value| {
        let proof = proof(&key, &merged(claims(&house), changes));
        with_proof(house.with_assertion(FOR_A, &assertion), &proof)
    };
    let mut nonce = None;
    for wrong in
        [json!({}), json!({ "nonce": "" }), json!({ "nonce": "mine" }), json!({ "nonce": 7 })]
    {
        let answer = token(&one, &ask(&wrong)).await;
        nonce = nonce_of(&answer);
        assert_eq!(refusal(answer).code, ErrorCode::UseDpopNonce, "{wrong}");
    }
    // The same assertion is still good: it was not looked at before the nonce.
    let nonce = nonce.unwrap();
    let late = json!({ "nonce": nonce, "iat": house.clock.now().plus(-3600) });
    let answer = token(&two, &ask(&late)).await;
    assert!(nonce_of(&answer).is_some(), "every answer brings the next");
    assert_eq!(body(answer)["token_type"], "DPoP");
    house.clock.advance(121);
    let stale = proof(&key, &merged(claims(&house), &json!({ "nonce": nonce })));
    let answer = token(&two, &asking(&house, &stale)).await;
    assert_ne!(nonce_of(&answer), Some(nonce));
    assert_eq!(refusal(answer).code, ErrorCode::UseDpopNonce);
}

#[tokio::test]
async fn a_refusal_for_another_reason_brings_a_nonce_too() {
    let house = House::new().await;
    let mut app = house.node().await;
    assert_eq!(nonce_of(&token(&app, &house.post(FOR_A, None)).await), None);
    app.settings.dpop.nonces = DpopNonces::Required;
    let answer = token(&app, &house.post(FOR_A, None)).await;
    assert!(nonce_of(&answer).is_some());
    assert_eq!(refusal(answer).code, ErrorCode::InvalidClient);
}

/// A request that uses an access token at a resource of our own.
fn using(house: &House, authorization: &str, proof: Option<&str>) -> Incoming {
    Incoming {
        method: Method::Get,
        path: "/register/cl_a".to_owned(),
        dpop: proof.map(Secret::new),
        ..house.post("", Some(authorization.to_owned()))
    }
}

fn claims_for(house: &House, token: &str) -> Value {
    let (htu, ath) = (format!("{ISSUER}/register/cl_a"), hash(&Secret::new(token)));
    merged(claims(house), &json!({ "htm": "GET", "htu": htu, "ath": ath }))
}

#[tokio::test]
async fn a_bound_token_is_used_by_whoever_holds_its_key() {
    let house = House::new().await;
    let app = house.node().await;
    let key = key();
    let token = bound_token(&house, &app, &key).await;
    for scheme in ["DPoP", "dPoP", "dpop"] {
        let proof = proof(&key, &claims_for(&house, &token));
        let request = using(&house, &format!("{scheme} {token}"), Some(&proof));
        let known = access_token(&app, &request).await.map_err(Failure::into_error).unwrap();
        assert_eq!(known.claims().client_id, house.client().id);
    }
}

async fn not_used(app: &App, incoming: &Incoming) -> ErrorCode {
    access_token(app, incoming).await.map_err(Failure::into_error).unwrap_err().code
}

#[tokio::test]
async fn nobody_else_uses_a_bound_token_conf_72() {
    let house = House::new().await;
    let app = house.node().await;
    let key = key();
    let token = bound_token(&house, &app, &key).await;
    let header = format!("DPoP {token}");
    let good = claims_for(&house, &token);
    let fresh = |changes: Value| {
        let jti = claims(&house)["jti"].clone();
        merged(merged(good.clone(), &json!({ "jti": jti })), &changes)
    };
    let other = self::key();
    for (name, proof) in [
        ("another key", proof(&other, &fresh(json!({})))),
        ("another token", proof(&key, &fresh(json!({ "ath": hash(&Secret::new("other")) })))),
        ("no ath", proof(&key, &fresh(json!({ "ath": null })))),
        ("another method", proof(&key, &fresh(json!({ "htm": "POST" })))),
        ("another address", proof(&key, &fresh(json!({ "htu": format!("{ISSUER}/token") })))),
        ("old", proof(&key, &fresh(json!({ "iat": house.clock.now().plus(-3600) })))),
        ("malformed", "x".to_owned()),
    ] {
        let code = not_used(&app, &using(&house, &header, Some(&proof))).await;
        assert_eq!(code, ErrorCode::InvalidSenderProof, "{name}");
    }
    for (name, bad) in bad_proofs(&house) {
        let code = not_used(&app, &using(&house, &header, Some(&bad))).await;
        assert_eq!(code, ErrorCode::InvalidSenderProof, "{name}");
    }
    assert_eq!(not_used(&app, &using(&house, &header, None)).await, ErrorCode::InvalidSenderProof);
    let bearer = format!("Bearer {token}");
    let proof = proof(&key, &good);
    for proof in [None, Some(proof.as_str())] {
        let code = not_used(&app, &using(&house, &bearer, proof)).await;
        assert_eq!(code, ErrorCode::InvalidSenderProof, "a bound token is no bearer token");
    }
    assert!(access_token(&app, &using(&house, &header, Some(&proof))).await.is_ok());
    let again = not_used(&house.node().await, &using(&house, &header, Some(&proof))).await;
    assert_eq!(again, ErrorCode::InvalidSenderProof, "a replay, on another node");
}

#[tokio::test]
async fn a_token_that_is_bound_to_nothing_is_a_bearer_token() {
    let house = House::new().await;
    let app = house.node().await;
    let token = body(token(&app, &house.authenticated(FOR_A)).await);
    let token = token["access_token"].as_str().unwrap();
    let bearer = using(&house, &format!("Bearer {token}"), None);
    assert!(access_token(&app, &bearer).await.is_ok());
    let proof = proof(&key(), &claims_for(&house, token));
    let dpop = using(&house, &format!("DPoP {token}"), Some(&proof));
    assert_eq!(not_used(&app, &dpop).await, ErrorCode::InvalidToken);
    for bad in ["Bearer x", "DPoP x", "Basic x"] {
        assert_eq!(not_used(&app, &using(&house, bad, None)).await, ErrorCode::InvalidToken);
    }
}

#[tokio::test]
async fn where_a_token_is_used_a_nonce_is_demanded_with_its_own_code_conf_68() {
    let house = House::new().await;
    let mut app = house.node().await;
    let key = key();
    let token = bound_token(&house, &app, &key).await;
    app.settings.dpop.nonces = DpopNonces::Required;
    let proof = proof(&key, &claims_for(&house, &token));
    let request = using(&house, &format!("DPoP {token}"), Some(&proof));
    assert_eq!(not_used(&app, &request).await, ErrorCode::UseSenderNonce);
}

#[tokio::test]
async fn a_client_whose_tokens_are_bound_counts_as_sender_constrained() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let reasons = |answer: &Value| {
        let decisions = answer["decisions"].as_array().unwrap();
        let write = decisions.iter().find(|one| one["item"] == "scope:scope:a:write").unwrap();
        write["reasons"].to_string()
    };
    for (bound, expected) in [(false, true), (true, false)] {
        let changes = json!({ "dpop_bound_access_tokens": bound });
        let request = partner.registration_with("scope:a scope:a:write", &changes);
        let (status, answer) = told(register(&app, &request).await).unwrap();
        assert_eq!(status, 201);
        let demanded = reasons(&answer).contains("sender_constraint_required");
        assert_eq!(demanded, expected, "{answer}");
    }
}
