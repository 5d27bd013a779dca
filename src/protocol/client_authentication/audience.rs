//! The audience rule of client assertions (SEC-12, FAPI 2.0 §5.3.2.1, OpenID Connect Core §9).

use serde_json::Value;

use crate::types::Issuer;

/// Whom an assertion must be made for (SEC-12, SEC-61, CONF-29). Names are compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudienceRule {
    /// One string equal to the issuer (FAPI 2.0 Final).
    IssuerOnly {
        /// Our issuer.
        issuer: Issuer,
    },
    /// The issuer, an array that holds it, or the address of an endpoint (FAPI 1, CIBA, OpenID).
    IssuerOrEndpoint {
        /// Our issuer.
        issuer: Issuer,
        /// The token endpoint and the endpoint called.
        endpoints: Vec<String>,
    },
}

impl AudienceRule {
    /// Whether an assertion with this `aud` was made for us.
    #[must_use]
    pub fn accepts(&self, audience: &Value) -> bool {
        match self {
            Self::IssuerOnly { issuer } => audience.as_str() == Some(issuer.as_str()),
            Self::IssuerOrEndpoint { issuer, endpoints } => {
                let is_issuer = |name: &Value| name.as_str() == Some(issuer.as_str());
                let is_endpoint = |name: &str| endpoints.iter().any(|endpoint| endpoint == name);
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

    fn issuer() -> Issuer {
        Issuer::parse("https://as.example").unwrap()
    }

    #[test]
    fn fapi_2_takes_the_issuer_as_one_text_and_nothing_else() {
        let rule = AudienceRule::IssuerOnly { issuer: issuer() };
        assert!(rule.accepts(&json!("https://as.example")));
        for bad in [
            json!(["https://as.example"]),
            json!(["https://as.example", "https://evil.example"]),
            json!(TOKEN),
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
            assert!(!rule.accepts(&bad), "{bad}");
        }
    }

    #[test]
    fn older_profiles_also_take_an_endpoint_or_an_array_with_the_issuer() {
        let rule =
            AudienceRule::IssuerOrEndpoint { issuer: issuer(), endpoints: vec![TOKEN.to_owned()] };
        for good in [
            json!("https://as.example"),
            json!(TOKEN),
            json!(["https://as.example"]),
            json!(["https://evil.example", "https://as.example"]),
        ] {
            assert!(rule.accepts(&good), "{good}");
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
            assert!(!rule.accepts(&bad), "{bad}");
        }
    }
}
