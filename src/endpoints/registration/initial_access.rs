//! Initial access tokens at the door of `POST /register` (RFC 7591 §3, REG-I): the bank's leave to
//! register, for one organisation, so many times, until a day.
//!
//! A token that is unknown, withdrawn or past its time opens nothing (401). One that is good, but not
//! for this, is answered 403. The use is counted in the write that it allows, so that a refused
//! registration uses nothing up; a repetition of a registration needs no use of its own.

use serde_json::json;

use crate::app::App;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::Failure;
use crate::partners::{InitialAccessToken, InitialAccessTokenState, Organisation};
use crate::protocol::bearer::bearer_token;
use crate::protocol::{ErrorCode, OAuthError};
use crate::storage::{StorageError, Writer};
use crate::trust::{Framework, InitialAccess, Replaced};
use crate::types::{InitialAccessTokenId, ScopeSet, Secret, Timestamp};

use super::evidence::Evidence;

/// The leave that came with a registration, if one did.
#[derive(Debug, Clone, Default)]
pub(super) struct Leave(Option<InitialAccessToken>);

fn bad() -> OAuthError {
    let description = "the initial access token is unknown, used up, withdrawn or has expired";
    OAuthError::new(ErrorCode::InvalidToken, description)
}

fn insufficient(description: impl Into<String>) -> OAuthError {
    OAuthError::new(ErrorCode::InsufficientScope, description)
}

impl Leave {
    /// The token in the `Authorization` header. Whether a use is left is asked later: whoever repeats
    /// a registration has used it up already.
    pub(super) async fn present(app: &App, incoming: &Incoming) -> Result<Self, Failure> {
        let Some(header) = &incoming.authorization else { return Ok(Self(None)) };
        let secret =
            bearer_token(Some(header.reveal())).map_err(|error| bad().with_detail(error))?;
        let hash = Secret::hash(&secret);
        let found = app.database.read(move |r| r.initial_access_token_with(&hash)).await?;
        let good = found.filter(|token| {
            token.state == InitialAccessTokenState::Active && incoming.now < token.expires_at
        });
        Ok(Self(Some(good.ok_or_else(bad)?)))
    }

    /// Whether the framework wants one, and this one is for its statements.
    pub(super) fn check_framework(&self, framework: &Framework) -> Result<(), Failure> {
        match (framework.initial_access_token(), &self.0) {
            (InitialAccess::Required, None) => {
                let description =
                    "this framework admits software with an initial access token only";
                Err(OAuthError::new(ErrorCode::InvalidToken, description).into())
            }
            (InitialAccess::Refused, Some(_)) => {
                Err(insufficient("this framework takes no initial access tokens").into())
            }
            (InitialAccess::Required | InitialAccess::Accepted, Some(token)) => {
                if token.framework.as_ref().is_none_or(|name| name == framework.name()) {
                    return Ok(());
                }
                Err(insufficient("the initial access token is for another trust framework").into())
            }
            (InitialAccess::Accepted | InitialAccess::Refused, None) => Ok(()),
        }
    }

    /// Whether a use is left, for the software of this organisation.
    pub(super) fn check_use(
        &self,
        organisation: Option<&Organisation>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let Some(token) = &self.0 else { return Ok(()) };
        if !token.is_usable(now) {
            return Err(bad().into());
        }
        if organisation.is_some_and(|organisation| organisation.id == token.organisation_id) {
            return Ok(());
        }
        Err(insufficient("the initial access token is for another organisation").into())
    }

    /// The most that clients registered with it may hold, if it says.
    pub(super) fn ceiling(&self) -> Option<ScopeSet> {
        self.0.as_ref()?.scope.clone()
    }

    /// Which token it is.
    pub(super) fn id(&self) -> Option<&InitialAccessTokenId> {
        self.0.as_ref().map(|token| &token.id)
    }

    /// Counts the use, in the write that it allows.
    pub(super) fn consume(&self, writer: &mut Writer<'_>, now: Timestamp) -> Result<(), Failure> {
        let Some(token) = &self.0 else { return Ok(()) };
        match writer.use_initial_access_token(&token.id, now) {
            Err(StorageError::Stale { .. }) => Err(bad().into()),
            used => Ok(used?),
        }
    }
}

/// Narrows what is asked for to the ceiling of the initial access token that let the client in
/// (REG-I2).
pub(super) fn narrow(evidence: &mut Evidence, ceiling: Option<&ScopeSet>) -> Result<(), Failure> {
    let Some(ceiling) = ceiling else { return Ok(()) };
    let asked = evidence.metadata.scope.clone();
    let allowed = asked.intersection(ceiling);
    if allowed == asked {
        return Ok(());
    }
    if allowed.is_empty() {
        let description = format!("the initial access token reaches no further than `{ceiling}`");
        return Err(insufficient(description).into());
    }
    evidence.replaced.push(Replaced {
        member: "scope".to_owned(),
        requested: json!(asked),
        registered: Some(json!(allowed)),
        rule: "initial_access_token",
    });
    evidence.metadata.scope = allowed;
    Ok(())
}
