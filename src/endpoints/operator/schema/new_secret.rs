//! A new secret, as the operator API is asked for it and shows it.

use std::ops::RangeInclusive;

use serde::Serialize;
use utoipa::ToSchema;

use crate::endpoints::operator::body::Members;
use crate::endpoints::operator::schema::shown;
use crate::partners::Credential;
use crate::types::{Secret, Timestamp};

const LONGEST_REASON: usize = 500;
/// An earlier secret is good for a week beside its successor, and no longer.
const OVERLAP_SECONDS: RangeInclusive<i64> = 0..=604_800;

/// A new secret in the place of the one there is.
#[derive(Debug, ToSchema)]
pub struct NewSecretRequest {
    /// Why, for the audit log. No secrets and no personal data.
    #[schema(example = "yearly rotation")]
    pub reason: String,
    /// For how many seconds the earlier secret stays good. Absent or 0, it ends at once.
    #[schema(minimum = 0, maximum = 604_800)]
    pub overlap_seconds: Option<i64>,
}

impl NewSecretRequest {
    /// Takes the members of a body.
    pub fn read(members: &mut Members<'_>) -> Option<Self> {
        let reason = members.required("reason", |field| field.text(LONGEST_REASON));
        let overlap_seconds =
            members.optional("overlap_seconds", |field| field.integer(OVERLAP_SECONDS));
        Some(Self { reason: reason?, overlap_seconds })
    }
}

/// A client's new secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub struct NewClientSecretView {
    /// Whose it is.
    pub client_id: String,
    /// The credential that it is.
    #[schema(example = "crd_4f9kz2")]
    pub credential_id: String,
    /// The secret. It is never shown again.
    pub secret: String,
    /// The first instant at which it is good no longer.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// The first instant at which the secrets before it are good no longer.
    #[schema(format = DateTime)]
    pub earlier_secrets_end_at: String,
}

impl NewClientSecretView {
    /// Shows it.
    #[must_use]
    pub fn of(credential: &Credential, secret: &Secret, earlier_end_at: Timestamp) -> Self {
        Self {
            client_id: credential.client_id.to_string(),
            credential_id: credential.id.to_string(),
            secret: secret.reveal().to_owned(),
            expires_at: shown(credential.not_after),
            earlier_secrets_end_at: shown(earlier_end_at),
        }
    }
}

impl std::fmt::Debug for NewClientSecretView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("NewClientSecretView").finish_non_exhaustive()
    }
}
