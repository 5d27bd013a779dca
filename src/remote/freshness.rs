//! Whether the keys at hand will do (GOV-LC-3): a pure decision over what was fetched and when.

use crate::jose::JwkSet;
use crate::remote::error::RemoteError;
use crate::types::Timestamp;

/// Younger keys are used without asking.
pub(super) const FRESH: i64 = 300;
/// Older keys are not used at all; between the two they serve while their owner cannot be reached.
pub(super) const USABLE: i64 = 3_600;
/// How long a failure, or an unknown `kid`, is believed before we ask again.
pub(super) const PAUSE: i64 = 10;

/// What is known of one address.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The last keys it gave, and when.
    pub(super) keys: Option<(JwkSet, Timestamp)>,
    /// The last time we asked, and how it failed if it did.
    pub(super) asked: Option<(Timestamp, Option<RemoteError>)>,
}

/// What to do.
#[derive(Debug)]
pub(super) enum Decision {
    /// These will do.
    Use(JwkSet),
    /// Ask the owner.
    Fetch,
    /// We have asked just now.
    Fail(RemoteError),
}

impl Known {
    /// Decides for somebody who needs keys, perhaps a certain one.
    pub(super) fn decide(&self, wanted: Option<&str>, now: Timestamp) -> Decision {
        let asked_just_now = match &self.asked {
            Some((at, _)) => (0..PAUSE).contains(&now.since(*at)),
            None => false,
        };
        match &self.keys {
            Some((keys, at)) if (0..FRESH).contains(&now.since(*at)) => {
                let is_known = wanted.is_none_or(|key_id| keys.find(key_id).is_some());
                if is_known || asked_just_now {
                    return Decision::Use(keys.clone());
                }
            }
            Some(_) | None => {}
        }
        match &self.asked {
            Some((_, Some(failure))) if asked_just_now => self.despite(failure.clone(), now),
            Some(_) | None => Decision::Fetch,
        }
    }

    /// The keys that are still usable when asking has failed.
    pub(super) fn despite(&self, failure: RemoteError, now: Timestamp) -> Decision {
        match &self.keys {
            Some((keys, at)) if (0..USABLE).contains(&now.since(*at)) => {
                Decision::Use(keys.clone())
            }
            Some(_) | None => Decision::Fail(failure),
        }
    }

    /// Notes what came of asking.
    pub(super) fn note(&mut self, outcome: &Result<JwkSet, RemoteError>, now: Timestamp) {
        match outcome {
            Ok(keys) => {
                self.keys = Some((keys.clone(), now));
                self.asked = Some((now, None));
            }
            Err(failure) => self.asked = Some((now, Some(failure.clone()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn fetched() -> Known {
        let mut known = Known::default();
        known.note(&Ok(key_set()), at(0));
        known
    }

    fn word(decision: &Decision) -> &'static str {
        match decision {
            Decision::Use(_) => "use",
            Decision::Fetch => "fetch",
            Decision::Fail(_) => "fail",
        }
    }

    #[test]
    fn keys_are_used_while_fresh_and_asked_for_when_not() {
        assert_eq!(word(&Known::default().decide(None, at(0))), "fetch");
        for (seconds, expected) in [(0, "use"), (299, "use"), (300, "fetch"), (-1, "fetch")] {
            assert_eq!(word(&fetched().decide(Some("one"), at(seconds))), expected, "{seconds}");
        }
    }

    #[test]
    fn an_unknown_kid_asks_again_but_not_at_once() {
        assert_eq!(word(&fetched().decide(Some("two"), at(9))), "use");
        assert_eq!(word(&fetched().decide(Some("two"), at(10))), "fetch");
        assert_eq!(word(&fetched().decide(None, at(10))), "use");
    }

    #[test]
    fn keys_outlive_a_failure_for_an_hour() {
        let mut known = fetched();
        known.note(&Err(RemoteError::Busy), at(400));
        assert_eq!(word(&known.decide(Some("one"), at(405))), "use");
        assert_eq!(word(&known.decide(Some("one"), at(410))), "fetch");
        assert_eq!(word(&known.despite(RemoteError::Busy, at(3_599))), "use");
        assert_eq!(word(&known.despite(RemoteError::Busy, at(3_600))), "fail");
    }

    #[test]
    fn a_failure_is_believed_for_a_moment() {
        let mut known = Known::default();
        known.note(&Err(RemoteError::Status(500)), at(0));
        assert_eq!(word(&known.decide(None, at(9))), "fail");
        assert_eq!(word(&known.decide(None, at(10))), "fetch");
    }
}
