//! The `client_credentials` grant ([RFC 6749 §4.4]) with resource indicators (RFC 8707).
//!
//! [RFC 6749 §4.4]: https://www.rfc-editor.org/rfc/rfc6749#section-4.4

use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::parameters::Parameters;
use crate::types::{InvalidScope, InvalidUri, ResourceUri, ScopeSet};

/// The grant type that this file is about.
pub const CLIENT_CREDENTIALS: &str = "client_credentials";
/// The parameters of a token request that may be sent more than once (RFC 8707 §2).
pub const MAY_REPEAT: &[&str] = &["resource"];
/// The most resources that one request may name.
pub const MOST_RESOURCES: usize = 10;

/// One thing that is wrong with a token request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenRequestProblem {
    /// `grant_type` is missing.
    #[error("the parameter `grant_type` is missing")]
    NoGrantType,
    /// The grant type is another one.
    #[error("the only grant type supported here is `{CLIENT_CREDENTIALS}`")]
    GrantType,
    /// `scope` is malformed.
    #[error("the parameter `scope` is malformed: {0}")]
    Scope(#[from] InvalidScope),
    /// A `resource` is malformed.
    #[error("resource number {number} is malformed: {reason}")]
    Resource {
        /// Which one, counted from 1.
        number: usize,
        /// Why.
        reason: InvalidUri,
    },
    /// There are too many resources.
    #[error("the request names more than {MOST_RESOURCES} resources")]
    TooManyResources,
}

impl TokenRequestProblem {
    fn code(&self) -> ErrorCode {
        match self {
            Self::NoGrantType => ErrorCode::InvalidRequest,
            Self::GrantType => ErrorCode::UnsupportedGrantType,
            Self::Scope(_) => ErrorCode::InvalidScope,
            Self::Resource { .. } | Self::TooManyResources => ErrorCode::InvalidTarget,
        }
    }
}

/// Everything that is wrong with a token request; never empty. The first problem gives the code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct InvalidTokenRequest(pub Vec<TokenRequestProblem>);

impl From<InvalidTokenRequest> for OAuthError {
    fn from(invalid: InvalidTokenRequest) -> Self {
        let code = invalid.0.first().map_or(ErrorCode::InvalidRequest, TokenRequestProblem::code);
        Self::new(code, invalid.to_string())
    }
}

/// A well-formed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCredentialsRequest {
    /// What is asked for; `None` is whatever the client holds.
    pub scope: Option<ScopeSet>,
    /// Where the token is to be used; empty is wherever follows from the scope.
    pub resources: Vec<ResourceUri>,
}

impl ClientCredentialsRequest {
    /// Reads a token request.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(parameters: &Parameters) -> Result<Self, InvalidTokenRequest> {
        let mut problems = Vec::new();
        match parameters.one("grant_type") {
            Some(CLIENT_CREDENTIALS) => {}
            Some(_) => problems.push(TokenRequestProblem::GrantType),
            None => problems.push(TokenRequestProblem::NoGrantType),
        }
        let scope = match parameters.one("scope").map(ScopeSet::parse).transpose() {
            Ok(scope) => scope,
            Err(invalid) => {
                problems.push(invalid.into());
                None
            }
        };
        let resources = resources(parameters.all("resource"), &mut problems);
        if problems.is_empty() {
            Ok(Self { scope, resources })
        } else {
            Err(InvalidTokenRequest(problems))
        }
    }
}

fn resources(sent: &[String], problems: &mut Vec<TokenRequestProblem>) -> Vec<ResourceUri> {
    if sent.len() > MOST_RESOURCES {
        problems.push(TokenRequestProblem::TooManyResources);
        return Vec::new();
    }
    let mut resources = Vec::new();
    for (text, number) in sent.iter().zip(1_usize..) {
        match ResourceUri::parse(text) {
            Ok(resource) => resources.push(resource),
            Err(reason) => problems.push(TokenRequestProblem::Resource { number, reason }),
        }
    }
    resources
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::parameters::FORM;

    fn parse(body: &str) -> Result<ClientCredentialsRequest, InvalidTokenRequest> {
        let parameters = Parameters::parse(Some(FORM), body.as_bytes(), MAY_REPEAT).unwrap();
        ClientCredentialsRequest::parse(&parameters)
    }

    fn code(body: &str) -> ErrorCode {
        OAuthError::from(parse(body).unwrap_err()).code
    }

    #[test]
    fn scope_and_resources_are_optional() {
        let bare = parse("grant_type=client_credentials&scope=").unwrap();
        assert_eq!(bare, ClientCredentialsRequest { scope: None, resources: Vec::new() });
        let full = "grant_type=client_credentials&scope=b+a&resource=urn:x:a&resource=urn:x:b";
        let full = parse(full).unwrap();
        assert_eq!(full.scope.unwrap().to_string(), "a b");
        assert_eq!(full.resources.len(), 2);
    }

    #[test]
    fn each_problem_has_its_code() {
        assert_eq!(code("scope=a"), ErrorCode::InvalidRequest);
        assert_eq!(code("grant_type=password"), ErrorCode::UnsupportedGrantType);
        assert_eq!(code("grant_type=client_credentials&scope=%22"), ErrorCode::InvalidScope);
        assert_eq!(code("grant_type=client_credentials&resource=/x"), ErrorCode::InvalidTarget);
        let many = format!("grant_type=client_credentials{}", "&resource=urn:x:a".repeat(11));
        assert_eq!(code(&many), ErrorCode::InvalidTarget);
    }

    #[test]
    fn every_problem_is_named() {
        let refused = parse("grant_type=x&scope=%22&resource=urn:x:a&resource=%23").unwrap_err();
        assert_eq!(refused.0.len(), 3);
        assert!(refused.to_string().contains("resource number 2"), "{refused}");
    }
}
