//! Which RSA public keys are usable ([RFC 7518] §3.3, §6.3.1): neither too weak nor too costly
//! (SEC-39).
//!
//! [RFC 7518]: https://www.rfc-editor.org/rfc/rfc7518

use crate::jose::jwk::KeyProblem;

/// The least modulus, in bits.
const LEAST_BITS: usize = 2048;
/// The largest modulus, in bits: verification costs grow with its square.
const MOST_BITS: usize = 4096;
/// The least public exponent, 2¹⁶ + 1.
const LEAST_EXPONENT: u64 = 65_537;

/// Checks a modulus and a public exponent, both big-endian as the JWK writes them.
pub(super) fn check(modulus: &[u8], exponent: &[u8]) -> Result<(), KeyProblem> {
    let bits = bits(modulus).ok_or(KeyProblem::MalformedMember("n"))?;
    if !(LEAST_BITS..=MOST_BITS).contains(&bits) {
        return Err(KeyProblem::ModulusSize(bits));
    }
    if is_even(modulus) {
        return Err(KeyProblem::EvenModulus);
    }
    self::bits(exponent).ok_or(KeyProblem::MalformedMember("e"))?;
    let value = number(exponent).ok_or(KeyProblem::Exponent)?;
    if value < LEAST_EXPONENT || is_even(exponent) {
        return Err(KeyProblem::Exponent);
    }
    Ok(())
}

/// The length of a number in bits; none if it is empty or begins with a zero byte (RFC 7518 §2
/// wants the fewest bytes, so that each key has one thumbprint).
fn bits(number: &[u8]) -> Option<usize> {
    let first = number.first().filter(|first| **first != 0)?;
    let whole = number.len().checked_mul(8)?;
    whole.checked_sub(usize::try_from(first.leading_zeros()).ok()?)
}

fn is_even(number: &[u8]) -> bool {
    number.last().is_none_or(|last| last % 2 == 0)
}

/// The value of a number of at most eight bytes.
fn number(bytes: &[u8]) -> Option<u64> {
    let mut padded = [0_u8; 8];
    let start = padded.len().checked_sub(bytes.len())?;
    padded.get_mut(start..)?.copy_from_slice(bytes);
    Some(u64::from_be_bytes(padded))
}

#[cfg(test)]
mod tests {
    use openssl::bn::BigNum;

    use super::*;

    const E: &[u8] = &[1, 0, 1];

    fn modulus(bits: usize) -> Vec<u8> {
        let mut number = BigNum::from_u32(1).unwrap();
        number.set_bit(i32::try_from(bits).unwrap().saturating_sub(1)).unwrap();
        number.to_vec()
    }

    #[test]
    fn a_modulus_has_2048_to_4096_bits() {
        for good in [2048, 3072, 4096] {
            assert_eq!(check(&modulus(good), E), Ok(()));
        }
        for bad in [512, 1024, 2047, 4097, 16_384] {
            assert_eq!(check(&modulus(bad), E), Err(KeyProblem::ModulusSize(bad)));
        }
    }

    #[test]
    fn an_even_modulus_and_a_leading_zero_are_refused() {
        let mut even = modulus(2048);
        *even.last_mut().unwrap() = 0xfe;
        assert_eq!(check(&even, E), Err(KeyProblem::EvenModulus));
        let padded = [vec![0], modulus(2048)].concat();
        assert_eq!(check(&padded, E), Err(KeyProblem::MalformedMember("n")));
        assert_eq!(check(&[], E), Err(KeyProblem::MalformedMember("n")));
    }

    #[test]
    fn an_exponent_that_is_small_even_enormous_or_padded_is_refused() {
        let n = modulus(2048);
        for small in [&[1_u8][..], &[3], &[17], &[1, 0, 0], &[0xff, 0xff]] {
            assert_eq!(check(&n, small), Err(KeyProblem::Exponent), "{small:?}");
        }
        assert_eq!(check(&n, &[1, 0, 2]), Err(KeyProblem::Exponent));
        assert_eq!(check(&n, &[1, 0, 0, 0, 0, 0, 0, 0, 1]), Err(KeyProblem::Exponent));
        assert_eq!(check(&n, &[0, 1, 0, 1]), Err(KeyProblem::MalformedMember("e")));
        assert_eq!(check(&n, &[]), Err(KeyProblem::MalformedMember("e")));
    }
}
