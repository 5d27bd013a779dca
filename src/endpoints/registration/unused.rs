//! Clients that nobody uses (REG-L8, W3, W4): their owners are told, and after the notice they end. A
//! client that has ended so leaves a tombstone, and its token requests are answered `invalid_client`.
//!
//! The job finds its clients through an index and changes each only as it has seen it: several nodes
//! may do it at once, and a client that is used in the meantime stays.

use serde_json::json;

use crate::app::App;
use crate::governance::audit::{Actor, ActorKind, AuditAction, AuditEvent};
use crate::partners::ClientState;
use crate::random;
use crate::storage::{Change, ClientActivity, StorageError, Writer};
use crate::trust::{Framework, UnusedRule};
use crate::types::Timestamp;

use super::record::client_object;

/// What is to be done about a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Nothing until then; never again if absent.
    Wait(Option<Timestamp>),
    /// Tell its owner that it ends then.
    Notify(Timestamp),
    /// End it.
    End,
}

/// When somebody must first look at a client that was used just now.
#[must_use]
pub fn next_check(framework: Option<&Framework>, now: Timestamp) -> Option<Timestamp> {
    let rule = framework.and_then(Framework::unused)?;
    Some(notice_at(rule, now))
}

fn notice_at(rule: UnusedRule, since: Timestamp) -> Timestamp {
    since.plus(rule.expire_after_seconds.saturating_sub(rule.notice_seconds))
}

/// Looks at no more than `limit` clients whose time has come. Returns how many; call again while it is
/// not 0.
///
/// # Errors
///
/// The database cannot be reached, or did not answer in time.
pub async fn look_after(app: &App, limit: u16, now: Timestamp) -> Result<usize, StorageError> {
    let due = app.database.read(move |reader| reader.clients_to_check(now, limit)).await?;
    let found = due.len();
    for seen in due {
        let rule = app.frameworks.named(&seen.framework).and_then(Framework::unused);
        match take(app, &seen, step(&seen, rule, now), now).await {
            // Another node was faster, or the client was used.
            Ok(()) | Err(StorageError::Stale { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn step(seen: &ClientActivity, rule: Option<UnusedRule>, now: Timestamp) -> Step {
    let Some(rule) = rule.filter(|_| !seen.state.is_tombstone()) else { return Step::Wait(None) };
    let (notice, end) =
        (notice_at(rule, seen.since()), seen.since().plus(rule.expire_after_seconds));
    if now < notice {
        return Step::Wait(Some(notice));
    }
    match (seen.notified_at, seen.check_at) {
        (Some(_), Some(check_at)) if check_at <= now => Step::End,
        (Some(_), check_at) => Step::Wait(check_at),
        // However late the notice is, it is not shortened.
        (None, _) => Step::Notify(end.max(now.plus(rule.notice_seconds))),
    }
}

async fn take(
    app: &App,
    seen: &ClientActivity,
    step: Step,
    now: Timestamp,
) -> Result<(), StorageError> {
    let (seen, event) = (seen.clone(), event(seen, step, now));
    let write = move |writer: &mut Writer<'_>| -> Result<Change<()>, StorageError> {
        match step {
            Step::Wait(until) => {
                let notified = seen.notified_at.filter(|_| until.is_some_and(|at| at > now));
                writer.schedule_client_check(&seen, notified, until)?;
            }
            Step::Notify(end) => writer.schedule_client_check(&seen, Some(now), Some(end))?,
            Step::End => {
                writer.schedule_client_check(&seen, seen.notified_at, None)?;
                writer.change_client_state(&seen.id, seen.state, ClientState::Retired)?;
            }
        }
        Ok(Change::made((), event.into_iter().collect()))
    };
    app.database.write(write).await
}

fn event(seen: &ClientActivity, step: Step, now: Timestamp) -> Option<AuditEvent> {
    let since = seen.since();
    let (action, detail) = match step {
        Step::Wait(_) => return None,
        Step::Notify(end) => {
            (AuditAction::ClientExpiryNotified, json!({ "unused_since": since, "ends_at": end }))
        }
        Step::End => {
            let detail = json!({
                "from": seen.state, "to": ClientState::Retired, "unused_since": since,
                "notified_at": seen.notified_at,
            });
            (AuditAction::ClientExpired, detail)
        }
    };
    Some(AuditEvent {
        id: random::event_id(now),
        time: now,
        actor: Actor { kind: ActorKind::System, id: "unused_clients".to_owned() },
        action,
        object: client_object(&seen.id),
        reasons: Vec::new(),
        policy_digest: None,
        request_id: None,
        detail,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{ClientId, FrameworkName};

    const DAY: i64 = 86_400;
    const RULE: UnusedRule =
        UnusedRule { expire_after_seconds: 90 * DAY, notice_seconds: 30 * DAY };

    fn day(number: i64) -> Timestamp {
        Timestamp::from_epoch(1_795_000_000).unwrap().plus(number.saturating_mul(DAY))
    }

    fn seen(used: Option<i64>, notified: Option<i64>, check: i64) -> ClientActivity {
        ClientActivity {
            id: ClientId::parse("cl_1").unwrap(),
            framework: FrameworkName::parse("f").unwrap(),
            state: ClientState::Active,
            issued_at: day(0),
            last_used_at: used.map(day),
            notified_at: notified.map(day),
            check_at: Some(day(check)),
        }
    }

    #[test]
    fn an_unused_client_is_told_before_it_ends_reg_w4() {
        assert_eq!(step(&seen(None, None, 60), Some(RULE), day(59)), Step::Wait(Some(day(60))));
        assert_eq!(step(&seen(None, None, 60), Some(RULE), day(60)), Step::Notify(day(90)));
        assert_eq!(step(&seen(None, Some(60), 90), Some(RULE), day(89)), Step::Wait(Some(day(90))));
        assert_eq!(step(&seen(None, Some(60), 90), Some(RULE), day(90)), Step::End);
    }

    #[test]
    fn a_late_notice_is_not_a_short_one() {
        assert_eq!(step(&seen(None, None, 60), Some(RULE), day(300)), Step::Notify(day(330)));
    }

    #[test]
    fn a_use_begins_the_time_anew() {
        assert_eq!(
            step(&seen(Some(50), None, 60), Some(RULE), day(60)),
            Step::Wait(Some(day(110)))
        );
        let told = seen(Some(50), Some(60), 90);
        assert_eq!(step(&told, Some(RULE), day(90)), Step::Wait(Some(day(110))));
    }

    #[test]
    fn without_a_rule_no_client_ends() {
        assert_eq!(step(&seen(None, Some(60), 90), None, day(900)), Step::Wait(None));
    }
}
