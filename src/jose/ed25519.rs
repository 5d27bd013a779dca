//! Whether 32 bytes are a usable Ed25519 public key ([RFC 8032] §5.1.3).
//!
//! OpenSSL takes any 32 bytes for a key. A key that is no point never verifies; one of small order
//! lets anybody sign. Both are refused when the key is read (SEC-39).
//!
//! [RFC 8032]: https://www.rfc-editor.org/rfc/rfc8032

use openssl::bn::{BigNum, BigNumContext};
use openssl::error::ErrorStack;

/// The field's prime, 2²⁵⁵ − 19.
const PRIME: &str = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";
/// Half of the prime less one: the exponent that tells squares from other numbers.
const HALF: &str = "3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff6";
/// The curve's constant is d = −121665/121666; both halves of the fraction are used alone.
const NUMERATOR: u32 = 121_665;
const DENOMINATOR: u32 = 121_666;

/// Whether `key` encodes a point of the curve, canonically, and not one of the eight of small order.
pub(super) fn is_sound(key: &[u8; 32]) -> bool {
    check(key).unwrap_or(false)
}

fn check(key: &[u8; 32]) -> Result<bool, ErrorStack> {
    let mut context = BigNumContext::new()?;
    let context = &mut context;
    let prime = BigNum::from_hex_str(PRIME)?;
    let y = coordinate(key)?;
    if y >= prime {
        return Ok(false);
    }
    let one = BigNum::from_u32(1)?;
    let numerator = BigNum::from_u32(NUMERATOR)?;
    let denominator = BigNum::from_u32(DENOMINATOR)?;

    // x² = (y² − 1) / (d·y² + 1), both sides of the fraction multiplied by the denominator of d.
    let square = product(&y, &y, &prime, context)?;
    let above =
        product(&difference(&square, &one, &prime, context)?, &denominator, &prime, context)?;
    let scaled = product(&numerator, &square, &prime, context)?;
    let below = difference(&denominator, &scaled, &prime, context)?;

    // Small order: y = 0 (order 4), y = ±1 (orders 1 and 2), or d·y⁴ + 2y² = 1 (order 8).
    let twice = product(&denominator, &square, &prime, context)?;
    let eighth = difference(
        &product(&square, &below, &prime, context)?,
        &difference(&denominator, &twice, &prime, context)?,
        &prime,
        context,
    )?;
    if y.num_bits() == 0 || above.num_bits() == 0 || eighth.num_bits() == 0 {
        return Ok(false);
    }

    // A fraction is a square exactly when the product of its halves is one (Euler).
    let mut residue = BigNum::new()?;
    let both = product(&above, &below, &prime, context)?;
    let half = BigNum::from_hex_str(HALF)?;
    residue.mod_exp(&both, &half, &prime, context)?;
    Ok(residue == one)
}

/// The y coordinate: little-endian, its top bit holds the sign of x.
fn coordinate(key: &[u8; 32]) -> Result<BigNum, ErrorStack> {
    let mut bytes = *key;
    bytes.reverse();
    if let Some(top) = bytes.first_mut() {
        *top &= 0x7f;
    }
    BigNum::from_slice(&bytes)
}

fn product(
    left: &BigNum,
    right: &BigNum,
    prime: &BigNum,
    context: &mut BigNumContext,
) -> Result<BigNum, ErrorStack> {
    let mut result = BigNum::new()?;
    result.mod_mul(left, right, prime, context)?;
    Ok(result)
}

fn difference(
    left: &BigNum,
    right: &BigNum,
    prime: &BigNum,
    context: &mut BigNumContext,
) -> Result<BigNum, ErrorStack> {
    let mut result = BigNum::new()?;
    result.mod_sub(left, right, prime, context)?;
    Ok(result)
}
