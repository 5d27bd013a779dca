//! What an access token says ([RFC 9068]), and where its right comes from (GOV-AU-6).
//!
//! [RFC 9068]: https://www.rfc-editor.org/rfc/rfc9068

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::protocol::token::Confirmation;
use crate::types::{
    ClientId, Issuer, OrganisationId, ResourceUri, ScopeSet, SoftwareId, Timestamp,
};

/// RFC 9068 §2.1: the `typ` of an access token.
pub const TYPE: &str = "at+jwt";

/// Why a JWT that we signed is not an access token of ours that holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccessToken {
    /// Its `typ` is that of another kind of JWT.
    #[error("the token's `typ` is not `{TYPE}`")]
    Type,
    /// A claim is missing or ill-typed.
    #[error("the token's claims are not those of an access token")]
    Claims,
    /// It was issued by another server.
    #[error("the token's `iss` is not this server")]
    Issuer,
    /// It has expired.
    #[error("the token has expired")]
    Expired,
}

/// The claims of an access token (RFC 9068 §2.2). The subject is the client itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// We.
    pub iss: Issuer,
    /// The client, acting for itself.
    pub sub: ClientId,
    /// The resource servers that may take it.
    pub aud: Audience,
    /// The first instant at which it holds no longer.
    pub exp: Timestamp,
    /// When it was issued.
    pub iat: Timestamp,
    /// Its identifier.
    pub jti: String,
    /// The client.
    pub client_id: ClientId,
    /// What the client authenticated with, as its credential names it: the RFC 7638 thumbprint of a
    /// key, the thumbprint of a certificate, the name of a secret. What a credential obtained ends
    /// with the credential (P4 of SEC-65). A public client has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
    /// What it is bound to, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// How whoever logged in was authenticated (RFC 9068 §2.2.1). A client that acts for itself has no
    /// such claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// When whoever logged in was authenticated (RFC 9068 §2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<Timestamp>,
    /// What it is good for.
    pub scope: ScopeSet,
    /// The client's organisation.
    pub org: OrganisationId,
    /// The client's software product, as its directory calls it.
    pub software_id: SoftwareId,
    /// The policy bundle that decided.
    pub policy_digest: String,
}

/// One audience as a text, several as an array (RFC 7519 §4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(ResourceUri),
    /// Several.
    Several(BTreeSet<ResourceUri>),
}

impl Audience {
    /// The audience of a token for these resource servers.
    #[must_use]
    pub fn of(resources: BTreeSet<ResourceUri>) -> Self {
        match (resources.len(), resources.first()) {
            (1, Some(only)) => Self::One(only.clone()),
            _ => Self::Several(resources),
        }
    }

    /// Whether `resource` is among them.
    #[must_use]
    pub fn contains(&self, resource: &ResourceUri) -> bool {
        match self {
            Self::One(only) => only == resource,
            Self::Several(several) => several.contains(resource),
        }
    }
}

impl AccessTokenClaims {
    /// Reads the claims of a JWT that one of our keys signed.
    ///
    /// # Errors
    ///
    /// It is another kind of JWT, or not from `issuer`.
    pub fn read(
        typ: Option<&str>,
        claims: Map<String, Value>,
        issuer: &Issuer,
    ) -> Result<Self, InvalidAccessToken> {
        if typ != Some(TYPE) {
            return Err(InvalidAccessToken::Type);
        }
        let claims = serde_json::from_value::<Self>(Value::Object(claims))
            .map_err(|_| InvalidAccessToken::Claims)?;
        if claims.iss != *issuer {
            return Err(InvalidAccessToken::Issuer);
        }
        Ok(claims)
    }

    /// Whether the token still holds. Our own clock issued it, so there is no tolerance.
    ///
    /// # Errors
    ///
    /// It has expired.
    pub fn check_time(&self, now: Timestamp) -> Result<(), InvalidAccessToken> {
        if self.exp <= now { Err(InvalidAccessToken::Expired) } else { Ok(()) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn claims() -> AccessTokenClaims {
        let client_id = ClientId::parse("cl_1").unwrap();
        AccessTokenClaims {
            iss: Issuer::parse("https://as.example").unwrap(),
            sub: client_id.clone(),
            aud: Audience::One(ResourceUri::parse("urn:bank:accounts").unwrap()),
            exp: Timestamp::from_epoch(1_000_300).unwrap(),
            iat: Timestamp::from_epoch(1_000_000).unwrap(),
            jti: "t1".to_owned(),
            client_id,
            client_key: Some("thumbprint".to_owned()),
            cnf: None,
            acr: None,
            auth_time: None,
            scope: ScopeSet::parse("accounts").unwrap(),
            org: OrganisationId::parse("org_1").unwrap(),
            software_id: SoftwareId::parse("sw-1").unwrap(),
            policy_digest: "sha256:x".to_owned(),
        }
    }

    fn object(claims: &AccessTokenClaims) -> Map<String, Value> {
        serde_json::to_value(claims).unwrap().as_object().unwrap().clone()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let written = claims();
        let read = AccessTokenClaims::read(Some(TYPE), object(&written), &written.iss);
        assert_eq!(read, Ok(written));
    }

    #[test]
    fn one_audience_is_a_text_and_several_are_an_array() {
        let uri = |text: &str| ResourceUri::parse(text).unwrap();
        let json = |uris: &[&str]| {
            serde_json::to_value(Audience::of(uris.iter().map(|text| uri(text)).collect())).unwrap()
        };
        assert_eq!(json(&["urn:x:a"]), "urn:x:a");
        assert_eq!(json(&["urn:x:a", "urn:x:b"]), serde_json::json!(["urn:x:a", "urn:x:b"]));
        assert!(Audience::One(uri("urn:x:a")).contains(&uri("urn:x:a")));
        assert!(!Audience::One(uri("urn:x:a")).contains(&uri("urn:x:A")));
    }

    #[test]
    fn another_kind_of_jwt_is_no_access_token() {
        let written = claims();
        for typ in [None, Some("JWT"), Some("dpop+jwt"), Some("AT+JWT")] {
            let read = AccessTokenClaims::read(typ, object(&written), &written.iss);
            assert_eq!(read, Err(InvalidAccessToken::Type));
        }
    }

    #[test]
    fn a_missing_claim_and_a_foreign_issuer_are_refused() {
        let written = claims();
        for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"] {
            let mut without = object(&written);
            without.remove(name);
            let read = AccessTokenClaims::read(Some(TYPE), without, &written.iss);
            assert_eq!(read, Err(InvalidAccessToken::Claims), "{name}");
        }
        let other = Issuer::parse("https://as.example/").unwrap();
        let read = AccessTokenClaims::read(Some(TYPE), object(&written), &other);
        assert_eq!(read, Err(InvalidAccessToken::Issuer));
    }

    #[test]
    fn a_token_ends_at_its_second() {
        let written = claims();
        assert_eq!(written.check_time(written.exp.plus(-1)), Ok(()));
        assert_eq!(written.check_time(written.exp), Err(InvalidAccessToken::Expired));
    }
}
