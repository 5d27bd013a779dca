//! What the sender of a token request has shown to hold, and what its tokens are bound to.

use crate::app::App;
use crate::endpoints::dpop::PresentedProof;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::Failure;
use crate::protocol::client::ClientMetadata;
use crate::protocol::dpop::InvalidProof;
use crate::protocol::token::Confirmation;

/// What the tokens of this request are bound to: the key of a proof, which is burnt with it.
///
/// # Errors
///
/// The client registered that its tokens are bound and shows nothing to bind them to, or shows
/// something else; the proof is not good; or a store fails.
pub(super) async fn binding(
    app: &App,
    incoming: &Incoming,
    metadata: &ClientMetadata,
    presented: Option<PresentedProof>,
) -> Result<Option<Confirmation>, Failure> {
    let registered = &metadata.extension;
    let Some(presented) = presented else {
        // RFC 9449 §5.2.
        return if registered.dpop_bound_access_tokens {
            Err(InvalidProof::Missing.into())
        } else {
            Ok(None)
        };
    };
    if metadata.mutual_tls.tls_client_certificate_bound_access_tokens {
        return Err(InvalidProof::CertificateBound.into());
    }
    Ok(Some(presented.prove(app, incoming).await?.confirmation()))
}
