//! The registered claims of a JWT ([RFC 7519 §4.1]) as statements and requests use them.
//!
//! [RFC 7519 §4.1]: https://www.rfc-editor.org/rfc/rfc7519#section-4.1

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::types::Timestamp;

const LONGEST_JTI: usize = 255;

/// A claim is there and is not what the standard says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

pub(super) fn text<'a>(
    claims: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a str>, Malformed> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_str().filter(|text| !text.is_empty()).ok_or(Malformed).map(Some),
    }
}

/// A `NumericDate`; `1e19` is malformed (SEC-41).
pub(super) fn instant(
    claims: &Map<String, Value>,
    name: &str,
) -> Result<Option<Timestamp>, Malformed> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Timestamp::deserialize(value).map(Some).map_err(|_| Malformed),
    }
}

/// `jti`: bounded, because it is kept.
pub(super) fn jti(claims: &Map<String, Value>) -> Result<Option<&str>, Malformed> {
    match text(claims, "jti")? {
        Some(jti) if jti.len() > LONGEST_JTI || jti.chars().any(char::is_control) => Err(Malformed),
        other => Ok(other),
    }
}

/// Whether `aud`, a text or a list of texts, names one of `ours`; `None` if there is no `aud`.
pub(super) fn audience(
    claims: &Map<String, Value>,
    ours: &[String],
) -> Result<Option<bool>, Malformed> {
    let is_ours = |value: &Value| value.as_str().map(|text| ours.iter().any(|our| our == text));
    match claims.get("aud") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(listed)) => {
            let named: Option<Vec<bool>> = listed.iter().map(is_ours).collect();
            named.map(|named| Some(named.contains(&true))).ok_or(Malformed)
        }
        Some(value) => is_ours(value).map(Some).ok_or(Malformed),
    }
}
