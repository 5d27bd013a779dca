//! The request that a proxy asks about. nginx tells of it in fields; Envoy sends it again, below our
//! path. Neither the client's `Host` nor anything else that it chooses says where it was sent.

use crate::endpoints::authorize_request::demand::Demand;
use crate::endpoints::exchange::{Incoming, METHOD_FIELD};
use crate::protocol::client_certificate_field::{
    CLIENT_CERT, CLIENT_CERT_PEM, InvalidClientCertificateField, read_either,
};
use crate::protocol::discovery::path::AUTHORIZE_REQUEST;
use crate::protocol::{ErrorCode, OAuthError};
use crate::x509::PresentedCertificates;

/// In which nginx tells the method.
pub(super) const METHOD: &str = "x-original-method";
/// In which nginx tells the path and query.
pub(super) const TARGET: &str = "x-original-uri";
/// In which Envoy is set up to tell what is demanded; its query is the client's.
pub(super) const DEMAND: &str = "x-countersign-demand";

/// Why a proxy's question makes no sense. The proxy is set up wrongly, whatever its client sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidQuestion {
    #[error("the proxy does not tell `{0}`")]
    Missing(&'static str),
    #[error("`{0}` stands there twice, or holds a space")]
    Repeated(&'static str),
    #[error("what is demanded stands in the query here, and not in `X-Countersign-Demand`")]
    DemandTwice,
    #[error(transparent)]
    Certificate(InvalidClientCertificateField),
}

impl From<InvalidQuestion> for OAuthError {
    fn from(invalid: InvalidQuestion) -> Self {
        Self::new(ErrorCode::InvalidRequest, invalid.to_string())
    }
}

/// The text of the demands: the query that the operator has written, or the field.
pub(super) fn demands(incoming: &Incoming) -> Result<&str, InvalidQuestion> {
    let field = incoming.field(DEMAND);
    if is_told(incoming) {
        let query = incoming.query.as_ref().map_or("", |query| query.reveal());
        return if field.is_none() { Ok(query) } else { Err(InvalidQuestion::DemandTwice) };
    }
    field.ok_or(InvalidQuestion::Missing("X-Countersign-Demand"))
}

/// The request as its client sent it.
#[derive(Debug)]
pub(super) struct Original<'a> {
    /// The method as it was written.
    pub(super) method: &'a str,
    /// The path, with or without the query.
    pub(super) target: &'a str,
    /// The certificate that was shown to the proxy, if it can be read.
    pub(super) certificate: Option<PresentedCertificates>,
}

impl<'a> Original<'a> {
    /// Reads what the proxy tells.
    pub(super) fn of(incoming: &'a Incoming) -> Result<Self, InvalidQuestion> {
        let (method, target) = if is_told(incoming) {
            let told = |name, shown| {
                let text = incoming.field(name).ok_or(InvalidQuestion::Missing(shown))?;
                // One of two would be the client's.
                if text.contains(' ') { Err(InvalidQuestion::Repeated(shown)) } else { Ok(text) }
            };
            (told(METHOD, "X-Original-Method")?, told(TARGET, "X-Original-URI")?)
        } else {
            let method = incoming.field(METHOD_FIELD).unwrap_or_default();
            (method, incoming.path.strip_prefix(AUTHORIZE_REQUEST).unwrap_or_default())
        };
        let certificate = read_either(incoming.field(CLIENT_CERT), incoming.field(CLIENT_CERT_PEM));
        let certificate = match certificate {
            Ok(certificate) => certificate,
            // The proxy took it, and its client chose it: who shows it holds nothing that we know.
            Err(InvalidClientCertificateField::Invalid(_)) => None,
            Err(malformed) => return Err(InvalidQuestion::Certificate(malformed)),
        };
        Ok(Self { method, target, certificate })
    }

    /// The addresses by which a client may have sent it: one, below the origin by which the resource
    /// server is known.
    pub(super) fn addresses(&self, demand: &Demand, of_audience: Option<String>) -> Vec<String> {
        let origin = demand.origin.clone().or(of_audience);
        let path = Some(self.target).filter(|target| target.starts_with('/'));
        origin.zip(path).map(|(origin, path)| format!("{origin}{path}")).into_iter().collect()
    }
}

/// Whether the request is told of in fields, in the manner of nginx.
fn is_told(incoming: &Incoming) -> bool {
    incoming.path == AUTHORIZE_REQUEST
}
