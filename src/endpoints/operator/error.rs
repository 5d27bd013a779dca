//! What an operator is told when a request is refused. The body has the shape of every other
//! refusal of this server, `error` and `error_description`, and members that a program can use.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::protocol::ErrorCode;
use crate::protocol::OAuthError;
use crate::protocol::client_authentication::ClientAuthenticationMethod;
use crate::types::json::InvalidJson;

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Which member of the body (RFC 6901), or `?name` for a parameter of the query.
    #[schema(example = "/legal_name")]
    pub pointer: String,
    /// What is wrong with it.
    #[schema(example = "it is missing")]
    pub message: String,
}

impl Problem {
    /// A problem with the member at `pointer`.
    #[must_use]
    pub fn new(pointer: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self { pointer: pointer.into(), message: message.to_string() }
    }
}

/// Why an operator's request is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OperatorError {
    /// No operator token, or not one that we know.
    #[error("an operator token is required: `Authorization: Bearer …`")]
    Unauthenticated,
    /// The account may read only.
    #[error("the role `{0}` may read, not change")]
    ReadsOnly(&'static str),
    /// The body is not JSON.
    #[error("the body is not acceptable JSON: {0}")]
    NotJson(InvalidJson),
    /// The request is JSON, and wrong in these places.
    #[error("the request has {} problem(s); see `problems`", .0.len())]
    Invalid(Vec<Problem>),
    /// There is no such record.
    #[error("there is no {record} `{id}`")]
    Unknown {
        /// The kind of record.
        record: &'static str,
        /// The identifier that was asked for.
        id: String,
    },
    /// A record with the same natural key exists.
    #[error("this {record} exists already: `{id}`")]
    Exists {
        /// The kind of record.
        record: &'static str,
        /// The identifier of the one that exists.
        id: String,
    },
    /// The table of states does not allow this step (GOV §2.2).
    #[error("{record} is `{from}` and cannot become `{to}`; {}", allowed_steps(.allowed))]
    NoSuchStep {
        /// The kind of record.
        record: &'static str,
        /// Where it stands.
        from: &'static str,
        /// What was asked for.
        to: &'static str,
        /// What may follow.
        allowed: Vec<&'static str>,
    },
    /// The record no longer is what the change was based on.
    #[error("one of {} was changed by somebody else at the same moment; read it again", .table.replace('_', " "))]
    Stale {
        /// Where the record is.
        table: &'static str,
    },
    /// The records stand in the way of this change.
    #[error("{0}")]
    InTheWay(String),
}

impl OperatorError {
    /// There is no secret to renew.
    #[must_use]
    pub fn has_no_secret(record: &str, method: ClientAuthenticationMethod) -> Self {
        Self::InTheWay(format!("this {record} authenticates with `{method}` and has no secret"))
    }
}

fn allowed_steps(allowed: &[&str]) -> String {
    if allowed.is_empty() {
        "nothing follows that state".to_owned()
    } else {
        format!("it may become {}", allowed.join(", "))
    }
}

impl From<OperatorError> for OAuthError {
    fn from(error: OperatorError) -> Self {
        let description = error.to_string();
        match error {
            OperatorError::Unauthenticated => Self::new(ErrorCode::InvalidToken, description),
            OperatorError::ReadsOnly(_) => Self::new(ErrorCode::AccessDenied, description),
            OperatorError::NotJson(_) => Self::new(ErrorCode::InvalidRequest, description),
            OperatorError::Invalid(problems) => Self::new(ErrorCode::InvalidRequest, description)
                .with_member("problems", problems_value(&problems)),
            OperatorError::Unknown { .. } => Self::new(ErrorCode::NotFound, description),
            OperatorError::Exists { id, .. } => {
                Self::new(ErrorCode::Conflict, description).with_member("id", id)
            }
            OperatorError::NoSuchStep { from, allowed, .. } => {
                Self::new(ErrorCode::Conflict, description)
                    .with_member("state", from)
                    .with_member("may_become", allowed)
            }
            OperatorError::Stale { .. } | OperatorError::InTheWay(_) => {
                Self::new(ErrorCode::Conflict, description)
            }
        }
    }
}

fn problems_value(problems: &[Problem]) -> serde_json::Value {
    problems
        .iter()
        .map(
            |problem| serde_json::json!({ "pointer": problem.pointer, "message": problem.message }),
        )
        .collect()
}

/// The body of every refusal, for the description of the API.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
pub struct Refusal {
    /// What kind of refusal: `invalid_request`, `invalid_token`, `access_denied`, `not_found`,
    /// `conflict`, `temporarily_unavailable`, `server_error`.
    #[schema(example = "conflict")]
    pub error: String,
    /// One sentence for a person.
    pub error_description: String,
    /// Every problem of the request, with `invalid_request`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// The record that exists already, with `conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where the record stands, with `conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The states that may follow, with `conflict`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_become: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_step_names_the_steps_that_are_allowed() {
        let error = OAuthError::from(OperatorError::NoSuchStep {
            record: "organisation",
            from: "withdrawn",
            to: "active",
            allowed: vec!["archived"],
        });
        let body = error.body();
        assert_eq!(body["error"], "conflict");
        assert_eq!(body["may_become"], serde_json::json!(["archived"]));
        assert!(body["error_description"].as_str().unwrap().contains("it may become archived"));
    }

    #[test]
    fn every_problem_stands_in_the_answer() {
        let problems = vec![Problem::new("/a", "it is missing"), Problem::new("/b", "it is bad")];
        let body = OAuthError::from(OperatorError::Invalid(problems)).body();
        assert_eq!(body["problems"][1]["pointer"], "/b");
        assert_eq!(body["error"], "invalid_request");
    }
}
