//! What the parts cost on this machine, in this run: raw OpenSSL with the keys kept, and one commit.

use std::hint::black_box;
use std::time::{Duration, Instant};

use diesel::Connection as _;
use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use diesel::sqlite::SqliteConnection;
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private, Public};
use openssl::rsa::{Padding, Rsa};
use openssl::sha::sha256;
use openssl::sign::{RsaPssSaltlen, Signer, Verifier};

use crate::server;

/// Microseconds of processor time per ES256 signature and per verification.
#[derive(Clone, Copy)]
pub(crate) struct Floor {
    pub(crate) sign_micros: f64,
    pub(crate) verify_micros: f64,
}

/// Measures both for `time` each, on this core.
pub(crate) fn measure(time: Duration) -> Floor {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256");
    let key = EcKey::generate(&group).expect("a key");
    let public = EcKey::from_public_key(&group, key.public_key()).expect("its public half");
    let message = [7_u8; 700];
    let signature = EcdsaSig::sign(&sha256(&message), &key).expect("a signature");
    Floor {
        sign_micros: per_call(time, || {
            black_box(EcdsaSig::sign(&sha256(black_box(&message)), &key).expect("a signature"));
        }),
        verify_micros: per_call(time, || {
            assert!(signature.verify(&sha256(black_box(&message)), &public).expect("an answer"));
        }),
    }
}

/// What a registration cannot do without, in microseconds of processor time.
#[derive(Clone, Copy)]
pub(crate) struct RegistrationFloor {
    /// PS256 with a kept key: the statement's signature.
    pub(crate) verify: f64,
    /// PS256 with a key that is imported for it: the request's signature.
    pub(crate) import_and_verify: f64,
    /// One row of four kilobytes, durable (`synchronous = FULL`).
    pub(crate) commit: f64,
}

/// Measures the three for `time` each, on this core.
pub(crate) fn registration(time: Duration) -> RegistrationFloor {
    let rsa = Rsa::generate(2048).expect("a key");
    let (n, e) = (rsa.n().to_vec(), rsa.e().to_vec());
    let private = PKey::from_rsa(rsa).expect("a key");
    let message = [7_u8; 1500];
    let signature = sign(&private, &message);
    let kept = import(&n, &e);
    let folder = tempfile::tempdir().expect("a folder");
    let mut database = database(&folder.path().join("floor.sqlite"));
    RegistrationFloor {
        verify: per_call(time, || assert!(verify(&kept, &message, &signature))),
        import_and_verify: per_call(time, || {
            assert!(verify(&import(black_box(&n), &e), &message, &signature));
        }),
        commit: per_call(time, || {
            diesel::sql_query("INSERT INTO floor (value) VALUES (zeroblob(4096))")
                .execute(&mut database)
                .expect("a commit");
        }),
    }
}

fn import(n: &[u8], e: &[u8]) -> PKey<Public> {
    let number = |bytes| openssl::bn::BigNum::from_slice(bytes).expect("a number");
    let key = Rsa::from_public_components(number(n), number(e)).expect("a public key");
    PKey::from_rsa(key).expect("a public key")
}

fn sign(key: &PKey<Private>, message: &[u8]) -> Vec<u8> {
    let mut signer = Signer::new(MessageDigest::sha256(), key).expect("a signer");
    signer.set_rsa_padding(Padding::PKCS1_PSS).expect("PSS");
    signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).expect("PSS");
    signer.sign_oneshot_to_vec(message).expect("a signature")
}

fn verify(key: &PKey<Public>, message: &[u8], signature: &[u8]) -> bool {
    let mut verifier = Verifier::new(MessageDigest::sha256(), key).expect("a verifier");
    verifier.set_rsa_padding(Padding::PKCS1_PSS).expect("PSS");
    verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).expect("PSS");
    verifier.verify_oneshot(signature, message).expect("an answer")
}

fn database(file: &std::path::Path) -> SqliteConnection {
    let name = file.display().to_string();
    let mut database = SqliteConnection::establish(&name).expect("a database");
    database
        .batch_execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE floor (value BLOB)",
        )
        .expect("a table");
    database
}

/// Processor time, like the server's, so that whatever else runs on the machine counts on neither
/// side. Nothing else runs in this process meanwhile.
fn per_call(time: Duration, mut call: impl FnMut()) -> f64 {
    let (start, cpu) = (Instant::now(), server::cpu_micros_of("self"));
    let mut calls = 0_u32;
    while start.elapsed() < time {
        for _ in 0..100 {
            call();
        }
        calls += 100;
    }
    (server::cpu_micros_of("self") - cpu) / f64::from(calls)
}
