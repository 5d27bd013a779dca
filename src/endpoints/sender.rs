//! What the sender of a token request has shown to hold, and what its tokens are bound to.

use crate::app::App;
use crate::endpoints::dpop::PresentedProof;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::Failure;
use crate::protocol::client::ClientMetadata;
use crate::protocol::dpop::InvalidProof;
use crate::protocol::token::Confirmation;
use crate::protocol::{ErrorCode, OAuthError};

/// A client whose tokens are bound to a certificate shows none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the client's access tokens are bound to its certificate, and this request comes with none; \
     `mtls_endpoint_aliases` of the server's metadata says where to show it"
)]
struct NoCertificate;

impl From<NoCertificate> for OAuthError {
    fn from(none: NoCertificate) -> Self {
        Self::new(ErrorCode::InvalidRequest, none.to_string())
    }
}

/// What the tokens of this request are bound to: a certificate, or the key of a proof, which is burnt
/// with it.
///
/// # Errors
///
/// The client registered that its tokens are bound and shows nothing to bind them to, or shows
/// something else; the proof is not good; or a store fails.
pub(super) async fn binding(
    app: &App,
    incoming: &Incoming,
    metadata: &ClientMetadata,
    proof: Option<PresentedProof>,
) -> Result<Option<Confirmation>, Failure> {
    let to_certificate = metadata.mutual_tls.tls_client_certificate_bound_access_tokens;
    match proof {
        Some(_) if to_certificate => Err(InvalidProof::CertificateBound.into()),
        Some(proof) => Ok(Some(proof.prove(app, incoming).await?.confirmation())),
        // RFC 8705 §3.
        None if to_certificate => {
            let shown = incoming.presented.as_ref().ok_or(NoCertificate)?;
            Ok(Some(Confirmation::Certificate(shown.leaf().thumbprint().to_owned())))
        }
        // RFC 9449 §5.2.
        None if metadata.extension.dpop_bound_access_tokens => Err(InvalidProof::Missing.into()),
        None => Ok(None),
    }
}
