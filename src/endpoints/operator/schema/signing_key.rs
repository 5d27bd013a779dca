//! Signing keys, as the operator API shows them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::endpoints::operator::body;
use crate::endpoints::operator::body::Members;

const LONGEST_REASON: usize = 500;

/// A key that this server signs with. Only what is public about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SigningKeyView {
    /// The `kid`.
    pub id: String,
    /// `prepublished`, `active`, `retiring` or `removed`: a function of the times.
    #[schema(example = "active")]
    pub state: &'static str,
    /// From when on it is in `/jwks`.
    #[schema(format = DateTime)]
    pub publish_at: String,
    /// From when on it signs.
    #[schema(format = DateTime)]
    pub activate_at: String,
    /// From when on it signs no longer, once it has a successor.
    #[schema(format = DateTime)]
    pub retire_at: Option<String>,
    /// From when on it is no longer in `/jwks`.
    #[schema(format = DateTime)]
    pub remove_at: Option<String>,
}

/// A change of keys.
#[derive(Debug, ToSchema)]
pub struct NewRotation {
    /// True: every other key is gone at once, and every token that it signed is refused. False or
    /// absent: the successor is published first, and no token is lost.
    #[schema(required = false)]
    pub emergency: bool,
    /// Why; it is kept in the log of the server.
    pub reason: String,
}

impl NewRotation {
    /// Takes the members of a body.
    pub fn read(members: &mut Members<'_>) -> Option<Self> {
        let emergency = members.optional("emergency", body::boolean);
        let reason = members.required("reason", |field| field.text(LONGEST_REASON));
        Some(Self { emergency: emergency.unwrap_or_default(), reason: reason? })
    }
}
