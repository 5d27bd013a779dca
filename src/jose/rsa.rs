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
