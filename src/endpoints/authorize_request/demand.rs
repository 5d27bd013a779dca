//! What the proxy's configuration demands of a request: known words only, each once, none empty. A word
//! that nobody understands must not become a demand that nobody checks.

use crate::protocol::bearer::Scheme;
use crate::protocol::challenge::Challenge;
use crate::protocol::parameters::{MOST_PARAMETERS, decode};
use crate::protocol::problem::shown;
use crate::protocol::step_up::LoginDemand;
use crate::protocol::{ErrorCode, OAuthError};
use crate::types::{HttpsUri, ScopeSet};

/// The longest list of `acr_values`, in characters.
const LONGEST_ACR_VALUES: usize = 1024;

/// What is wrong with a demand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidDemand {
    #[error("`{0}` is no `name=value` in percent-encoding")]
    Malformed(String),
    #[error("`{0}` is demanded twice")]
    Repeated(String),
    #[error(
        "`{0}` is no demand; there are `scope`, `acr_values`, `max_age`, `origin`, `client_id`"
    )]
    Unknown(String),
    #[error("`scope` is not one scope or several")]
    Scope,
    #[error("`acr_values` is not one text or several, in visible ASCII")]
    AcrValues,
    #[error("`max_age` is not a number of seconds")]
    MaxAge,
    #[error("`origin` is not `https`, a host and perhaps a port")]
    Origin,
    #[error("there are more than {MOST_PARAMETERS} demands")]
    TooMany,
}

/// Everything that is wrong with the demands; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub(super) struct InvalidDemands(Vec<InvalidDemand>);

impl From<InvalidDemands> for OAuthError {
    fn from(invalid: InvalidDemands) -> Self {
        Self::new(ErrorCode::InvalidRequest, invalid.to_string())
    }
}

/// What a request must come with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Demand {
    /// The scopes that the token must have, all of them.
    pub(super) scope: ScopeSet,
    /// How the person behind the token must have logged in.
    pub(super) login: LoginDemand,
    /// Scheme, host and port by which clients know the resource server, if not those of its audience.
    pub(super) origin: Option<String>,
    /// Who asks, where a certificate proves it.
    pub(super) client_id: Option<String>,
}

impl Demand {
    /// Reads demands, written as the query of a URL is.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidDemands> {
        let mut demand = Self::default();
        let (mut problems, mut seen) = (Vec::new(), Vec::new());
        let pairs = || text.split('&').filter(|pair| !pair.is_empty());
        if pairs().nth(MOST_PARAMETERS).is_some() {
            return Err(InvalidDemands(vec![InvalidDemand::TooMany]));
        }
        for pair in pairs() {
            match read(pair) {
                None => problems.push(InvalidDemand::Malformed(shown(pair))),
                Some((name, _)) if seen.contains(&name) => {
                    problems.push(InvalidDemand::Repeated(shown(&name)));
                }
                Some((name, value)) => {
                    problems.extend(demand.take(&name, value).err());
                    seen.push(name);
                }
            }
        }
        if problems.is_empty() { Ok(demand) } else { Err(InvalidDemands(problems)) }
    }

    fn take(&mut self, name: &str, value: String) -> Result<(), InvalidDemand> {
        match name {
            "scope" => {
                let scope = ScopeSet::parse(&value).ok().filter(|scope| !scope.is_empty());
                self.scope = scope.ok_or(InvalidDemand::Scope)?;
            }
            "acr_values" => {
                let values: Vec<_> = value.split(' ').map(str::to_owned).collect();
                let visible = |text: &String| {
                    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
                };
                if value.len() > LONGEST_ACR_VALUES || !values.iter().all(visible) {
                    return Err(InvalidDemand::AcrValues);
                }
                self.login.acr_values = values;
            }
            "max_age" => {
                let digits = Some(&value).filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
                let seconds = digits.and_then(|text| text.parse().ok());
                self.login.max_age = Some(seconds.ok_or(InvalidDemand::MaxAge)?);
            }
            "origin" => {
                let rest = HttpsUri::parse(value.as_str()).ok();
                let bare = value.get("https://".len()..).is_some_and(|r| !r.contains(['/', '?']));
                rest.filter(|_| bare).ok_or(InvalidDemand::Origin)?;
                self.origin = Some(value);
            }
            "client_id" if !value.is_empty() => self.client_id = Some(value),
            _ => return Err(InvalidDemand::Unknown(shown(name))),
        }
        Ok(())
    }

    /// A challenge that says what the token must be good for.
    pub(super) fn challenge(&self, scheme: Scheme, realm: &str, code: ErrorCode) -> Challenge {
        let challenge = Challenge::new(scheme, realm);
        if code == ErrorCode::InsufficientScope {
            return challenge.with("scope", self.scope.to_string());
        }
        if code == ErrorCode::InsufficientUserAuthentication {
            let max_age = self.login.max_age.map(|seconds| seconds.to_string());
            return challenge
                .with_some("acr_values", self.login.shown_acr_values())
                .with_some("max_age", max_age);
        }
        challenge
    }
}

fn read(pair: &str) -> Option<(String, String)> {
    let (name, value) = pair.split_once('=')?;
    Some((decode(name.as_bytes())?, decode(value.as_bytes())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<InvalidDemand> {
        Demand::parse(text).unwrap_err().0
    }

    #[test]
    fn demands_are_read_as_a_query_is_written() {
        let text = "scope=a+b%3Ac&acr_values=gold%20silver&max_age=0&origin=https://api.example:8443\
                    &client_id=rs_a";
        let demand = Demand::parse(text).unwrap();
        assert_eq!(demand.scope, ScopeSet::parse("a b:c").unwrap());
        assert_eq!(demand.login.acr_values, ["gold", "silver"]);
        assert_eq!(demand.login.max_age, Some(0));
        assert_eq!(demand.origin.as_deref(), Some("https://api.example:8443"));
        assert_eq!(demand.client_id.as_deref(), Some("rs_a"));
        assert_eq!(Demand::parse(""), Ok(Demand::default()));
    }

    #[test]
    fn a_demand_that_nobody_would_check_is_refused() {
        use InvalidDemand as Is;
        for (text, expected) in [
            ("scopes=a", Is::Unknown("scopes".to_owned())),
            ("Scope=a", Is::Unknown("Scope".to_owned())),
            ("scope", Is::Malformed("scope".to_owned())),
            ("scope=", Is::Scope),
            ("scope=a++b", Is::Scope),
            ("scope=%22", Is::Scope),
            ("scope=%zz", Is::Malformed("scope=%zz".to_owned())),
            ("acr_values=", Is::AcrValues),
            ("acr_values=a++b", Is::AcrValues),
            ("acr_values=%0a", Is::AcrValues),
            ("max_age=", Is::MaxAge),
            ("max_age=-1", Is::MaxAge),
            ("max_age=+1", Is::MaxAge),
            ("max_age=1.5", Is::MaxAge),
            ("max_age=4294967296", Is::MaxAge),
            ("origin=http://api.example", Is::Origin),
            ("origin=https://api.example/", Is::Origin),
            ("origin=https://api.example?a", Is::Origin),
            ("origin=https://a@api.example", Is::Origin),
            ("client_id=", Is::Unknown("client_id".to_owned())),
        ] {
            assert_eq!(problems(text), [expected], "{text}");
        }
        assert_eq!(problems("scope=a&%73cope=b"), [Is::Repeated("scope".to_owned())]);
        assert_eq!(problems("max_age=x&y=z").len(), 2, "all are told");
        assert_eq!(problems(&"a=b&".repeat(101)), [Is::TooMany]);
    }
}
