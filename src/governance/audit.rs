//! The audit event: no event, no change (GOV-AU-1). Storage appends it in the same transaction as
//! the change that it describes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::{AuditEventId, ReasonCode, RequestId, Timestamp};

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// What kind of actor this is.
    pub kind: ActorKind,
    /// Its identifier: an operator's name, a `client_id`, a directory's name for a software product.
    pub id: String,
}

/// What kind of actor there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person or program with an operator token.
    Operator,
    /// Somebody at the keyboard of the server.
    Console,
    /// A registered client.
    Client,
    /// Software that presents a statement and is not registered yet.
    Software,
    /// The server itself, on a schedule.
    System,
}

macro_rules! audit_actions {
    ($($variant:ident = $name:literal, standing: $standing:literal;)+) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each variant is its name")]
        pub enum AuditAction { $($variant,)+ }

        impl AuditAction {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name, as stored and shown.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Whether something that nodes may have cached is now different, so that the change
            /// sequence must rise in the same transaction.
            #[must_use]
            pub const fn alters_standing(self) -> bool {
                match self { $(Self::$variant => $standing,)+ }
            }

            /// The action with this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.name() == name)
            }
        }
    };
}

audit_actions! {
    OrganisationCreated = "organisation.created", standing: false;
    OrganisationUpdated = "organisation.updated", standing: true;
    OrganisationStateChanged = "organisation.state_changed", standing: true;
    AgreementCreated = "agreement.created", standing: true;
    AgreementUpdated = "agreement.updated", standing: true;
    AgreementStateChanged = "agreement.state_changed", standing: true;
    ApiProductCreated = "product.created", standing: true;
    ApiProductUpdated = "product.updated", standing: true;
    ApiProductStateChanged = "product.state_changed", standing: true;
    SoftwareProductCreated = "software.created", standing: false;
    SoftwareProductStateChanged = "software.state_changed", standing: true;
    ClientRegistered = "client.registered", standing: false;
    ClientUpdated = "client.updated", standing: true;
    ClientDeleted = "client.deleted", standing: true;
    ClientStateChanged = "client.state_changed", standing: true;
    ClientSecretRotated = "client.secret_rotated", standing: true;
    ClientManagementTokenReplaced = "client.management_token_replaced", standing: false;
    ClientExpiryNotified = "client.expiry_notified", standing: false;
    ClientExpired = "client.expired", standing: true;
    InitialAccessTokenIssued = "initial_access_token.issued", standing: false;
    InitialAccessTokenStateChanged = "initial_access_token.state_changed", standing: false;
    RegistrationRefused = "registration.refused", standing: false;
    CredentialSeen = "credential.seen", standing: true;
    CredentialStateChanged = "credential.state_changed", standing: true;
    EntitlementStateChanged = "entitlement.state_changed", standing: true;
    ResourceServerCreated = "resource_server.created", standing: true;
    ResourceServerUpdated = "resource_server.updated", standing: true;
    ResourceServerSecretRotated = "resource_server.secret_rotated", standing: true;
    ResourceServerStateChanged = "resource_server.state_changed", standing: true;
    TokenRevoked = "token.revoked", standing: true;
    SigningKeyCreated = "signing_key.created", standing: true;
    SigningKeyRetired = "signing_key.retired", standing: true;
    SigningKeyRemoved = "signing_key.removed", standing: false;
}

impl Serialize for AuditAction {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// What it was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// The kind of record, for example `client`.
    pub kind: String,
    /// Its identifier.
    pub id: String,
}

/// One line of the audit log. It never holds a secret, token, assertion or statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditEvent {
    /// Its identifier; sorts by time.
    pub id: AuditEventId,
    /// When.
    pub time: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: AuditAction,
    /// To what.
    pub object: Object,
    /// Why, where a decision stands behind it.
    pub reasons: Vec<ReasonCode>,
    /// The policy bundle that decided, where one did.
    pub policy_digest: Option<String>,
    /// The HTTP request that caused it, where one did.
    pub request_id: Option<RequestId>,
    /// What changed: for a state `{"from": …, "to": …}`, otherwise the public fields that matter.
    pub detail: Value,
}
