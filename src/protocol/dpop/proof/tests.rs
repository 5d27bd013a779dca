//! Each check of RFC 9449 §4.3, and the negatives of the conformance suite (CONF-69, CONF-72).

use serde_json::json;

use super::*;
use crate::jose::{InvalidAlgorithm, InvalidJws, KeyProblem, SigningKey};
use crate::protocol::dpop::{ALGORITHMS, Nonces};
use crate::protocol::error::{ErrorCode, OAuthError};

const ADDRESS: &str = "https://as.example/token";

fn now() -> Timestamp {
    Timestamp::from_epoch(1_800_000_000).unwrap()
}

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

fn claims() -> Value {
    json!({ "jti": "j1", "htm": "POST", "htu": ADDRESS, "iat": now() })
}

fn signed(key: &SigningKey, claims: &Value) -> String {
    with_header(key, TYPE, &json!({ "jwk": key.public_jwk(), "kid": null }), claims)
}

fn with_header(key: &SigningKey, typ: &str, header: &Value, claims: &Value) -> String {
    key.sign_with(typ, header.as_object().unwrap(), claims.as_object().unwrap()).unwrap()
}

/// A JWS of any header at all, with a signature of nobody's.
fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", encode(header), encode(claims), URL_SAFE_NO_PAD.encode([7; 64]))
}

fn verify_with(
    proof: &str,
    token: Option<&Secret>,
    nonce: Option<NonceTimes>,
    at: Timestamp,
) -> Result<VerifiedProof, InvalidProof> {
    let addresses = [ADDRESS.to_owned(), "https://mtls.as.example/token".to_owned()];
    let expected = Expected {
        methods: &["POST"],
        addresses: &addresses,
        algorithms: &ALGORITHMS,
        access_token: token,
        nonce,
    };
    UnverifiedProof::parse(proof)?.verify(&expected, at)
}

fn verify(proof: &str) -> Result<VerifiedProof, InvalidProof> {
    verify_with(proof, None, None, now())
}

fn refusal(proof: &str) -> InvalidProof {
    verify(proof).unwrap_err()
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

#[test]
fn a_proof_by_each_algorithm_names_its_key() {
    for algorithm in ALGORITHMS {
        let key = SigningKey::generate(algorithm).unwrap();
        let proof = verify(&signed(&key, &claims())).unwrap();
        assert_eq!(proof.thumbprint(), key.thumbprint());
        assert_eq!(proof.confirmation(), Confirmation::DpopKey(key.thumbprint().to_owned()));
        assert_eq!((proof.jti(), proof.issued_at()), ("j1", now()));
        assert_eq!(proof.refused_from(), now().plus(OLDEST + 1));
    }
}

#[test]
fn what_the_standard_does_not_name_is_ignored_conf_69() {
    let mut further = claims();
    further["nbf"] = json!(now());
    further["exp"] = json!(now().plus(-300));
    further["aud"] = json!("elsewhere");
    further["ath"] = json!("of no token here");
    let key = key();
    let header = json!({ "jwk": key.public_jwk(), "kid": "another", "x5t#S256": "x", "cty": 1 });
    assert!(verify(&with_header(&key, TYPE, &header, &further)).is_ok());
}

#[test]
fn what_is_no_jwt_is_refused() {
    let good = signed(&key(), &claims());
    for bad in ["", ".", "..", "a.b.c", "{}", &format!("{good}, {good}"), &format!("{good}.x")] {
        assert!(matches!(refusal(bad), InvalidProof::Jws(_)), "{bad}");
    }
    assert_eq!(refusal(&"x".repeat(LONGEST_PROOF + 1)), InvalidProof::TooLong);
}

#[test]
fn every_claim_that_is_missing_or_ill_typed_is_named() {
    let key = key();
    for name in ["jti", "htm", "htu", "iat"] {
        let mut without = claims();
        without.as_object_mut().unwrap().remove(name);
        assert_eq!(refusal(&signed(&key, &without)), InvalidProof::Claim(name));
        let mut misspelt = without.clone();
        misspelt[name.to_uppercase()] = claims()[name].clone();
        assert_eq!(refusal(&signed(&key, &misspelt)), InvalidProof::Claim(name));
        for bad in [json!(null), json!({}), json!(["POST"]), json!(true)] {
            assert_eq!(refusal(&signed(&key, &with(name, bad))), InvalidProof::Claim(name));
        }
    }
    for name in ["jti", "htm", "htu"] {
        assert_eq!(refusal(&signed(&key, &with(name, json!(7)))), InvalidProof::Claim(name));
    }
    for bad in [json!("1800000000"), json!(-1), json!(1e19), json!(1e300), json!(u64::MAX)] {
        assert_eq!(refusal(&signed(&key, &with("iat", bad))), InvalidProof::Claim("iat"));
    }
    for bad in [String::new(), "j".repeat(LONGEST_JTI + 1)] {
        assert_eq!(refusal(&signed(&key, &with("jti", json!(bad)))), InvalidProof::Claim("jti"));
    }
    assert!(verify(&signed(&key, &with("jti", json!("é".repeat(LONGEST_JTI))))).is_ok());
}

#[test]
fn a_claim_that_stands_twice_is_refused() {
    let twice = r#"{"jti":"a","jti":"b","htm":"POST","htu":"https://as.example/token","iat":1}"#;
    let header = json!({ "typ": TYPE, "alg": "ES256", "jwk": key().public_jwk() });
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let proof = format!("{}.{}.{}", encode(&header.to_string()), encode(twice), encode("x"));
    assert!(matches!(refusal(&proof), InvalidProof::Jws(InvalidJws::ClaimsNotJson(_))));
}

#[test]
fn another_type_is_another_kind_of_jwt_sec_11() {
    let key = key();
    let header = json!({ "jwk": key.public_jwk(), "kid": null });
    for typ in ["", "JWT", "jwt", "DPOP+JWT", "dpop", "at+jwt", "dpop+jwt ", "application/dpop+jwt"]
    {
        let refused = refusal(&with_header(&key, typ, &header, &claims()));
        assert_eq!(refused, InvalidProof::Type, "{typ}");
    }
    let without = unsigned(&json!({ "alg": "ES256", "jwk": key.public_jwk() }), &claims());
    assert_eq!(refusal(&without), InvalidProof::Type);
}

#[test]
fn an_algorithm_that_is_missing_unsigned_symmetric_or_rs256_is_refused_sec_10() {
    let key = key();
    let header = |alg: Value| json!({ "typ": TYPE, "alg": alg, "jwk": key.public_jwk() });
    let mut without = header(json!(null));
    without.as_object_mut().unwrap().remove("alg");
    let missing = InvalidJws::MalformedHeader { member: "alg" };
    for bad in [without, header(json!(null)), header(json!(["ES256"]))] {
        assert_eq!(refusal(&unsigned(&bad, &claims())), InvalidProof::Jws(missing.clone()));
    }
    for (bad, why) in [
        ("none", InvalidAlgorithm::Unsigned),
        ("NONE", InvalidAlgorithm::Unsigned),
        ("HS256", InvalidAlgorithm::Symmetric),
    ] {
        let refused = refusal(&unsigned(&header(json!(bad)), &claims()));
        assert_eq!(refused, InvalidProof::Jws(InvalidJws::Algorithm(why)), "{bad}");
    }
    for bad in ["es256", "ES256K", "ES512", ""] {
        let refused = refusal(&unsigned(&header(json!(bad)), &claims()));
        assert!(matches!(refused, InvalidProof::Jws(InvalidJws::Algorithm(_))), "{bad}");
    }
    for other in [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Es384] {
        let key = SigningKey::generate(other).unwrap();
        let not_allowed = InvalidJws::AlgorithmNotAllowed(other);
        assert_eq!(refusal(&signed(&key, &claims())), InvalidProof::Jws(not_allowed));
    }
}

#[test]
fn a_key_that_is_missing_private_symmetric_or_no_key_is_refused() {
    let key = key();
    let refused = |jwk: &Value| {
        refusal(&with_header(&key, TYPE, &json!({ "jwk": jwk, "kid": null }), &claims()))
    };
    let missing = with_header(&key, TYPE, &json!({}), &claims());
    assert_eq!(refusal(&missing), InvalidProof::NoKey);
    let private: Value = serde_json::from_str(key.private_jwk().reveal()).unwrap();
    let embedded = |problem| InvalidProof::Jws(InvalidJws::EmbeddedKey(problem));
    assert_eq!(refused(&private), embedded(KeyProblem::PrivateMember("d")));
    let symmetric = json!({ "kty": "oct", "k": "AAAA" });
    assert_eq!(refused(&symmetric), embedded(KeyProblem::PrivateMember("k")));
    for bad in [json!(null), json!("key"), json!({}), json!([key.public_jwk()])] {
        assert!(matches!(refused(&bad), InvalidProof::Jws(InvalidJws::EmbeddedKey(_))), "{bad}");
    }
}

#[test]
fn a_signature_by_another_key_or_over_other_claims_is_refused() {
    let (key, other) = (key(), key());
    let header = json!({ "jwk": other.public_jwk(), "kid": null });
    let by_another = with_header(&key, TYPE, &header, &claims());
    assert_eq!(refusal(&by_another), InvalidProof::Jws(InvalidJws::Signature));
    let good = signed(&key, &claims());
    let signature = good.rsplit('.').next().unwrap();
    let mut spliced = signed(&key, &with("jti", json!("j2")));
    spliced.truncate(spliced.rfind('.').unwrap() + 1);
    spliced.push_str(signature);
    assert_eq!(refusal(&spliced), InvalidProof::Jws(InvalidJws::Signature));
    let header = json!({ "jwk": other.public_jwk(), "alg": "ES256" });
    let rsa = SigningKey::generate(Algorithm::Ps256).unwrap();
    let misfit = with_header(&rsa, TYPE, &header, &claims());
    let expected = InvalidJws::KeyDoesNotFit(Algorithm::Ps256);
    assert_eq!(refusal(&misfit), InvalidProof::Jws(expected));
}

#[test]
fn another_method_is_refused_and_so_is_another_case() {
    let key = key();
    for bad in ["GET", "post", "Post", "", "POST "] {
        assert_eq!(refusal(&signed(&key, &with("htm", json!(bad)))), InvalidProof::Method, "{bad}");
    }
}

#[test]
fn both_of_our_addresses_are_ours_and_no_other_conf_71() {
    let key = key();
    for good in ["https://mtls.as.example/token", "https://AS.example:443/token?x#y"] {
        assert!(verify(&signed(&key, &with("htu", json!(good)))).is_ok(), "{good}");
    }
    for bad in ["https://as.example/", "https://rs.example/token", "http://as.example/token", ""] {
        assert_eq!(refusal(&signed(&key, &with("htu", json!(bad)))), InvalidProof::Target, "{bad}");
    }
}

#[test]
fn ten_seconds_are_tolerated_and_an_hour_is_not_conf_69() {
    let key = key();
    let made = |offset: i64| signed(&key, &with("iat", json!(now().plus(offset))));
    for offset in [-OLDEST, -10, 0, 8, 10, AHEAD] {
        assert!(verify(&made(offset)).is_ok(), "{offset}");
    }
    for offset in [-3600, -OLDEST - 1, AHEAD + 1, 3600] {
        assert_eq!(refusal(&made(offset)), InvalidProof::Time, "{offset}");
    }
    let fractional = signed(&key, &with("iat", json!(1_800_000_000.9)));
    assert!(verify(&fractional).is_ok());
    let last = signed(&key, &with("iat", json!(Timestamp::LATEST)));
    assert_eq!(refusal(&last), InvalidProof::Time);
}

#[test]
fn a_nonce_of_ours_takes_the_place_of_the_senders_clock() {
    let sealing = crate::jose::SealingKey::generate().unwrap();
    let nonces = Nonces::new(sealing.mac_key("n").unwrap());
    let nonce = nonces.current(now()).unwrap();
    let mut slow = with("iat", json!(now().plus(-3600)));
    slow["nonce"] = json!(nonce);
    let proof = signed(&key(), &slow);
    assert_eq!(refusal(&proof), InvalidProof::Time, "unless we demand nonces");
    let held = UnverifiedProof::parse(&proof).unwrap().nonce().unwrap().to_owned();
    let times = nonces.check(&held, now()).unwrap();
    let verified = verify_with(&proof, None, times, now()).unwrap();
    assert_eq!(Some(verified.refused_from()), times.map(|times| times.refused_from));
}

#[test]
fn with_an_access_token_the_proof_holds_its_hash() {
    let key = key();
    let token = Secret::new("a.b.c");
    let made =
        |ath: Value| verify_with(&signed(&key, &with("ath", ath)), Some(&token), None, now());
    // SHA-256 of `a.b.c`, by another implementation.
    let expected = json!("hF4wRIgJ4ryJWOsCW_x5UjXROwd6U9DDq70jhRcNybg");
    assert!(made(expected).is_ok());
    for bad in [json!(hash(&Secret::new("a.b.d"))), json!("a.b.c"), json!(1), json!(null)] {
        assert_eq!(made(bad.clone()), Err(InvalidProof::AccessToken), "{bad}");
    }
    let without = verify_with(&signed(&key, &claims()), Some(&token), None, now());
    assert_eq!(without, Err(InvalidProof::AccessToken));
}

#[test]
fn the_hash_is_that_of_rfc_9449_7_1() {
    // The access token and the `ath` of the example requests there.
    let token = Secret::new("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
    assert_eq!(hash(&token), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
}

#[test]
fn a_proof_by_another_key_than_the_one_bound_is_refused() {
    let key = key();
    let proof = verify(&signed(&key, &claims())).unwrap();
    assert_eq!(proof.check_bound_to(key.thumbprint()), Ok(()));
    assert_eq!(proof.check_bound_to("another"), Err(InvalidProof::AnotherKey));
}

#[test]
fn a_refusal_has_the_code_of_its_place() {
    let code = |invalid: InvalidProof| OAuthError::from(invalid).code;
    assert_eq!(code(InvalidProof::Missing), ErrorCode::InvalidDpopProof);
    assert_eq!(code(InvalidProof::Nonce), ErrorCode::UseDpopNonce);
    assert_eq!(InvalidProof::Time.at_resource().code, ErrorCode::InvalidSenderProof);
    assert_eq!(InvalidProof::Nonce.at_resource().code, ErrorCode::UseSenderNonce);
    assert_eq!(ErrorCode::InvalidSenderProof.as_str(), "invalid_dpop_proof");
    assert_eq!(ErrorCode::UseSenderNonce.as_str(), "use_dpop_nonce");
}
