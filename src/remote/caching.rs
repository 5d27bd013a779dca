//! What an answer says of its own age, heard within our own bounds ([RFC 9111] §5.2.2, RFC 9110 §8.8).
//!
//! [RFC 9111]: https://www.rfc-editor.org/rfc/rfc9111

use reqwest::header::AGE;
use reqwest::header::CACHE_CONTROL;
use reqwest::header::ETAG;
use reqwest::header::HeaderMap;
use reqwest::header::HeaderName;
use reqwest::header::LAST_MODIFIED;

/// How long a document without a word about it is fresh, in seconds.
pub(super) const FRESH: i64 = 300;
/// However short-lived its owner declares it, it is not fetched for every request.
pub(super) const LEAST_FRESH: i64 = 60;
/// However long-lived its owner declares it, a key that was withdrawn is noticed.
pub(super) const MOST_FRESH: i64 = 900;

/// A longer validator is not kept; the document is then fetched whole.
const LONGEST_VALIDATOR: usize = 256;

/// What to send back, to hear whether anything has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Validators {
    /// For `If-None-Match`.
    pub(super) etag: Option<String>,
    /// For `If-Modified-Since`.
    pub(super) last_modified: Option<String>,
}

impl Validators {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        Self { etag: validator(headers, &ETAG), last_modified: validator(headers, &LAST_MODIFIED) }
    }

    /// A 304 may leave out what has not changed.
    pub(super) fn or(self, before: Self) -> Self {
        Self {
            etag: self.etag.or(before.etag),
            last_modified: self.last_modified.or(before.last_modified),
        }
    }
}

/// How long an answer with these headers is fresh, in seconds.
pub(super) fn fresh_for(headers: &HeaderMap) -> i64 {
    let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let values = headers.get_all(CACHE_CONTROL).iter().map(text).collect::<Vec<_>>();
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.trim().parse::<i64>().ok());
    declared(&values.join(","), age.unwrap_or(0))
        .map_or(FRESH, |seconds| seconds.clamp(LEAST_FRESH, MOST_FRESH))
}

/// The shortest life that the directives ask for, if they ask for any.
fn declared(directives: &str, age: i64) -> Option<i64> {
    let lives = directives.split(',').filter_map(|directive| {
        let (name, value) = directive.trim().split_once('=').unwrap_or((directive.trim(), ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => Some(0),
            // RFC 9111 §4.2.1: what cannot be read is stale.
            "max-age" => {
                let seconds = value.trim().trim_matches('"').parse::<i64>().unwrap_or(0);
                Some(seconds.saturating_sub(age.max(0)))
            }
            _ => None,
        }
    });
    lives.min()
}

fn validator(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    (!value.is_empty() && value.len() <= LONGEST_VALIDATOR).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn headers(named: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in named {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_declared_life_counts_within_our_bounds() {
        let cases = [
            ("max-age=120", 120),
            ("public, Max-Age = 120", 120),
            ("max-age=\"120\"", 120),
            ("max-age=1", LEAST_FRESH),
            ("max-age=31536000", MOST_FRESH),
            ("max-age=99999999999999999999", LEAST_FRESH),
            ("max-age=soon", LEAST_FRESH),
            ("max-age=600, max-age=120", 120),
            ("no-store", LEAST_FRESH),
            ("no-cache, max-age=600", LEAST_FRESH),
            ("must-revalidate", FRESH),
            ("", FRESH),
        ];
        for (text, expected) in cases {
            assert_eq!(fresh_for(&headers(&[(CACHE_CONTROL, text)])), expected, "{text}");
        }
        assert_eq!(fresh_for(&HeaderMap::new()), FRESH);
    }

    #[test]
    fn directives_of_several_headers_count_together() {
        let two = headers(&[(CACHE_CONTROL, "max-age=600"), (CACHE_CONTROL, "no-cache")]);
        assert_eq!(fresh_for(&two), LEAST_FRESH);
    }

    #[test]
    fn an_answer_that_has_aged_elsewhere_is_fresh_for_less() {
        let aged = |age| headers(&[(CACHE_CONTROL, "max-age=600"), (AGE, age)]);
        assert_eq!(fresh_for(&aged("200")), 400);
        assert_eq!(fresh_for(&aged("-200")), 600);
        assert_eq!(fresh_for(&aged("9223372036854775807")), LEAST_FRESH);
    }

    #[test]
    fn a_validator_is_kept_while_it_is_short() {
        let read = |etag: &str| Validators::read(&headers(&[(ETAG, etag)])).etag;
        assert_eq!(read("\"a\"").as_deref(), Some("\"a\""));
        assert_eq!(read(&"e".repeat(LONGEST_VALIDATOR + 1)), None);
        assert_eq!(read(""), None);
    }
}
