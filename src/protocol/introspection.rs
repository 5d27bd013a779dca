//! Token introspection ([RFC 7662]).
//!
//! [RFC 7662]: https://www.rfc-editor.org/rfc/rfc7662

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::protocol::parameters::{InvalidParameters, Parameters};
use crate::protocol::token::AccessTokenClaims;
use crate::protocol::token::Confirmation;
use crate::types::Secret;

/// A well-formed request. `token_type_hint` is optional and we need no hint (RFC 7662 §2.1).
#[derive(Debug, Clone)]
pub struct IntrospectionRequest {
    /// The token that is asked about.
    pub token: Secret,
}

impl IntrospectionRequest {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// There is no `token`.
    pub fn parse(parameters: &Parameters) -> Result<Self, InvalidParameters> {
        Ok(Self { token: Secret::new(parameters.required("token")?) })
    }
}

/// The answer (RFC 7662 §2.2). An inactive token is exactly `{"active":false}`, whatever the cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Introspection<'a> {
    /// The token holds, here and now, and is meant for whoever asks.
    Active(&'a AccessTokenClaims),
    /// It does not.
    Inactive,
}

#[derive(Serialize)]
struct ActiveToken<'a> {
    active: bool,
    token_type: &'static str,
    #[serde(flatten)]
    claims: &'a AccessTokenClaims,
}

impl Serialize for Introspection<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Active(claims) => {
                let token_type = Confirmation::token_type(claims.cnf.as_ref());
                ActiveToken { active: true, token_type, claims }.serialize(serializer)
            }
            Self::Inactive => {
                let mut members = serializer.serialize_map(Some(1))?;
                members.serialize_entry("active", &false)?;
                members.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::parameters::FORM;
    use crate::protocol::token::access_token::tests::claims;

    #[test]
    fn an_inactive_token_tells_nothing_else() {
        assert_eq!(serde_json::to_string(&Introspection::Inactive).unwrap(), r#"{"active":false}"#);
    }

    #[test]
    fn an_active_token_tells_whose_it_is_and_where_its_right_comes_from() {
        assert_eq!(
            serde_json::to_value(Introspection::Active(&claims())).unwrap(),
            serde_json::json!({
                "active": true,
                "token_type": "Bearer",
                "iss": "https://as.example",
                "sub": "cl_1",
                "aud": "urn:bank:accounts",
                "exp": 1_000_300,
                "iat": 1_000_000,
                "jti": "t1",
                "client_id": "cl_1",
                "client_key": "thumbprint",
                "scope": "accounts",
                "org": "org_1",
                "software_id": "sw-1",
                "policy_digest": "sha256:x",
            })
        );
    }

    #[test]
    fn a_bound_token_tells_what_it_is_bound_to() {
        let shown = |cnf| {
            let claims = AccessTokenClaims { cnf: Some(cnf), ..claims() };
            serde_json::to_value(Introspection::Active(&claims)).unwrap()
        };
        let certificate = shown(Confirmation::Certificate("t".to_owned()));
        assert_eq!(certificate["cnf"], serde_json::json!({ "x5t#S256": "t" }));
        assert_eq!(certificate["token_type"], "Bearer");
        let key = shown(Confirmation::DpopKey("k".to_owned()));
        assert_eq!(key["cnf"], serde_json::json!({ "jkt": "k" }));
        assert_eq!(key["token_type"], "DPoP");
    }

    #[test]
    fn a_request_needs_a_token_and_no_hint() {
        let parse = |body: &str| {
            let parameters = Parameters::parse(Some(FORM), body.as_bytes(), &[]).unwrap();
            IntrospectionRequest::parse(&parameters)
        };
        assert_eq!(parse("token=x&token_type_hint=odd").unwrap().token.reveal(), "x");
        assert!(parse("token=").is_err());
        assert!(parse("token_type_hint=access_token").is_err());
    }
}
