//! What signs once a private key has been read ([RFC 7518] §3.3 to §3.5, RFC 8037 §3.1), kept with the
//! key (FLR-1, FLR-2).
//!
//! Curves are aws-lc's, which signs almost twice as fast as OpenSSL (FLR-1); RSA is josekit's.
//!
//! [RFC 7518]: https://www.rfc-editor.org/rfc/rfc7518

use aws_lc_rs::digest::{SHA256, SHA384, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
};
use josekit::jwk::Jwk;
use josekit::jws::{JwsSigner, PS256, RS256, RS384};
use serde_json::{Map, Value};

use crate::jose::algorithm::Algorithm;
use crate::jose::compact;
use crate::jose::key_material::Material;
use crate::jose::verifier::{point, point_384};

/// A private key, ready to sign. It is never printed.
pub(super) enum Signer {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<dyn JwsSigner>),
}

impl Signer {
    /// Imports the private members beside what they belong to; nothing if they are not sound, or do not
    /// belong to it.
    pub(super) fn new(
        private: &Map<String, Value>,
        material: &Material,
        algorithm: Algorithm,
    ) -> Option<Self> {
        Some(match (material, algorithm) {
            (Material::P256 { x, y }, Algorithm::Es256) => {
                let curve = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let (d, public) = (secret::<32>(private)?, point(x, y));
                let pair = EcdsaKeyPair::from_private_key_and_public_key(curve, &d, &public);
                Self::P256(pair.ok()?)
            }
            (Material::P384 { x, y }, Algorithm::Es384) => {
                let curve = &ECDSA_P384_SHA384_FIXED_SIGNING;
                let (d, public) = (secret::<48>(private)?, point_384(x, y));
                let pair = EcdsaKeyPair::from_private_key_and_public_key(curve, &d, &public);
                Self::P384(pair.ok()?)
            }
            (Material::Ed25519 { x }, Algorithm::EdDsa) => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(&secret::<32>(private)?, x);
                Self::Ed25519(pair.ok()?)
            }
            (Material::Rsa { .. }, Algorithm::Ps256) => {
                Self::Rsa(Box::new(PS256.signer_from_jwk(&jwk(private)?).ok()?))
            }
            (Material::Rsa { .. }, Algorithm::Rs256) => {
                Self::Rsa(Box::new(RS256.signer_from_jwk(&jwk(private)?).ok()?))
            }
            (Material::Rsa { .. }, Algorithm::Rs384) => {
                Self::Rsa(Box::new(RS384.signer_from_jwk(&jwk(private)?).ok()?))
            }
            (
                Material::P256 { .. }
                | Material::P384 { .. }
                | Material::Ed25519 { .. }
                | Material::Rsa { .. },
                _,
            ) => return None,
        })
    }

    /// Signs; nothing if the library fails.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::P256(pair) => {
                let signature = pair.sign_digest(&digest(&SHA256, message)).ok()?;
                Some(signature.as_ref().to_vec())
            }
            Self::P384(pair) => {
                let signature = pair.sign_digest(&digest(&SHA384, message)).ok()?;
                Some(signature.as_ref().to_vec())
            }
            Self::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
            Self::Rsa(signer) => signer.sign(message).ok(),
        }
    }
}

/// `d`, as long as the curve has it: some libraries leave leading zeros out.
fn secret<const BYTES: usize>(private: &Map<String, Value>) -> Option<[u8; BYTES]> {
    let bytes = compact::decode(private.get("d")?.as_str()?)?;
    let missing = BYTES.checked_sub(bytes.len()).filter(|missing| *missing < BYTES)?;
    let mut secret = [0; BYTES];
    for (place, byte) in secret.iter_mut().skip(missing).zip(bytes) {
        *place = byte;
    }
    Some(secret)
}

fn jwk(private: &Map<String, Value>) -> Option<Jwk> {
    Jwk::from_map(private.clone()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn private(bytes: &[u8]) -> Map<String, Value> {
        let members = json!({ "d": compact::encode(bytes) });
        members.as_object().unwrap().clone()
    }

    #[test]
    fn a_secret_whose_leading_zeros_were_left_out_is_the_same() {
        let mut whole = [7; 32];
        whole[0] = 0;
        assert_eq!(secret(&private(&whole)), Some(whole));
        assert_eq!(secret(&private(&whole[1..])), Some(whole));
        assert_eq!(secret::<32>(&private(&[7; 33])), None);
        assert_eq!(secret::<32>(&private(&[])), None);
        assert_eq!(secret::<32>(&Map::new()), None);
    }

    #[test]
    fn the_key_of_the_standard_signs_as_the_standard_does() {
        // RFC 8037 appendix A.1 and A.4; Ed25519 signatures are the same each time.
        let number = |text: &str| <[u8; 32]>::try_from(compact::decode(text).unwrap()).unwrap();
        let material =
            Material::Ed25519 { x: number("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo") };
        let members = private(&number("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"));
        let signer = Signer::new(&members, &material, Algorithm::EdDsa).unwrap();
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        assert_eq!(
            compact::encode(signer.sign(message).unwrap()),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        assert!(Signer::new(&members, &material, Algorithm::Es256).is_none());
    }
}
