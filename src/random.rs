//! Randomness: the only place where it is drawn, from the operating system's generator (SEC-74).

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::types::{AuditEventId, DecisionId, Secret, Timestamp};

/// RFC 4648 §6, in lower case.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// 26 characters of 5 bits each: 130 random bits.
const IDENTIFIER_LENGTH: usize = 26;
/// The same letters in the order in which they sort.
const SORTED: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
/// What 24 characters of 5 bits hold.
const TAIL: u128 = (1 << 120) - 1;
/// How far one identifier lies from the next at the most.
const STEP_BITS: u32 = 96;

/// The random part of an identifier: 26 characters, 130 bits.
#[must_use]
pub fn identifier() -> String {
    base32(&draw::<IDENTIFIER_LENGTH>())
}

/// The identifier of a record of which there are many: it sorts by time, and those that one process
/// draws within a second mostly sort in the order in which they were drawn.
///
/// Rows that are made together so stand together in every index, and a commit writes the last pages
/// of an index instead of pages anywhere in it.
///
/// 32 characters: 8 of time, and 24 that rise by a random step of up to 2⁹⁶ from a random start, so
/// that nobody learns from two of them how many lie between, or what the next one is.
#[must_use]
pub fn ordered_identifier(now: Timestamp) -> String {
    static LAST: Mutex<(i64, u128)> = Mutex::new((i64::MIN, 0));
    let drawn = u128::from_be_bytes(draw());
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let step = (drawn & ((1 << STEP_BITS) - 1)).saturating_add(1);
    let next = last.1.checked_add(step).filter(|next| last.0 == now.epoch() && *next <= TAIL);
    // Half of the room is left for those that follow within the second.
    let tail = next.unwrap_or((drawn & TAIL) >> 1);
    *last = (now.epoch(), tail);
    drop(last);
    let time = u128::from(now.epoch().unsigned_abs());
    format!("{}{}", digits::<8>(time), digits::<24>(tail))
}

/// A secret of 256 bits, base64url.
#[must_use]
pub fn secret() -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(draw::<32>()))
}

/// A secret for a client: 216 bits, base64url. Clients of some ecosystems read back no more than 36
/// characters (REG-M13).
#[must_use]
pub fn client_secret() -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(draw::<27>()))
}

/// The identifier of an audit event: it sorts by time, and those that one process draws within a
/// second sort in the order in which they were drawn.
#[must_use]
pub fn event_id(now: Timestamp) -> AuditEventId {
    static DRAWN: AtomicU32 = AtomicU32::new(0);
    let number = DRAWN.fetch_add(1, Ordering::Relaxed);
    AuditEventId::from_random(&format!("{:012}{number:010}{}", now.epoch(), identifier()))
}

/// The identifier of a decision: it sorts as that of an event does, so that the last one about a
/// client is the last.
#[must_use]
pub fn decision_id(now: Timestamp) -> DecisionId {
    static DRAWN: AtomicU32 = AtomicU32::new(0);
    let number = DRAWN.fetch_add(1, Ordering::Relaxed);
    let random: String = identifier().chars().take(12).collect();
    DecisionId::from_random(&format!("{:012}{number:08x}{random}", now.epoch()))
}

/// Random bytes. Where the operating system has none to give, this waits: a guessable value would be
/// worse than none.
fn draw<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0_u8; LENGTH];
    while getrandom::fill(&mut bytes).is_err() {
        std::thread::yield_now();
    }
    bytes
}

/// One character per byte, from its low five bits.
fn base32(bytes: &[u8]) -> String {
    let letter = |byte: &u8| BASE32.get(usize::from(byte & 31)).copied().unwrap_or(b'a');
    bytes.iter().map(letter).map(char::from).collect()
}

/// A number in base 32, the highest digit first, so that texts sort as the numbers do.
fn digits<const LENGTH: usize>(number: u128) -> String {
    let mut text = [b'2'; LENGTH];
    let mut left = number;
    for place in text.iter_mut().rev() {
        let digit = usize::try_from(left & 31).unwrap_or_default();
        *place = SORTED.get(digit).copied().unwrap_or(b'2');
        left >>= 5;
    }
    text.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::types::{ClientId, EntitlementId};

    #[test]
    fn identifiers_fit_and_do_not_repeat() {
        let drawn = (0..1000).map(|_| identifier()).collect::<BTreeSet<_>>();
        assert_eq!(drawn.len(), 1000);
        for id in drawn {
            let id = ClientId::from_random(&id);
            assert!(ClientId::parse(id.as_str()).is_ok(), "{id}");
        }
    }

    #[test]
    fn secrets_are_43_characters_of_base64url() {
        let (one, two) = (secret(), secret());
        assert_eq!(one.reveal().len(), 43);
        assert_ne!(one.reveal(), two.reveal());
    }

    #[test]
    fn a_clients_secret_has_36_characters_and_does_not_repeat() {
        let (one, two) = (client_secret(), client_secret());
        assert_eq!(one.reveal().len(), 36);
        assert_ne!(one.reveal(), two.reveal());
    }

    #[test]
    fn ordered_identifiers_sort_by_time_and_do_not_repeat() {
        let at = |seconds| ordered_identifier(Timestamp::from_epoch(seconds).unwrap());
        let mut drawn = Vec::new();
        for second in [0, 9, 10, 1_700_000_000, Timestamp::LATEST.epoch()] {
            drawn.push((0..500).map(|_| at(second)).collect::<BTreeSet<_>>());
        }
        assert!(drawn.iter().all(|second| second.len() == 500));
        let ends = |second: &BTreeSet<String>| {
            (second.first().unwrap().clone(), second.last().unwrap().clone())
        };
        assert!(drawn.windows(2).all(|pair| ends(&pair[0]).1 < ends(&pair[1]).0));
        let id = EntitlementId::from_random(&at(1));
        assert!(EntitlementId::parse(id.as_str()).is_ok(), "{id}");
    }

    #[test]
    fn nobody_learns_from_two_ordered_identifiers_how_many_lie_between() {
        let now = Timestamp::from_epoch(1_800_000_000).unwrap();
        let drawn: Vec<_> = (0..100).map(|_| ordered_identifier(now)).collect();
        // The last 19 characters differ in most places: the step is random, not one.
        let differ = |one: &str, other: &str| {
            let pairs = one.bytes().skip(13).zip(other.bytes().skip(13));
            pairs.filter(|(one, other)| one != other).count()
        };
        assert!(drawn.windows(2).all(|pair| differ(&pair[0], &pair[1]) > 9));
    }

    #[test]
    fn digits_sort_as_the_numbers_do() {
        assert_eq!(digits::<3>(0), "222");
        assert_eq!(digits::<3>(31), "22z");
        assert_eq!(digits::<3>(32), "232");
        assert!(SORTED.is_sorted());
    }

    #[test]
    fn event_identifiers_sort_by_time() {
        let at = |seconds| event_id(Timestamp::from_epoch(seconds).unwrap());
        assert!(at(9) < at(10));
        let drawn: Vec<_> = (0..100).map(|_| at(11)).collect();
        assert!(drawn.is_sorted());
        assert!(at(1_700_000_000) < at(Timestamp::LATEST.epoch()));
        assert!(AuditEventId::parse(at(1).as_str()).is_ok());
    }

    #[test]
    fn decision_identifiers_sort_as_they_were_drawn() {
        let at = |seconds| decision_id(Timestamp::from_epoch(seconds).unwrap());
        let drawn: Vec<_> = (0..100).map(|number| at(number / 50)).collect();
        assert!(drawn.is_sorted());
        assert!(DecisionId::parse(at(Timestamp::LATEST.epoch()).as_str()).is_ok());
    }
}
