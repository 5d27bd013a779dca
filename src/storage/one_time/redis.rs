//! Single-use values in Redis: one round trip, and a memory that knows what it has forgotten.
//!
//! Beside the marks stands an *epoch*: since when, and in which run of the server, marks have been
//! kept. A server that was flushed, or that came back from an old snapshot or as another node, has
//! none that fits. Then a new epoch begins, and whatever was made before it may have been used
//! already (SEC-59).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, RedisError, Script};

use crate::storage::error::StorageError;
use crate::storage::one_time::{Consumed, MARGIN_SECONDS, OneTimeUse};
use crate::types::Timestamp;

/// How long one connection attempt, or one answer, may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// The marks and the epoch share a hash slot, so that one script may touch both on a cluster.
const EPOCH_KEY: &str = "{countersign}:epoch";
const MARK_PREFIX: &str = "{countersign}:one-time:";

/// Begins a new epoch where the old one does not fit the server's run; then marks. The last two
/// arguments are the epoch that this node knew, and the latest `iat` that it has seen: a client
/// whose clock runs ahead has made values that look younger than the epoch and were used before it.
const CONSUME: &str = "
local now, issued, retained = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local known, latest = ARGV[4], tonumber(ARGV[5])
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local at = tonumber(redis.call('HGET', KEYS[2], 'at'))
if not at or redis.call('HGET', KEYS[2], 'run') ~= run then
    at = now
    redis.call('HSET', KEYS[2], 'run', run, 'at', at)
end
if known ~= '' and known ~= run .. ':' .. at and latest > at then
    at = latest
    redis.call('HSET', KEYS[2], 'at', at)
end
local epoch = run .. ':' .. at
if issued <= at then
    return {'forgotten', epoch}
end
if redis.call('SET', KEYS[1], '1', 'NX', 'PX', retained) then
    return {'first', epoch}
end
return {'again', epoch}
";

/// Begins the first epoch of an empty server, so that what is made from now on is accepted.
const BEGIN: &str = "
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('HSET', KEYS[1], 'run', run, 'at', ARGV[1])
end
return 1
";

/// A connection to Redis.
#[derive(Clone)]
pub(super) struct Marks {
    connection: ConnectionManager,
    consume: Arc<Script>,
    seen: Arc<Mutex<Seen>>,
}

/// What this node knows of the epoch.
#[derive(Clone)]
struct Seen {
    epoch: String,
    latest: Timestamp,
}

impl std::fmt::Debug for Marks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Redis")
    }
}

impl Marks {
    /// Connects; an empty server begins its first epoch.
    pub(super) async fn connect(url: &str, now: Timestamp) -> Result<Self, StorageError> {
        let client = Client::open(url).map_err(|_| {
            StorageError::Misconfigured("a Redis server is named as `redis://…`".to_owned())
        })?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connecting = ConnectionManager::new_with_config(client, config);
        let mut connection = bounded(connecting).await?;
        let begin = Script::new(BEGIN);
        let mut begin = begin.key(EPOCH_KEY);
        let begin = begin.arg(now.plus(-1).epoch());
        bounded(begin.invoke_async::<()>(&mut connection)).await?;
        let seen = Seen { epoch: String::new(), latest: Timestamp::EARLIEST };
        Ok(Self {
            connection,
            consume: Arc::new(Script::new(CONSUME)),
            seen: Arc::new(Mutex::new(seen)),
        })
    }

    /// Marks a value as used, unless it is marked already or older than the epoch.
    pub(super) async fn consume(
        &self,
        one_time: OneTimeUse,
        now: Timestamp,
    ) -> Result<Consumed, StorageError> {
        let seen = self.see(one_time.issued_at);
        let mut call = self.consume.key(format!("{MARK_PREFIX}{}", one_time.key()));
        let call = call
            .key(EPOCH_KEY)
            .arg(now.epoch())
            .arg(one_time.issued_at.epoch())
            .arg(retained_milliseconds(one_time.expires_at, now))
            .arg(seen.epoch)
            .arg(seen.latest.epoch());
        let mut connection = self.connection.clone();
        let (verdict, epoch): (String, String) =
            bounded(call.invoke_async(&mut connection)).await?;
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).epoch = epoch;
        match verdict.as_str() {
            "first" => Ok(Consumed::First),
            "again" => Ok(Consumed::Again),
            "forgotten" => Ok(Consumed::Forgotten),
            _ => Err(StorageError::Broken("Redis gave an answer that was not asked for".into())),
        }
    }

    /// Notes an `iat` before it is sent, and returns what was known until then.
    fn see(&self, issued_at: Timestamp) -> Seen {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen.clone();
        seen.latest = seen.latest.max(issued_at);
        before
    }

    /// Why marks may be lost, as far as the server says (SEC-58).
    pub(super) async fn concerns(&self) -> Result<Vec<String>, StorageError> {
        let wanted = [("appendonly", "yes"), ("maxmemory-policy", "noeviction")];
        let mut concerns = Vec::new();
        for (name, safe) in wanted {
            match self.setting(name).await {
                Ok(value) if value == safe => (),
                Ok(value) => concerns.push(format!("Redis has `{name}` = `{value}`, not `{safe}`")),
                Err(Refusal::Denied) => {
                    concerns.push(format!("Redis does not tell its `{name}`; it must be `{safe}`"));
                }
                Err(Refusal::Failed(error)) => return Err(error),
            }
        }
        let mut connection = self.connection.clone();
        let mut info = Cmd::new();
        info.arg("INFO").arg("replication");
        let info: String = bounded(info.query_async(&mut connection)).await?;
        if !info.lines().any(|line| line.trim_end() == "role:master") {
            concerns.push("Redis is a replica; marks belong on a primary".to_owned());
        }
        Ok(concerns)
    }

    async fn setting(&self, name: &str) -> Result<String, Refusal> {
        let mut connection = self.connection.clone();
        let mut command = Cmd::new();
        command.arg("CONFIG").arg("GET").arg(name);
        let answer = command.query_async::<Vec<String>>(&mut connection);
        match tokio::time::timeout(PATIENCE.saturating_mul(2), answer).await {
            Ok(Ok(pair)) => pair.into_iter().nth(1).ok_or(Refusal::Denied),
            Ok(Err(error)) if !error.is_io_error() && !error.is_timeout() => Err(Refusal::Denied),
            Ok(Err(error)) => Err(Refusal::Failed(unavailable(&error))),
            Err(_) => Err(Refusal::Failed(too_late())),
        }
    }
}

/// Why a setting could not be read.
enum Refusal {
    Denied,
    Failed(StorageError),
}

/// A mark outlives every clock's idea of the last instant at which the value is accepted.
fn retained_milliseconds(expires_at: Timestamp, now: Timestamp) -> i64 {
    expires_at.since(now).max(0).saturating_add(MARGIN_SECONDS).saturating_mul(1000)
}

async fn bounded<T>(work: impl Future<Output = Result<T, RedisError>>) -> Result<T, StorageError> {
    match tokio::time::timeout(PATIENCE.saturating_mul(2), work).await {
        Ok(result) => result.map_err(|error| unavailable(&error)),
        Err(_) => Err(too_late()),
    }
}

fn unavailable(error: &RedisError) -> StorageError {
    StorageError::Unavailable(format!("Redis: {error}"))
}

fn too_late() -> StorageError {
    StorageError::Unavailable("Redis did not answer in time".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_outlives_the_last_acceptance_and_always_lives() {
        let at = |seconds| Timestamp::from_epoch(seconds).unwrap();
        assert_eq!(retained_milliseconds(at(400), at(100)), 360_000);
        assert_eq!(retained_milliseconds(at(100), at(400)), 60_000);
    }
}
