//! Introspection answers as JWT ([RFC 9701]), which a resource server can keep as evidence.
//!
//! [RFC 9701]: https://www.rfc-editor.org/rfc/rfc9701

use serde::Serialize;

use crate::protocol::introspection::Introspection;
use crate::types::{Issuer, ResourceUri, Timestamp};

/// RFC 9701 §5: the `typ` of an answer. No other JWT has it, so that none passes for another.
pub const TYPE: &str = "token-introspection+jwt";
/// RFC 9701 §4: the media type that asks for one, and that it has.
pub const MEDIA_TYPE: &str = "application/token-introspection+jwt";

/// How many media ranges of an `Accept` field are looked at.
const MOST_RANGES: usize = 50;

/// The claims of an answer (RFC 9701 §5). What is said of the token stands apart, and there is neither
/// `sub` nor `exp` beside it, so that no answer can be mistaken for an access token (§8.1).
#[derive(Debug, Serialize)]
pub struct SignedIntrospection<'a> {
    /// We.
    pub iss: &'a Issuer,
    /// Whoever asked.
    pub aud: &'a ResourceUri,
    /// When it was answered.
    pub iat: Timestamp,
    /// What RFC 7662 answers.
    pub token_introspection: &'a Introspection<'a>,
}

/// Whether an `Accept` field asks for a JWT (RFC 9701 §4, RFC 9110 §12.5.1): it names the media type,
/// and JSON is not preferred. Whoever names neither gets JSON, which RFC 7662 §2.2 defines.
#[must_use]
pub fn is_wanted(accept: Option<&str>) -> bool {
    let ranges: Vec<(String, u16)> =
        accept.unwrap_or_default().split(',').take(MOST_RANGES).filter_map(range).collect();
    let quality = |name: &str| {
        let named = ranges.iter().find(|(range, _)| range == name);
        named.map(|(_, quality)| *quality)
    };
    let Some(jwt) = quality(MEDIA_TYPE) else { return false };
    let json = ["application/json", "application/*", "*/*"].into_iter().find_map(quality);
    jwt > 0 && jwt >= json.unwrap_or_default()
}

/// A media range in lower case, and its quality in thousandths. A malformed one says nothing.
fn range(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
    let weight = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    Some((name, weight.map_or(Some(1000), thousandths)?))
}

/// RFC 9110 §12.4.2: from 0 to 1, with three digits at most.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    if digits.len() > 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{digits:0<3}").parse().ok()?;
    match (whole, fraction) {
        ("0", fraction) => Some(fraction),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_is_for_whoever_names_it_and_does_not_like_json_better() {
        for accept in [
            "application/token-introspection+jwt",
            "Application/Token-Introspection+JWT",
            "application/token-introspection+jwt;q=0.001",
            "application/token-introspection+jwt, application/json",
            "application/json;q=0.9, application/token-introspection+jwt",
            "text/html, application/token-introspection+jwt ; q=1.000 , */*;q=0.8",
            "application/token-introspection+jwt;q=0.5, application/json;q=0, */*",
        ] {
            assert!(is_wanted(Some(accept)), "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/*",
            "application/jwt",
            "application/json",
            "text/html",
            "application/token-introspection+jwt;q=0",
            "application/token-introspection+jwt;q=0.000",
            "application/token-introspection+jwt;q=0.5, application/json",
            "application/token-introspection+jwt;q=0.5, application/*",
            "application/token-introspection+jwt;q=0.5, */*;q=0.6",
            "application/token-introspection+jwt;q=2",
            "application/token-introspection+jwt;q=1.5",
            "application/token-introspection+jwt;q=-1",
            "application/token-introspection+jwt;q=0.0001",
            "application/token-introspection+jwt;q=high",
            "application/token-introspection+jwtx",
            ",,;;q=,=",
        ] {
            assert!(!is_wanted(Some(accept)), "{accept}");
        }
        assert!(!is_wanted(None));
        let late = format!("{}application/token-introspection+jwt", "a/b,".repeat(MOST_RANGES));
        assert!(!is_wanted(Some(&late)));
    }

    #[test]
    fn what_is_said_of_the_token_stands_apart() {
        let answer = SignedIntrospection {
            iss: &Issuer::parse("https://as.example").unwrap(),
            aud: &ResourceUri::parse("urn:bank:accounts").unwrap(),
            iat: Timestamp::from_epoch(1_000_000).unwrap(),
            token_introspection: &Introspection::Inactive,
        };
        assert_eq!(
            serde_json::to_value(answer).unwrap(),
            serde_json::json!({
                "iss": "https://as.example",
                "aud": "urn:bank:accounts",
                "iat": 1_000_000,
                "token_introspection": { "active": false },
            })
        );
    }
}
