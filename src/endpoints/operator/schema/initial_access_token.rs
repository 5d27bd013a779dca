//! Initial access tokens, as the operator API reads and shows them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::endpoints::operator::body;
use crate::endpoints::operator::body::Members;
use crate::endpoints::operator::schema::shown;
use crate::endpoints::operator::schema::successors;
use crate::partners::InitialAccessToken;
use crate::partners::State as _;
use crate::types::FrameworkName;
use crate::types::OrganisationId;
use crate::types::ScopeSet;
use crate::types::Timestamp;

const LONGEST_PURPOSE: usize = 200;
const MOST_USES: i64 = 10_000;

/// The bank's leave to register (RFC 7591 §3). The token itself is not shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct InitialAccessTokenView {
    /// Our identifier; it is no secret.
    #[schema(example = "iat_4f9kz2")]
    pub id: String,
    /// What it is for.
    pub purpose: String,
    /// Whose software may register with it.
    pub organisation_id: String,
    /// The trust framework whose statements it goes with; any if null.
    pub framework: Option<String>,
    /// The most that clients registered with it may ever hold; no further limit if null.
    #[schema(example = "accounts:read")]
    pub scope: Option<String>,
    /// How many clients may be registered with it.
    pub most_uses: u32,
    /// How many have been.
    pub uses: u32,
    /// Whether one more may be, now.
    pub usable_now: bool,
    /// The first instant at which it is good no longer.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// Where it stands.
    #[schema(example = "active")]
    pub state: &'static str,
    /// The states that may follow.
    pub may_become: Vec<&'static str>,
    /// When it was issued.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl InitialAccessTokenView {
    /// Shows it as it is at this instant.
    #[must_use]
    pub fn at(token: &InitialAccessToken, now: Timestamp) -> Self {
        Self {
            id: token.id.to_string(),
            purpose: token.purpose.clone(),
            organisation_id: token.organisation_id.to_string(),
            framework: token.framework.as_ref().map(ToString::to_string),
            scope: token.scope.as_ref().map(ToString::to_string),
            most_uses: token.most_uses,
            uses: token.uses,
            usable_now: token.is_usable(now),
            expires_at: shown(token.expires_at),
            state: token.state.name(),
            may_become: successors(token.state),
            created_at: shown(token.created_at),
        }
    }
}

/// An initial access token, which is shown this once.
#[derive(Serialize, ToSchema)]
pub struct IssuedInitialAccessTokenView {
    /// What is recorded.
    #[serde(flatten)]
    pub record: InitialAccessTokenView,
    /// The token, for the `Authorization: Bearer` header of `POST /register`. It is not kept.
    pub token: String,
}

impl std::fmt::Debug for IssuedInitialAccessTokenView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("IssuedInitialAccessTokenView").finish_non_exhaustive()
    }
}

/// An initial access token to issue.
#[derive(Debug, ToSchema)]
pub struct NewInitialAccessToken {
    /// What it is for; it is kept in the audit log.
    pub purpose: String,
    /// Whose software may register with it.
    #[schema(value_type = String, example = "org_4f9kz2")]
    pub organisation_id: OrganisationId,
    /// The trust framework whose statements it goes with; any when absent.
    #[schema(value_type = Option<String>, example = "directory")]
    pub framework: Option<FrameworkName>,
    /// The most that clients registered with it may ever hold, separated by spaces; no further limit
    /// when absent.
    #[schema(value_type = Option<String>, example = "accounts:read")]
    pub scope: Option<ScopeSet>,
    /// How many clients may be registered with it, 1 to 10000; 1 when absent.
    #[schema(value_type = Option<u32>)]
    pub most_uses: u32,
    /// The first instant at which it is good no longer, at most a year away.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

impl NewInitialAccessToken {
    /// Takes the members of a body.
    pub fn read(members: &mut Members<'_>) -> Option<Self> {
        let purpose = members.required("purpose", |field| field.text(LONGEST_PURPOSE));
        let organisation_id = members.required("organisation_id", body::parsed);
        let framework = members.optional("framework", body::parsed);
        let scope = members.optional("scope", |field| field.read_with(ScopeSet::parse));
        if scope.as_ref().is_some_and(ScopeSet::is_empty) {
            members.refuse("scope", "it names no scope; leave it out for no limit");
        }
        let most_uses = members.optional("most_uses", |field| field.integer(1..=MOST_USES));
        let expires_at = members.required("expires_at", body::time);
        Some(Self {
            purpose: purpose?,
            organisation_id: organisation_id?,
            framework,
            scope,
            most_uses: u32::try_from(most_uses.unwrap_or(1)).unwrap_or(1),
            expires_at: expires_at?,
        })
    }
}
