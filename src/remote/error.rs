//! Why something could not be brought from elsewhere.

use crate::jose::InvalidKey;
use crate::types::json::InvalidJson;

/// Why a document could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// No trust framework allows the host.
    #[error("the host `{0}` is not on the trust framework's list")]
    HostNotAllowed(String),
    /// The host is, or resolves to, an address that is not public (RFC 6890).
    #[error("the host `{0}` does not stand at a public address")]
    AddressRefused(String),
    /// No connection: name, network or certificate.
    #[error("the host `{0}` cannot be reached")]
    Unreachable(String),
    /// It took too long.
    #[error("the host `{0}` took too long")]
    TimedOut(String),
    /// Too many fetches are under way.
    #[error("too many requests to others are under way")]
    Busy,
    /// Another status than 200; a redirect is one.
    #[error("it answered with status {0}")]
    Status(u16),
    /// Another media type than JSON.
    #[error("it is not declared as JSON")]
    MediaType,
    /// Larger than we read.
    #[error("it is too large")]
    TooLarge,
    /// The connection ended before the document did.
    #[error("it ended early")]
    Truncated,
    /// Not the JSON that we accept.
    #[error("it is not acceptable JSON: {0}")]
    Malformed(#[from] InvalidJson),
    /// JSON, but no key set.
    #[error(transparent)]
    Keys(#[from] InvalidKey),
    /// JSON, but no list of names and statuses.
    #[error("it does not say how anybody stands: {0}")]
    Statuses(String),
}

impl RemoteError {
    /// Whether the same request may succeed a little later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::TimedOut(_) | Self::Busy | Self::Truncated => true,
            Self::Status(status) => *status >= 500 || *status == 429,
            Self::HostNotAllowed(_)
            | Self::AddressRefused(_)
            | Self::MediaType
            | Self::TooLarge
            | Self::Malformed(_)
            | Self::Keys(_)
            | Self::Statuses(_) => false,
        }
    }
}

/// The file of further certificate authorities is not what it should be.
#[derive(Debug, thiserror::Error)]
#[error("the certificate authorities for outgoing requests cannot be used: {0}")]
pub struct InvalidAuthorities(pub(super) String);
