//! Statements that their software signs itself, with a certificate of a community (UDAP, REG-S4, S5,
//! S20, UD1).

use std::sync::Arc;

use crate::jose::Algorithm;
use crate::protocol::registration::SoftwareStatement;
use crate::protocol::registration::StatementError;
use crate::protocol::registration::StatementProblem;
use crate::protocol::registration::UnverifiedStatement;
use crate::trust::framework::Framework;
use crate::trust::framework::KeySource;
use crate::trust::frameworks::Frameworks;
use crate::types::Issuer;
use crate::types::Timestamp;
use crate::x509::Certificate;
use crate::x509::InvalidChain;
use crate::x509::PresentedCertificates;
use crate::x509::Usage;

impl Frameworks {
    /// S5: the one framework whose authorities vouch for the certificate in the statement.
    pub(super) fn by_certificate(
        &self,
        statement: &UnverifiedStatement,
        now: Timestamp,
    ) -> Result<&Arc<Framework>, StatementError> {
        let mut communities = self.shared().filter(|one| one.takes_own_certificates()).peekable();
        if communities.peek().is_none() {
            statement.refuse_certificates()?;
        }
        let presented = presented(statement)?;
        let (mut believing, mut reason) = (Vec::new(), InvalidChain::UnknownIssuer);
        for framework in communities {
            match framework.vouches_for(&presented, now) {
                Ok(()) => believing.push(framework),
                Err(invalid) => reason = invalid,
            }
        }
        match believing.as_slice() {
            [framework] => Ok(framework),
            [] => Err(StatementProblem::CertificateUntrusted(reason).into()),
            _ => Err(StatementProblem::CertificateAmbiguous.into()),
        }
    }
}

impl Framework {
    const fn takes_own_certificates(&self) -> bool {
        matches!(self.key_source(), KeySource::Certificates(_))
    }

    /// The certificate that somebody shows in a header, the signer's first, if a chain of this
    /// framework leads to it and its software vouches for itself.
    ///
    /// # Errors
    ///
    /// Why it is not believed.
    pub fn own_certificate(
        &self,
        certificates: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<Certificate, InvalidChain> {
        let presented = PresentedCertificates::from_ders(certificates.to_vec());
        let presented = presented.map_err(|_| InvalidChain::UnknownIssuer)?;
        self.vouches_for(&presented, now)?;
        Ok(presented.leaf().clone())
    }

    /// What software that vouches for itself signs with: its assertions as well as its statements.
    #[must_use]
    pub fn own_algorithms(&self) -> &[Algorithm] {
        &self.statement.algorithms
    }

    fn vouches_for(
        &self,
        presented: &PresentedCertificates,
        now: Timestamp,
    ) -> Result<(), InvalidChain> {
        match self.key_source() {
            KeySource::Certificates(authorities) => authorities.verify(presented, Usage::Any, now),
            KeySource::JwksUri(_) | KeySource::Jwks(_) => Err(InvalidChain::UnknownIssuer),
        }
    }

    /// S5 to S9 for a statement that its software has signed itself.
    ///
    /// # Errors
    ///
    /// No chain leads to the framework's authorities; the signature; or everything that is wrong
    /// with the claims.
    pub fn verify_self_signed(
        &self,
        statement: UnverifiedStatement,
        us: &Issuer,
        now: Timestamp,
    ) -> Result<SoftwareStatement, StatementError> {
        let presented = presented(&statement)?;
        self.vouches_for(&presented, now).map_err(StatementProblem::CertificateUntrusted)?;
        statement.verify_by_certificate(&self.statement_rules(us), presented.leaf(), now)
    }
}

fn presented(statement: &UnverifiedStatement) -> Result<PresentedCertificates, StatementError> {
    let ders = statement.certificates().unwrap_or_default().to_vec();
    PresentedCertificates::from_ders(ders)
        .map_err(|invalid| StatementProblem::Certificate(invalid).into())
}
