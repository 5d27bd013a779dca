//! How a client says who it is ([RFC 6749 §2.3]): one method per request, and which one.
//!
//! What comes out has not been believed yet: an assertion is verified by [`client_assertion`], a
//! secret is compared with its hash by whoever keeps the hash.
//!
//! [RFC 6749 §2.3]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3

pub mod audience;
pub mod client_assertion;
pub mod client_secret_basic;

pub use audience::AudienceRule;
pub use client_assertion::{InvalidAssertion, UnverifiedAssertion, VerifiedAssertion};
pub use client_secret_basic::{BasicCredentials, InvalidBasic};

use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::parameters::Parameters;

/// The one sentence that every caller hears whose authentication failed (STY-8, SEC-29).
pub const AUTHENTICATION_FAILED: &str = "client authentication failed";

/// The one way in which a request authenticates.
#[derive(Debug)]
pub enum Credential {
    /// `private_key_jwt` (RFC 7523).
    ClientAssertion(Box<UnverifiedAssertion>),
    /// `client_secret_basic`.
    Basic(BasicCredentials),
    /// None.
    None,
}

/// Why a request's authentication cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClientAuthentication {
    /// The client assertion cannot be read.
    #[error(transparent)]
    Assertion(#[from] InvalidAssertion),
    /// The `Basic` header cannot be read.
    #[error(transparent)]
    Basic(#[from] InvalidBasic),
    /// The header's scheme authenticates no client.
    #[error("the authorization scheme is not `Basic`")]
    Scheme,
    /// A secret stands in the body.
    #[error("`client_secret_post` is not supported here")]
    SecretInBody,
    /// More than one method is used at once.
    #[error("more than one client authentication method is used: {}", .0.join(", "))]
    SeveralMethods(Vec<&'static str>),
}

impl From<InvalidClientAuthentication> for OAuthError {
    fn from(invalid: InvalidClientAuthentication) -> Self {
        let shown = invalid.to_string();
        match invalid {
            InvalidClientAuthentication::Assertion(assertion) => assertion.into(),
            InvalidClientAuthentication::Basic(_)
            | InvalidClientAuthentication::Scheme
            | InvalidClientAuthentication::SecretInBody => {
                Self::new(ErrorCode::InvalidClient, shown)
            }
            InvalidClientAuthentication::SeveralMethods(_) => {
                Self::new(ErrorCode::InvalidRequest, shown)
            }
        }
    }
}

impl Credential {
    /// Finds the one method that a request uses.
    ///
    /// # Errors
    ///
    /// More than one method, one that is not supported, or one that cannot be read.
    pub fn parse(
        authorization: Option<&str>,
        parameters: &Parameters,
    ) -> Result<Self, InvalidClientAuthentication> {
        let methods = methods(authorization, parameters);
        if methods.len() > 1 {
            return Err(InvalidClientAuthentication::SeveralMethods(methods));
        }
        if parameters.one("client_secret").is_some() {
            return Err(InvalidClientAuthentication::SecretInBody);
        }
        if let Some(header) = authorization {
            let (scheme, credentials) = header.split_once(' ').unwrap_or((header, ""));
            if !scheme.eq_ignore_ascii_case("Basic") {
                return Err(InvalidClientAuthentication::Scheme);
            }
            return Ok(Self::Basic(BasicCredentials::parse(credentials.trim_start_matches(' '))?));
        }
        match UnverifiedAssertion::from_parameters(parameters)? {
            Some(assertion) => Ok(Self::ClientAssertion(Box::new(assertion))),
            None => Ok(Self::None),
        }
    }
}

/// The methods that a request uses. A `client_id` alone names the client and proves nothing.
fn methods(authorization: Option<&str>, parameters: &Parameters) -> Vec<&'static str> {
    let sent = |name| parameters.one(name).is_some();
    let assertion = sent("client_assertion") || sent("client_assertion_type");
    [
        ("the `Authorization` header", authorization.is_some()),
        ("`client_assertion`", assertion),
        ("`client_secret`", sent("client_secret")),
    ]
    .into_iter()
    .filter_map(|(method, used)| used.then_some(method))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::parameters::FORM;

    fn parse(
        authorization: Option<&str>,
        body: &str,
    ) -> Result<Credential, InvalidClientAuthentication> {
        let parameters = Parameters::parse(Some(FORM), body.as_bytes(), &[]).unwrap();
        Credential::parse(authorization, &parameters)
    }

    fn code(authorization: Option<&str>, body: &str) -> ErrorCode {
        OAuthError::from(parse(authorization, body).unwrap_err()).code
    }

    #[test]
    fn two_methods_at_once_are_an_invalid_request() {
        for (authorization, body) in [
            (Some("Basic YTpi"), "client_assertion=x"),
            (Some("Basic YTpi"), "client_assertion_type=x"),
            (Some("Bearer t"), "client_assertion=x"),
            (Some("Basic YTpi"), "client_secret=x"),
            (None, "client_secret=x&client_assertion=y"),
        ] {
            assert_eq!(code(authorization, body), ErrorCode::InvalidRequest, "{body}");
        }
    }

    #[test]
    fn unsupported_methods_are_an_invalid_client() {
        assert_eq!(code(Some("Bearer abc"), ""), ErrorCode::InvalidClient);
        assert_eq!(code(Some("Basic"), ""), ErrorCode::InvalidClient);
        assert_eq!(code(None, "client_id=a&client_secret=b"), ErrorCode::InvalidClient);
    }

    #[test]
    fn basic_is_read_whatever_the_case_of_its_scheme() {
        let Ok(Credential::Basic(basic)) = parse(Some("bAsic YTpi"), "token=x") else {
            panic!("not read as Basic");
        };
        assert_eq!((basic.id.as_str(), basic.secret.reveal()), ("a", "b"));
    }

    #[test]
    fn a_client_id_alone_authenticates_nobody() {
        assert!(matches!(parse(None, "client_id=cl_1"), Ok(Credential::None)));
    }
}
