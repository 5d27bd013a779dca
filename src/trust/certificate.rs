//! The client certificate of a presenter: a chain to the framework's authorities, and the names that
//! its statement has (REG-S0, S11, T11, BR5, R7).

use serde_json::{Map, Value};

use crate::protocol::error::ErrorCode;
use crate::protocol::problem::Problem;
use crate::protocol::problem::Problems;
use crate::trust::framework::Framework;
use crate::types::FrameworkName;
use crate::types::Timestamp;
use crate::x509::Certificate;
use crate::x509::InvalidChain;
use crate::x509::PresentedCertificates;

/// What is wrong with a presenter's certificate. Each is a 401: whoever shows another certificate is
/// not whom the statement speaks of (REG-H8).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateProblem {
    /// There is none.
    #[error("a client certificate is required here; use the mutual-TLS address of this endpoint")]
    Missing,
    /// S0: no chain leads to an authority of the framework, or something in it is revoked.
    #[error("the client certificate is not trusted here: {0}")]
    Untrusted(InvalidChain),
    /// S11: it is somebody else's.
    #[error(
        "the client certificate is not that of the software statement's software: it must have {due}"
    )]
    OtherHolder {
        /// What it should have, as the framework's file says it.
        due: String,
    },
}

impl From<CertificateProblem> for Problems {
    fn from(problem: CertificateProblem) -> Self {
        Problem::new(ErrorCode::InvalidClient, "", problem.to_string()).into()
    }
}

/// A client certificate from which a chain leads to the authorities of one framework. Only
/// [`Framework::check_certificate`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedCertificate {
    framework: FrameworkName,
    certificate: Certificate,
}

impl CheckedCertificate {
    /// The certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

impl Framework {
    /// S0: checks the certificate of the connection, where the framework requires one. Where it does
    /// not, nobody's certificate is looked at.
    ///
    /// # Errors
    ///
    /// There is none, or it is not trusted in this framework.
    pub fn check_certificate(
        &self,
        presented: Option<&PresentedCertificates>,
        now: Timestamp,
    ) -> Result<Option<CheckedCertificate>, Problems> {
        let Some(binding) = self.binding().certificate() else { return Ok(None) };
        let presented = presented.ok_or(CertificateProblem::Missing)?;
        binding
            .authorities
            .verify(presented, binding.usage, now)
            .map_err(CertificateProblem::Untrusted)?;
        let certificate = presented.leaf().clone();
        Ok(Some(CheckedCertificate { framework: self.name().clone(), certificate }))
    }

    /// S11: the certificate names the software, or its organisation, as the statement does.
    ///
    /// # Errors
    ///
    /// The framework requires a certificate, and there is none of its own or one with other names.
    pub fn check_holder(
        &self,
        checked: Option<&CheckedCertificate>,
        claims: &Map<String, Value>,
    ) -> Result<(), Problems> {
        let Some(binding) = self.binding().certificate() else { return Ok(()) };
        let checked = checked
            .filter(|checked| checked.framework == *self.name())
            .ok_or(CertificateProblem::Missing)?;
        match binding.unsatisfied(&checked.certificate, claims) {
            Some(due) => Err(CertificateProblem::OtherHolder { due }.into()),
            None => Ok(()),
        }
    }
}
