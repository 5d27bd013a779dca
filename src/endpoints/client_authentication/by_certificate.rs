//! `tls_client_auth` and `self_signed_tls_client_auth` ([RFC 8705] §2): the handshake, ours or a
//! proxy's, has proved that the client holds the key of the certificate.
//!
//! [RFC 8705]: https://www.rfc-editor.org/rfc/rfc8705

use super::Unauthenticated;
use super::keys::KeyHolder;
use crate::app::App;
use crate::app::KnownClient;
use crate::endpoints::client_key::{self, Shown};
use crate::endpoints::exchange::{Door, Incoming};
use crate::endpoints::failure::Failure;
use crate::jose::PublicKey;
use crate::types::Timestamp;
use crate::x509::PresentedCertificates;

/// `tls_client_auth` (RFC 8705 §2.1): an authority of the client's framework says that the
/// certificate is that of the subject which the client registered. The thumbprint of the certificate.
pub(super) async fn of_authority(
    app: &App,
    known: &KnownClient,
    incoming: &Incoming,
) -> Result<String, Failure> {
    let presented = presented(incoming)?;
    let record = known.record();
    let framework = app.frameworks.named(&record.software_product.framework);
    let (authorities, usage) = framework
        .and_then(|framework| framework.client_authorities())
        .ok_or(Unauthenticated::NoAuthorities)?;
    let leaf = presented.leaf();
    // Cheap, and who is somebody else needs no chain to be refused.
    if !record.client.metadata.mutual_tls.names(leaf) {
        return Err(Unauthenticated::AnotherSubject.into());
    }
    authorities.verify(presented, usage, incoming.now).map_err(Unauthenticated::Chain)?;
    let thumbprint = leaf.thumbprint();
    let shown = Shown::certificate(thumbprint, leaf.not_after());
    client_key::note(app, known, shown, incoming).await?;
    Ok(thumbprint.to_owned())
}

/// `self_signed_tls_client_auth` (RFC 8705 §2.2): the certificate's key is one that the client
/// registered; who signed the certificate means nothing. The thumbprint of the key.
pub(super) async fn of_registered_key(
    app: &App,
    known: &KnownClient,
    incoming: &Incoming,
) -> Result<String, Failure> {
    let key = key(presented(incoming)?, incoming.now)?;
    let key_id = KeyHolder::client(app, known).registered_as(app, &key, incoming.now).await?;
    let shown = Shown::key(key.thumbprint(), key_id.as_deref(), incoming.now);
    client_key::note(app, known, shown, incoming).await?;
    Ok(key.thumbprint().to_owned())
}

/// The key of a certificate that is valid now.
pub(super) fn key(
    presented: &PresentedCertificates,
    now: Timestamp,
) -> Result<PublicKey, Unauthenticated> {
    let leaf = presented.leaf();
    if now < leaf.not_before() || now > leaf.not_after() {
        return Err(Unauthenticated::CertificateTime);
    }
    let key = PublicKey::from_public_key_info(leaf.public_key_der());
    key.map_err(|_| Unauthenticated::AnotherKey)
}

/// What was shown at the door for certificates; at the other nobody is asked for one.
pub(super) fn presented(incoming: &Incoming) -> Result<&PresentedCertificates, Unauthenticated> {
    shown(incoming).ok_or(Unauthenticated::NoCertificate)
}

/// The same, where it is no fault that there is none.
#[must_use]
pub fn shown(incoming: &Incoming) -> Option<&PresentedCertificates> {
    incoming.presented.as_ref().filter(|_| incoming.door == Door::MutualTls)
}
