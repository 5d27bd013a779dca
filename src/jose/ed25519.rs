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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::compact;

    fn key(hex: &str) -> [u8; 32] {
        BigNum::from_hex_str(hex).unwrap().to_vec_padded(32).unwrap().try_into().unwrap()
    }

    #[test]
    fn the_keys_of_the_standard_are_sound() {
        // RFC 8032 §7.1, tests 1 to 3.
        for hex in [
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        ] {
            assert!(is_sound(&key(hex)), "{hex}");
        }
    }

    #[test]
    fn keys_of_openssl_are_sound() {
        for _ in 0..32 {
            let made = openssl::pkey::PKey::generate_ed25519().unwrap();
            let bytes: [u8; 32] = made.raw_public_key().unwrap().try_into().unwrap();
            assert!(is_sound(&bytes), "{}", compact::encode(bytes));
        }
    }

    #[test]
    fn the_eight_points_of_small_order_are_refused() {
        for hex in [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        ] {
            assert!(!is_sound(&key(hex)), "{hex}");
        }
    }

    #[test]
    fn a_second_spelling_of_a_point_is_refused() {
        for hex in [
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ] {
            assert!(!is_sound(&key(hex)), "{hex}");
        }
    }

    #[test]
    fn about_half_of_all_coordinates_are_on_the_curve() {
        let sound = (2..=255_u8).filter(|low| {
            let mut bytes = [0; 32];
            bytes[0] = *low;
            is_sound(&bytes)
        });
        assert!((96..=158).contains(&sound.count()));
    }
}
