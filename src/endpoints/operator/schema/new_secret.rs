//! The wish for a new secret, as the operator API reads it.

use std::ops::RangeInclusive;

use utoipa::ToSchema;

use crate::endpoints::operator::body::Members;

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
