//! Whether the keys at hand will do (GOV-LC-3, REG-L6): a pure decision over what was fetched and when.

use crate::jose::JwkSet;
use crate::remote::caching::Validators;
use crate::remote::error::RemoteError;
use crate::types::Timestamp;

/// Keys that nobody has confirmed for so long are not used at all; from the end of their freshness
/// until then they serve while their owner cannot be reached.
pub(super) const USABLE: i64 = 3_600;
/// How long a failure, or an unknown `kid`, is believed before we ask again.
pub(super) const PAUSE: i64 = 10;
/// A host that fails again and again is believed for twice as long each time, up to this.
const LONGEST_PAUSE: i64 = 80;
/// The last part of their freshness in which keys are used and fetched again beside it.
const AHEAD: i64 = 5;
/// How often strangers who name unknown keys make us ask within one [`REFILL`].
const MOST_ASKED: i64 = 3;
/// How long until they may make us ask once more.
const REFILL: i64 = 60;

/// What is known of one address.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// What it gave last.
    keys: Option<Kept>,
    /// The last time we asked, and how it failed if it did.
    asked: Option<(Timestamp, Option<RemoteError>)>,
    /// How often in a row it has failed.
    failures: u32,
    /// How often it may be asked for keys that we do not know.
    budget: Budget,
}

/// Keys, and what their owner said of them.
#[derive(Debug, Clone)]
struct Kept {
    keys: JwkSet,
    /// When the owner last stood by them.
    confirmed_at: Timestamp,
    fresh_for: i64,
    validators: Validators,
}

/// What asking has brought.
#[derive(Debug, Clone)]
pub(super) struct News {
    /// The keys; nothing, if those that we have still hold.
    pub(super) keys: Option<JwkSet>,
    /// What to send the next time.
    pub(super) validators: Validators,
    /// How long they are fresh, in seconds.
    pub(super) fresh_for: i64,
}

/// What to do.
#[derive(Debug)]
pub(super) enum Decision {
    /// These will do.
    Use(JwkSet),
    /// These will do, and it is time to fetch them again beside that.
    UseAndRefresh(JwkSet),
    /// Ask the owner.
    Fetch,
    /// We have asked just now.
    Fail(RemoteError),
}

impl Known {
    /// Decides for somebody who needs keys, perhaps a certain one.
    pub(super) fn decide(&self, wanted: Option<&str>, now: Timestamp) -> Decision {
        let asked_just_now = self.was_asked_just_now(now);
        if let Some(kept) = self.keys.as_ref().filter(|kept| kept.is_fresh(now)) {
            let is_known = wanted.is_none_or(|key_id| kept.keys.find(key_id).is_some());
            if is_known && kept.is_nearly_stale(now) && !asked_just_now {
                return Decision::UseAndRefresh(kept.keys.clone());
            }
            if is_known || asked_just_now || self.budget.at(now) == 0 {
                return Decision::Use(kept.keys.clone());
            }
        }
        match &self.asked {
            Some((_, Some(failure))) if asked_just_now => self.despite(failure.clone(), now),
            Some(_) | None => Decision::Fetch,
        }
    }

    /// The keys that are still usable when asking has failed.
    pub(super) fn despite(&self, failure: RemoteError, now: Timestamp) -> Decision {
        match &self.keys {
            Some(kept) if (0..USABLE).contains(&now.since(kept.confirmed_at)) => {
                Decision::Use(kept.keys.clone())
            }
            Some(_) | None => Decision::Fail(failure),
        }
    }

    /// What to send, to hear whether anything has changed.
    pub(super) fn validators(&self) -> Validators {
        self.keys.as_ref().map(|kept| kept.validators.clone()).unwrap_or_default()
    }

    /// Notes what came of asking, and decides on it.
    pub(super) fn note(&mut self, outcome: Result<News, RemoteError>, now: Timestamp) -> Decision {
        self.budget = self.budget.spent(now);
        let failure = match outcome {
            Ok(news) => match self.confirmed(news, now) {
                Some(kept) => {
                    let keys = kept.keys.clone();
                    (self.keys, self.asked, self.failures) = (Some(kept), Some((now, None)), 0);
                    return Decision::Use(keys);
                }
                // Only who holds keys asks whether they still hold.
                None => RemoteError::Status(304),
            },
            Err(failure) => failure,
        };
        self.failures = self.failures.saturating_add(1);
        self.asked = Some((now, Some(failure.clone())));
        self.despite(failure, now)
    }

    fn confirmed(&self, news: News, now: Timestamp) -> Option<Kept> {
        let News { keys, validators, fresh_for } = news;
        match keys {
            Some(keys) => Some(Kept { keys, confirmed_at: now, fresh_for, validators }),
            None => self.keys.clone().map(|kept| Kept {
                validators: validators.or(kept.validators),
                confirmed_at: now,
                fresh_for,
                keys: kept.keys,
            }),
        }
    }

    fn was_asked_just_now(&self, now: Timestamp) -> bool {
        let doubled = self.failures.saturating_sub(1).min(8);
        let pause = PAUSE.saturating_mul(2_i64.saturating_pow(doubled)).min(LONGEST_PAUSE);
        self.asked.as_ref().is_some_and(|(at, _)| (0..pause).contains(&now.since(*at)))
    }
}

impl Kept {
    fn is_fresh(&self, now: Timestamp) -> bool {
        (0..self.fresh_for).contains(&now.since(self.confirmed_at))
    }

    fn is_nearly_stale(&self, now: Timestamp) -> bool {
        let ahead = self.fresh_for.checked_div(AHEAD).unwrap_or(0);
        now.since(self.confirmed_at) >= self.fresh_for.saturating_sub(ahead)
    }
}

/// A bucket of questions, which fills up again with time.
#[derive(Debug, Clone, Copy)]
struct Budget {
    left: i64,
    since: Timestamp,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: MOST_ASKED, since: Timestamp::EARLIEST }
    }
}

impl Budget {
    fn at(self, now: Timestamp) -> i64 {
        let refilled = now.since(self.since).max(0).checked_div(REFILL).unwrap_or(0);
        self.left.saturating_add(refilled).min(MOST_ASKED)
    }

    fn spent(self, now: Timestamp) -> Self {
        let full = self.at(now) == MOST_ASKED;
        let elapsed = now.since(self.since).max(0);
        // What has been waited towards the next one is not lost.
        let rest = elapsed.checked_rem(REFILL).unwrap_or(0);
        let since = if full { now } else { now.plus(rest.saturating_neg()) };
        Self { left: self.at(now).saturating_sub(1).max(0), since }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::caching::FRESH;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch(1_000_000).unwrap().plus(seconds)
    }

    fn key_set() -> JwkSet {
        JwkSet::parse_fetched(&serde_json::json!({"keys": [{
            "kty": "OKP", "crv": "Ed25519", "kid": "one",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        }]}))
        .unwrap()
    }

    fn news(keys: Option<JwkSet>) -> News {
        let etag = keys.is_some().then(|| "\"a\"".to_owned());
        let validators = Validators { etag, last_modified: None };
        News { keys, validators, fresh_for: FRESH }
    }

    fn fetched() -> Known {
        let mut known = Known::default();
        known.note(Ok(news(Some(key_set()))), at(0));
        known
    }

    fn word(decision: &Decision) -> &'static str {
        match decision {
            Decision::Use(_) => "use",
            Decision::UseAndRefresh(_) => "use and refresh",
            Decision::Fetch => "fetch",
            Decision::Fail(_) => "fail",
        }
    }

    #[test]
    fn keys_are_used_while_fresh_and_asked_for_when_not() {
        assert_eq!(word(&Known::default().decide(None, at(0))), "fetch");
        for (seconds, expected) in [
            (0, "use"),
            (239, "use"),
            (240, "use and refresh"),
            (299, "use and refresh"),
            (300, "fetch"),
            (-1, "fetch"),
        ] {
            assert_eq!(word(&fetched().decide(Some("one"), at(seconds))), expected, "{seconds}");
        }
    }

    #[test]
    fn keys_that_their_owner_confirms_are_fresh_again() {
        let mut known = fetched();
        assert_eq!(word(&known.note(Ok(news(None)), at(300))), "use");
        assert_eq!(word(&known.decide(Some("one"), at(500))), "use");
        assert_eq!(known.validators().etag.as_deref(), Some("\"a\""));
        let nothing = Known::default().note(Ok(news(None)), at(0));
        assert!(matches!(nothing, Decision::Fail(RemoteError::Status(304))));
    }

    #[test]
    fn an_unknown_kid_asks_again_but_not_at_once() {
        assert_eq!(word(&fetched().decide(Some("two"), at(9))), "use");
        assert_eq!(word(&fetched().decide(Some("two"), at(10))), "fetch");
        assert_eq!(word(&fetched().decide(None, at(10))), "use");
    }

    #[test]
    fn unknown_kids_ask_three_times_and_then_once_a_minute() {
        let mut known = fetched();
        let mut asked = Vec::new();
        for seconds in 0..180 {
            if word(&known.decide(Some("two"), at(seconds))) == "fetch" {
                asked.push(seconds);
                known.note(Ok(news(Some(key_set()))), at(seconds));
            }
        }
        assert_eq!(asked, [10, 20, 60, 120]);
    }

    #[test]
    fn keys_outlive_a_failure_for_an_hour() {
        let mut known = fetched();
        known.note(Err(RemoteError::Busy), at(400));
        assert_eq!(word(&known.decide(Some("one"), at(405))), "use");
        assert_eq!(word(&known.decide(Some("one"), at(410))), "fetch");
        assert_eq!(word(&known.despite(RemoteError::Busy, at(3_599))), "use");
        assert_eq!(word(&known.despite(RemoteError::Busy, at(3_600))), "fail");
    }

    #[test]
    fn a_failure_is_believed_for_a_moment_and_longer_when_it_repeats() {
        let mut known = Known::default();
        let mut last = 0;
        for pause in [10, 20, 40, 80, 80] {
            known.note(Err(RemoteError::Status(500)), at(last));
            assert_eq!(word(&known.decide(None, at(last + pause - 1))), "fail", "{pause}");
            assert_eq!(word(&known.decide(None, at(last + pause))), "fetch", "{pause}");
            last += pause;
        }
        known.note(Ok(news(Some(key_set()))), at(last));
        known.note(Err(RemoteError::Status(500)), at(last + 1_000));
        assert_eq!(word(&known.decide(None, at(last + 1_010))), "fetch");
    }
}
