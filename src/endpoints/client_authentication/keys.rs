//! Where the keys of whoever authenticates are: given by value, or fetched from where it keeps them.

use std::borrow::Cow;

use super::Unauthenticated;
use crate::app::App;
use crate::app::KnownClient;
use crate::app::KnownResourceServer;
use crate::endpoints::failure::{Broken, Failure};
use crate::jose::JwkSet;
use crate::jose::PublicKey;
use crate::protocol::client_authentication::AUTHENTICATION_FAILED;
use crate::protocol::{ErrorCode, OAuthError};
use crate::remote::FetchRules;
use crate::remote::RemoteError;
use crate::types::{HttpsUri, Timestamp};

/// Somebody who registered keys.
#[derive(Debug)]
pub(super) struct KeyHolder<'a> {
    by_value: Option<&'a JwkSet>,
    address: Option<&'a HttpsUri>,
    rules: Option<Cow<'a, FetchRules>>,
}

impl<'a> KeyHolder<'a> {
    /// A client. Its framework says where its keys may be.
    pub(super) fn client(app: &'a App, known: &'a KnownClient) -> Self {
        let record = known.record();
        Self {
            by_value: known.inline_keys(),
            address: record.client.metadata.jwks_uri.as_ref(),
            rules: app.fetch_rules.get(&record.software_product.framework).map(Cow::Borrowed),
        }
    }

    /// A resource server. The bank itself has said where its keys are.
    pub(super) fn resource_server(app: &App, known: &'a KnownResourceServer) -> Self {
        let address = known.record().metadata.jwks_uri.as_ref();
        let rules = address.map(|address| FetchRules {
            allowed_hosts: vec![address.host().to_owned()],
            allow_loopback: app.settings.trust.allow_loopback,
        });
        Self { by_value: known.keys(), address, rules: rules.map(Cow::Owned) }
    }

    /// The keys. A name that is not among the fetched ones makes `remote` look again, no oftener than
    /// it allows.
    pub(super) async fn keys(
        &self,
        app: &App,
        wanted: Option<&str>,
        now: Timestamp,
    ) -> Result<JwkSet, Failure> {
        if let Some(keys) = self.by_value {
            return Ok(keys.clone());
        }
        let address = self.address.ok_or(Unauthenticated::NoKeys)?;
        let rules = self.rules.as_deref().ok_or(Unauthenticated::NoKeys)?;
        let keys = app.key_source.keys(address, rules, wanted, now).await;
        keys.map_err(|failed| unreachable_keys(&failed))
    }

    /// The `kid` of a key that is one of these. A new one may have come to where they are kept: that
    /// is asked again, no oftener than `remote` allows.
    pub(super) async fn registered_as(
        &self,
        app: &App,
        key: &PublicKey,
        now: Timestamp,
    ) -> Result<Option<String>, Failure> {
        for wanted in [None, Some(key.thumbprint())] {
            let keys = self.keys(app, wanted, now).await?;
            let same = keys.keys().iter().find(|held| held.thumbprint() == key.thumbprint());
            if let Some(held) = same {
                return Ok(held.key_id().map(str::to_owned));
            }
        }
        Err(Unauthenticated::AnotherKey.into())
    }
}

/// Keys that cannot be had now are no proof that somebody is somebody else.
fn unreachable_keys(failed: &RemoteError) -> Failure {
    if failed.is_passing() {
        return Broken::Remote(failed.to_string()).into();
    }
    let refusal = OAuthError::new(ErrorCode::InvalidClient, AUTHENTICATION_FAILED);
    refusal.with_detail(failed).into()
}
