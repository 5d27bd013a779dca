//! When a signing key is what: its state is a function of its times and of now (SEC-70).

use serde::Serialize;

use crate::types::Timestamp;

/// How often signing keys change, and how long they overlap; all in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySchedule {
    /// How long a key signs.
    pub rotation_seconds: i64,
    /// How long a key is published before it signs: at least as long as others cache our key set.
    pub prepublish_seconds: i64,
    /// How long a key is published after it signed last: at least the longest life of a token and
    /// the time that others cache our key set (SEC-70).
    pub overlap_seconds: i64,
}

/// What a signing key is good for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Published, not signing yet.
    Prepublished,
    /// Signing.
    Active,
    /// No longer signing; what it signed is still good.
    Retiring,
    /// Gone; nothing that it signed is good.
    Removed,
}

/// The four instants of a key's life. The last two are unknown until it has a successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyTimes {
    /// The first instant at which it is in the key set.
    pub publish_at: Timestamp,
    /// The first instant at which it signs.
    pub activate_at: Timestamp,
    /// The first instant at which it signs no longer.
    pub retire_at: Option<Timestamp>,
    /// The first instant at which it is in the key set no longer.
    pub remove_at: Option<Timestamp>,
}

impl KeyTimes {
    /// A key that signs from now on.
    #[must_use]
    pub const fn at_once(now: Timestamp) -> Self {
        Self { publish_at: now, activate_at: now, retire_at: None, remove_at: None }
    }

    /// A key that is published now and signs once everybody has seen it.
    #[must_use]
    pub fn prepublished(schedule: &KeySchedule, now: Timestamp) -> Self {
        Self { activate_at: now.plus(schedule.prepublish_seconds), ..Self::at_once(now) }
    }

    /// These times once a successor takes over at `activate_at`.
    #[must_use]
    pub fn succeeded(self, schedule: &KeySchedule, activate_at: Timestamp) -> Self {
        let remove_at = activate_at.plus(schedule.overlap_seconds);
        Self { retire_at: Some(activate_at), remove_at: Some(remove_at), ..self }
    }

    /// These times once the key is withdrawn: nothing that it signed is good from `now` on.
    #[must_use]
    pub const fn withdrawn(self, now: Timestamp) -> Self {
        Self { retire_at: Some(now), remove_at: Some(now), ..self }
    }

    /// What the key is good for.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> KeyState {
        let past = |instant: Option<Timestamp>| instant.is_some_and(|instant| instant <= now);
        if past(self.remove_at) {
            KeyState::Removed
        } else if past(self.retire_at) {
            KeyState::Retiring
        } else if past(Some(self.activate_at)) {
            KeyState::Active
        } else {
            KeyState::Prepublished
        }
    }

    /// Whether the key, being the newest, needs a successor.
    #[must_use]
    pub fn successor_is_due(&self, schedule: &KeySchedule, now: Timestamp) -> bool {
        let last = self.activate_at.plus(schedule.rotation_seconds);
        last.plus(schedule.prepublish_seconds.saturating_neg()) <= now
            && self.state(now) != KeyState::Prepublished
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: KeySchedule =
        KeySchedule { rotation_seconds: 1000, prepublish_seconds: 100, overlap_seconds: 400 };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch(seconds).unwrap()
    }

    #[test]
    fn a_key_passes_through_its_states_as_time_passes() {
        let times = KeyTimes::prepublished(&SCHEDULE, at(0)).succeeded(&SCHEDULE, at(1000));
        let states = [0, 99, 100, 999, 1000, 1399, 1400].map(|now| times.state(at(now)));
        assert_eq!(
            states,
            [
                KeyState::Prepublished,
                KeyState::Prepublished,
                KeyState::Active,
                KeyState::Active,
                KeyState::Retiring,
                KeyState::Retiring,
                KeyState::Removed,
            ]
        );
    }

    #[test]
    fn a_successor_is_due_in_time_to_be_published_first() {
        let times = KeyTimes::at_once(at(0));
        assert!(!times.successor_is_due(&SCHEDULE, at(899)));
        assert!(times.successor_is_due(&SCHEDULE, at(900)));
        assert!(times.successor_is_due(&SCHEDULE, at(100_000)));
        let waiting = KeyTimes::prepublished(&SCHEDULE, at(900));
        assert!(!waiting.successor_is_due(&SCHEDULE, at(950)));
    }

    #[test]
    fn a_withdrawn_key_is_gone_at_once() {
        let times = KeyTimes::prepublished(&SCHEDULE, at(0)).withdrawn(at(50));
        assert_eq!(times.state(at(49)), KeyState::Prepublished);
        assert_eq!(times.state(at(50)), KeyState::Removed);
    }
}
