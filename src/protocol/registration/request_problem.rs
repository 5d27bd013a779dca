//! What can be wrong with a registration request, before its metadata is looked at ([RFC 7591 §3.2.2]).
//!
//! [RFC 7591 §3.2.2]: https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2

use crate::jose::InvalidJws;
use crate::protocol::error::ErrorCode;
use crate::protocol::error::OAuthError;
use crate::protocol::problem::Problem;
use crate::protocol::problem::Problems;
use crate::protocol::registration::request::LARGEST_BODY;
use crate::types::json::InvalidJson;

/// One thing that is wrong with a registration request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestProblem {
    /// Larger than [`LARGEST_BODY`].
    #[error("a registration request is at most {LARGEST_BODY} bytes long")]
    TooLarge,
    /// E1.
    #[error(
        "`{0}` is not a content type of a registration; send application/json, application/jwt or \
         application/jose"
    )]
    ContentType(String),
    /// E8.
    #[error("the request is not acceptable JSON: {0}")]
    Json(InvalidJson),
    /// S1.
    #[error("the request is not an acceptable JWS: {0}")]
    Jws(InvalidJws),
    /// E1: the framework wants another format.
    #[error("this framework takes registrations as {accepted}")]
    FormatNotAccepted {
        /// What it takes.
        accepted: String,
    },
    /// S2.
    #[error("`software_statement` is required")]
    StatementMissing,
    /// S11: the request is of another kind of JWT.
    #[error("the request is a JWT of another type")]
    Type,
    /// S11: not signed by a key of the software.
    #[error("the request is not signed with a key that the software statement names: {0}")]
    Signature(InvalidJws),
    /// S11: it speaks of a statement that is not the one verified.
    #[error("the request carries another software statement")]
    OtherStatement,
    /// S12.
    #[error("the request has no `{0}`")]
    ClaimMissing(&'static str),
    /// S12.
    #[error("the request's `{0}` is malformed")]
    ClaimMalformed(&'static str),
    /// S12.
    #[error("the request's `iss` is not the `software_id` of its software statement")]
    Issuer,
    /// S12.
    #[error("the request's `aud` does not name this server")]
    Audience,
    /// S12.
    #[error("the request has expired")]
    Expired,
    /// S12.
    #[error("the request's `{0}` lies in the future")]
    InFuture(&'static str),
    /// S12.
    #[error("the request's lifetime must lie between 1 and {most} seconds")]
    Lifetime {
        /// How long it may be.
        most: i64,
    },
    /// S12: it has been sent before.
    #[error("the request's `jti` has been used before")]
    Replayed,
}

impl RequestProblem {
    fn code(&self) -> ErrorCode {
        match self {
            Self::TooLarge => ErrorCode::PayloadTooLarge,
            Self::ContentType(_)
            | Self::Json(_)
            | Self::Jws(_)
            | Self::FormatNotAccepted { .. }
            | Self::StatementMissing
            | Self::Type
            | Self::Signature(_)
            | Self::OtherStatement
            | Self::ClaimMissing(_)
            | Self::ClaimMalformed(_)
            | Self::Issuer
            | Self::Audience
            | Self::Expired
            | Self::InFuture(_)
            | Self::Lifetime { .. }
            | Self::Replayed => ErrorCode::InvalidClientMetadata,
        }
    }

    fn pointer(&self) -> String {
        let member = match self {
            Self::TooLarge
            | Self::ContentType(_)
            | Self::Json(_)
            | Self::Jws(_)
            | Self::FormatNotAccepted { .. }
            | Self::Type
            | Self::Signature(_) => return String::new(),
            Self::StatementMissing | Self::OtherStatement => "software_statement",
            Self::ClaimMissing(claim) | Self::ClaimMalformed(claim) | Self::InFuture(claim) => {
                claim
            }
            Self::Issuer => "iss",
            Self::Audience => "aud",
            Self::Expired | Self::Lifetime { .. } => "exp",
            Self::Replayed => "jti",
        };
        format!("/{member}")
    }
}

/// Everything that is wrong with a registration request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct RequestError(pub Vec<RequestProblem>);

impl From<RequestProblem> for RequestError {
    fn from(problem: RequestProblem) -> Self {
        Self(vec![problem])
    }
}

impl From<RequestError> for Problems {
    fn from(error: RequestError) -> Self {
        error
            .0
            .into_iter()
            .map(|problem| Problem::new(problem.code(), problem.pointer(), problem.to_string()))
            .collect::<Vec<_>>()
            .into()
    }
}

impl From<RequestError> for OAuthError {
    fn from(error: RequestError) -> Self {
        Problems::from(error).into()
    }
}
