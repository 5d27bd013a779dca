//! What a client assertion costs with kept keys: reading it, and every check of RFC 7523 §3.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]

use countersign::jose::{Algorithm, JwkSet, SigningKey};
use countersign::protocol::client_authentication::client_assertion::JWT_BEARER;
use countersign::protocol::client_authentication::{
    Addressee, AudienceRule, Credential, OurNames, UnverifiedAssertion,
};
use countersign::protocol::parameters::{FORM, Parameters};
use countersign::types::{Issuer, Timestamp};
use divan::{Bencher, black_box};
use serde_json::json;

const MEASURED: [Algorithm; 3] = [Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa];

fn main() {
    divan::main();
}

fn now() -> Timestamp {
    Timestamp::from_epoch(1_795_000_000).unwrap()
}

fn issuer() -> Issuer {
    Issuer::parse("https://as.bank.example").unwrap()
}

fn assertion(key: &SigningKey) -> String {
    let claims = json!({
        "iss": "cl_5f2b9c0a7d5f2b9c0a7d5f2b9c", "sub": "cl_5f2b9c0a7d5f2b9c0a7d5f2b9c",
        "aud": issuer(), "jti": "b1c6f0f1c7b84c5d9e1f", "iat": now(), "exp": now().plus(60),
    });
    key.sign("JWT", &claims).unwrap()
}

#[divan::bench(args = MEASURED)]
fn verify(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let key = SigningKey::generate(algorithm).unwrap();
    let keys = JwkSet::parse(&json!({ "keys": [key.public_jwk()] })).unwrap();
    let assertion = assertion(&key);
    let us = OurNames { issuer: issuer(), endpoints: Vec::new() };
    let addressee = Addressee { us: &us, rule: AudienceRule::default() };
    bencher.bench(|| {
        let unverified = UnverifiedAssertion::parse(black_box(&assertion), None).unwrap();
        unverified.verify(&keys, &[algorithm], addressee, now()).unwrap()
    });
}

/// From the bytes of the request to whose keys to look up.
#[divan::bench]
fn read_a_token_request(bencher: Bencher<'_, '_>) {
    let assertion = assertion(&SigningKey::generate(Algorithm::Es256).unwrap());
    let body = format!(
        "grant_type=client_credentials&scope=accounts%3Aread\
         &client_assertion_type={JWT_BEARER}&client_assertion={assertion}"
    );
    bencher.bench(|| {
        let parameters = Parameters::parse(Some(FORM), black_box(body.as_bytes()), &[]).unwrap();
        Credential::parse(None, &parameters).unwrap()
    });
}
