//! What verifies signatures once a key has been read ([RFC 7518] §3.3 to §3.5, RFC 8037 §3.1), built
//! from the numbers of the key and kept with it (FLR-1, FLR-2).
//!
//! Curves are aws-lc's, which verifies a third faster than OpenSSL (FLR-1); RSA is OpenSSL's, which takes
//! every exponent that we take.
//!
//! [RFC 7518]: https://www.rfc-editor.org/rfc/rfc7518

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
};
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Public};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{self, RsaPssSaltlen};

use crate::jose::algorithm::Algorithm;
use crate::jose::key_material::Material;

/// A public key, ready to verify.
pub(super) enum Verifier {
    P256(ParsedPublicKey),
    P384(ParsedPublicKey),
    Ed25519(ParsedPublicKey),
    Rsa(PKey<Public>),
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::P256(_) => "P256",
            Self::P384(_) => "P384",
            Self::Ed25519(_) => "Ed25519",
            Self::Rsa(_) => "Rsa",
        })
    }
}

impl Verifier {
    /// Imports a key whose members have been checked; nothing if its coordinates are no point of its
    /// curve.
    pub(super) fn new(material: &Material) -> Option<Self> {
        match material {
            Material::P256 { x, y } => {
                let point = point(x, y);
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok().map(Self::P256)
            }
            Material::P384 { x, y } => {
                let point = point_384(x, y);
                ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).ok().map(Self::P384)
            }
            Material::Ed25519 { x } => ParsedPublicKey::new(&ED25519, x).ok().map(Self::Ed25519),
            Material::Rsa { n, e } => rsa(n, e).ok().map(Self::Rsa),
        }
    }

    /// Whether `signature` over `message` is by this key under `algorithm`.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::P256(key), Algorithm::Es256)
            | (Self::P384(key), Algorithm::Es384)
            | (Self::Ed25519(key), Algorithm::EdDsa) => key.verify_sig(message, signature).is_ok(),
            (Self::Rsa(key), Algorithm::Ps256) => {
                let hash = MessageDigest::sha256();
                verify_rsa(key, Padding::PKCS1_PSS, hash, message, signature).unwrap_or(false)
            }
            (Self::Rsa(key), Algorithm::Rs256) => {
                let hash = MessageDigest::sha256();
                verify_rsa(key, Padding::PKCS1, hash, message, signature).unwrap_or(false)
            }
            (Self::Rsa(key), Algorithm::Rs384) => {
                let hash = MessageDigest::sha384();
                verify_rsa(key, Padding::PKCS1, hash, message, signature).unwrap_or(false)
            }
            (Self::P256(_) | Self::P384(_) | Self::Ed25519(_) | Self::Rsa(_), _) => false,
        }
    }
}

/// SEC 1 §2.3.3: a point of which nothing is left out.
pub(super) fn point(x: &[u8; 32], y: &[u8; 32]) -> [u8; 65] {
    let mut point = [4; 65];
    let (_, coordinates) = point.split_at_mut(1);
    for (place, byte) in coordinates.iter_mut().zip(x.iter().chain(y)) {
        *place = *byte;
    }
    point
}

/// The same on P-384.
pub(super) fn point_384(x: &[u8; 48], y: &[u8; 48]) -> [u8; 97] {
    let mut point = [4; 97];
    let (_, coordinates) = point.split_at_mut(1);
    for (place, byte) in coordinates.iter_mut().zip(x.iter().chain(y)) {
        *place = *byte;
    }
    point
}

fn rsa(n: &[u8], e: &[u8]) -> Result<PKey<Public>, ErrorStack> {
    let (n, e) = (BigNum::from_slice(n)?, BigNum::from_slice(e)?);
    PKey::from_rsa(Rsa::from_public_components(n, e)?)
}

/// RFC 7518 §3.5: the salt of a PSS signature is as long as the hash, and MGF1 uses the same hash.
fn verify_rsa(
    key: &PKey<Public>,
    padding: Padding,
    hash: MessageDigest,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, ErrorStack> {
    let mut verifier = sign::Verifier::new(hash, key)?;
    verifier.set_rsa_padding(padding)?;
    if padding == Padding::PKCS1_PSS {
        verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        verifier.set_rsa_mgf1_md(hash)?;
    }
    verifier.verify_oneshot(signature, message)
}

#[cfg(test)]
mod tests {
    use openssl::pkey::Private;

    use super::*;

    fn signature(key: &PKey<Private>, salt: RsaPssSaltlen, mgf: MessageDigest) -> Vec<u8> {
        let mut signer = sign::Signer::new(MessageDigest::sha256(), key).unwrap();
        signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        signer.set_rsa_pss_saltlen(salt).unwrap();
        signer.set_rsa_mgf1_md(mgf).unwrap();
        signer.sign_oneshot_to_vec(b"message").unwrap()
    }

    #[test]
    fn a_pss_signature_has_the_salt_and_the_mask_of_the_standard() {
        let made = Rsa::generate(2048).unwrap();
        let material = Material::Rsa { n: made.n().to_vec(), e: made.e().to_vec() };
        let key = PKey::from_rsa(made).unwrap();
        let verifier = Verifier::new(&material).unwrap();
        let (sha256, sha1) = (MessageDigest::sha256(), MessageDigest::sha1());
        for (salt, mask, good) in [
            (RsaPssSaltlen::DIGEST_LENGTH, sha256, true),
            (RsaPssSaltlen::custom(32), sha256, true),
            (RsaPssSaltlen::custom(0), sha256, false),
            (RsaPssSaltlen::custom(31), sha256, false),
            (RsaPssSaltlen::MAXIMUM_LENGTH, sha256, false),
            (RsaPssSaltlen::DIGEST_LENGTH, sha1, false),
        ] {
            let signature = signature(&key, salt, mask);
            assert_eq!(verifier.verifies(Algorithm::Ps256, b"message", &signature), good);
            assert!(!verifier.verifies(Algorithm::Rs256, b"message", &signature));
            assert!(!verifier.verifies(Algorithm::Es256, b"message", &signature));
        }
    }

    #[test]
    fn what_another_library_signs_with_sha_384_verifies_under_that_algorithm_alone() {
        use josekit::jwk::Jwk;
        use josekit::jws::{ES384, JwsSigner, RS384};
        for algorithm in [Algorithm::Es384, Algorithm::Rs384] {
            let key = crate::jose::SigningKey::generate(algorithm).unwrap();
            let jwk = Jwk::from_bytes(key.private_jwk().reveal()).unwrap();
            let signer: Box<dyn JwsSigner> = if algorithm == Algorithm::Es384 {
                Box::new(ES384.signer_from_jwk(&jwk).unwrap())
            } else {
                Box::new(RS384.signer_from_jwk(&jwk).unwrap())
            };
            let members = key.public_jwk();
            let (_, material) =
                crate::jose::key_material::read(members.as_object().unwrap()).unwrap();
            let verifier = Verifier::new(&material).unwrap();
            let mut signature = signer.sign(b"message").unwrap();
            for other in Algorithm::ALL {
                let good = verifier.verifies(other, b"message", &signature);
                assert_eq!(good, other == algorithm, "{other}");
            }
            assert!(!verifier.verifies(algorithm, b"another", &signature));
            signature[7] ^= 1;
            assert!(!verifier.verifies(algorithm, b"message", &signature));
        }
    }

    #[test]
    fn the_signatures_of_the_standards_verify() {
        // RFC 7515 appendix A.3 (ES256) and RFC 8037 appendix A.4 (EdDSA).
        let decode = |text: &str| crate::jose::compact::decode(text).unwrap();
        let number = |text: &str| <[u8; 32]>::try_from(decode(text)).unwrap();
        let p256 = Material::P256 {
            x: number("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
            y: number("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
        };
        let message = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = decode(
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        );
        check(&p256, Algorithm::Es256, message, signature);
        let ed25519 =
            Material::Ed25519 { x: number("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo") };
        let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = decode(
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        );
        check(&ed25519, Algorithm::EdDsa, message, signature);
    }

    fn check(material: &Material, algorithm: Algorithm, message: &str, mut signature: Vec<u8>) {
        let verifier = Verifier::new(material).unwrap();
        assert!(verifier.verifies(algorithm, message.as_bytes(), &signature));
        assert!(!verifier.verifies(algorithm, b"another", &signature));
        assert!(!verifier.verifies(Algorithm::Ps256, message.as_bytes(), &signature));
        signature.push(0);
        assert!(!verifier.verifies(algorithm, message.as_bytes(), &signature));
        signature.truncate(63);
        assert!(!verifier.verifies(algorithm, message.as_bytes(), &signature));
        assert!(!verifier.verifies(algorithm, message.as_bytes(), &[0; 64]));
        assert!(!verifier.verifies(algorithm, message.as_bytes(), &[]));
    }
}
