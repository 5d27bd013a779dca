//! A resource server: an API of the bank that asks whether a token is good (RFC 7662).

use serde::Serialize;

use crate::partners::credential::StoredSecret;
use crate::partners::state::states;
use crate::protocol::resource_server::ResourceServerMetadata;
use crate::types::{ResourceServerId, ResourceUri, Timestamp};

states! {
    /// Where a resource server stands.
    ResourceServerState of "resource server" {
        /// May ask.
        Active = "active" => [Suspended],
        /// Stopped, reversibly.
        Suspended = "suspended" => [Active],
    }
}

/// An API of the bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceServer {
    /// Our identifier; it is the server's `client_id`.
    pub id: ResourceServerId,
    /// What the bank calls it.
    pub name: String,
    /// The `aud` of the tokens that it may ask about; unique.
    pub audience: ResourceUri,
    /// How it authenticates, and how it is answered.
    pub metadata: ResourceServerMetadata,
    /// Its secret, if it has one. It is never shown.
    #[serde(skip)]
    pub secret: Option<StoredSecret>,
    /// The secret before, while both are good. It is never shown.
    #[serde(skip)]
    pub earlier_secret: Option<EarlierSecret>,
    /// Where it stands.
    pub state: ResourceServerState,
    /// When it was recorded.
    pub created_at: Timestamp,
}

/// A secret whose successor is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierSecret {
    /// The secret.
    pub secret: StoredSecret,
    /// The first instant at which it is good no longer.
    pub ends_at: Timestamp,
}

impl ResourceServer {
    /// The secrets that are good now.
    pub fn secrets(&self, now: Timestamp) -> impl Iterator<Item = &StoredSecret> {
        let earlier = self.earlier_secret.as_ref().filter(|earlier| now < earlier.ends_at);
        self.secret.iter().chain(earlier.map(|earlier| &earlier.secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client_authentication::ClientAuthenticationMethod;
    use crate::types::Secret;

    #[test]
    fn an_earlier_secret_is_good_until_its_second_and_neither_is_written() {
        let at = |seconds| Timestamp::from_epoch(seconds).unwrap();
        let [new, old] = ["new", "old"].map(|text| StoredSecret::Hashed(Secret::new(text).hash()));
        let server = ResourceServer {
            id: ResourceServerId::from_random("1"),
            name: "accounts".to_owned(),
            audience: ResourceUri::parse("urn:bank:accounts").unwrap(),
            metadata: ResourceServerMetadata::of(ClientAuthenticationMethod::ClientSecretBasic),
            secret: Some(new.clone()),
            earlier_secret: Some(EarlierSecret { secret: old.clone(), ends_at: at(100) }),
            state: ResourceServerState::Active,
            created_at: at(0),
        };
        assert_eq!(server.secrets(at(99)).collect::<Vec<_>>(), [&new, &old]);
        assert_eq!(server.secrets(at(100)).collect::<Vec<_>>(), [&new]);
        let written = serde_json::to_string(&server).unwrap();
        assert!(!written.contains("secret\":"), "{written}");
        assert!(!written.contains(Secret::new("old").hash().as_str()), "{written}");
    }
}
