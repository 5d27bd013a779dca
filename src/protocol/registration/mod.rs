//! Dynamic client registration and its management ([RFC 7591], [RFC 7592]).
//!
//! The stages of a registration are types. A [`RegistrationRequest`] shows an
//! [`UnverifiedStatement`]; that shows only whom to ask for keys, and becomes a
//! [`SoftwareStatement`] by verification; the statement's keys turn the request into a
//! [`VerifiedRequest`].
//!
//! [RFC 7591]: https://www.rfc-editor.org/rfc/rfc7591
//! [RFC 7592]: https://www.rfc-editor.org/rfc/rfc7592

mod claim_path;
mod claims;
pub mod management;
pub mod request;
mod request_problem;
pub mod response;
pub mod software_statement;
#[cfg(test)]
mod software_statement_tests;
#[cfg(test)]
mod request_tests;
mod statement_problem;
mod status_claim;
mod verified_statement;

pub use claim_path::{ClaimPath, InvalidClaimPath};
pub use request::{
    EnvelopeClaim, LARGEST_BODY, RegistrationRequest, RequestFormat, RequestRules,
    UnverifiedRequest, VerifiedRequest, carried_statement,
};
pub use request_problem::{RequestError, RequestProblem};
pub use response::RegistrationResponse;
pub use software_statement::{LONGEST_STATEMENT, StatementRules, UnverifiedStatement};
pub use statement_problem::{StatementError, StatementProblem};
pub use status_claim::StatusRule;
pub use verified_statement::SoftwareStatement;
