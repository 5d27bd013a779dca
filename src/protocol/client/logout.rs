//! The metadata of OpenID Connect logout: RP-initiated, back-channel and front-channel (REG-M43 to
//! M45).

use serde::{Deserialize, Serialize};

use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::redirect_uri::RedirectUri;
use crate::protocol::client::supported::Supported;
use crate::types::HttpsUri;

const FRONT: &str = "frontchannel_logout_uri";

/// What the logout standards add to a client's metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogoutMetadata {
    /// Where a user may be sent after logging out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// Where the client is told by this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<HttpsUri>,
    /// Whether it must be told which session has ended.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub backchannel_logout_session_required: bool,
    /// Where the client is told by the user's browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_uri: Option<HttpsUri>,
    /// Whether it must be told which session has ended.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub frontchannel_logout_session_required: bool,
}

impl LogoutMetadata {
    pub(super) fn read(reader: &mut MemberReader<'_>, supported: &Supported) -> Self {
        let mut read = Self::default();
        if supported.initiated_logout {
            read.post_logout_redirect_uris =
                reader.redirect_uris("post_logout_redirect_uris", supported);
        }
        if supported.backchannel_logout {
            read.backchannel_logout_uri = reader.https("backchannel_logout_uri");
            read.backchannel_logout_session_required =
                reader.flag("backchannel_logout_session_required").unwrap_or_default();
        }
        if supported.frontchannel_logout {
            read.frontchannel_logout_uri = reader.https(FRONT);
            read.frontchannel_logout_session_required =
                reader.flag("frontchannel_logout_session_required").unwrap_or_default();
        }
        read
    }

    /// M45: the browser is sent to where it is sent anyway (Front-Channel Logout 1.0 §2).
    pub(super) fn check(&self, redirect_uris: &[RedirectUri], reader: &mut MemberReader<'_>) {
        let Some(uri) = &self.frontchannel_logout_uri else { return };
        let origin = origin(uri.as_str());
        if !redirect_uris.iter().any(|redirect| self::origin(redirect.as_str()) == origin) {
            let message = "scheme, host and port of `frontchannel_logout_uri` must be those of a redirect URI";
            reader.refuse(FRONT, message);
        }
    }
}

/// Scheme, host and port.
fn origin(address: &str) -> Option<String> {
    url::Url::parse(address).ok().map(|url| url.origin().ascii_serialization())
}
