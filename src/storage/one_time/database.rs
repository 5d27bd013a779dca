//! Single-use values in the database: durable, and correct on any node.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};

use crate::storage::connection::{AnyConnection, MultiBackend};
use crate::storage::database::Database;
use crate::storage::error::StorageError;
use crate::storage::one_time::{Consumed, MARGIN_SECONDS, OneTimeUse};
use crate::types::Timestamp;

/// The statement that decides. It is written out because diesel's `on_conflict` does not compile
/// for both engines at once, and as a query of its own because `sql_query` is prepared anew each
/// time, which halves the rate (FLR-8).
struct Mark {
    key: String,
    expires_at: i64,
}

impl QueryId for Mark {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<MultiBackend> for Mark {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("INSERT INTO one_time (key, expires_at) VALUES (");
        out.push_bind_param::<Text, _>(&self.key)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.expires_at)?;
        out.push_sql(") ON CONFLICT DO NOTHING");
        Ok(())
    }
}

impl RunQueryDsl<AnyConnection> for Mark {}

impl Mark {
    fn of(one_time: &OneTimeUse) -> Self {
        Self { key: one_time.key(), expires_at: one_time.expires_at.epoch() }
    }

    fn set(self, connection: &mut AnyConnection) -> Result<Consumed, StorageError> {
        match self.execute(connection)? {
            0 => Ok(Consumed::Again),
            _ => Ok(Consumed::First),
        }
    }
}

/// Marks a value as used, unless it is marked already.
pub(super) async fn consume(
    database: &Database,
    one_time: &OneTimeUse,
) -> Result<Consumed, StorageError> {
    let mark = Mark::of(one_time);
    database.decide(move |connection| mark.set(connection)).await
}

/// Marks two values in one commit, the second only if the first was not marked already.
pub(super) async fn consume_both(
    database: &Database,
    (first, second): (&OneTimeUse, &OneTimeUse),
) -> Result<(Consumed, Option<Consumed>), StorageError> {
    let (first, second) = (Mark::of(first), Mark::of(second));
    database
        .decide_together(move |connection| match first.set(connection)? {
            Consumed::First => Ok((Consumed::First, Some(second.set(connection)?))),
            refused @ (Consumed::Again | Consumed::Forgotten) => Ok((refused, None)),
        })
        .await
}

impl Database {
    /// Removes at most `limit` marks of single-use values, revoked tokens, remembered registrations
    /// and rates of each kind, that could not matter any more. Returns how many; call again while it
    /// is not 0.
    ///
    /// # Errors
    ///
    /// The database cannot be reached, or did not answer in time.
    pub async fn remove_expired(&self, now: Timestamp, limit: u16) -> Result<usize, StorageError> {
        let before = now.plus(MARGIN_SECONDS.saturating_neg()).epoch();
        let mut removed = 0_usize;
        for (table, key, end, before) in [
            ("one_time", "key", "expires_at", before),
            ("revoked_tokens", "jti", "expires_at", before),
            ("registration_retries", "key", "expires_at", before),
            ("registration_rates", "key", "busy_until", before.saturating_mul(1_000_000)),
        ] {
            let sql = format!(
                "DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} \
                 WHERE {end} < $1 ORDER BY {end} LIMIT $2)"
            );
            let statement = move |connection: &mut AnyConnection| {
                diesel::sql_query(sql)
                    .bind::<BigInt, _>(before)
                    .bind::<BigInt, _>(i64::from(limit))
                    .execute(connection)
                    .map_err(StorageError::from)
            };
            removed = removed.saturating_add(self.decide(statement).await?);
        }
        Ok(removed)
    }
}
