//! What the parts cost on this machine, in this run: raw OpenSSL with the keys kept.

use std::hint::black_box;
use std::time::{Duration, Instant};

use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;
use openssl::sha::sha256;

use crate::server;

/// Microseconds per ES256 signature and per verification.
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
