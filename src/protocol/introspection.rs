//! Token introspection ([RFC 7662]).
//!
//! [RFC 7662]: https://www.rfc-editor.org/rfc/rfc7662

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::protocol::parameters::{InvalidParameters, Parameters};
use crate::protocol::token::AccessTokenClaims;
use crate::protocol::token::Confirmation;
use crate::types::{AgreementId, ClientId, EntitlementId, Issuer, OrganisationId, ResourceUri};
use crate::types::{Scope, ScopeSet, Secret, SoftwareId, Timestamp};

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
    Active(ActiveToken<'a>),
    /// It does not.
    Inactive,
}

/// What a resource server is told of a token that is meant for it, and nothing of what it is good
/// for elsewhere (RFC 7662 §2.2, RFC 9701 §5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveToken<'a> {
    /// What the token says.
    pub claims: &'a AccessTokenClaims,
    /// Whoever asks.
    pub audience: &'a ResourceUri,
    /// Those of its scopes that hold now, and here.
    pub scope: &'a ScopeSet,
    /// What each of these rests on.
    pub entitlements: Vec<EntitlementBasis<'a>>,
}

/// The permission that a scope rests on, and the contract behind it (GOV-AU-6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntitlementBasis<'a> {
    /// The entitlement.
    pub id: &'a EntitlementId,
    /// For what.
    pub scope: &'a Scope,
    /// The agreement that covers it today.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<&'a AgreementId>,
    /// The first instant at which it holds no longer.
    pub exp: Timestamp,
}

/// The members as they are written.
#[derive(Serialize)]
struct Members<'a> {
    active: bool,
    token_type: &'static str,
    iss: &'a Issuer,
    sub: &'a ClientId,
    aud: &'a ResourceUri,
    exp: Timestamp,
    iat: Timestamp,
    jti: &'a str,
    client_id: &'a ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<&'a Confirmation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<Timestamp>,
    scope: &'a ScopeSet,
    org: &'a OrganisationId,
    software_id: &'a SoftwareId,
    policy_digest: &'a str,
    entitlements: &'a [EntitlementBasis<'a>],
}

impl<'a> Members<'a> {
    fn of(token: &'a ActiveToken<'a>) -> Self {
        let claims = token.claims;
        Self {
            active: true,
            token_type: Confirmation::token_type(claims.cnf.as_ref()),
            iss: &claims.iss,
            sub: &claims.sub,
            aud: token.audience,
            exp: claims.exp,
            iat: claims.iat,
            jti: &claims.jti,
            client_id: &claims.client_id,
            client_key: claims.client_key.as_deref(),
            cnf: claims.cnf.as_ref(),
            acr: claims.acr.as_deref(),
            auth_time: claims.auth_time,
            scope: token.scope,
            org: &claims.org,
            software_id: &claims.software_id,
            policy_digest: &claims.policy_digest,
            entitlements: &token.entitlements,
        }
    }
}

impl Serialize for Introspection<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Active(token) => Members::of(token).serialize(serializer),
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
    use crate::protocol::token::access_token::Audience;
    use crate::protocol::token::access_token::tests::claims;

    #[test]
    fn an_inactive_token_tells_nothing_else() {
        assert_eq!(serde_json::to_string(&Introspection::Inactive).unwrap(), r#"{"active":false}"#);
    }

    fn shown(claims: &AccessTokenClaims) -> serde_json::Value {
        let id = EntitlementId::parse("ent_1").unwrap();
        let agreement = AgreementId::parse("agr_1").unwrap();
        let scope = Scope::parse("accounts").unwrap();
        let basis = EntitlementBasis {
            id: &id,
            scope: &scope,
            agreement: Some(&agreement),
            exp: Timestamp::from_epoch(2_000_000).unwrap(),
        };
        let token = ActiveToken {
            claims,
            audience: &ResourceUri::parse("urn:bank:accounts").unwrap(),
            scope: &ScopeSet::parse("accounts").unwrap(),
            entitlements: vec![basis],
        };
        serde_json::to_value(Introspection::Active(token)).unwrap()
    }

    #[test]
    fn an_active_token_tells_whose_it_is_and_where_its_right_comes_from() {
        assert_eq!(
            shown(&claims()),
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
                "entitlements": [{
                    "id": "ent_1",
                    "scope": "accounts",
                    "agreement": "agr_1",
                    "exp": 2_000_000,
                }],
            })
        );
    }

    #[test]
    fn whoever_asks_learns_neither_the_other_audiences_nor_the_other_scopes() {
        let resource = |uri: &str| ResourceUri::parse(uri).unwrap();
        let both = ["urn:bank:accounts", "urn:bank:payments"].map(resource);
        let claims = AccessTokenClaims {
            aud: Audience::of(both.into()),
            scope: ScopeSet::parse("accounts payments").unwrap(),
            ..claims()
        };
        let shown = shown(&claims);
        assert_eq!(shown["aud"], "urn:bank:accounts");
        assert!(!shown.to_string().contains("payments"), "{shown}");
    }

    /// RFC 9470 §6.2.
    #[test]
    fn the_token_of_a_person_tells_how_and_when_that_person_logged_in() {
        let auth_time = Timestamp::from_epoch(999_000).unwrap();
        let claims = AccessTokenClaims {
            acr: Some("urn:bank:strong".to_owned()),
            auth_time: Some(auth_time),
            ..claims()
        };
        let shown = shown(&claims);
        assert_eq!(shown["acr"], "urn:bank:strong");
        assert_eq!(shown["auth_time"], 999_000);
    }

    #[test]
    fn a_bound_token_tells_what_it_is_bound_to() {
        let shown = |cnf| shown(&AccessTokenClaims { cnf: Some(cnf), ..claims() });
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
