//! How a framework has its presenters prove that they hold the software (REG-G1, S11).

use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use crate::trust::framework::TrustEnvironment;
use crate::trust::framework::authorities::Authorities;
use crate::trust::framework::authorities::Files;
use crate::trust::framework::authorities::authorities;
use crate::trust::framework::problem::Notes;
use crate::trust::framework::template::Template;
use crate::types::DistinguishedName;
use crate::x509::Certificate;
use crate::x509::Usage;

/// How a presenter proves that it holds the software of a statement.
#[derive(Debug, Clone)]
pub enum Binding {
    /// A key of the software signs the request; where there is a certificate, too, it must name the
    /// software or its organisation.
    RequestJws {
        /// What the certificate must be.
        certificate: Option<CertificateBinding>,
    },
    /// The client certificate of the connection names the software or its organisation.
    Certificate(CertificateBinding),
    /// The statement is signed by the software itself, with a certificate in its header.
    X5c,
    /// Nothing: whoever copies a statement can register with it. In a sandbox only.
    None,
}

/// What the client certificate of a presenter must be.
#[derive(Debug, Clone)]
pub struct CertificateBinding {
    pub(crate) authorities: Authorities,
    pub(crate) usage: Usage,
    requirements: Vec<Requirement>,
}

/// Several ways to satisfy one requirement: certificates of different ages name things differently
/// (REG-BR5).
#[derive(Debug, Clone)]
struct Requirement(Vec<Alternative>);

#[derive(Debug, Clone)]
struct Alternative {
    place: Place,
    equals: Template,
}

/// Where in a certificate a name stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// An attribute of the subject.
    Subject(String),
    /// An alternative name of the subject.
    San(SanKind),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SanKind {
    Dns,
    Uri,
    Email,
}

impl Binding {
    /// Whether a presenter must show a client certificate.
    #[must_use]
    pub const fn requires_certificate(&self) -> bool {
        match self {
            Self::RequestJws { certificate } => certificate.is_some(),
            Self::Certificate(_) => true,
            Self::X5c | Self::None => false,
        }
    }

    /// What that certificate must be.
    #[must_use]
    pub const fn certificate(&self) -> Option<&CertificateBinding> {
        match self {
            Self::RequestJws { certificate } => certificate.as_ref(),
            Self::Certificate(certificate) => Some(certificate),
            Self::X5c | Self::None => None,
        }
    }
}

impl CertificateBinding {
    /// The first requirement that the certificate does not satisfy for this statement, in words.
    #[must_use]
    pub fn unsatisfied(
        &self,
        certificate: &Certificate,
        claims: &Map<String, Value>,
    ) -> Option<String> {
        let holds = |one: &Requirement| one.0.iter().any(|way| way.holds(certificate, claims));
        self.requirements.iter().find(|one| !holds(one)).map(ToString::to_string)
    }

    /// Every requirement, in words.
    #[must_use]
    pub fn requirements(&self) -> Vec<String> {
        self.requirements.iter().map(ToString::to_string).collect()
    }

    /// The authorities that the chain must lead to.
    #[must_use]
    pub const fn authorities(&self) -> &Authorities {
        &self.authorities
    }
}

impl Alternative {
    fn holds(&self, certificate: &Certificate, claims: &Map<String, Value>) -> bool {
        let Some(due) = self.equals.fill(claims) else { return false };
        match &self.place {
            Place::Subject(attribute) => {
                let due = folded(&due);
                let values = certificate.subject().values(attribute);
                values.into_iter().any(|value| folded(value) == due)
            }
            Place::San(SanKind::Dns) => {
                certificate.dns_names().iter().any(|name| name.eq_ignore_ascii_case(&due))
            }
            // REG-UD1: compared byte for byte.
            Place::San(SanKind::Uri) => certificate.uris().contains(&due),
            Place::San(SanKind::Email) => certificate.emails().contains(&due),
        }
    }
}

/// As `caseIgnoreMatch` compares: without regard to case and to the number of spaces (RFC 4517
/// §4.2.11, REG-BR3).
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

impl std::fmt::Display for Requirement {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, way) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { " or " };
            let named = match &way.place {
                Place::Subject(attribute) => attribute.as_str(),
                Place::San(SanKind::Dns) => "a DNS name",
                Place::San(SanKind::Uri) => "a URI",
                Place::San(SanKind::Email) => "an e-mail address",
            };
            write!(formatter, "{separator}{named} = `{}`", way.equals)?;
        }
        Ok(())
    }
}

/// The `[certificate]` table as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCertificate {
    anchors: Spanned<Vec<String>>,
    #[serde(default)]
    revocations: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    obtain: Option<String>,
    #[serde(default)]
    any_usage: bool,
    require: Spanned<Vec<WrittenRequirement>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRequirement {
    any_of: Spanned<Vec<Spanned<WrittenAlternative>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAlternative {
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    san: Option<SanKind>,
    equals: String,
}

const FIELD: &str = "request.binding";

/// Reads `request.binding`, one name or a list, and the `[certificate]` table that goes with it.
pub(super) fn binding(
    written: &Spanned<Value>,
    certificate: Option<&Spanned<WrittenCertificate>>,
    environment: TrustEnvironment,
    notes: &mut Notes<'_>,
) -> Option<Binding> {
    let span = || Some(written.span());
    let read = certificate.map(|table| certificate_binding(table, environment, notes));
    let wants_certificate = match names(written.get_ref()).as_deref() {
        Some(["request_jws" | "x5c" | "none"]) => false,
        Some(["certificate"] | ["request_jws", "certificate"] | ["certificate", "request_jws"]) => {
            true
        }
        _ => {
            let message = "it is `request_jws`, `certificate`, both in a list, `x5c`, or, in a \
                           sandbox, `none`";
            notes.refuse(span(), FIELD, message);
            return None;
        }
    };
    match certificate {
        None if wants_certificate => {
            notes.refuse(span(), "certificate", "a binding by certificate needs this table");
            return None;
        }
        Some(table) if !wants_certificate => {
            let message = "it says what certificates must be, and `request.binding` does not ask \
                           for any";
            notes.refuse(Some(table.span()), "certificate", message);
            return None;
        }
        Some(_) | None => {}
    }
    let certificate = read.flatten();
    match names(written.get_ref()).as_deref() {
        Some(["request_jws"]) => Some(Binding::RequestJws { certificate: None }),
        Some(["certificate"]) => certificate.map(Binding::Certificate),
        Some(["x5c"]) => Some(Binding::X5c),
        Some(["none"]) => unbound(written, environment, notes),
        _ => certificate.map(|it| Binding::RequestJws { certificate: Some(it) }),
    }
}

fn names(written: &Value) -> Option<Vec<&str>> {
    match written {
        Value::String(name) => Some(vec![name.as_str()]),
        Value::Array(listed) => listed.iter().map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// REG-G1: a statement is a bearer artefact until something binds it to its presenter.
fn unbound(
    written: &Spanned<Value>,
    environment: TrustEnvironment,
    notes: &mut Notes<'_>,
) -> Option<Binding> {
    const MESSAGE: &str = "without a binding, whoever copies a statement can register with it";
    match environment {
        TrustEnvironment::Production => {
            notes.refuse(Some(written.span()), FIELD, format!("{MESSAGE}; choose one"));
            None
        }
        TrustEnvironment::Sandbox => {
            let message = format!("{MESSAGE}; never admit real software like this");
            notes.warn(Some(written.span()), FIELD, message);
            Some(Binding::None)
        }
    }
}

fn certificate_binding(
    table: &Spanned<WrittenCertificate>,
    environment: TrustEnvironment,
    notes: &mut Notes<'_>,
) -> Option<CertificateBinding> {
    let written = table.get_ref();
    if written.revocations.is_none() && environment == TrustEnvironment::Production {
        let message = "no revocation list: a certificate that was revoked is accepted until it \
                       expires";
        notes.warn(Some(table.span()), "certificate.revocations", message);
    }
    let files = Files {
        table: "certificate",
        anchors: &written.anchors,
        revocations: written.revocations.as_ref(),
        obtain: written.obtain.as_deref(),
    };
    let authorities = authorities(&files, notes);
    let requirements = written.require.get_ref();
    if requirements.is_empty() {
        let message = "without a requirement, any certificate of these authorities would do";
        notes.refuse(Some(written.require.span()), "certificate.require", message);
    }
    let requirements: Vec<_> = requirements.iter().map(|one| requirement(one, notes)).collect();
    Some(CertificateBinding {
        authorities: authorities?,
        usage: if written.any_usage { Usage::Any } else { Usage::ClientAuthentication },
        requirements: requirements.into_iter().collect::<Option<_>>()?,
    })
}

fn requirement(written: &WrittenRequirement, notes: &mut Notes<'_>) -> Option<Requirement> {
    let ways = written.any_of.get_ref();
    if ways.is_empty() {
        let message = "at least one way is needed";
        notes.refuse(Some(written.any_of.span()), "certificate.require.any_of", message);
    }
    let ways: Vec<_> = ways.iter().map(|way| alternative(way, notes)).collect();
    ways.into_iter().collect::<Option<_>>().map(Requirement)
}

fn alternative(
    written: &Spanned<WrittenAlternative>,
    notes: &mut Notes<'_>,
) -> Option<Alternative> {
    let span = || Some(written.span());
    let way = written.get_ref();
    let place = match (&way.subject, way.san) {
        (Some(attribute), None) if is_attribute(attribute) => Place::Subject(attribute.clone()),
        (Some(_), None) => {
            let message = "write CN, L, ST, O, OU, C, STREET, DC, UID, or an OID in dots";
            notes.refuse(span(), "certificate.require.any_of.subject", message);
            return None;
        }
        (None, Some(kind)) => Place::San(kind),
        (None, None) | (Some(_), Some(_)) => {
            let message = "it names either `subject` or `san`";
            notes.refuse(span(), "certificate.require.any_of", message);
            return None;
        }
    };
    match Template::parse(&way.equals) {
        Ok(equals) => Some(Alternative { place, equals }),
        Err(error) => {
            notes.refuse(span(), "certificate.require.any_of.equals", error.to_string());
            None
        }
    }
}

/// What RFC 4514 lets stand before the `=`.
fn is_attribute(text: &str) -> bool {
    !text.contains(['=', ',', '+']) && DistinguishedName::parse(&format!("{text}=x")).is_ok()
}
