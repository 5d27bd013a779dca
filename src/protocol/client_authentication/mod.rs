//! How a client says who it is ([RFC 6749 §2.3]): one method per request, and which one.
//!
//! What comes out has not been believed yet: an assertion is verified by [`client_assertion`], a
//! secret is compared with its hash by whoever keeps the hash.
//!
//! [RFC 6749 §2.3]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3

pub mod audience;
pub mod client_assertion;
pub mod client_secret_basic;
pub mod method;

pub use audience::{AudienceRule, Audiences, OurNames};
pub use client_assertion::{Addressee, InvalidAssertion, UnverifiedAssertion, VerifiedAssertion};
pub use client_secret_basic::{BasicCredentials, InvalidBasic};
pub use method::ClientAuthenticationMethod;

use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::parameters::Parameters;
use crate::types::Secret;

/// The one sentence that every caller hears whose authentication failed (STY-8, SEC-29).
pub const AUTHENTICATION_FAILED: &str = "client authentication failed";

/// The one way in which a request authenticates.
#[derive(Debug)]
pub enum Credential {
    /// `private_key_jwt` or `client_secret_jwt` (RFC 7523).
    ClientAssertion(Box<UnverifiedAssertion>),
    /// `client_secret_basic` or `client_secret_post`.
    Secret(SentSecret),
    /// The client's name alone: its certificate proves it, or nothing does (RFC 8705 §2, `none`).
    ClientId(String),
    /// None.
    None,
}

/// A secret as it was sent, and how.
#[derive(Debug, Clone)]
pub struct SentSecret {
    /// `client_secret_basic` or `client_secret_post`.
    pub method: ClientAuthenticationMethod,
    /// Whose it is said to be.
    pub id: String,
    /// The secret; nothing has been compared yet.
    pub secret: Secret,
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
    /// A secret stands in the body, and nobody says whose it is.
    #[error("`client_secret` goes with `client_id`")]
    SecretOfNobody,
    /// The header names one client and the body another.
    #[error("the request's `client_id` is not the one in the `Authorization` header")]
    AnotherClient,
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
            | InvalidClientAuthentication::AnotherClient
            | InvalidClientAuthentication::SecretOfNobody => {
                Self::new(ErrorCode::InvalidClient, shown)
            }
            InvalidClientAuthentication::SeveralMethods(_) => {
                Self::new(ErrorCode::InvalidRequest, shown)
            }
        }
    }
}

impl Credential {
    /// Finds the one method that a request uses. A certificate is none of them: whoever
    /// authenticates otherwise may show one, to have its tokens bound to it (RFC 8705 §3).
    ///
    /// # Errors
    ///
    /// More than one method, or one that cannot be read.
    pub fn parse(
        authorization: Option<&str>,
        parameters: &Parameters,
    ) -> Result<Self, InvalidClientAuthentication> {
        let methods = methods(authorization, parameters);
        if methods.len() > 1 {
            return Err(InvalidClientAuthentication::SeveralMethods(methods));
        }
        if let Some(header) = authorization {
            return Ok(Self::Secret(basic(header, parameters)?));
        }
        let client_id = parameters.one("client_id").map(str::to_owned);
        if let Some(secret) = parameters.one("client_secret") {
            return Ok(Self::Secret(SentSecret {
                method: ClientAuthenticationMethod::ClientSecretPost,
                id: client_id.ok_or(InvalidClientAuthentication::SecretOfNobody)?,
                secret: Secret::new(secret),
            }));
        }
        Ok(match UnverifiedAssertion::from_parameters(parameters)? {
            Some(assertion) => Self::ClientAssertion(Box::new(assertion)),
            None => client_id.map_or(Self::None, Self::ClientId),
        })
    }
}

fn basic(header: &str, parameters: &Parameters) -> Result<SentSecret, InvalidClientAuthentication> {
    let (scheme, credentials) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("Basic") {
        return Err(InvalidClientAuthentication::Scheme);
    }
    let BasicCredentials { id, secret } =
        BasicCredentials::parse(credentials.trim_start_matches(' '))?;
    if parameters.one("client_id").is_some_and(|named| named != id) {
        return Err(InvalidClientAuthentication::AnotherClient);
    }
    Ok(SentSecret { method: ClientAuthenticationMethod::ClientSecretBasic, id, secret })
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
    fn what_cannot_be_read_is_an_invalid_client() {
        assert_eq!(code(Some("Bearer abc"), ""), ErrorCode::InvalidClient);
        assert_eq!(code(Some("Basic"), ""), ErrorCode::InvalidClient);
        assert_eq!(code(Some("Basic YTpi"), "client_id=c"), ErrorCode::InvalidClient);
        assert_eq!(code(None, "client_secret=b"), ErrorCode::InvalidClient);
    }

    fn secret(authorization: Option<&str>, body: &str) -> SentSecret {
        match parse(authorization, body) {
            Ok(Credential::Secret(sent)) => sent,
            other => panic!("no secret: {other:?}"),
        }
    }

    #[test]
    fn basic_is_read_whatever_the_case_of_its_scheme() {
        for (header, body) in [("bAsic YTpi", "token=x"), ("Basic  YTpi", "client_id=a")] {
            let sent = secret(Some(header), body);
            assert_eq!((sent.id.as_str(), sent.secret.reveal()), ("a", "b"));
            assert_eq!(sent.method, ClientAuthenticationMethod::ClientSecretBasic);
        }
    }

    #[test]
    fn a_secret_in_the_body_goes_with_its_client_id() {
        let sent = secret(None, "client_id=a&client_secret=b");
        assert_eq!((sent.id.as_str(), sent.secret.reveal()), ("a", "b"));
        assert_eq!(sent.method, ClientAuthenticationMethod::ClientSecretPost);
        assert!(!format!("{sent:?}").contains("\"b\""));
    }

    #[test]
    fn a_client_id_alone_proves_nothing() {
        let named = parse(None, "client_id=cl_1");
        assert!(matches!(named, Ok(Credential::ClientId(id)) if id == "cl_1"));
        assert!(matches!(parse(None, ""), Ok(Credential::None)));
    }
}
