//! What one running server consists of, and what it keeps in memory of what it knows.
//!
//! Every cache is bounded, and an entry counts only at the generation of the database at which it
//! was read: what has changed is read again.

mod access_tokens;
mod clients;
mod partners;
mod resource_servers;
mod revocations;

pub use access_tokens::{AccessTokens, KnownToken, TokenSource};
pub use clients::{Clients, KnownClient};
pub use partners::{KnownPartner, Partners};
pub use resource_servers::{KnownResourceServer, ResourceServers};

use std::collections::BTreeMap;

use crate::clock::Clock;
use crate::config::Settings;
use crate::jose::Algorithm;
use crate::jose::DecoyKeys;
use crate::keyring::Keyring;
use crate::policy::PolicyEngine;
use crate::protocol::client_authentication::ClientAuthenticationMethod;
use crate::protocol::client_authentication::OurNames;
use crate::protocol::discovery::Features;
use crate::protocol::discovery::path;
use crate::remote::FetchRules;
use crate::remote::KeySource;
use crate::remote::StatusSource;
use crate::storage::Database;
use crate::storage::OneTimeStore;
use crate::trust::Authorities;
use crate::trust::Framework;
use crate::trust::Frameworks;
use crate::trust::KeySource as FrameworkKeys;
use crate::trust::StatusDirectory;
use crate::types::FrameworkName;

/// What clients and resource servers may sign their assertions with; RS256 is not among them.
const ASSERTION_ALGORITHMS: [Algorithm; 3] = [Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa];

/// What a server is assembled from.
#[derive(Debug)]
pub struct Parts {
    /// What the operator said.
    pub settings: Settings,
    /// Where the time comes from.
    pub clock: Clock,
    /// What we remember.
    pub database: Database,
    /// What was used up.
    pub one_time: OneTimeStore,
    /// Our signing keys.
    pub keyring: Keyring,
    /// What we allow.
    pub policy: PolicyEngine,
    /// The keys of others.
    pub key_source: KeySource,
    /// Whose word we take.
    pub frameworks: Frameworks,
    /// Whose certificates resource servers show, if they show any.
    pub resource_server_authorities: Option<Authorities>,
}

/// A running server.
#[derive(Debug)]
pub struct App {
    /// What the operator said.
    pub settings: Settings,
    /// Where the time comes from. The HTTP layer reads it once per request.
    pub clock: Clock,
    /// What we remember.
    pub database: Database,
    /// What was used up.
    pub one_time: OneTimeStore,
    /// Our signing keys.
    pub keyring: Keyring,
    /// What we allow.
    pub policy: PolicyEngine,
    /// The keys of others.
    pub key_source: KeySource,
    /// What directories say of those they vouch for.
    pub status_source: StatusSource,
    /// Whose word we take.
    pub frameworks: Frameworks,
    /// Whose certificates resource servers show, if they show any.
    pub resource_server_authorities: Option<Authorities>,
    /// Whom we may ask for the keys of each trust framework's clients.
    pub fetch_rules: BTreeMap<FrameworkName, FetchRules>,
    /// What is switched on.
    pub features: Features,
    /// What client assertions may call us.
    pub our_names: OurNames,
    /// What is verified instead of a signature that nobody can have made (SEC-29).
    pub decoys: DecoyKeys,
    /// Clients that were asked about lately.
    pub clients: Clients,
    /// Partners that registered lately.
    pub partners: Partners,
    /// Resource servers that asked lately.
    pub resource_servers: ResourceServers,
    /// Access tokens that were seen lately.
    pub access_tokens: AccessTokens,
}

impl App {
    /// Puts a server together, with empty caches.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { settings, clock, database, one_time, keyring, policy, key_source, .. } = parts;
        let Parts { frameworks, resource_server_authorities, .. } = parts;
        let mutual_tls = settings.has_mutual_tls();
        let features = Features {
            registration: settings.registration.enabled,
            introspection: true,
            authorize_requests: settings.resource_servers.authorize_requests,
            revocation: true,
            dpop: settings.dpop.enabled,
            authentication_methods: authentication_methods(&settings, mutual_tls),
            introspection_signing_algorithms: vec![settings.tokens.signing_algorithm],
            resource_server_methods: resource_server_methods(
                mutual_tls,
                resource_server_authorities.is_some(),
            ),
            mutual_tls,
            assertion_algorithms: ASSERTION_ALGORITHMS.to_vec(),
        };
        let our_names = our_names(&settings);
        let fetch_rules = client_key_rules(&frameworks, settings.trust.allow_loopback);
        Self {
            settings,
            clock,
            database,
            one_time,
            keyring,
            policy,
            status_source: StatusSource::new(key_source.fetcher()),
            key_source,
            resource_server_authorities,
            fetch_rules,
            frameworks,
            features,
            our_names,
            decoys: DecoyKeys::default(),
            clients: Clients::default(),
            partners: Partners::default(),
            resource_servers: ResourceServers::default(),
            access_tokens: AccessTokens::default(),
        }
    }

    /// The longest life of an access token, in seconds, as the operator said.
    #[must_use]
    pub fn longest_token_seconds(&self) -> i64 {
        let lifetime = self.settings.tokens.access_token_lifetime.as_secs();
        i64::try_from(lifetime).unwrap_or(i64::MAX)
    }

    /// Whom we may ask for the keys that sign a framework's statements: the host of its one
    /// address.
    #[must_use]
    pub fn statement_key_rules(&self, framework: &Framework) -> FetchRules {
        let host = match framework.key_source() {
            FrameworkKeys::JwksUri(uri) => Some(uri.host().to_owned()),
            FrameworkKeys::Jwks(_) | FrameworkKeys::Certificates(_) => None,
        };
        FetchRules {
            allowed_hosts: host.into_iter().collect(),
            allow_loopback: self.settings.trust.allow_loopback && framework.keys_on_loopback(),
        }
    }

    /// Whom we may ask how a framework's software stands: the hosts that its file names.
    #[must_use]
    pub fn status_rules(&self, directory: &StatusDirectory) -> FetchRules {
        let lists = [&directory.software, &directory.organisations].into_iter().flatten();
        FetchRules {
            allowed_hosts: lists.map(|list| list.uri.host().to_owned()).collect(),
            allow_loopback: self.settings.trust.allow_loopback && directory.on_loopback,
        }
    }

    /// Where access tokens come from and what may end them.
    #[must_use]
    pub const fn token_source(&self) -> TokenSource<'_> {
        TokenSource {
            keyring: &self.keyring,
            database: &self.database,
            issuer: &self.settings.server.issuer,
        }
    }
}

/// The methods that the operator has switched on, as far as this server can serve them.
fn authentication_methods(
    settings: &Settings,
    mutual_tls: bool,
) -> Vec<ClientAuthenticationMethod> {
    let methods = settings.clients.authentication_methods.iter().copied();
    methods.filter(|method| mutual_tls || !method.has_certificate()).collect()
}

/// How the bank's own servers may authenticate: the bank chooses for each of them.
fn resource_server_methods(mutual_tls: bool, authorities: bool) -> Vec<ClientAuthenticationMethod> {
    let methods = ClientAuthenticationMethod::ALL.into_iter();
    let served = methods.filter(|method| match method {
        ClientAuthenticationMethod::None => false,
        ClientAuthenticationMethod::SelfSignedTlsClientAuth => mutual_tls,
        ClientAuthenticationMethod::TlsClientAuth => mutual_tls && authorities,
        ClientAuthenticationMethod::ClientSecretBasic
        | ClientAuthenticationMethod::ClientSecretJwt
        | ClientAuthenticationMethod::ClientSecretPost
        | ClientAuthenticationMethod::PrivateKeyJwt => true,
    });
    served.collect()
}

/// The issuer, and every endpoint that authenticates clients, with its alias (CONF-29).
fn our_names(settings: &Settings) -> OurNames {
    let endpoints = [path::TOKEN, path::INTROSPECTION, path::REVOCATION];
    let issuer = &settings.server.issuer;
    let bases = [Some(issuer), settings.mutual_tls.base_url.as_ref()].into_iter().flatten();
    OurNames {
        issuer: issuer.clone(),
        endpoints: bases.flat_map(|base| endpoints.map(|path| base.join(path))).collect(),
    }
}

/// Whom we may ask for the keys of each framework's clients: the hosts that its file names.
fn client_key_rules(
    frameworks: &Frameworks,
    loopback: bool,
) -> BTreeMap<FrameworkName, FetchRules> {
    let rules = |framework: &Framework| FetchRules {
        allowed_hosts: framework
            .client_key_hosts()
            .iter()
            .map(|host| host.as_str().to_owned())
            .collect(),
        allow_loopback: loopback && framework.client_keys_on_loopback(),
    };
    frameworks.iter().map(|framework| (framework.name().clone(), rules(framework))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_server_shows_a_certificate_where_it_can_and_always_proves_who_it_is() {
        let names = |mutual_tls, authorities| {
            let methods = resource_server_methods(mutual_tls, authorities).into_iter();
            methods.map(ClientAuthenticationMethod::name).collect::<Vec<_>>()
        };
        let without =
            ["client_secret_basic", "client_secret_jwt", "client_secret_post", "private_key_jwt"];
        assert_eq!(names(false, false), without);
        assert_eq!(names(false, true), without);
        let self_signed = [&without[..], &["self_signed_tls_client_auth"]].concat();
        assert_eq!(names(true, false), self_signed);
        assert_eq!(names(true, true), [&self_signed[..], &["tls_client_auth"]].concat());
    }

    #[test]
    fn an_endpoint_is_known_by_its_alias_too() {
        let names = |more: &str| {
            let file = format!("[server]\nissuer = \"https://as.example\"\n{more}");
            our_names(&Settings::read(Some(&file), []).unwrap()).endpoints
        };
        let own =
            ["token", "introspect", "revoke"].map(|path| format!("https://as.example/{path}"));
        assert_eq!(names(""), own);
        let with_aliases = names(
            "[server.mutual_tls]\nlisten = \"127.0.0.1:0\"\nbase_url = \"https://mtls.example\"",
        );
        assert_eq!(with_aliases.len(), 6);
        assert!(with_aliases.contains(&"https://mtls.example/token".to_owned()));
    }
}
