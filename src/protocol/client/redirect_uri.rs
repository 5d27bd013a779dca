//! Redirect URIs: what may be registered ([RFC 7591 §2], RFC 8252 §7, RFC 9700 §2.1, REG-M1).
//!
//! [RFC 7591 §2]: https://www.rfc-editor.org/rfc/rfc7591#section-2

use serde::{Deserialize, Deserializer, Serialize};

use crate::protocol::client::address;
use crate::protocol::client::address::{AmbiguousAddress, is_local};
use crate::types::HttpsUri;
use crate::types::InvalidUri;

const LONGEST: usize = 2048;

/// Why a text is not a redirect URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedirectUri {
    /// It is not a well-formed address.
    #[error("it is not acceptable: {0}")]
    Address(#[from] InvalidUri),
    /// Programs would read it differently from each other.
    #[error(transparent)]
    Ambiguous(#[from] AmbiguousAddress),
    /// It holds a `*`, which some would take for a pattern.
    #[error("it holds a `*`; redirect URIs are compared exactly")]
    Wildcard,
    /// Plain `http`, and not to a loopback address.
    #[error("plain http is allowed to `127.0.0.1` and `[::1]` only")]
    PlainHttp,
    /// A scheme that is neither `https`, `http` nor private to an app.
    #[error("its scheme must be https, or a private one with a dot in it (RFC 8252 section 7.1)")]
    Scheme,
}

/// What kind of address a redirect URI is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectKind {
    /// `https` to a public name.
    Https,
    /// `https` to this very machine.
    LocalHttps,
    /// `http` to a loopback address: a native app that listens (RFC 8252 §7.3).
    Loopback,
    /// A scheme of the app's own, such as `com.example.app:/callback` (RFC 8252 §7.1).
    PrivateUse,
}

/// A redirect URI. It is stored and compared exactly as it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// Reads it from text.
    ///
    /// # Errors
    ///
    /// The rule that is broken.
    pub fn parse(text: &str) -> Result<Self, InvalidRedirectUri> {
        if text.len() > LONGEST {
            return Err(InvalidUri::TooLong.into());
        }
        if text.contains('*') {
            return Err(InvalidRedirectUri::Wildcard);
        }
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            "https" => HttpsUri::parse(text).map(|_| ())?,
            "http" => check_loopback(text)?,
            _ => check_private_use(text, scheme)?,
        }
        let rest = text.split_once(':').map_or("", |(_, rest)| rest);
        address::check(rest)?;
        Ok(Self(text.to_owned()))
    }

    /// The text, exactly as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What kind of address it is.
    #[must_use]
    pub fn kind(&self) -> RedirectKind {
        match (self.https_host(), self.0.starts_with("http://")) {
            (Some(host), _) if is_local(&host) => RedirectKind::LocalHttps,
            (Some(_), _) => RedirectKind::Https,
            (None, true) => RedirectKind::Loopback,
            (None, false) => RedirectKind::PrivateUse,
        }
    }

    /// The host of an `https` address.
    #[must_use]
    pub fn https_host(&self) -> Option<String> {
        HttpsUri::parse(self.0.as_str()).ok().map(|uri| uri.host().to_owned())
    }
}

impl<'de> Deserialize<'de> for RedirectUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl std::fmt::Display for RedirectUri {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// `http` is for an app that listens on this machine; the rest of the rules are those of `https`.
fn check_loopback(text: &str) -> Result<(), InvalidRedirectUri> {
    let rest = text.strip_prefix("http").unwrap_or(text);
    let uri = HttpsUri::parse(format!("https{rest}"))?;
    if uri.host() == "127.0.0.1" || uri.host() == "[::1]" {
        Ok(())
    } else {
        Err(InvalidRedirectUri::PlainHttp)
    }
}

/// A dot in the scheme keeps out `javascript:`, `data:`, `file:` and every other scheme that a
/// browser gives a meaning to, in whatever case they are written (CVE-2026-9086).
fn check_private_use(text: &str, scheme: &str) -> Result<(), InvalidRedirectUri> {
    let begins_with_a_letter = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-')
    };
    if !begins_with_a_letter || !scheme.contains('.') || !scheme.bytes().all(allowed) {
        return Err(InvalidRedirectUri::Scheme);
    }
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&byte);
    let rest = text.strip_prefix(scheme).and_then(|rest| rest.strip_prefix(':')).unwrap_or("");
    if rest.is_empty() || !rest.bytes().all(plain) {
        return Err(InvalidUri::Malformed.into());
    }
    if rest.contains('#') {
        return Err(InvalidUri::Fragment.into());
    }
    if rest.starts_with("//") && rest.split(['/', '?']).nth(2).is_some_and(|a| a.contains('@')) {
        return Err(InvalidUri::Userinfo.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_redirect_uri_that_could_mean_something_else_is_refused_reg_m1_sec_18() {
        for bad in [
            "",
            "app",
            "/callback",
            "//a.example/cb",
            "http://a.example/cb",
            "http://localhost/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1@evil.example/cb",
            "http://2130706433/cb",
            "HTTPS://a.example/cb",
            "https://a.example/cb#f",
            "https://a.example/cb#",
            "https://user@a.example/cb",
            "https://a.example\\@evil.example/cb",
            "https://*.example/cb",
            "https://a.example/*",
            "https://a.example./cb",
            "https://a.example/\tcb",
            " https://a.example/cb",
            "https://a.example/c b",
            "https://\u{430}.example/cb",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "DATA:text/html,x",
            "file:///etc/passwd",
            "vbscript:x",
            "blob:https://a.example/x",
            "about:blank",
            "java.script",
            "com.example.app:",
            "com.example.app:/cb#f",
            "com.example.app://user@host/cb",
            "com.example.app:/c b",
            "Com.Example.App:/cb",
            ".com:/cb",
        ] {
            assert!(RedirectUri::parse(bad).is_err(), "{bad}");
        }
        assert!(RedirectUri::parse(&format!("https://a.example/{}", "x".repeat(2048))).is_err());
    }

    #[test]
    fn a_redirect_uri_that_programs_read_differently_is_refused_reg_t6_sec_18() {
        for bad in [
            "https://a.example//evil.example/cb",
            "https://a.example/../cb",
            "https://a.example/..;/cb",
            "https://a.example/%2e%2e/cb",
            "https://a.example/a%252fb",
            "https://a.example/a%2fb",
            "https://a.example/a%5cb",
            "https://a.example%2eevil.example/cb",
            "https://a.example%40evil.example/cb",
            "https://a.example/a%0d%0ab",
            "https://a.example/%zz",
            "https://a.example:/cb",
            "https://a.example:0443/cb",
            "https:/a.example/cb",
            "https:\\\\a.example/cb",
            "hTTps://a.example/cb",
            "https://a.example\u{3002}evil.example/cb",
            "https://xn--a.example/cb",
            "https://a.example/\u{202e}cb",
            "https://%61.example/cb",
            "com.example.app:/a/../cb",
            "https://A.example/cb",
        ] {
            assert!(RedirectUri::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_acceptable_redirect_uri_is_kept_as_written_and_knows_its_kind() {
        for (text, kind) in [
            ("https://a.example/cb?x=%2F..;/", RedirectKind::Https),
            ("https://localhost:3000/cb", RedirectKind::LocalHttps),
            ("https://127.9.9.9/cb", RedirectKind::LocalHttps),
            ("http://127.0.0.1:51004/cb", RedirectKind::Loopback),
            ("http://[::1]/cb", RedirectKind::Loopback),
            ("com.example.app:/oauth/cb", RedirectKind::PrivateUse),
        ] {
            let uri = RedirectUri::parse(text).unwrap();
            assert_eq!((uri.as_str(), uri.kind()), (text, kind));
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_read_with_the_same_host_by_a_browser(text in "(https|http)://[ -~]{0,40}") {
            if let Ok(uri) = RedirectUri::parse(&text) {
                let url = url::Url::parse(uri.as_str()).unwrap();
                let after = text.split_once("://").unwrap().1;
                prop_assert!(after.starts_with(url.host_str().unwrap()));
                prop_assert!(url.username().is_empty() && url.fragment().is_none());
            }
        }
    }
}
