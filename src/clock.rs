//! The clock: the only place where time is read. Everything else takes `now` as a parameter.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::types::Timestamp;

/// Where the time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine.
    System,
    /// A clock that stands still until it is moved; its clones move with it.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn fixed(start: Timestamp) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(start.epoch())))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let seconds = match self {
            Self::System => system_seconds(),
            Self::Fixed(seconds) => seconds.load(Ordering::SeqCst),
        };
        Timestamp::EARLIEST.plus(seconds)
    }

    /// Moves a fixed clock by `seconds`; the machine's clock is not ours to move.
    pub fn advance(&self, seconds: i64) {
        match self {
            Self::System => {}
            Self::Fixed(at) => {
                at.fetch_add(seconds, Ordering::SeqCst);
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one module that reads the clock")]
fn system_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Measures how long something takes; it says nothing of what time it is.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins to measure.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one module that reads the clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long it has been.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// How long it has been, in microseconds.
    #[must_use]
    pub fn microseconds(&self) -> u64 {
        u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clones_of_a_fixed_clock_move_with_it() {
        let clock = Clock::fixed(Timestamp::from_epoch(100).unwrap());
        let clone = clock.clone();
        clock.advance(5);
        assert_eq!(clone.now().epoch(), 105);
        clone.advance(-10);
        assert_eq!(clock.now().epoch(), 95);
    }

    #[test]
    fn the_machine_knows_that_2025_is_over() {
        assert!(Clock::System.now() > Timestamp::parse("2026-01-01").unwrap());
    }
}
