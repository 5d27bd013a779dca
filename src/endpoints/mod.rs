//! What happens: one story per endpoint. Parse, look up, decide, remember, answer.

pub mod directory;
pub mod exchange;

pub mod operator;

pub mod authorize_request;
pub mod client_authentication;
mod client_key;
mod client_secret;
mod client_use;
pub mod discovery;
pub mod dpop;
pub mod failure;
pub mod introspection;
pub mod jwks;
pub mod registration;
pub mod revocation;
pub mod token;
mod sender;
mod token_decision;

pub use failure::{Broken, Failure};

use serde::Serialize;

use crate::endpoints::exchange::Answer;

/// A JSON answer that nobody may keep, written without a detour.
fn json_answer(status: u16, body: &impl Serialize) -> Result<Answer, Broken> {
    let body = serde_json::to_vec(body).map_err(|error| Broken::Unwritable(error.to_string()))?;
    Ok(Answer::bytes(status, "application/json", body))
}
