//! The proof that who presents a statement holds the software it speaks of (REG-G1, S11).

use serde_json::{Map, Value};

use crate::jose::JwkSet;
use crate::protocol::problem::Problems;
use crate::protocol::registration::RegistrationRequest;
use crate::protocol::registration::RequestError;
use crate::protocol::registration::RequestFormat;
use crate::protocol::registration::RequestProblem;
use crate::protocol::registration::SoftwareStatement;
use crate::protocol::registration::VerifiedRequest;
use crate::trust::facts::StatementFacts;
use crate::trust::framework::Framework;
use crate::types::Issuer;
use crate::types::Timestamp;

/// A request that a key of the statement's software signed, and that carries this very statement.
/// Only [`bind`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    request: VerifiedRequest,
    format: RequestFormat,
}

impl Bound {
    /// The `jti` of the request, to be used once.
    #[must_use]
    pub fn jti(&self) -> &str {
        self.request.jti()
    }

    /// When the request was signed.
    #[must_use]
    pub const fn issued_at(&self) -> Timestamp {
        self.request.issued_at()
    }

    /// When the request expires.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.request.expires_at()
    }

    /// The RFC 7638 thumbprint of the key that signed it.
    #[must_use]
    pub fn key_thumbprint(&self) -> &str {
        self.request.key_thumbprint()
    }

    /// How the request was written.
    #[must_use]
    pub const fn format(&self) -> RequestFormat {
        self.format
    }

    /// The metadata it asks for.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        self.request.members()
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
    /// This server.
    pub us: &'a Issuer,
}

/// S11, S12: verifies that the request was signed by a key of the software, for us, now.
///
/// # Errors
///
/// The framework takes another format, the signature is not by one of `keys`, or the envelope is not
/// what the framework demands.
pub fn bind(
    request: RegistrationRequest,
    with: Presentation<'_>,
    now: Timestamp,
) -> Result<Bound, Problems> {
    with.framework.check_format(&request)?;
    let format = request.format();
    let signed = match request {
        RegistrationRequest::Signed(signed) => signed,
        // Every framework that loads takes signed requests alone.
        RegistrationRequest::Json(_) => {
            let accepted = RequestFormat::Jwt.media_type().to_owned();
            let problem = RequestProblem::FormatNotAccepted { accepted };
            return Err(RequestError::from(problem).into());
        }
    };
    let rules = with.framework.request_rules(with.us, with.facts.software_id.as_str());
    let request = signed.verify(&rules, with.keys, now)?;
    let carried = request.members().get("software_statement").and_then(Value::as_str);
    if carried != Some(with.statement.text()) {
        return Err(RequestError::from(RequestProblem::OtherStatement).into());
    }
    Ok(Bound { request, format })
}
