//! A JSON request, read member by member, every problem noted.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::endpoints::Failure;
use crate::protocol::ErrorCode;
use crate::protocol::OAuthError;
use crate::types::json::parse_object;

/// The longest text that a member may hold.
const LONGEST_TEXT: usize = 255;

/// The members that were not read yet, and what was wrong with those that were.
pub(super) struct Input {
    members: Map<String, Value>,
    known: Vec<&'static str>,
    problems: Vec<String>,
}

impl Input {
    /// Reads a body that must be a JSON object.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Failure> {
        let members = parse_object(body).map_err(|error| {
            OAuthError::new(ErrorCode::InvalidRequest, format!("the body cannot be read: {error}"))
        })?;
        Ok(Self { members, known: Vec::new(), problems: Vec::new() })
    }

    /// Notes a problem.
    pub(super) fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// Takes a member of whatever kind; `null` counts as absent.
    pub(super) fn value(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a text: neither empty nor long, without control characters.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.value(name)?;
        match value.as_str() {
            Some(text) if is_decent(text) => Some(text.to_owned()),
            Some(_) => {
                self.problem(format!(
                    "`{name}` is empty, longer than {LONGEST_TEXT} bytes, or holds control characters"
                ));
                None
            }
            None => {
                self.problem(format!("`{name}` is not a text"));
                None
            }
        }
    }

    /// Takes a text that reads as a `T`.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Option<T> {
        match self.text(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(format!("`{name}`: {error}"));
                None
            }
        }
    }

    /// Takes an object; absent means empty.
    pub(super) fn object(&mut self, name: &'static str) -> Map<String, Value> {
        match self.value(name) {
            None => Map::new(),
            Some(Value::Object(members)) => members,
            Some(_) => {
                self.problem(format!("`{name}` is not an object"));
                Map::new()
            }
        }
    }

    /// Notes that a member is missing, unless something else was wrong with it.
    pub(super) fn require<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        let noted = format!("`{name}`");
        if value.is_none() && !self.problems.iter().any(|problem| problem.starts_with(&noted)) {
            self.problem(format!("{noted} is missing"));
        }
        value
    }

    /// Ends the reading: whatever is left is unknown. `value` is what the reading was for.
    ///
    /// # Errors
    ///
    /// Every problem, in one refusal.
    pub(super) fn finish<T>(mut self, value: Option<T>) -> Result<T, Failure> {
        let unknown: Vec<String> = self.members.keys().take(5).map(|name| shown(name)).collect();
        if !unknown.is_empty() {
            let known = self.known.join("`, `");
            self.problem(format!("{} not known here; known are `{known}`", unknown.join(", ")));
        }
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            Some(_) | None => Err(refusal(&self.problems).into()),
        }
    }
}

fn refusal(problems: &[String]) -> OAuthError {
    let listed: Vec<Value> = problems
        .iter()
        .map(|problem| json!({ "pointer": pointer(problem), "message": problem }))
        .collect();
    OAuthError::new(ErrorCode::InvalidRequest, problems.join("; ")).with_member("problems", listed)
}

/// Every problem begins with the member that it is about.
fn pointer(problem: &str) -> String {
    let name = problem.split('`').nth(1).unwrap_or_default();
    format!("/{name}")
}

fn is_decent(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_TEXT && !text.chars().any(char::is_control)
}

fn shown(name: &str) -> String {
    format!("`{}`", name.chars().take(40).flat_map(char::escape_default).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named() {
        let mut input = Input::parse(br#"{"name":"","org_id":7,"colour":"red"}"#).unwrap();
        let name = input.text("name");
        assert_eq!(input.require("name", name), None);
        assert_eq!(input.text("org_id"), None);
        let status = input.text("status");
        let status = input.require("status", status);
        let refusal = input.finish(status).unwrap_err().into_error();
        for part in ["`name` is empty", "`org_id` is not", "`status` is missing", "`colour` not"] {
            assert!(refusal.description.contains(part), "{part}: {refusal}");
        }
        assert!(!refusal.description.contains("`name` is missing"));
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        for bad in [&b""[..], b"[]", b"{", br#"{"a":1,"a":2}"#, b"\xff"] {
            assert!(Input::parse(bad).is_err(), "{bad:?}");
        }
    }
}
