//! Addresses: what may be called, compared or redirected to. They are compared byte for byte
//! (SEC-61, RFC 9700 §2.1): the text is kept exactly as it was given.

use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

const LONGEST_URI: usize = 2048;

/// Why a text is not an acceptable address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUri {
    /// It does not parse, or holds characters that must be escaped.
    #[error("it is not an absolute URI in plain ASCII")]
    Malformed,
    /// It is longer than 2048 characters.
    #[error("it is longer than {LONGEST_URI} characters")]
    TooLong,
    /// Its scheme is not `https`.
    #[error("its scheme is not `https`")]
    NotHttps,
    /// It carries a user name or password.
    #[error("it carries a user name or password")]
    Userinfo,
    /// It carries a fragment.
    #[error("it carries a fragment")]
    Fragment,
    /// It has no host, or one that a parser would rewrite.
    #[error("its host is missing or not written in its plain form")]
    Host,
    /// It carries a query, which an issuer may not.
    #[error("it carries a query")]
    Query,
}

/// Parses strictly: what a lenient parser would mend (spaces, backslashes, tabs, foreign letters) is refused.
fn parse(text: &str) -> Result<Url, InvalidUri> {
    if text.len() > LONGEST_URI {
        return Err(InvalidUri::TooLong);
    }
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&byte);
    if !text.bytes().all(plain) {
        return Err(InvalidUri::Malformed);
    }
    Url::parse(text).map_err(|_| InvalidUri::Malformed)
}

/// The rules for `https` addresses: no userinfo, no fragment, and a host written as it will be used.
fn parse_https(text: &str) -> Result<Url, InvalidUri> {
    let url = parse(text)?;
    if url.scheme() != "https" || !text.starts_with("https://") {
        return Err(InvalidUri::NotHttps);
    }
    if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
        return Err(InvalidUri::Userinfo);
    }
    if text.contains('#') {
        return Err(InvalidUri::Fragment);
    }
    let host = url.host_str().ok_or(InvalidUri::Host)?;
    let rest = authority(text).strip_prefix(host).ok_or(InvalidUri::Host)?;
    if host.ends_with('.') || !(rest.is_empty() || rest.starts_with(':')) {
        return Err(InvalidUri::Host);
    }
    Ok(url)
}

/// The part between `https://` and the next `/`, `?` or `#`.
fn authority(text: &str) -> &str {
    let rest = text.strip_prefix("https://").unwrap_or(text);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

macro_rules! uris {
    ($($(#[$doc:meta])* $name:ident by $parse:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Reads it from text.
            ///
            /// # Errors
            ///
            /// The rule that is broken; see [`InvalidUri`].
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidUri> {
                let text = text.into();
                let check: fn(&str) -> Result<(), InvalidUri> = $parse;
                check(&text)?;
                Ok(Self(text))
            }

            /// The text, exactly as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    )+};
}

uris! {
    /// An absolute `https` address without userinfo or fragment.
    HttpsUri by |text| parse_https(text).map(|_| ());
    /// An issuer identifier: an `https` address without query or fragment (RFC 8414 §2).
    Issuer by |text| match parse_https(text)?.query() {
        Some(_) => Err(InvalidUri::Query),
        None => Ok(()),
    };
    /// What RFC 8707 §2 calls a resource: an absolute URI without a fragment.
    ResourceUri by |text| match parse(text)?.fragment() {
        Some(_) => Err(InvalidUri::Fragment),
        None => Ok(()),
    };
}

impl HttpsUri {
    /// The host, lower case, without a port.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = authority(&self.0);
        if authority.starts_with('[') {
            return authority.split_inclusive(']').next().unwrap_or(authority);
        }
        authority.split(':').next().unwrap_or(authority)
    }
}

impl Issuer {
    /// The issuer's address followed by `path`, which begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_https_uri_is_written_as_it_will_be_used() {
        for bad in [
            "http://a.example/",
            "HTTPS://a.example/",
            "https://A.example/",
            "https://a.example./",
            "https://user@a.example/",
            "https://@a.example/",
            "https://a.example/#f",
            "https://a.example/#",
            "https://a.example\\@b.example/",
            "https://a.example/ b",
            "https://a.example/\tb",
            "https://\u{e9}.example/",
            "https://0x7f.1/",
            "https:a.example",
            "https:///a.example",
            "https://",
            "javascript:alert(1)",
            "a.example",
        ] {
            assert!(HttpsUri::parse(bad).is_err(), "{bad}");
        }
        let uri = HttpsUri::parse("https://a.example:8443/jwks?x=1").unwrap();
        assert_eq!(uri.host(), "a.example");
        assert_eq!(HttpsUri::parse("https://[::1]:8443/").unwrap().host(), "[::1]");
    }

    #[test]
    fn an_issuer_has_no_query() {
        assert_eq!(Issuer::parse("https://as.example?x"), Err(InvalidUri::Query));
        assert_eq!(
            Issuer::parse("https://as.example/").unwrap().join("/token"),
            "https://as.example/token"
        );
    }

    #[test]
    fn a_resource_is_an_absolute_uri_without_a_fragment() {
        assert!(ResourceUri::parse("urn:bank:accounts").is_ok());
        assert!(ResourceUri::parse("https://api.example/accounts").is_ok());
        assert!(ResourceUri::parse("https://api.example/#a").is_err());
        assert!(ResourceUri::parse("/accounts").is_err());
    }
}
