//! The attacks of `security.md` on signatures, replayed: SEC-10, SEC-14, SEC-26 and SEC-41 to
//! SEC-46. Those on keys and on encryption stand beside `jwk`, `jwk_set` and `sealing_key`.

use josekit::jwk::Jwk;
use josekit::jws::{JwsSigner as _, PS256, RS256};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::jose::Algorithm;
use crate::jose::InvalidAlgorithm;
use crate::jose::InvalidJws;
use crate::jose::JwkSet;
use crate::jose::LONGEST_JWS;
use crate::jose::SigningKey;
use crate::jose::UnverifiedJws;
use crate::jose::VerifiedJws;
use crate::jose::compact;
use crate::jose::forge;
use crate::types::Timestamp;

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

fn set(keys: &[Value]) -> JwkSet {
    JwkSet::parse(&json!({ "keys": keys })).unwrap()
}

fn set_of(key: &SigningKey) -> JwkSet {
    set(&[key.public_jwk()])
}

fn present(jws: &str, keys: &JwkSet) -> Result<VerifiedJws, InvalidJws> {
    UnverifiedJws::parse(jws)?.verify(keys, &Algorithm::ALL)
}

fn signed_under(key: &SigningKey, header: &str) -> String {
    // Raw text, because a JSON value cannot hold a member twice.
    let whole = key.sign("JWT", &json!({})).unwrap();
    let (_, rest) = whole.split_once('.').unwrap();
    format!("{}.{rest}", compact::encode(header))
}

fn without(mut jwk: Value, member: &str) -> Value {
    jwk.as_object_mut().unwrap().remove(member);
    jwk
}

#[test]
fn the_example_of_the_standard_verifies_and_its_altered_copies_do_not() {
    // RFC 7515 appendix A.3.
    let keys = set(&[json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })]);
    let jws = "eyJhbGciOiJFUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
        cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA\
        pmWQxfKTUJqPP3-Kg6NU1Q";
    assert_eq!(present(jws, &keys).unwrap().claims["iss"], json!("joe"));
    let altered = jws.replace(".DtEh", ".DtEi");
    assert_eq!(present(&altered, &keys), Err(InvalidJws::Signature));
    let altered = jws.replace("eyJpc3MiOiJqb2Ui", "eyJpc3MiOiJqb2Yi");
    assert_eq!(present(&altered, &keys), Err(InvalidJws::Signature));
}

#[test]
fn hmac_keyed_with_any_form_of_the_public_key_is_refused() {
    // SEC-10.
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        let pair = forge::key_pair(&key).unwrap();
        let public = key.public_jwk();
        let trimmed = String::from_utf8(pair.to_pem_public_key()).unwrap().trim().to_owned();
        for secret in [
            pair.to_pem_public_key(),
            pair.to_der_public_key(),
            pair.to_jwk_public_key().to_string().into_bytes(),
            public.to_string().into_bytes(),
            trimmed.into_bytes(),
        ] {
            let forged = forge::hs256(key.key_id(), &secret, &json!({})).unwrap();
            let refused = present(&forged, &set_of(&key));
            assert_eq!(refused, Err(InvalidAlgorithm::Symmetric.into()));
        }
    }
}

#[test]
fn none_and_wrong_case_are_refused() {
    // SEC-10.
    let key = key();
    for name in ["none", "None", "NONE", "es256", "Es256", "ES256 ", "ES256K", ""] {
        let jws = signed_under(&key, &json!({ "alg": name }).to_string());
        let refused = present(&jws, &set_of(&key)).unwrap_err();
        assert!(matches!(refused, InvalidJws::Algorithm(_)), "{name}: {refused}");
    }
    let bare = forge::unsigned(&json!({}));
    assert_eq!(present(&bare, &set_of(&key)), Err(InvalidAlgorithm::Unsigned.into()));
}

#[test]
fn rsa_paddings_are_not_taken_for_one_another() {
    // SEC-10.
    let key = SigningKey::generate(Algorithm::Ps256).unwrap();
    let members: Map<String, Value> = serde_json::from_str(key.private_jwk().reveal()).unwrap();
    let jwk = Jwk::from_map(without(Value::Object(members), "alg").as_object().unwrap().clone());
    let jwk = jwk.unwrap();
    let under = |name: &str, by: &dyn Fn(&[u8]) -> Vec<u8>| {
        let input = format!("{}.e30", compact::encode(json!({ "alg": name }).to_string()));
        let signature = by(input.as_bytes());
        format!("{input}.{}", compact::encode(signature))
    };
    let pss = |input: &[u8]| PS256.signer_from_jwk(&jwk).unwrap().sign(input).unwrap();
    let pkcs1 = |input: &[u8]| RS256.signer_from_jwk(&jwk).unwrap().sign(input).unwrap();

    let open = set(&[without(key.public_jwk(), "alg")]);
    assert!(present(&under("PS256", &pss), &open).is_ok());
    assert!(present(&under("RS256", &pkcs1), &open).is_ok());
    assert_eq!(present(&under("RS256", &pss), &open), Err(InvalidJws::Signature));
    assert_eq!(present(&under("PS256", &pkcs1), &open), Err(InvalidJws::Signature));

    // A key that names its algorithm verifies no other, however well signed.
    assert_eq!(present(&under("RS256", &pkcs1), &set_of(&key)), Err(InvalidJws::UnknownKey));
    let allowed = [Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa];
    let jws = UnverifiedJws::parse(&under("RS256", &pkcs1)).unwrap();
    let refused = jws.verify(&open, &allowed);
    assert_eq!(refused, Err(InvalidJws::AlgorithmNotAllowed(Algorithm::Rs256)));
}

#[test]
fn a_key_id_that_names_a_key_of_another_type_is_refused() {
    let (named, signer) = (SigningKey::generate(Algorithm::EdDsa).unwrap(), key());
    let keys = set(&[named.public_jwk(), signer.public_jwk()]);
    let jws = forge::with_key_id(&signer, named.key_id(), &json!({})).unwrap();
    assert_eq!(present(&jws, &keys), Err(InvalidJws::KeyDoesNotFit(Algorithm::Es256)));
}

#[test]
fn a_key_id_is_binding_even_if_another_key_would_verify() {
    let (named, signer) = (key(), key());
    let keys = set(&[named.public_jwk(), signer.public_jwk()]);
    let jws = forge::with_key_id(&signer, named.key_id(), &json!({})).unwrap();
    assert_eq!(present(&jws, &keys), Err(InvalidJws::Signature));
}

#[test]
fn without_a_key_id_every_key_that_fits_is_tried() {
    let (first, second) = (key(), key());
    let keys = set(&[first.public_jwk(), second.public_jwk()]);
    let jws = second.sign_raw(&json!({ "alg": "ES256" }), b"{}").unwrap();
    assert_eq!(present(&jws, &keys).unwrap().thumbprint, second.thumbprint());
    assert_eq!(present(&jws, &set_of(&first)), Err(InvalidJws::Signature));
    let other = SigningKey::generate(Algorithm::EdDsa).unwrap();
    assert_eq!(present(&jws, &set_of(&other)), Err(InvalidJws::UnknownKey));
}

#[test]
fn a_key_named_by_the_token_is_refused() {
    // SEC-14.
    let attacker = key();
    for member in ["jku", "x5u", "jwk", "x5c"] {
        let mut header = json!({ "alg": "ES256" });
        header[member] =
            if member == "jwk" { attacker.public_jwk() } else { json!("https://evil.example/") };
        let jws = attacker.sign_raw(&header, b"{}").unwrap();
        assert_eq!(present(&jws, &set_of(&key())), Err(InvalidJws::ForbiddenHeader { member }));
    }
}

#[test]
fn dates_beyond_any_clock_are_read_without_a_panic_and_are_no_timestamps() {
    // SEC-41.
    let key = key();
    for number in ["1e19", "1e22", "1e300", "-1", "9223372036854775807", "18446744073709551615"] {
        for claim in ["exp", "nbf", "iat"] {
            let payload = format!(r#"{{"{claim}":{number}}}"#);
            let jws = forge::raw_payload(&key, payload.as_bytes()).unwrap();
            let claims = present(&jws, &set_of(&key)).unwrap().claims;
            assert!(serde_json::from_value::<Timestamp>(claims[claim].clone()).is_err());
        }
    }
    let jws = forge::raw_payload(&key, br#"{"exp":1e400}"#).unwrap();
    assert!(matches!(present(&jws, &set_of(&key)), Err(InvalidJws::ClaimsNotJson(_))));
}

#[test]
fn claims_are_handed_on_as_signed_and_judged_by_their_kind_alone() {
    // SEC-42, SEC-43, SEC-44: nothing here passes for a check of `exp`, `aud` or `iat`.
    let key = key();
    for claims in [json!({}), json!({ "aud": ["evil", "us"], "iat": 1, "exp": "soon" })] {
        let jws = key.sign("JWT", &claims).unwrap();
        assert_eq!(Value::Object(present(&jws, &set_of(&key)).unwrap().claims), claims);
    }
}

#[test]
fn a_repeated_member_is_refused_in_header_and_payload() {
    // SEC-45.
    let key = key();
    for header in [
        r#"{"alg":"none","alg":"ES256"}"#,
        r#"{"alg":"ES256","kid":"a","kid":"b"}"#,
        r#"{"alg":"ES256","\u0061lg":"ES256"}"#,
    ] {
        let refused = present(&signed_under(&key, header), &set_of(&key)).unwrap_err();
        assert!(matches!(refused, InvalidJws::HeaderNotJson(_)), "{header}");
    }
    for payload in [
        r#"{"iss":"me","iss":"you"}"#,
        r#"{"iss":"me","\u0069ss":"you"}"#,
        r#"{"aud":"us","aud":["evil"]}"#,
        r#"{"exp":1,"exp":2}"#,
        r#"{"htu":"a","htu":"b"}"#,
        r#"{"cnf":{"jkt":"a","jkt":"b"}}"#,
    ] {
        let jws = forge::raw_payload(&key, payload.as_bytes()).unwrap();
        let refused = present(&jws, &set_of(&key)).unwrap_err();
        assert!(matches!(refused, InvalidJws::ClaimsNotJson(_)), "{payload}");
    }
}

#[test]
fn extensions_of_the_header_are_refused() {
    // SEC-46, SEC-26.
    let key = key();
    for (header, member) in [
        (r#"{"alg":"ES256","crit":[]}"#, "crit"),
        (r#"{"alg":"ES256","crit":["exp"],"exp":1}"#, "crit"),
        (r#"{"alg":"ES256","b64":false}"#, "b64"),
        (r#"{"alg":"ES256","b64":true}"#, "b64"),
        (r#"{"alg":"ES256","b64":false,"crit":["b64"]}"#, "crit"),
        (r#"{"alg":"ES256","zip":"DEF"}"#, "zip"),
    ] {
        let refused = present(&signed_under(&key, header), &set_of(&key));
        assert_eq!(refused, Err(InvalidJws::ForbiddenHeader { member }), "{header}");
    }
}

#[test]
fn a_payload_that_is_no_object_is_refused() {
    let key = key();
    for payload in ["", "[]", "null", "1", "\"x\"", "{", "{} {}", "\u{feff}{}"] {
        let jws = forge::raw_payload(&key, payload.as_bytes()).unwrap();
        let refused = UnverifiedJws::parse(&jws).unwrap_err();
        assert!(matches!(refused, InvalidJws::ClaimsNotJson(_)), "{payload}");
    }
    let deep = forge::raw_payload(&key, "[".repeat(40_000).as_bytes()).unwrap();
    assert!(UnverifiedJws::parse(&deep).is_err());
}

#[test]
fn a_second_spelling_of_the_compact_form_is_refused() {
    let key = key();
    let jws = key.sign("JWT", &json!({ "iss": "me" })).unwrap();
    let reads = |text: &str| UnverifiedJws::parse(text).is_ok();
    assert!(reads(&jws));
    for bad in [
        format!("{jws}="),
        format!("{jws}=="),
        format!("{jws}\n"),
        format!(" {jws}"),
        format!("{jws}."),
        format!(".{jws}"),
        jws.replacen('.', "=.", 1),
        jws.replacen('.', "..", 1),
        jws.replace('.', "%2E"),
    ] {
        assert!(!reads(&bad), "{bad}");
    }
    // The last character of 64 bytes carries four bits that must be zero.
    let (rest, last) = jws.split_at(jws.len() - 1);
    assert!("AQgw".contains(last));
    let spelt_otherwise = last.replace('A', "B").replace('Q', "R").replace('g', "h");
    assert!(!reads(&format!("{rest}{}", spelt_otherwise.replace('w', "x"))));
}

#[test]
fn a_jws_that_is_too_long_is_refused_unread() {
    let key = key();
    let long = key.sign("JWT", &json!({ "x": "y".repeat(LONGEST_JWS) })).unwrap();
    assert_eq!(UnverifiedJws::parse(&long).unwrap_err(), InvalidJws::TooLong);
    assert_eq!(UnverifiedJws::parse(&".".repeat(10_000_000)).unwrap_err(), InvalidJws::TooLong);
}

#[test]
fn signatures_of_any_other_form_are_refused_without_a_panic() {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        let keys = set_of(&key);
        let jws = key.sign("JWT", &json!({})).unwrap();
        let (input, signature) = jws.rsplit_once('.').unwrap();
        let signature = compact::decode(signature).unwrap();
        let half = signature.len() / 2;
        for bad in [
            vec![],
            vec![0],
            vec![0; signature.len()],
            vec![0xff; signature.len()],
            [vec![0; half], signature[half..].to_vec()].concat(),
            [signature[..half].to_vec(), vec![0; half]].concat(),
            signature[1..].to_vec(),
            [signature.clone(), vec![0]].concat(),
            [vec![0], signature.clone()].concat(),
            vec![0x30; 20_000],
        ] {
            let forged = format!("{input}.{}", compact::encode(bad));
            assert_eq!(present(&forged, &keys), Err(InvalidJws::Signature), "{algorithm}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in any::<String>()) {
        drop(UnverifiedJws::parse(&text));
    }

    #[test]
    fn any_three_parts_are_read_or_refused_without_a_panic(
        header in any::<Vec<u8>>(), payload in any::<Vec<u8>>(), signature in any::<Vec<u8>>(),
    ) {
        let parts = [header, payload, signature].map(compact::encode);
        drop(UnverifiedJws::parse(&parts.join(".")));
    }

    #[test]
    fn a_signature_of_any_bytes_never_verifies(signature in any::<Vec<u8>>()) {
        // A known public key; nobody guesses a signature.
        let keys = set(&[json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        })]);
        let header = compact::encode(r#"{"alg":"EdDSA"}"#);
        let jws = format!("{header}.e30.{}", compact::encode(signature));
        prop_assert_eq!(present(&jws, &keys), Err(InvalidJws::Signature));
    }

    #[test]
    fn any_json_is_a_key_set_or_refused_without_a_panic(
        kty in "EC|RSA|OKP|oct|.{0,4}", crv in "P-256|Ed25519|.{0,4}",
        x in "[A-Za-z0-9_-]{0,50}", y in "[A-Za-z0-9_-]{0,50}", n in "[A-Za-z0-9_-]{0,400}",
    ) {
        let value = json!({ "keys": [{ "kty": kty, "crv": crv, "x": x, "y": y, "n": n, "e": "AQAB" }] });
        drop(JwkSet::parse(&value));
        drop(JwkSet::parse_fetched(&value));
    }
}
