//! A server without its doors: a bank with two products, one partner client, two resource servers,
//! a database of its own and a clock that stands still.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::app::{App, Parts};
use countersign::clock::Clock;
use countersign::config::Settings;
use countersign::endpoints::Failure;
use countersign::endpoints::exchange::{Answer, Door, Incoming, Method};
use countersign::governance::audit::AuditAction;
use countersign::jose::{Algorithm, SealingKey, SigningKey};
use countersign::keyring::{KeySchedule, Keyring, KeyringOptions};
use countersign::partners::{Client, Credential, Entitlement};
use countersign::policy::PolicyEngine;
use countersign::protocol::OAuthError;
use countersign::protocol::client_authentication::client_assertion::JWT_BEARER;
use countersign::random;
use countersign::remote::{Fetcher, KeySource};
use countersign::storage::{Change, OneTimeStore, StorageError, Writer};
use countersign::trust::{Authorities, Frameworks};
use countersign::types::{ApiProductId, RequestId, Secret};
use serde_json::{Value, json};

use crate::support::samples as sample;
use crate::support::store::Store;

/// The issuer of every house.
pub(crate) const ISSUER: &str = "https://as.example";
/// How signing keys change in every house.
const SCHEDULE: KeySchedule =
    KeySchedule { rotation_seconds: 86_400, prepublish_seconds: 600, overlap_seconds: 3600 };

/// One database, and the keys of those who use the server.
pub(crate) struct House {
    store: Store,
    sealing: SealingKey,
    /// The clock of every node.
    pub(crate) clock: Clock,
    /// The client's key.
    pub(crate) key: SigningKey,
    /// How signing keys change on every node that is opened from now on.
    pub(crate) schedule: KeySchedule,
}

impl House {
    /// A house in which the client holds the scopes of the products `a` and `b`.
    pub(crate) async fn new() -> Self {
        Self::on(Store::sqlite()).await
    }

    /// The same house on a database of one's choice.
    pub(crate) async fn on(store: Store) -> Self {
        let house = Self {
            store,
            sealing: SealingKey::generate().unwrap(),
            clock: Clock::fixed(sample::now()),
            key: SigningKey::generate(Algorithm::Es256).unwrap(),
            schedule: SCHEDULE,
        };
        let (client, credential) = (house.client(), house.credential());
        house
            .store
            .open()
            .write(move |tx| -> Result<_, StorageError> {
                furnish(tx, &client, &credential)?;
                Ok(Change::made((), vec![sample::event(AuditAction::ClientRegistered, "a")]))
            })
            .await
            .unwrap();
        house
    }

    /// The address of the database.
    pub(crate) fn url(&self) -> &str {
        self.store.url()
    }

    /// A node: an application with its own connections and caches.
    pub(crate) async fn node(&self) -> App {
        self.node_with("").await
    }

    /// A node whose settings say more.
    pub(crate) async fn node_with(&self, settings: &str) -> App {
        self.node_believing(settings, None).await
    }

    /// A node that believes these authorities when a resource server shows a certificate.
    pub(crate) async fn node_believing(
        &self,
        settings: &str,
        resource_server_authorities: Option<Authorities>,
    ) -> App {
        let database = self.store.open();
        let options = KeyringOptions {
            sealing: self.sealing.clone(),
            algorithm: Algorithm::Es256,
            schedule: self.schedule,
            longest_token_seconds: 300,
            event_id: random::event_id,
        };
        let keyring = Keyring::open(database.clone(), options, self.clock.now()).await.unwrap();
        let file = format!("[server]\nissuer = \"{ISSUER}\"\n{settings}");
        App::new(Parts {
            settings: Settings::read(Some(&file), []).unwrap(),
            clock: self.clock.clone(),
            one_time: OneTimeStore::database(database.clone()),
            database,
            keyring,
            policy: PolicyEngine::default_bundle().unwrap(),
            key_source: KeySource::new(Fetcher::new(None).unwrap()),
            frameworks: Frameworks::default(),
            resource_server_authorities,
        })
    }

    /// The client, whose keys are registered by value.
    pub(crate) fn client(&self) -> Client {
        let mut client = sample::client("a");
        client.metadata.jwks_uri = None;
        client.metadata.jwks = Some(json!({ "keys": [self.key.public_jwk()] }));
        client
    }

    /// The client's key, as far as the bank allows its use.
    pub(crate) fn credential(&self) -> Credential {
        Credential { thumbprint: self.key.thumbprint().to_owned(), ..sample::credential("a") }
    }

    /// The claims of a good assertion with a fresh `jti`.
    pub(crate) fn assertion_claims(&self) -> Value {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (id, now) = (self.client().id, self.clock.now());
        json!({
            "iss": id,
            "sub": id,
            "aud": ISSUER,
            "jti": format!("jti-{}", NEXT.fetch_add(1, Ordering::SeqCst)),
            "iat": now,
            "exp": now.plus(60),
        })
    }

    /// A good assertion.
    pub(crate) fn assertion(&self) -> String {
        self.key.sign("JWT", &self.assertion_claims()).unwrap()
    }

    /// A request of the client's, with a good assertion added.
    pub(crate) fn authenticated(&self, body: &str) -> Incoming {
        self.with_assertion(body, &self.assertion())
    }

    /// A request of the client's with this assertion.
    pub(crate) fn with_assertion(&self, body: &str, assertion: &str) -> Incoming {
        self.post(
            &format!("{body}&client_assertion_type={JWT_BEARER}&client_assertion={assertion}"),
            None,
        )
    }

    /// A request of the resource server of product `tag`, with its secret.
    pub(crate) fn by_resource_server(&self, tag: &str, body: &str) -> Incoming {
        let id = sample::resource_server(tag).id;
        let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{tag}")));
        self.post(body, Some(basic))
    }

    /// A form that is posted.
    pub(crate) fn post(&self, body: &str, authorization: Option<String>) -> Incoming {
        Incoming {
            method: Method::Post,
            path: "/".to_owned(),
            segments: BTreeMap::new(),
            query: None,
            content_type: Some("application/x-www-form-urlencoded".to_owned()),
            authorization: authorization.map(Secret::new),
            accept: None,
            if_match: None,
            if_none_match: None,
            idempotency_key: None,
            door: Door::Public,
            presented: None,
            dpop: None,
            fields: BTreeMap::new(),
            body: body.as_bytes().to_vec(),
            request_id: RequestId::from_random("1"),
            now: self.clock.now(),
        }
    }
}

/// Two products under one agreement, one client that may use a scope of each, and the resource
/// servers of both.
fn furnish(tx: &mut Writer<'_>, client: &Client, key: &Credential) -> Result<(), StorageError> {
    tx.insert_organisation(&sample::organisation("a"))?;
    tx.insert_api_product(&sample::product("a"))?;
    tx.insert_api_product(&sample::product("b"))?;
    let mut agreement = sample::agreement("a");
    agreement.products.insert(ApiProductId::from_random("b"));
    tx.insert_agreement(&agreement)?;
    tx.insert_software_product(&sample::software("a"))?;
    tx.insert_client(client)?;
    tx.insert_credential(key)?;
    tx.insert_entitlement(&sample::entitlement("a"))?;
    tx.insert_entitlement(&Entitlement {
        client_id: client.id.clone(),
        ..sample::entitlement("b")
    })?;
    for tag in ["a", "b"] {
        tx.insert_resource_server(&sample::resource_server(tag))?;
    }
    Ok(())
}

/// Makes a change as an operator would.
pub(crate) async fn change(
    app: &App,
    action: AuditAction,
    job: impl FnOnce(&mut Writer<'_>) -> Result<(), StorageError> + Send + 'static,
) {
    app.database
        .write(move |tx| -> Result<_, StorageError> {
            job(tx)?;
            Ok(Change::made((), vec![sample::event(action, "x")]))
        })
        .await
        .unwrap();
}

/// The JSON of an answer that is no refusal.
pub(crate) fn body(answer: Result<Answer, Failure>) -> Value {
    let answer = answer.map_err(Failure::into_error).unwrap();
    assert_eq!(answer.status, 200);
    serde_json::from_slice(&answer.body).unwrap()
}

/// The refusal of an answer that is one.
pub(crate) fn refusal(answer: Result<Answer, Failure>) -> OAuthError {
    answer.map_err(Failure::into_error).unwrap_err()
}
