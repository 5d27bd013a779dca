//! Everything that is wrong with a registration, told at once (RFC 7591 §3.2.2, REG-E11).

use serde::Serialize;
use serde_json::Value;

use crate::protocol::error::ErrorCode;
use crate::protocol::error::OAuthError;

/// How many problems one answer names.
const MOST_SHOWN: usize = 50;
/// How many of them its one sentence repeats.
const MOST_DESCRIBED: usize = 10;

/// One thing that is wrong. The code is data, never guessed from the message (STY-10, PEER-19).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The error code that this problem alone would be answered with.
    pub code: ErrorCode,
    /// Where: a JSON pointer into the request or the statement, such as `/redirect_uris/2`.
    pub pointer: String,
    /// What, in one sentence.
    pub message: String,
}

impl Problem {
    /// A problem at `pointer`.
    #[must_use]
    pub fn new(code: ErrorCode, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, pointer: pointer.into(), message: message.into() }
    }

    /// A metadata member that is not acceptable.
    #[must_use]
    pub fn metadata(member: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidClientMetadata, pointer(member), message)
    }
}

/// The JSON pointer to a top-level member (RFC 6901 §3).
#[must_use]
pub fn pointer(member: &str) -> String {
    let name: String = member.chars().take(100).collect();
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A stranger's text as a message may show it: short, and without control characters.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_default).collect();
    if text.chars().nth(60).is_some() {
        shown.push_str("...");
    }
    shown
}

/// Problems in the order in which they were found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// `value` if nothing is wrong.
    ///
    /// # Errors
    ///
    /// The problems, if there are any.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// The code of the answer. A bad statement outweighs an unapproved one, and that the metadata;
    /// `invalid_redirect_uri` is the answer only where redirect URIs alone are wrong, and
    /// `invalid_webhook_uris` where webhooks alone are.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        let has = |code| self.0.iter().any(|problem| problem.code == code);
        [
            ErrorCode::PayloadTooLarge,
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidSoftwareStatement,
            ErrorCode::UnapprovedSoftwareStatement,
            ErrorCode::InvalidClientMetadata,
            ErrorCode::InvalidRedirectUri,
            ErrorCode::InvalidWebhookUris,
        ]
        .into_iter()
        .find(|code| has(*code))
        .or_else(|| self.0.first().map(|problem| problem.code))
        .unwrap_or(ErrorCode::InvalidClientMetadata)
    }

    fn description(&self) -> String {
        let mut messages: Vec<String> =
            self.0.iter().take(MOST_DESCRIBED).map(|problem| problem.message.clone()).collect();
        let more = self.0.len().saturating_sub(MOST_DESCRIBED);
        if more > 0 {
            messages.push(format!("and {more} more, see problems"));
        }
        messages.join("; ")
    }
}

impl From<Vec<Problem>> for Problems {
    fn from(problems: Vec<Problem>) -> Self {
        Self(problems)
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        self.0.extend(problems);
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Problems> for OAuthError {
    fn from(problems: Problems) -> Self {
        let listed: Vec<Value> = problems
            .iter()
            .take(MOST_SHOWN)
            .map(|problem| {
                serde_json::json!({
                    "code": problem.code.as_str(),
                    "pointer": problem.pointer,
                    "message": problem.message,
                })
            })
            .collect();
        Self::new(problems.code(), problems.description()).with_member("problems", listed)
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_and_the_gravest_gives_the_code() {
        let mut problems = Problems::from(Problem::new(
            ErrorCode::InvalidRedirectUri,
            "/redirect_uris/1",
            "the second is bad",
        ));
        assert_eq!(problems.code(), ErrorCode::InvalidRedirectUri);
        problems.push(Problem::metadata("jwks", "the keys are bad"));
        let body = OAuthError::from(problems).body();
        assert_eq!(body["error"], "invalid_client_metadata");
        assert_eq!(body["error_description"], "the second is bad; the keys are bad");
        assert_eq!(body["problems"][0]["code"], "invalid_redirect_uri");
        assert_eq!(body["problems"][1]["pointer"], "/jwks");
    }

    #[test]
    fn an_answer_stays_small_however_much_is_wrong() {
        let problem = Problem::metadata(&"x/~".repeat(1000), shown(&"\u{202e}".repeat(1000)));
        let body = OAuthError::from(Problems::from(vec![problem; 5000])).body().to_string();
        assert!(body.len() < 60_000, "{}", body.len());
        assert!(body.contains("and 4990 more"));
    }
}
