//! How fast somebody may register (REG-S16): one number per key, moved forward by the statement that
//! allows a use, so that all nodes together keep the rate.
//!
//! The number is the instant until which the uses so far would have lasted at the allowed rate. It may
//! run ahead of the clock by an hour's worth, so a burst is let through and an hour is never exceeded
//! by more than what has become free since.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::storage::error::{self, StorageError};
use crate::storage::schema::registration_rates;
use crate::storage::writer::Writer;
use crate::types::Timestamp;

const TABLE: &str = "registration_rates";
/// An hour in microseconds.
const HOUR: i64 = 3600 * MICROSECONDS;
const MICROSECONDS: i64 = 1_000_000;

impl Writer<'_> {
    /// Counts one use of `key`, of which `per_hour` are allowed. Returns after how many seconds to
    /// try again if none is left; then nothing was counted.
    pub fn pace(
        &mut self,
        key: &str,
        per_hour: u32,
        now: Timestamp,
    ) -> Result<Option<u32>, StorageError> {
        // Nothing per hour: the next use is an hour away, always.
        let Some(step) = HOUR.checked_div(i64::from(per_hour)) else { return Ok(Some(3600)) };
        let now = now.epoch().saturating_mul(MICROSECONDS);
        let latest = now.saturating_add(HOUR).saturating_sub(step);
        let counted = diesel::sql_query(
            "INSERT INTO registration_rates (key, busy_until) VALUES ($1, $2) \
             ON CONFLICT (key) DO UPDATE SET busy_until = \
             CASE WHEN registration_rates.busy_until > $3 \
             THEN registration_rates.busy_until ELSE $3 END + $4 \
             WHERE registration_rates.busy_until <= $5",
        )
        .bind::<Text, _>(key)
        .bind::<BigInt, _>(now.saturating_add(step))
        .bind::<BigInt, _>(now)
        .bind::<BigInt, _>(step)
        .bind::<BigInt, _>(latest)
        .execute(self.connection)
        .map_err(|error| error::named(TABLE, error))?;
        if counted > 0 {
            return Ok(None);
        }
        let busy_until: i64 = registration_rates::table
            .find(key)
            .select(registration_rates::busy_until)
            .get_result(self.connection)?;
        let wait = busy_until.saturating_sub(latest).saturating_add(MICROSECONDS - 1);
        let seconds = wait.checked_div(MICROSECONDS).unwrap_or_default().clamp(1, 3600);
        Ok(Some(u32::try_from(seconds).unwrap_or(3600)))
    }
}
