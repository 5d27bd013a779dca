//! Instants, in whole seconds since 1970-01-01T00:00:00Z. There is no `now()` here: `clock` has it.

use serde::{Deserialize, Deserializer, Serialize};

/// Why a value is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTimestamp {
    /// Before 1970 or after 9999.
    #[error("a time must lie between 1970 and 9999, in seconds")]
    OutOfRange,
    /// Not a date, nor a date and time as RFC 3339 writes them.
    #[error("a time is written as `2026-11-22` or `2026-11-22T10:00:00Z`")]
    Malformed,
}

/// An instant between the years 1970 and 9999, in seconds.
///
/// As JSON it is a `NumericDate` (RFC 7519 §2). A fraction is cut off, towards the past; a number
/// outside the range, `1e19` among them, is refused (SEC-41).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first instant, 1970-01-01T00:00:00Z.
    pub const EARLIEST: Self = Self(0);
    /// The last instant, 9999-12-31T23:59:59Z.
    pub const LATEST: Self = Self(253_402_300_799);

    /// An instant from its seconds.
    ///
    /// # Errors
    ///
    /// Outside 1970 … 9999.
    pub const fn from_epoch(seconds: i64) -> Result<Self, InvalidTimestamp> {
        if seconds < Self::EARLIEST.0 || seconds > Self::LATEST.0 {
            return Err(InvalidTimestamp::OutOfRange);
        }
        Ok(Self(seconds))
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn epoch(self) -> i64 {
        self.0
    }

    /// This instant `seconds` later (or earlier, if negative), kept within the range.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds).clamp(Self::EARLIEST.0, Self::LATEST.0))
    }

    /// Seconds from `earlier` to this instant; negative if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads `2026-11-22` (midnight UTC) or an RFC 3339 date and time.
    ///
    /// # Errors
    ///
    /// Malformed, or outside 1970 … 9999.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let midnight = |date: jiff::civil::Date| date.to_zoned(jiff::tz::TimeZone::UTC);
        let instant = match text.parse::<jiff::Timestamp>() {
            Ok(instant) => instant,
            Err(_) => text
                .parse::<jiff::civil::Date>()
                .and_then(midnight)
                .map_err(|_| InvalidTimestamp::Malformed)?
                .timestamp(),
        };
        Self::from_epoch(instant.as_second())
    }
}

impl std::fmt::Display for Timestamp {
    /// As RFC 3339 writes it, in UTC.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(instant) => write!(formatter, "{instant}"),
            Err(_) => write!(formatter, "{}", self.0),
        }
    }
}

impl std::str::FromStr for Timestamp {
    type Err = InvalidTimestamp;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(NumericDate)
            .and_then(|seconds| Self::from_epoch(seconds).map_err(serde::de::Error::custom))
    }
}

/// Reads a JSON number of seconds, whole or not, without ever overflowing.
struct NumericDate;

impl serde::de::Visitor<'_> for NumericDate {
    type Value = i64;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a number of seconds")
    }

    fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<i64, E> {
        Ok(seconds)
    }

    fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<i64, E> {
        i64::try_from(seconds).map_err(|_| E::custom(InvalidTimestamp::OutOfRange))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "the range is checked first and whole seconds up to 9999 are exact in an f64"
    )]
    fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<i64, E> {
        let range = Timestamp::EARLIEST.0 as f64..=Timestamp::LATEST.0 as f64;
        if range.contains(&seconds) {
            Ok(seconds.trunc() as i64)
        } else {
            Err(E::custom(InvalidTimestamp::OutOfRange))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numeric_date_is_a_number_in_range() {
        let read = |text: &str| serde_json::from_str::<Timestamp>(text).map(Timestamp::epoch).ok();
        assert_eq!(read("1700000000"), Some(1_700_000_000));
        assert_eq!(read("1700000000.9"), Some(1_700_000_000));
        for bad in [
            "-1",
            "1e19",
            "1e22",
            "1e300",
            "9223372036854775807",
            "18446744073709551615",
            "\"1\"",
            "true",
            "null",
            "[]",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_are_read_and_written_as_rfc_3339() {
        let instant = Timestamp::parse("2026-11-22T10:00:00Z").unwrap();
        assert_eq!(instant.to_string(), "2026-11-22T10:00:00Z");
        assert_eq!(Timestamp::parse("2026-11-22").unwrap().to_string(), "2026-11-22T00:00:00Z");
        assert_eq!(Timestamp::parse("tomorrow"), Err(InvalidTimestamp::Malformed));
    }

    #[test]
    fn sums_stay_in_range() {
        assert_eq!(Timestamp::LATEST.plus(i64::MAX), Timestamp::LATEST);
        assert_eq!(Timestamp::EARLIEST.plus(i64::MIN), Timestamp::EARLIEST);
    }
}
