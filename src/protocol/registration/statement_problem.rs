//! What can be wrong with a software statement, and which of the two codes of [RFC 7591 §3.2.2] says
//! so: `invalid_software_statement` for a bad statement, `unapproved_software_statement` for a sound
//! one that is not accepted here.
//!
//! [RFC 7591 §3.2.2]: https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2

use crate::jose::InvalidJws;
use crate::jose::KeyProblem;
use crate::protocol::error::ErrorCode;
use crate::protocol::error::OAuthError;
use crate::protocol::problem::Problem;
use crate::protocol::problem::Problems;
use crate::protocol::registration::software_statement::LONGEST_STATEMENT;
use crate::x509::InvalidCertificate;
use crate::x509::InvalidChain;

/// One thing that is wrong with a software statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementProblem {
    /// Longer than [`LONGEST_STATEMENT`].
    #[error("the software statement is longer than {LONGEST_STATEMENT} bytes")]
    TooLong,
    /// S3: not a JWS, or one that is never acceptable, such as `alg: none`.
    #[error("the software statement is not acceptable: {0}")]
    Malformed(InvalidJws),
    /// S3: of another kind.
    #[error("the software statement is of another type than its framework issues")]
    Type,
    /// S4: it does not say who issued it (RFC 7591 §2.3, erratum 7969).
    #[error("the software statement has no `iss`")]
    IssuerMissing,
    /// S4: nobody whose word we take.
    #[error("statements of the issuer `{issuer}` are not accepted here")]
    IssuerUnknown {
        /// Who.
        issuer: String,
    },
    /// S5: the signature, its algorithm or its key.
    #[error("the software statement's signature is not acceptable: {0}")]
    Signature(InvalidJws),
    /// S5: a certificate in the header cannot be read.
    #[error("the certificate in the software statement's header is not acceptable: {0}")]
    Certificate(InvalidCertificate),
    /// S5: the key of that certificate is not acceptable.
    #[error("the key of the software statement's certificate is not acceptable: {0}")]
    CertificateKey(KeyProblem),
    /// S5: no chain leads from it to an authority of ours.
    #[error("the software statement's certificate is not trusted here: {0}")]
    CertificateUntrusted(InvalidChain),
    /// S5, S20: several frameworks would believe it, so that it is not clear whose rules hold.
    #[error("the software statement's certificate belongs to several trust frameworks")]
    CertificateAmbiguous,
    /// S11: its issuer is not who the certificate is for.
    #[error("the software statement's `iss` is not a URI of the certificate that signed it")]
    CertificateName,
    /// REG-UD1: the issuer speaks of itself.
    #[error("the software statement's `sub` is not its `iss`")]
    Subject,
    /// S6, S7, S8: a claim that is required is not there.
    #[error("the software statement has no `{claim}`")]
    ClaimMissing {
        /// Which.
        claim: String,
    },
    /// S6, S7, S8: a claim is not what the standard says.
    #[error("the software statement's `{claim}` is malformed")]
    ClaimMalformed {
        /// Which.
        claim: String,
    },
    /// S6.
    #[error("the software statement has expired")]
    Expired,
    /// S6.
    #[error("the software statement's `iat` lies in the future")]
    IssuedInFuture,
    /// S6.
    #[error("the software statement is not valid yet")]
    NotYetValid,
    /// S6, S19: `iat` is too long ago.
    #[error("the software statement was issued {age} seconds ago; at most {most} are accepted")]
    TooOld {
        /// How long ago.
        age: i64,
        /// How long it may be.
        most: i64,
    },
    /// S6, S19: `exp` is too far from `iat`, or before it.
    #[error("the software statement's lifetime must lie between 1 and {most} seconds")]
    Lifetime {
        /// How long it may be.
        most: i64,
    },
    /// S7.
    #[error("the software statement's `aud` does not name this server")]
    Audience,
    /// S8: it has been used.
    #[error("the software statement has been used before; ask for a new one")]
    Replayed,
    /// S9: somebody's standing is not good.
    #[error("the software statement's `{claim}` is `{status}`, which is not accepted here")]
    Status {
        /// Which status.
        claim: String,
        /// What it is.
        status: String,
    },
    /// S9: somebody's standing is not told.
    #[error("the software statement has no `{claim}`, which is required here")]
    StatusMissing {
        /// Which status.
        claim: String,
    },
    /// The directory names keys at an address that it may not name (REG-T5).
    #[error("the software statement's `{claim}` is on a host that its framework does not allow")]
    HostNotAllowed {
        /// Which claim.
        claim: String,
    },
}

impl StatementProblem {
    /// The code that RFC 7591 has for it (REG-S20).
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::TooLong
            | Self::Malformed(_)
            | Self::Type
            | Self::IssuerMissing
            | Self::Signature(_)
            | Self::Certificate(_)
            | Self::CertificateKey(_)
            | Self::CertificateName
            | Self::Subject
            | Self::ClaimMissing { .. }
            | Self::ClaimMalformed { .. }
            | Self::Expired
            | Self::IssuedInFuture
            | Self::NotYetValid
            | Self::TooOld { .. }
            | Self::Lifetime { .. }
            | Self::Audience
            | Self::Replayed => ErrorCode::InvalidSoftwareStatement,
            Self::IssuerUnknown { .. }
            | Self::CertificateUntrusted(_)
            | Self::CertificateAmbiguous
            | Self::Status { .. }
            | Self::StatusMissing { .. }
            | Self::HostNotAllowed { .. } => ErrorCode::UnapprovedSoftwareStatement,
        }
    }

    /// Where it is: a JSON pointer, whose first step is the statement itself.
    #[must_use]
    pub fn pointer(&self) -> String {
        let claim = match self {
            Self::TooLong
            | Self::Malformed(_)
            | Self::Type
            | Self::Signature(_)
            | Self::Certificate(_)
            | Self::CertificateKey(_)
            | Self::CertificateUntrusted(_)
            | Self::CertificateAmbiguous => {
                return "/software_statement".to_owned();
            }
            Self::IssuerMissing | Self::IssuerUnknown { .. } | Self::CertificateName => "iss",
            Self::Subject => "sub",
            Self::Expired | Self::Lifetime { .. } => "exp",
            Self::IssuedInFuture | Self::TooOld { .. } => "iat",
            Self::NotYetValid => "nbf",
            Self::Audience => "aud",
            Self::Replayed => "jti",
            Self::ClaimMissing { claim }
            | Self::ClaimMalformed { claim }
            | Self::Status { claim, .. }
            | Self::StatusMissing { claim }
            | Self::HostNotAllowed { claim } => claim,
        };
        format!("/software_statement/{}", claim.replace("[]", "").replace('.', "/"))
    }
}

/// Everything that is wrong with a software statement, in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct StatementError(pub Vec<StatementProblem>);

impl StatementError {
    /// The problems.
    pub fn problems(&self) -> std::slice::Iter<'_, StatementProblem> {
        self.0.iter()
    }
}

impl From<StatementProblem> for StatementError {
    fn from(problem: StatementProblem) -> Self {
        Self(vec![problem])
    }
}

impl From<StatementProblem> for Problem {
    fn from(problem: StatementProblem) -> Self {
        Self::new(problem.code(), problem.pointer(), problem.to_string())
    }
}

impl From<StatementError> for Problems {
    fn from(error: StatementError) -> Self {
        error.0.into_iter().map(Problem::from).collect::<Vec<_>>().into()
    }
}

impl From<StatementError> for OAuthError {
    fn from(error: StatementError) -> Self {
        Problems::from(error).into()
    }
}
