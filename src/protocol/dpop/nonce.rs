//! Nonces that the server gives out ([RFC 9449] §8, §9), without remembering any: a nonce is a span of
//! time and our tag on it, so that every node knows every node's nonces and they change by themselves.
//!
//! [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::jose::{MacKey, SealingError};
use crate::types::Timestamp;

/// The header that gives out a nonce.
pub const NONCE_HEADER: &str = "dpop-nonce";

/// For how many seconds the same nonce is given out. It is taken for as long again, and as long
/// before: the clock of another node may be ahead of ours.
const SPAN: i64 = 60;
const TAG_LENGTH: usize = 16;

/// When a nonce was given out, and until when it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NonceTimes {
    /// The first instant at which it may have been given out.
    pub issued_at: Timestamp,
    /// The first instant at which it is refused.
    pub refused_from: Timestamp,
}

/// The nonces of this server.
#[derive(Debug, Clone)]
pub struct Nonces {
    key: MacKey,
}

impl Nonces {
    /// Those that are tagged with this key.
    #[must_use]
    pub const fn new(key: MacKey) -> Self {
        Self { key }
    }

    /// The nonce of this moment.
    ///
    /// # Errors
    ///
    /// The cryptographic library fails.
    pub fn current(&self, now: Timestamp) -> Result<String, SealingError> {
        let span = span(now).to_be_bytes();
        let tag = self.key.tag(&span)?;
        let nonce = span.iter().chain(tag.iter().take(TAG_LENGTH)).copied().collect::<Vec<_>>();
        Ok(URL_SAFE_NO_PAD.encode(nonce))
    }

    /// When this nonce was given out; nothing if it is not ours, or too old.
    ///
    /// # Errors
    ///
    /// The cryptographic library fails.
    pub fn check(&self, nonce: &str, now: Timestamp) -> Result<Option<NonceTimes>, SealingError> {
        let Some((written, tag)) = parts(nonce) else { return Ok(None) };
        let named = i64::from_be_bytes(written);
        let age = span(now).saturating_sub(named);
        if !(-1..=1).contains(&age) || !self.key.is_tag(&written, &tag)? {
            return Ok(None);
        }
        Ok(Timestamp::from_epoch(named.saturating_mul(SPAN)).ok().map(|issued_at| NonceTimes {
            issued_at,
            refused_from: issued_at.plus(SPAN.saturating_mul(2)),
        }))
    }
}

fn parts(nonce: &str) -> Option<([u8; 8], [u8; TAG_LENGTH])> {
    // 24 bytes are 32 characters.
    let bytes = Some(nonce).filter(|nonce| nonce.len() == 32);
    let bytes = URL_SAFE_NO_PAD.decode(bytes?).ok()?;
    Some((*bytes.first_chunk()?, *bytes.last_chunk()?))
}

fn span(now: Timestamp) -> i64 {
    now.epoch().checked_div(SPAN).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::SealingKey;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch(1_800_000_000).unwrap().plus(seconds)
    }

    fn nonces() -> Nonces {
        let sealing = SealingKey::generate().unwrap();
        Nonces::new(sealing.mac_key("nonces").unwrap())
    }

    #[test]
    fn a_nonce_is_taken_while_it_is_given_out_and_as_long_again() {
        let ours = nonces();
        let nonce = ours.current(at(0)).unwrap();
        assert_eq!(ours.current(at(59)).unwrap(), nonce);
        assert_ne!(ours.current(at(60)).unwrap(), nonce);
        let taken = |seconds| ours.check(&nonce, at(seconds)).unwrap();
        let times = NonceTimes { issued_at: at(0), refused_from: at(120) };
        for seconds in [-1, 0, 59, 60, 119] {
            assert_eq!(taken(seconds), Some(times), "{seconds}");
        }
        assert_eq!(taken(120), None);
        assert_eq!(taken(-61), None, "an hour that is still to come");
    }

    #[test]
    fn every_node_with_the_same_key_knows_every_nonce_and_no_other_server_does() {
        let sealing = SealingKey::generate().unwrap();
        let node = || Nonces::new(sealing.mac_key("nonces").unwrap());
        let nonce = node().current(at(0)).unwrap();
        assert!(node().check(&nonce, at(1)).unwrap().is_some());
        assert!(nonces().check(&nonce, at(1)).unwrap().is_none());
    }

    #[test]
    fn what_we_have_not_given_out_is_no_nonce() {
        let ours = nonces();
        let nonce = ours.current(at(0)).unwrap();
        let mut tampered = nonce.clone();
        tampered.replace_range(31..32, if nonce.ends_with('A') { "B" } else { "A" });
        for bad in ["", "x", &tampered, &format!("{nonce}A"), &format!("{nonce}="), &"é".repeat(16)]
        {
            assert_eq!(ours.check(bad, at(0)).unwrap(), None, "{bad}");
        }
    }
}
