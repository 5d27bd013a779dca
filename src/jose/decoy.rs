//! Work for nothing: what is refused before a signature is looked at costs as much as a bad
//! signature, so that the time of an answer does not tell who exists (SEC-29).

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::jose::jwk::PublicKey;
use crate::jose::jws::UnverifiedJws;
use crate::jose::mac::UnverifiedMac;
use crate::types::Secret;

/// Three points and a modulus whose private halves nobody has kept. They need not be trusted: what a
/// decoy says of a signature is thrown away.
fn decoys() -> [Value; 4] {
    [
        json!({
            "kty": "EC", "crv": "P-256",
            "x": "W7Y1ecZNAHW1Fio8uHo7Os1fWnMEVgo9hf3KKuS6kqs",
            "y": "s1va-hbuU3qohNMI8G0WG4_h_5lFWE2HTumPNrFxOlM",
        }),
        json!({
            "kty": "EC", "crv": "P-384",
            "x": "XT5Ewf-W3A7uBDBPNQelIYxTRftQ24QkzfQ3FoGaLt5zwthWq4Xgv2iB7498Ey9E",
            "y": "iAqC3uZk6S6VRBczeqfBCL3ze06SqqBcWUaHSwBiowsDdyPKUFVNH36KFgPZJWTX",
        }),
        json!({
            "kty": "RSA", "e": "AQAB",
            "n": "kFvK1TZD8znDazL3YX9avLHpwjpMoJBk34UpBAvluRXDrAvYlT2H8GYindid8EFYn_B82XWgHilW2asS\
                  7BBAj8Nc8x92cWzH_V8Y6RGWMMzV8Iup8nZ1oc0iupY5IFvH8j7TBs_12SMbS3vrwGJPMF11gonFZxiQ\
                  4sI6bcNK1nNQ793kFIMRG-JPjbFBRvoGy13yyQZoYYimTjh7AS9-AbKb7nRlrwN9VwxoPb9vBnh-rV3s\
                  GRlan0E8hu_fr_DuHrpRd4J5w8PtzDXR3ZNiRdCFNQNPaaawMDsqHBwUTsFUzDWxRu5vsw41sQsEBQ2r\
                  0yoQWU4l-rdYOjeQrZSpBw",
        }),
        json!({
            "kty": "OKP", "crv": "Ed25519",
            "x": "pGlTL1Zv3MiAT5UYA0L2xJ0sbZsUk67df__7uC6JXoM",
        }),
    ]
}

/// What a code is compared with in vain.
const NOBODYS_SECRET: &str = "this is the secret of nobody at all";

/// One key of each type, imported once, under which nothing is ever believed.
#[derive(Debug)]
pub struct DecoyKeys {
    keys: Vec<PublicKey>,
    verified: AtomicU64,
}

impl Default for DecoyKeys {
    fn default() -> Self {
        let keys = decoys().iter().filter_map(|jwk| PublicKey::from_jwk(jwk).ok()).collect();
        Self { keys, verified: AtomicU64::new(0) }
    }
}

impl DecoyKeys {
    /// Verifies a signature in vain, with the key whose type fits.
    pub fn verify(&self, jws: &UnverifiedJws) {
        let algorithm = jws.header().algorithm;
        let fits = |key: &&PublicKey| key.algorithms().contains(&algorithm);
        if let Some(key) = self.keys.iter().find(fits) {
            std::hint::black_box(jws.is_by(key));
            self.verified.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Compares a code that was made with a secret in vain.
    pub fn verify_mac(&self, mac: &UnverifiedMac) {
        std::hint::black_box(mac.is_by(&Secret::new(NOBODYS_SECRET)));
        self.verified.fetch_add(1, Ordering::Relaxed);
    }

    /// How many signatures have been verified in vain.
    #[must_use]
    pub fn verified(&self) -> u64 {
        self.verified.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::Algorithm;
    use crate::jose::SigningKey;

    #[test]
    fn there_is_a_decoy_for_every_algorithm() {
        let decoys = DecoyKeys::default();
        for (algorithm, verified) in Algorithm::ALL.into_iter().zip(1..) {
            let key = SigningKey::generate(algorithm).unwrap();
            let jws = UnverifiedJws::parse(&key.sign("JWT", &json!({})).unwrap()).unwrap();
            decoys.verify(&jws);
            assert_eq!(decoys.verified(), verified, "{algorithm}");
        }
    }
}
