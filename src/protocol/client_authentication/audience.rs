//! The audience rule of client assertions (SEC-12, FAPI 2.0 §5.3.2.1, OpenID Connect Core §9).

use serde_json::Value;

use crate::protocol::client_authentication::client_assertion::LONGEST_LIFE;
use crate::types::Issuer;

/// Whom a client may make its assertions for (SEC-12, CONF-29).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Audiences {
    /// One string equal to the issuer (FAPI 2.0 Final).
    #[default]
    IssuerOnly,
    /// The issuer, an array that holds it, or the address of an endpoint (FAPI 1, CIBA, OpenID, UK).
    IssuerOrEndpoint,
}

/// What a profile demands of its clients' assertions: data of a trust framework (CONF-27).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudienceRule {
    /// Whom they may be made for.
    pub audiences: Audiences,
    /// How long they may live, in seconds. UK tools make them live half an hour (REG-C5).
    pub longest_life_seconds: i64,
}

impl Default for AudienceRule {
    /// The rule of FAPI 2.0.
    fn default() -> Self {
        Self { audiences: Audiences::IssuerOnly, longest_life_seconds: LONGEST_LIFE }
    }
}

impl AudienceRule {
    /// The longest life that any profile may allow, in seconds.
    pub const LONGEST_LIFE: i64 = 3600;
}

/// What this server is called. Names are compared byte for byte (SEC-61).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OurNames {
    /// Our issuer.
    pub issuer: Issuer,
    /// The endpoints that authenticate clients, each at every address that it has.
    pub endpoints: Vec<String>,
}

impl OurNames {
    /// Whether an assertion with this `aud` was made for us.
    #[must_use]
    pub fn are_meant(&self, audience: &Value, audiences: Audiences) -> bool {
        let is_issuer = |name: &Value| name.as_str() == Some(self.issuer.as_str());
        let is_endpoint = |name: &str| self.endpoints.iter().any(|endpoint| endpoint == name);
        match audiences {
            Audiences::IssuerOnly => is_issuer(audience),
            Audiences::IssuerOrEndpoint => {
                is_issuer(audience)
                    || audience.as_str().is_some_and(is_endpoint)
                    || audience.as_array().is_some_and(|names| names.iter().any(is_issuer))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TOKEN: &str = "https://as.example/token";
    const ALIAS: &str = "https://mtls.as.example/token";

    fn meant(audience: &Value, audiences: Audiences) -> bool {
        let us = OurNames {
            issuer: Issuer::parse("https://as.example").unwrap(),
            endpoints: vec![TOKEN.to_owned(), ALIAS.to_owned()],
        };
        us.are_meant(audience, audiences)
    }

    #[test]
    fn fapi_2_takes_the_issuer_as_one_text_and_nothing_else() {
        assert_eq!(AudienceRule::default().audiences, Audiences::IssuerOnly);
        assert!(meant(&json!("https://as.example"), Audiences::IssuerOnly));
        for bad in [
            json!(["https://as.example"]),
            json!(["https://as.example", "https://evil.example"]),
            json!(TOKEN),
            json!(ALIAS),
            json!("https://as.example/introspect"),
            json!("https://as.example/"),
            json!("https://AS.example"),
            json!("HTTPS://as.example"),
            json!("https://as.example:443"),
            json!(" https://as.example"),
            json!(""),
            json!(null),
            json!(7),
            json!({}),
            json!([]),
        ] {
            assert!(!meant(&bad, Audiences::IssuerOnly), "{bad}");
        }
    }

    #[test]
    fn older_profiles_also_take_an_endpoint_or_an_array_with_the_issuer() {
        for good in [
            json!("https://as.example"),
            json!(TOKEN),
            json!(ALIAS),
            json!(["https://as.example"]),
            json!(["https://evil.example", "https://as.example"]),
        ] {
            assert!(meant(&good, Audiences::IssuerOrEndpoint), "{good}");
        }
        for bad in [
            json!([TOKEN]),
            json!("https://as.example/"),
            json!("https://as.example/token/"),
            json!("https://as.example/Token"),
            json!([["https://as.example"]]),
            json!("https://evil.example"),
            json!([]),
        ] {
            assert!(!meant(&bad, Audiences::IssuerOrEndpoint), "{bad}");
        }
    }
}
