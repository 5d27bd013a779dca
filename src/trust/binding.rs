//! The proof that who presents a statement holds the software it speaks of (REG-G1, S0, S11, S12).

use serde_json::{Map, Value};

use crate::jose::JwkSet;
use crate::protocol::problem::Problems;
use crate::protocol::registration::RegistrationRequest;
use crate::protocol::registration::RequestError;
use crate::protocol::registration::RequestFormat;
use crate::protocol::registration::RequestProblem;
use crate::protocol::registration::SoftwareStatement;
use crate::protocol::registration::VerifiedRequest;
use crate::protocol::registration::carried_statement;
use crate::trust::certificate::CheckedCertificate;
use crate::trust::facts::StatementFacts;
use crate::trust::framework::Binding;
use crate::trust::framework::Framework;
use crate::types::Issuer;
use crate::types::Timestamp;

/// A request whose presenter has proved, as the framework demands, that it holds the software of
/// this very statement. Only [`bind`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    body: Body,
    format: RequestFormat,
    certificate: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Signed(VerifiedRequest),
    Plain(Map<String, Value>),
}

impl Bound {
    fn signed(&self) -> Option<&VerifiedRequest> {
        match &self.body {
            Body::Signed(request) => Some(request),
            Body::Plain(_) => None,
        }
    }

    /// The `jti` of the request, to be used once, if it was signed and has one.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        self.signed().and_then(VerifiedRequest::jti)
    }

    /// When the request was signed and when it expires, if it was signed.
    #[must_use]
    pub fn validity(&self) -> Option<(Timestamp, Timestamp)> {
        self.signed().map(|request| (request.issued_at(), request.expires_at()))
    }

    /// The RFC 7638 thumbprint of the key that signed the request, if one did.
    #[must_use]
    pub fn key_thumbprint(&self) -> Option<&str> {
        self.signed().map(VerifiedRequest::key_thumbprint)
    }

    /// The thumbprint (`x5t#S256`) of the certificate that proved who presents, if one did.
    #[must_use]
    pub fn certificate_thumbprint(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// What proved who presents: the thumbprint of the key or, where the request was not signed, of
    /// the certificate. Empty where the framework demands no proof.
    #[must_use]
    pub fn prover(&self) -> &str {
        self.key_thumbprint().or(self.certificate_thumbprint()).unwrap_or_default()
    }

    /// How the request was written.
    #[must_use]
    pub const fn format(&self) -> RequestFormat {
        self.format
    }

    /// The metadata it asks for.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        match &self.body {
            Body::Signed(request) => request.members(),
            Body::Plain(members) => members,
        }
    }
}

/// What a request is bound with.
#[derive(Debug, Clone, Copy)]
pub struct Presentation<'a> {
    /// The framework of the statement.
    pub framework: &'a Framework,
    /// The statement in the request, verified.
    pub statement: &'a SoftwareStatement,
    /// What the statement says of its software.
    pub facts: &'a StatementFacts,
    /// The keys of the software, from where `Framework::presenter_keys` says.
    pub keys: &'a JwkSet,
    /// Whether the statement is the one that the client was registered with, which still stands, so
    /// that the request may leave it out (REG-U5).
    pub stands: bool,
    /// The client certificate, from `Framework::check_certificate`.
    pub certificate: Option<&'a CheckedCertificate>,
    /// This server.
    pub us: &'a Issuer,
}

/// S11, S12: verifies what the framework's binding demands: the request's signature by a key of the
/// software, for us, now; the certificate's names; or that the statement's own certificate signed it.
///
/// # Errors
///
/// The framework takes another format, the certificate names others, the signature is not by one of
/// `keys`, or the envelope is not what the framework demands.
pub fn bind(
    request: RegistrationRequest,
    with: Presentation<'_>,
    now: Timestamp,
) -> Result<Bound, Problems> {
    with.framework.check_format(&request)?;
    let format = request.format();
    with.framework.check_holder(with.certificate, with.statement.claims())?;
    let body = match request {
        RegistrationRequest::Signed(signed) => {
            let us = with.us;
            let rules = with.framework.request_rules(us, with.facts.software_id.as_str());
            Body::Signed(signed.verify(&rules, with.keys, now)?)
        }
        RegistrationRequest::Json(members) => {
            check_unsigned(&with)?;
            Body::Plain(members)
        }
    };
    let presented = with.certificate.map(CheckedCertificate::certificate);
    let certificate = presented.or(with.statement.certificate());
    let certificate = certificate.map(|one| one.thumbprint().to_owned());
    let bound = Bound { body, format, certificate };
    let carried = carried_statement(bound.members());
    let left_out = with.stands && carried.is_none();
    if !left_out && carried != Some(with.statement.text()) {
        return Err(RequestError::from(RequestProblem::OtherStatement).into());
    }
    Ok(bound)
}

/// A request that nobody signed needs another proof.
fn check_unsigned(with: &Presentation<'_>) -> Result<(), Problems> {
    let proved = match with.framework.binding() {
        Binding::RequestJws { .. } => false,
        Binding::Certificate(_) => with.certificate.is_some(),
        Binding::X5c => with.statement.certificate().is_some(),
        Binding::None => true,
    };
    if proved {
        return Ok(());
    }
    let accepted = RequestFormat::Jwt.media_type().to_owned();
    Err(RequestError::from(RequestProblem::FormatNotAccepted { accepted }).into())
}
