//! How one comes in: the public door, mutual TLS ([RFC 8705]), or a proxy that ends TLS for us
//! ([RFC 9440]); and which certificate was shown there (SEC-32).
//!
//! [RFC 8705]: https://www.rfc-editor.org/rfc/rfc8705
//! [RFC 9440]: https://www.rfc-editor.org/rfc/rfc9440

use std::any::Any;
use std::net::SocketAddr;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::HttpRequest;
use actix_web::dev::Extensions;
use actix_web::http::header::HeaderName;
use actix_web::rt::net::TcpStream;
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;

use crate::endpoints::exchange::Door;
use crate::http::request;
use crate::http::request::Unreadable;
use crate::protocol::client_certificate_field;
use crate::protocol::client_certificate_field::CLIENT_CERT;
use crate::protocol::client_certificate_field::CLIENT_CERT_CHAIN;
use crate::x509::InvalidCertificate;
use crate::x509::PresentedCertificates;

/// How one comes in at a listener.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Entrance {
    /// TLS; nobody is asked for a certificate.
    #[default]
    Public,
    /// TLS; whoever has a certificate may show it.
    MutualTls,
    /// Plain HTTP, from proxies alone.
    BehindProxy {
        /// The proxies.
        addresses: Vec<IpNet>,
        /// Whether they say which certificate was shown to them.
        mutual_tls: bool,
    },
}

impl Entrance {
    /// Which door the endpoints see.
    pub(super) const fn door(&self) -> Door {
        match self {
            Self::MutualTls | Self::BehindProxy { mutual_tls: true, .. } => Door::MutualTls,
            Self::Public | Self::BehindProxy { mutual_tls: false, .. } => Door::Public,
        }
    }

    /// Whether somebody from this address may come in at all.
    pub(super) fn admits(&self, peer: Option<SocketAddr>) -> bool {
        match self {
            Self::Public | Self::MutualTls => true,
            Self::BehindProxy { addresses, .. } => peer.is_some_and(|peer| {
                let peer = peer.ip().to_canonical();
                addresses.iter().any(|network| network.contains(&peer))
            }),
        }
    }

    /// The certificate that the client has shown. Fields of the request count only where proxies
    /// write them; elsewhere nobody reads them.
    pub(super) fn presented(
        &self,
        request: &HttpRequest,
    ) -> Result<Option<PresentedCertificates>, Unreadable> {
        match self {
            Self::Public | Self::BehindProxy { mutual_tls: false, .. } => Ok(None),
            Self::MutualTls => Ok(request.conn_data::<PresentedCertificates>().cloned()),
            Self::BehindProxy { mutual_tls: true, .. } => {
                let field = |name| request::single(request, HeaderName::from_static(name));
                let (certificate, chain) = (field(CLIENT_CERT)?, field(CLIENT_CERT_CHAIN)?);
                client_certificate_field::read(certificate.as_deref(), chain.as_deref())
                    .map_err(Unreadable::Certificate)
            }
        }
    }
}

/// Reads the certificates of a connection, once for all its requests.
pub(super) fn note_certificates(connection: &dyn Any, data: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else { return };
    let Some(certificates) = stream.get_ref().1.peer_certificates() else { return };
    match read(certificates) {
        Ok(presented) => drop(data.insert(presented)),
        // The handshake has refused it before.
        Err(error) => tracing::error!(error = %error, "a certificate passed the handshake"),
    }
}

/// The certificates of a handshake.
pub(super) fn read(
    certificates: &[CertificateDer<'_>],
) -> Result<PresentedCertificates, InvalidCertificate> {
    PresentedCertificates::from_ders(certificates.iter().map(|one| one.to_vec()).collect())
}
