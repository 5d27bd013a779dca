//! The test directory: it keeps organisations and their software, and issues statements about them,
//! good ones and, by name, bad ones (GOV-TD-1).
//!
//! It trusts whoever asks: it is for development, and listens on the machine itself only.

mod claims;
mod fault;
mod input;
mod organisations;
mod software;
mod statements;
mod statuses;

use serde_json::{Value, json};

use crate::clock::Clock;
use crate::endpoints::Failure;
use crate::jose::SigningKey;
use crate::protocol::ErrorCode;
use crate::protocol::OAuthError;
use crate::storage::Database;
use crate::types::Issuer;

pub use fault::Fault;

/// How many records a list shows at most.
const MOST_LISTED: u16 = 1000;

/// What the directory's stories need.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Its records.
    pub database: Database,
    /// What it signs statements with.
    pub key: SigningKey,
    /// Where it answers, and the issuer of its statements.
    pub url: Issuer,
    /// The time.
    pub clock: Clock,
}

impl Directory {
    /// What it is and where to go on.
    #[must_use]
    pub fn about(&self) -> Value {
        let faults: Vec<Value> = Fault::ALL
            .iter()
            .map(|fault| json!({ "name": fault.name(), "meaning": fault.meaning() }))
            .collect();
        json!({
            "issuer": self.url,
            "warning": "a test directory: it authenticates nobody and vouches for everybody",
            "organisations": self.url.join("/organisations"),
            "software": self.url.join("/software"),
            "statements": self.url.join("/statements"),
            "statuses": {
                "organisations": self.url.join("/statuses/organisations"),
                "software": self.url.join("/statuses/software"),
            },
            "jwks_uri": self.url.join("/jwks"),
            "faults": faults,
        })
    }

    /// The keys that verify its statements.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.key.public_jwk()] })
    }
}

/// A record that is not there, and how it would come to be.
fn not_found(what: &str, id: &str, how: &str) -> Failure {
    OAuthError::new(ErrorCode::NotFound, format!("there is no {what} `{id}` here; {how}")).into()
}

fn taken(id: &str) -> Failure {
    OAuthError::new(ErrorCode::Conflict, format!("`{id}` exists already")).into()
}

/// An identifier that was given or, failing that, drawn. It becomes part of an address.
fn check_path_safe(input: &mut input::Input, name: &str, id: Option<&str>) {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if id.is_some_and(|id| id.len() > 64 || !id.bytes().all(safe) || id.starts_with('.')) {
        input.problem(format!(
            "`{name}` may hold at most 64 letters, digits and `-._~`, and does not begin with a dot"
        ));
    }
}
