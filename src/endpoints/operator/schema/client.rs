//! Clients, their keys and their permissions, as the operator API shows them.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::endpoints::operator::schema::shown;
use crate::endpoints::operator::schema::successors;
use crate::partners::Client;
use crate::partners::Credential;
use crate::partners::Entitlement;
use crate::partners::State as _;
use crate::storage::ClientActivity;
use crate::types::Timestamp;

/// One registration of a software product.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientView {
    /// RFC 7591 `client_id`.
    #[schema(example = "cl_4f9kz2")]
    pub id: String,
    /// What it is an instance of.
    pub software_product_id: String,
    /// Whose it is.
    pub organisation_id: String,
    /// The metadata as registered (RFC 7591 §2).
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// The statement that it was registered with.
    pub statement: StatementView,
    /// The policy bundle that admitted it.
    pub policy_digest: String,
    /// Where it stands.
    #[schema(example = "active")]
    pub state: &'static str,
    /// The states that may follow.
    pub may_become: Vec<&'static str>,
    /// RFC 7591 `client_id_issued_at`.
    #[schema(format = DateTime)]
    pub issued_at: String,
}

/// A client that ends soon, because nobody uses it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExpiringClientView {
    /// RFC 7591 `client_id`.
    #[schema(example = "cl_4f9kz2")]
    pub id: String,
    /// The trust framework that it came from.
    pub framework: String,
    /// Where it stands.
    #[schema(example = "active")]
    pub state: &'static str,
    /// Since when nobody has used it.
    #[schema(format = DateTime)]
    pub unused_since: String,
    /// When its owner was told.
    #[schema(format = DateTime)]
    pub notified_at: Option<String>,
    /// When it ends if it is not used until then.
    #[schema(format = DateTime)]
    pub ends_at: Option<String>,
}

impl ExpiringClientView {
    /// Shows it.
    #[must_use]
    pub fn of(client: &ClientActivity) -> Self {
        Self {
            id: client.id.to_string(),
            framework: client.framework.to_string(),
            state: client.state.name(),
            unused_since: shown(client.since()),
            notified_at: client.notified_at.map(shown),
            ends_at: client.check_at.map(shown),
        }
    }
}

/// Where a registration came from. The statement itself is not shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementView {
    /// `iss`.
    pub issuer: String,
    /// `jti`.
    pub jti: Option<String>,
    /// The key that signed it.
    pub key_id: Option<String>,
    /// When it was issued.
    #[schema(format = DateTime)]
    pub issued_at: String,
    /// When it expires or expired.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// SHA-256 of the compact text, base64url.
    pub digest: String,
}

impl ClientView {
    /// Shows it.
    #[must_use]
    pub fn of(client: &Client) -> Self {
        let provenance = &client.provenance;
        Self {
            id: client.id.to_string(),
            software_product_id: client.software_product_id.to_string(),
            organisation_id: client.organisation_id.to_string(),
            metadata: serde_json::to_value(&client.metadata).unwrap_or_default(),
            statement: StatementView {
                issuer: provenance.issuer.clone(),
                jti: provenance.jti.clone(),
                key_id: provenance.key_id.clone(),
                issued_at: shown(provenance.issued_at),
                expires_at: provenance.expires_at.map(shown),
                digest: provenance.digest.clone(),
            },
            policy_digest: client.policy_digest.clone(),
            state: client.state.name(),
            may_become: successors(client.state),
            issued_at: shown(client.issued_at),
        }
    }
}

/// A public key of a client.
#[derive(Debug, Serialize, ToSchema)]
pub struct CredentialView {
    /// Our identifier.
    #[schema(example = "crd_4f9kz2")]
    pub id: String,
    /// Whose it is.
    pub client_id: String,
    /// The key's `kid`.
    pub key_id: Option<String>,
    /// RFC 7638 thumbprint.
    pub thumbprint: String,
    /// The first instant at which it may be used no longer.
    #[schema(format = DateTime)]
    pub not_after: String,
    /// Where it stands.
    pub state: &'static str,
    /// The states that may follow.
    pub may_become: Vec<&'static str>,
    /// Whether it may be used at this moment.
    pub usable_now: bool,
    /// When it was first seen.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl CredentialView {
    /// The credential as it is at `now`.
    #[must_use]
    pub fn at(credential: &Credential, now: Timestamp) -> Self {
        Self {
            id: credential.id.to_string(),
            client_id: credential.client_id.to_string(),
            key_id: credential.key_id.clone(),
            thumbprint: credential.thumbprint.clone(),
            not_after: shown(credential.not_after),
            state: credential.state.name(),
            may_become: successors(credential.state),
            usable_now: credential.is_usable(now),
            created_at: shown(credential.created_at),
        }
    }
}

/// A client's permission for one scope.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntitlementView {
    /// Our identifier.
    #[schema(example = "ent_4f9kz2")]
    pub id: String,
    /// Whose it is.
    pub client_id: String,
    /// For what.
    pub scope: String,
    /// The product that the scope belongs to.
    pub product_id: String,
    /// What granted it.
    pub basis: String,
    /// When it was granted.
    #[schema(format = DateTime)]
    pub granted_at: String,
    /// The first instant at which it holds no longer.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When somebody must look at it again.
    #[schema(format = DateTime)]
    pub review_due: String,
    /// Where it stands.
    pub state: &'static str,
    /// The states that may follow.
    pub may_become: Vec<&'static str>,
}

impl EntitlementView {
    /// Shows it.
    #[must_use]
    pub fn of(entitlement: &Entitlement) -> Self {
        Self {
            id: entitlement.id.to_string(),
            client_id: entitlement.client_id.to_string(),
            scope: entitlement.scope.to_string(),
            product_id: entitlement.product_id.to_string(),
            basis: entitlement.basis.clone(),
            granted_at: shown(entitlement.granted_at),
            expires_at: shown(entitlement.expires_at),
            review_due: shown(entitlement.review_due),
            state: entitlement.state.name(),
            may_become: successors(entitlement.state),
        }
    }
}

/// Why a client has access, or has none, scope by scope, at this moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplanationView {
    /// Whose access.
    pub client_id: String,
    /// The environment of this server.
    pub environment: &'static str,
    /// When this was computed.
    #[schema(format = DateTime)]
    pub at: String,
    /// One line for each scope that the client has asked for or holds.
    pub scopes: Vec<ScopeStandingView>,
}

/// Where one scope of a client stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScopeStandingView {
    /// The scope.
    pub scope: String,
    /// Whether tokens for it are issued and hold.
    pub in_good_standing: bool,
    /// Every reason why not.
    pub lapses: Vec<LapseView>,
}

/// One reason why there is no access.
#[derive(Debug, Serialize, ToSchema)]
pub struct LapseView {
    /// The stable code.
    #[schema(example = "organisation_not_active")]
    pub code: &'static str,
    /// What it means.
    pub message: &'static str,
    /// What helps.
    pub remedies: Vec<&'static str>,
}
