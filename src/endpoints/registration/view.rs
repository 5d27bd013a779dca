//! What a registered client is shown of itself (RFC 7591 §3.2.1, RFC 7592 §3).

use serde_json::{Map, Value};

use crate::app::App;
use crate::endpoints::client_secret::NewSecret;
use crate::endpoints::exchange::Answer;
use crate::partners::Client;
use crate::protocol::registration::RegistrationResponse;
use crate::storage::ClientActivity;
use crate::trust::{Framework, Management};
use crate::types::{ClientId, Secret};

use super::entity_tag::EntityTag;

/// A registration, to be shown to its owner.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) client: &'a Client,
    /// None if the framework that it came from is no longer there.
    pub(super) framework: Option<&'a Framework>,
    /// The claims of the statement that the answer repeats.
    pub(super) echo: &'a Map<String, Value>,
    /// The registration access token: the one that was shown, or a new one.
    pub(super) token: Option<&'a Secret>,
    /// The client secret, if one was made a moment ago.
    pub(super) secret: Option<&'a NewSecret>,
    pub(super) version: EntityTag,
    /// None for a client that was registered just now.
    pub(super) activity: Option<&'a ClientActivity>,
    pub(super) decisions: Option<Value>,
}

impl View<'_> {
    /// The answer to a registration, a reading or an update. Where a client manages itself with its
    /// own access tokens it is shown neither a registration access token nor an address, which go
    /// together (REG-R2).
    pub(super) fn answer(self, app: &App, status: u16) -> Answer {
        let rule = self.framework.and_then(Framework::unused);
        let notified = self.activity.filter(|activity| activity.notified_at.is_some());
        let uri = registration_client_uri(app, &self.client.id);
        let body = RegistrationResponse {
            client_id: &self.client.id,
            issued_at: self.client.issued_at,
            metadata: &self.client.metadata,
            software_statement: &self.client.software_statement,
            from_statement: self.echo.clone(),
            management: self
                .token
                .filter(|_| has_token(self.framework))
                .map(|token| (&*uri, token)),
            secret: self.secret.map(|new| (&new.secret, new.credential.not_after)),
            unused_expires_after: rule.map(|rule| rule.expire_after_seconds),
            unused_expires_at: notified.and_then(|activity| activity.check_at),
            decisions: self.decisions,
            policy_digest: Some(&self.client.policy_digest),
        };
        Answer::json(status, &body.body()).with_header("etag", self.version.to_string())
    }
}

/// Whether clients of a framework have registration access tokens.
pub(super) fn has_token(framework: Option<&Framework>) -> bool {
    framework.is_none_or(|framework| match framework.management() {
        Management::RegistrationAccessToken => true,
        Management::ClientCredentials { .. } => false,
    })
}

/// RFC 7592 §3: where the client manages its registration.
pub(super) fn registration_client_uri(app: &App, id: &ClientId) -> String {
    app.settings.server.issuer.join(&format!("/register/{id}"))
}
