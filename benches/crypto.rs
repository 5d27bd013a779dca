//! What signatures cost with kept keys, what importing a key costs, and the bare library's cost of
//! the same operation beside each (FLR-1, FLR-2, FLR-15): the ratio is the gate, never the rate.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]

use countersign::jose::Algorithm;
use countersign::jose::JwkSet;
use countersign::jose::SigningKey;
use countersign::jose::UnverifiedJws;
use divan::Bencher;
use divan::black_box;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::pkey::Private;
use openssl::rsa::Padding;
use openssl::sign::RsaPssSaltlen;
use openssl::sign::Signer;
use openssl::sign::Verifier;
use serde_json::Value;
use serde_json::json;

const MEASURED: [Algorithm; 3] = [Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa];

fn main() {
    divan::main();
}

/// The claims of an ordinary client assertion.
fn claims() -> Value {
    json!({
        "iss": "client_5f2b9c0a7d", "sub": "client_5f2b9c0a7d", "aud": "https://as.bank.example",
        "jti": "b1c6f0f1c7b84c5d9e1f", "iat": 1_790_000_000, "exp": 1_790_000_060,
    })
}

fn signing_input() -> Vec<u8> {
    let jws = SigningKey::generate(Algorithm::Es256).unwrap().sign("JWT", &claims()).unwrap();
    jws.rsplit_once('.').unwrap().0.as_bytes().to_vec()
}

#[divan::bench(args = MEASURED)]
fn parse_and_verify(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let key = SigningKey::generate(algorithm).unwrap();
    let keys = JwkSet::parse(&json!({ "keys": [key.public_jwk()] })).unwrap();
    let jws = key.sign("JWT", &claims()).unwrap();
    bencher.bench(|| UnverifiedJws::parse(black_box(&jws)).unwrap().verify(&keys, &[algorithm]));
}

#[divan::bench]
fn parse_alone(bencher: Bencher<'_, '_>) {
    let jws = SigningKey::generate(Algorithm::Es256).unwrap().sign("JWT", &claims()).unwrap();
    bencher.bench(|| UnverifiedJws::parse(black_box(&jws)));
}

#[divan::bench(args = MEASURED)]
fn floor_of_verifying(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let key = bare_key(algorithm);
    let message = signing_input();
    let signature = bare_signature(&key, &message);
    bencher.bench(|| {
        let verified = if algorithm == Algorithm::EdDsa {
            let mut verifier = Verifier::new_without_digest(&key).unwrap();
            verifier.verify_oneshot(&signature, &message)
        } else {
            let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
            if algorithm == Algorithm::Ps256 {
                verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
                verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
            }
            verifier.verify_oneshot(&signature, &message)
        };
        assert!(verified.unwrap());
    });
}

#[divan::bench(args = MEASURED)]
fn sign(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let key = SigningKey::generate(algorithm).unwrap();
    let claims = claims();
    bencher.bench(|| key.sign("at+jwt", black_box(&claims)));
}

#[divan::bench(args = MEASURED)]
fn floor_of_signing(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let key = bare_key(algorithm);
    let message = signing_input();
    bencher.bench(|| bare_signature(&key, black_box(&message)));
}

#[divan::bench(args = MEASURED)]
fn import_a_public_key(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let set = json!({ "keys": [SigningKey::generate(algorithm).unwrap().public_jwk()] });
    bencher.bench(|| JwkSet::parse(black_box(&set)));
}

#[divan::bench(args = MEASURED)]
fn import_a_signing_key(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let key = SigningKey::generate(algorithm).unwrap();
    let jwk: Value = serde_json::from_str(key.private_jwk().reveal()).unwrap();
    bencher.bench(|| SigningKey::from_jwk(black_box(&jwk)));
}

fn bare_key(algorithm: Algorithm) -> PKey<Private> {
    match algorithm {
        Algorithm::Es256 => PKey::ec_gen("P-256").unwrap(),
        Algorithm::Es384 => PKey::ec_gen("P-384").unwrap(),
        Algorithm::Ps256 | Algorithm::Rs256 | Algorithm::Rs384 => {
            PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap()
        }
        Algorithm::EdDsa => PKey::generate_ed25519().unwrap(),
    }
}

fn bare_signature(key: &PKey<Private>, message: &[u8]) -> Vec<u8> {
    if key.id() == openssl::pkey::Id::ED25519 {
        return Signer::new_without_digest(key).unwrap().sign_oneshot_to_vec(message).unwrap();
    }
    let mut signer = Signer::new(MessageDigest::sha256(), key).unwrap();
    if key.id() == openssl::pkey::Id::RSA {
        signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
    }
    signer.sign_oneshot_to_vec(message).unwrap()
}
