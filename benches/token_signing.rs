//! What an access token costs: signing its claims, and reading and verifying it again.

#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]

use countersign::jose::{Algorithm, JwkSet, SigningKey, UnverifiedJws};
use countersign::protocol::token::AccessTokenClaims;
use countersign::protocol::token::access_token::{Audience, TYPE};
use countersign::types::{
    ClientId, Issuer, OrganisationId, ResourceUri, ScopeSet, SoftwareId, Timestamp,
};
use divan::{Bencher, black_box};
use serde_json::json;

const MEASURED: [Algorithm; 3] = [Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa];

fn main() {
    divan::main();
}

fn claims() -> AccessTokenClaims {
    let now = Timestamp::from_epoch(1_795_000_000).unwrap();
    let client_id = ClientId::from_random("5f2b9c0a7d5f2b9c0a7d5f2b9c");
    AccessTokenClaims {
        iss: Issuer::parse("https://as.bank.example").unwrap(),
        sub: client_id.clone(),
        aud: Audience::One(ResourceUri::parse("https://api.bank.example/accounts").unwrap()),
        exp: now.plus(300),
        iat: now,
        jti: "n3k2v5c7x4z6q2w3e4r5t6y7u2".to_owned(),
        client_id,
        client_key: Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs".to_owned()),
        cnf: None,
        acr: None,
        auth_time: None,
        scope: ScopeSet::parse("accounts:read balances:read").unwrap(),
        org: OrganisationId::from_random("5f2b9c0a7d5f2b9c0a7d5f2b9c"),
        software_id: SoftwareId::parse("software-5f2b9c0a").unwrap(),
        policy_digest: format!("sha256:{}", "0".repeat(64)),
    }
}

#[divan::bench(args = MEASURED)]
fn sign(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let (key, claims) = (SigningKey::generate(algorithm).unwrap(), claims());
    bencher.bench(|| key.sign(TYPE, black_box(&claims)).unwrap());
}

/// The first sight of a token at introspection.
#[divan::bench(args = MEASURED)]
fn verify_and_read(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let (key, claims) = (SigningKey::generate(algorithm).unwrap(), claims());
    let keys = JwkSet::parse(&json!({ "keys": [key.public_jwk()] })).unwrap();
    let token = key.sign(TYPE, &claims).unwrap();
    bencher.bench(|| {
        let unverified = UnverifiedJws::parse(black_box(&token)).unwrap();
        let verified = unverified.verify(&keys, &[algorithm]).unwrap();
        AccessTokenClaims::read(Some(TYPE), verified.claims, &claims.iss).unwrap()
    });
}
