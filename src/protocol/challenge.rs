//! How whoever uses a resource is told what it lacks: the `WWW-Authenticate` field ([RFC 9110 §11.6.1])
//! with the parameters of RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3 and RFC 9728 §5.1.
//!
//! [RFC 9110 §11.6.1]: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1

use crate::jose::Algorithm;
use crate::protocol::bearer::Scheme;
use crate::protocol::dpop::ALGORITHMS;
use crate::protocol::error::OAuthError;

/// One challenge: a scheme and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: Scheme,
    parameters: Vec<(&'static str, String)>,
}

impl Challenge {
    /// A challenge that says no more than where one is (RFC 6750 §3.1: who has sent no token is told
    /// of no error).
    #[must_use]
    pub fn new(scheme: Scheme, realm: &str) -> Self {
        let mut parameters = vec![("realm", realm.to_owned())];
        if scheme == Scheme::Dpop {
            parameters.push(("algs", ALGORITHMS.map(Algorithm::name).join(" ")));
        }
        Self { scheme, parameters }
    }

    /// The same challenge with one more parameter.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.parameters.push((name, value.into()));
        self
    }

    /// The same challenge with one more parameter, if there is a value.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<String>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The same challenge, which says why the token that was sent does not do.
    #[must_use]
    pub fn because(self, refusal: &OAuthError) -> Self {
        self.with("error", refusal.code.as_str())
            .with("error_description", refusal.printable_description())
    }
}

impl std::fmt::Display for Challenge {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.scheme.name())?;
        for (place, (name, value)) in self.parameters.iter().enumerate() {
            let separator = if place == 0 { " " } else { ", " };
            write!(formatter, "{separator}{name}=\"{}\"", quoted(value))?;
        }
        Ok(())
    }
}

/// RFC 9110 §5.6.4. What is not visible ASCII or a space becomes `?`.
fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            ' '..='~' => text.push(character),
            _ => text.push('?'),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::error::ErrorCode;

    #[test]
    fn it_is_written_as_the_standards_show_it() {
        let bare = Challenge::new(Scheme::Bearer, "example");
        assert_eq!(bare.to_string(), r#"Bearer realm="example""#);
        let expired = OAuthError::new(ErrorCode::InvalidToken, "The access token expired");
        assert_eq!(
            bare.because(&expired).to_string(),
            r#"Bearer realm="example", error="invalid_token", error_description="The access token expired""#
        );
        let dpop = Challenge::new(Scheme::Dpop, "e").with_some("scope", None).with("max_age", "5");
        assert_eq!(dpop.to_string(), r#"DPoP realm="e", algs="ES256 PS256 EdDSA", max_age="5""#);
    }

    #[test]
    fn no_value_ends_its_parameter_or_the_field() {
        let hostile = Challenge::new(Scheme::Bearer, "a\"b\\c\r\nSet-Cookie: d\u{e9}");
        assert_eq!(hostile.to_string(), r#"Bearer realm="a\"b\\c??Set-Cookie: d?""#);
        let refusal = OAuthError::new(ErrorCode::InvalidToken, "a\"b\\c\n");
        let told = Challenge::new(Scheme::Bearer, "r").because(&refusal).to_string();
        assert!(told.ends_with(r#"error_description="a'b'c?""#), "{told}");
    }
}
