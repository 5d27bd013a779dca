//! How a command fails: with an exit code that scripts can tell apart, and words that say what to
//! do next.

use std::process::ExitCode;

use serde_json::Value;

use crate::cli::development_keys::KeysError;
use crate::cli::private_file::FileError;
use crate::http::ServerError;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It was tried and refused, or failed.
    #[error("{message}")]
    Failed {
        /// What happened.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// It was asked for in a way that cannot be understood.
    #[error("{message}")]
    Usage {
        /// What is wrong with the command line.
        message: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// The server cannot be reached.
    #[error("cannot reach {address}: {cause}")]
    Unreachable {
        /// Who should have answered.
        address: String,
        /// What went wrong on the way.
        cause: String,
        /// What to do next.
        hint: String,
    },
    /// The server refused; this is its answer.
    #[error("{}", refusal(*.status, .body))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The answer's body.
        body: Value,
    },
    /// Nobody reads our output any more; that is no failure.
    #[error("the output was closed")]
    OutputClosed,
}

impl CommandError {
    /// A failure without advice.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: None }
    }

    /// A failure and what to do next.
    pub fn failed_with(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: Some(hint.into()) }
    }

    /// A misunderstanding and what to write instead.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// 1: refused or failed; 2: not understood; 3: nobody answered.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed { .. } | Self::Refused { .. } => ExitCode::from(1),
            Self::Usage { .. } => ExitCode::from(2),
            Self::Unreachable { .. } => ExitCode::from(3),
            Self::OutputClosed => ExitCode::SUCCESS,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { hint, .. } | Self::Usage { hint, .. } => hint.clone(),
            Self::Unreachable { hint, .. } => Some(hint.clone()),
            Self::Refused { status, body } => next_step(*status, body),
            Self::OutputClosed => None,
        }
    }
}

fn refusal(status: u16, body: &Value) -> String {
    let described = body.get("error_description").and_then(Value::as_str);
    let first = match described {
        Some(description) => format!("refused: {description}"),
        None => format!("refused with HTTP status {status}"),
    };
    let problems = body.get("problems").and_then(Value::as_array).into_iter().flatten();
    let lines = problems.map(|problem| {
        let member = |name| problem.get(name).and_then(Value::as_str).unwrap_or_default();
        format!("  {}: {}", member("pointer"), member("message"))
    });
    std::iter::once(first).chain(lines).collect::<Vec<_>>().join("\n")
}

fn next_step(status: u16, body: &Value) -> Option<String> {
    let advice = match status {
        401 => "give a valid operator token: `--token-file FILE` or COUNTERSIGN_OPERATOR_TOKEN",
        403 => "use an account whose role may change things",
        404 => "list what there is: the same command with `list`",
        409 => match body.get("id").and_then(Value::as_str) {
            Some(id) => return Some(format!("look at the one that exists: `show {id}`")),
            None => "look at the record as it is now: the same command with `show`",
        },
        429 | 503 => "the server is busy or its store cannot be reached: try again in a moment",
        500.. => "the server's log says why; look for the request id",
        _ => return None,
    };
    Some(advice.to_owned())
}

impl From<FileError> for CommandError {
    fn from(error: FileError) -> Self {
        Self::failed_with(error.to_string(), "check the path, and who may read and write it")
    }
}

impl From<ServerError> for CommandError {
    fn from(error: ServerError) -> Self {
        let hint = match error {
            ServerError::Address { .. } => "stop what uses the address, or choose another one",
            ServerError::Tls(_) => "correct the files, or where the settings say that they are",
        };
        Self::failed_with(error.to_string(), hint)
    }
}

impl From<KeysError> for CommandError {
    fn from(error: KeysError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::OutputClosed;
        }
        Self::failed(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_shows_every_problem_and_what_to_do() {
        let body = serde_json::json!({
            "error": "invalid_request", "error_description": "the request has 2 problem(s)",
            "problems": [{"pointer": "/a", "message": "it is missing"},
                         {"pointer": "/b", "message": "it is bad"}],
        });
        let text = CommandError::Refused { status: 400, body }.to_string();
        assert!(text.contains("/a: it is missing") && text.contains("/b: it is bad"), "{text}");
        let exists =
            CommandError::Refused { status: 409, body: serde_json::json!({"id": "org_1"}) };
        assert!(exists.hint().unwrap().contains("show org_1"));
    }
}
