//! A partner whose directory vouches for its software: what it presents, and what is remembered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use countersign::app::App;
use countersign::endpoints::Failure;
use countersign::endpoints::exchange::{Answer, Incoming, Method};
use countersign::endpoints::registration::{manage, register};
use countersign::endpoints::token::token;
use countersign::governance::audit::{AuditAction, AuditEvent, Object};
use countersign::jose::{Algorithm, SigningKey};
use countersign::partners::{
    Agreement, AgreementState, ApiProduct, Client, Credential, Entitlement, ProductScope, Tier,
};
use countersign::storage::{AuditFilter, DecisionRecord, Page, Reader, StorageError};
use countersign::trust::{Framework, Frameworks, SHIPPED_DIRECTORY};
use countersign::types::{AgreementId, ClientId, Secret};
use serde_json::{Value, json};

use crate::support::house::{House, ISSUER, change, refusal};
use crate::support::samples as sample;
use crate::support::store::Store;

/// Who vouches.
pub(crate) const DIRECTORY: &str = "https://localhost:8445";
/// What the directory calls the software that registers here.
pub(crate) const SOFTWARE: &str = "8f2c1d6e-0001";
/// A product of each kind: granted, referred, not contracted, unknown.
pub(crate) const ALL_SCOPES: &str = "nobody:sells scope:a scope:a:write scope:c";

/// The software's owner, its directory, and a bank that knows both.
pub(crate) struct Partner {
    pub(crate) house: House,
    /// The directory's key.
    pub(crate) directory: SigningKey,
    /// The software's key.
    pub(crate) key: SigningKey,
}

impl Partner {
    pub(crate) async fn new() -> Self {
        Self::on(Store::sqlite()).await
    }

    pub(crate) async fn on(store: Store) -> Self {
        let partner = Self {
            house: House::on(store).await,
            directory: SigningKey::generate(Algorithm::Ps256).unwrap(),
            key: SigningKey::generate(Algorithm::Es256).unwrap(),
        };
        let app = partner.house.node().await;
        change(&app, AuditAction::ApiProductCreated, |tx| {
            tx.insert_api_product(&ApiProduct {
                scopes: vec![ProductScope {
                    scope: sample::scope("c"),
                    tier: Tier::T1,
                    max_token_seconds: 300,
                }],
                ..sample::product("c")
            })
        })
        .await;
        partner
    }

    /// A node that takes this directory's word.
    pub(crate) async fn node(&self) -> App {
        self.node_with(&[]).await
    }

    /// The same, where some lines of the framework's file are others.
    pub(crate) async fn node_with(&self, changes: &[(&str, &str)]) -> App {
        self.node_of([("directory.toml".to_owned(), self.framework(changes))]).await
    }

    /// A node with these frameworks.
    pub(crate) async fn node_of(
        &self,
        frameworks: impl IntoIterator<Item = (String, Framework)>,
    ) -> App {
        let mut app = self.house.node().await;
        app.frameworks = Frameworks::new(frameworks).unwrap();
        app
    }

    /// The framework that ships, with the directory's keys in it.
    pub(crate) fn framework(&self, changes: &[(&str, &str)]) -> Framework {
        Framework::parse("directory.toml", &self.framework_text(changes)).unwrap()
    }

    /// Its file.
    pub(crate) fn framework_text(&self, changes: &[(&str, &str)]) -> String {
        let jwk = self.directory.public_jwk();
        let members = jwk.as_object().unwrap().iter();
        let members: Vec<_> = members.map(|(name, value)| format!("{name} = {value}")).collect();
        let keys = format!("jwks = {{ keys = [{{ {} }}] }}", members.join(", "));
        let mut text = SHIPPED_DIRECTORY
            .replace("source = \"jwks_uri\" ", "source = \"jwks\" ")
            .replace("jwks_uri = \"https://localhost:8445/jwks\"", &keys);
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        text
    }

    /// What the directory says of the software.
    pub(crate) fn statement_claims(&self) -> Value {
        let now = self.house.clock.now();
        json!({
            "iss": DIRECTORY,
            "iat": now,
            "exp": now.plus(300),
            "jti": unique("statement"),
            "software_id": SOFTWARE,
            "software_client_name": "Fern Budget",
            "software_client_name#nl": "Varen Budget",
            "software_redirect_uris": ["https://fern.example/cb", "https://fern.example/other"],
            "software_jwks": { "keys": [self.key.public_jwk()] },
            "software_roles": ["AISP"],
            "software_environment": "production",
            "software_version": 1.10,
            "software_statement_status": "Active",
            "org_id": "dir-a",
            "org_name": "Fern",
            "org_status": "Active",
            "org_contacts": ["mailto:ops@fern.example"],
        })
    }

    /// A fresh statement.
    pub(crate) fn statement(&self) -> String {
        self.signed_by_directory(&self.statement_claims())
    }

    /// A fresh statement in which some claims are others; `null` leaves one out.
    pub(crate) fn statement_with(&self, changes: &Value) -> String {
        self.signed_by_directory(&merged(self.statement_claims(), changes))
    }

    pub(crate) fn signed_by_directory(&self, claims: &Value) -> String {
        self.directory.sign("JWT", claims).unwrap()
    }

    /// What the software asks for.
    pub(crate) fn request_claims(&self, statement: &str, scope: &str) -> Value {
        let now = self.house.clock.now();
        json!({
            "iss": SOFTWARE,
            "aud": ISSUER,
            "iat": now,
            "exp": now.plus(60),
            "jti": unique("request"),
            "software_statement": statement,
            "scope": scope,
            "token_endpoint_auth_method": "private_key_jwt",
            "grant_types": ["client_credentials"],
        })
    }

    /// A registration for these scopes, with a fresh statement.
    pub(crate) fn registration(&self, scope: &str) -> Incoming {
        self.presenting(&self.statement(), scope)
    }

    /// A registration for these scopes, with this statement.
    pub(crate) fn presenting(&self, statement: &str, scope: &str) -> Incoming {
        self.posted(&self.request_claims(statement, scope))
    }

    /// A registration in which some claims of the request are others.
    pub(crate) fn registration_with(&self, scope: &str, changes: &Value) -> Incoming {
        self.posted(&merged(self.request_claims(&self.statement(), scope), changes))
    }

    /// These claims, signed by the software and posted.
    pub(crate) fn posted(&self, claims: &Value) -> Incoming {
        self.posted_text(&self.key.sign("JWT", claims).unwrap())
    }

    /// This text, posted as a signed request.
    pub(crate) fn posted_text(&self, text: &str) -> Incoming {
        let content_type = Some("application/jwt".to_owned());
        Incoming { content_type, ..self.house.post(text, None) }
    }

    /// Registers, and it works.
    pub(crate) async fn registered(&self, app: &App, scope: &str) -> Registered {
        let answer = register(app, &self.registration(scope)).await;
        let answer = answer.map_err(Failure::into_error).unwrap();
        assert_eq!(answer.status, 201);
        Registered::of(&answer)
    }

    /// A token request by a client with the software's key.
    pub(crate) fn token_request(&self, id: &ClientId, scope: &str) -> Incoming {
        self.token_request_by(&self.key, id, scope)
    }

    /// A token request by a client with this key.
    pub(crate) fn token_request_by(
        &self,
        key: &SigningKey,
        id: &ClientId,
        scope: &str,
    ) -> Incoming {
        token_request_by(&self.house, key, &json!(id), scope)
    }

    /// Whether a client gets a token for this scope.
    pub(crate) async fn gets_token(&self, app: &App, id: &ClientId, scope: &str) -> bool {
        token(app, &self.token_request(id, scope)).await.is_ok()
    }
}

/// A client as its registration was answered.
#[derive(Debug, Clone)]
pub(crate) struct Registered {
    pub(crate) id: ClientId,
    pub(crate) body: Value,
}

impl Registered {
    pub(crate) fn of(answer: &Answer) -> Self {
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let id = ClientId::parse(body["client_id"].as_str().unwrap()).unwrap();
        Self { id, body }
    }

    pub(crate) fn token(&self) -> &str {
        self.body["registration_access_token"].as_str().unwrap()
    }

    /// A request to its management URL, with its own token.
    pub(crate) fn managed(&self, method: Method, base: Incoming) -> Incoming {
        with_bearer(self.id.as_str(), self.token(), method, base)
    }
}

/// A request to the management URL of `id`.
pub(crate) fn with_bearer(id: &str, token: &str, method: Method, base: Incoming) -> Incoming {
    let segments = BTreeMap::from([("client_id".to_owned(), id.to_owned())]);
    let authorization = Some(Secret::new(format!("Bearer {token}")));
    Incoming { method, segments, authorization, ..base }
}

/// The status and body of whatever is answered.
pub(crate) fn told(answer: Result<Answer, Failure>) -> Result<(u16, Value), String> {
    match answer {
        Ok(answer) if answer.body.is_empty() => Ok((answer.status, Value::Null)),
        Ok(answer) => Ok((answer.status, serde_json::from_slice(&answer.body).unwrap())),
        Err(Failure::Refused(refusal)) => Err(refusal.code.as_str().to_owned()),
        Err(Failure::Broken(broken)) => Err(format!("broken: {broken}")),
    }
}

/// The error code of a registration that is refused.
pub(crate) async fn refused(app: &App, incoming: &Incoming) -> &'static str {
    refusal(register(app, incoming).await).code.as_str()
}

/// The error code of a management request that is refused.
pub(crate) async fn not_managed(app: &App, incoming: &Incoming) -> &'static str {
    refusal(manage(app, incoming).await).code.as_str()
}

/// Everything that registrations leave behind.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    pub(crate) clients: Vec<Client>,
    pub(crate) entitlements: Vec<Entitlement>,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) decisions: Vec<DecisionRecord>,
    pub(crate) events: Vec<AuditEvent>,
}

impl Remembered {
    pub(crate) async fn of(app: &App) -> Self {
        app.database.read(Self::read).await.unwrap()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StorageError> {
        let page = Page::first(Page::LARGEST);
        let clients = reader.clients(&page)?;
        let mut found = Self {
            clients: clients.clone(),
            entitlements: Vec::new(),
            credentials: Vec::new(),
            decisions: Vec::new(),
            events: reader.audit_events(&AuditFilter::default(), &page)?,
        };
        let mut subjects = vec![object("software", SOFTWARE)];
        for client in &clients {
            found.entitlements.extend(reader.entitlements_of(&client.id)?);
            found.credentials.extend(reader.credentials_of(&client.id)?);
            subjects.push(object("client", client.id.as_str()));
        }
        for subject in subjects {
            found.decisions.extend(reader.decisions_about(&subject, &page)?);
        }
        Ok(found)
    }

    /// How many clients, entitlements, credentials, decisions and events there are.
    pub(crate) fn counts(&self) -> [usize; 5] {
        [
            self.clients.len(),
            self.entitlements.len(),
            self.credentials.len(),
            self.decisions.len(),
            self.events.len(),
        ]
    }

    /// The actions of the audit log since `before`.
    pub(crate) fn actions_since(&self, before: &Self) -> Vec<&'static str> {
        self.since(before).iter().map(|event| event.action.name()).collect()
    }

    /// The audit log since `before`. Within a second it has no order.
    pub(crate) fn since(&self, before: &Self) -> Vec<&AuditEvent> {
        let is_new = |event: &&AuditEvent| before.events.iter().all(|old| old.id != event.id);
        self.events.iter().filter(is_new).collect()
    }

    /// A client's row.
    pub(crate) fn client(&self, id: &ClientId) -> &Client {
        self.clients.iter().find(|client| client.id == *id).unwrap()
    }

    /// Everything of a client that an update may change, as text.
    pub(crate) fn shape(&self, id: &ClientId) -> String {
        let client = self.client(id);
        let held: Vec<_> = self.entitlements.iter().filter(|one| one.client_id == *id).collect();
        let keys: Vec<_> = self.credentials.iter().filter(|one| one.client_id == *id).collect();
        format!("{client:?} {held:?} {keys:?}")
    }

    /// The audit log and the decisions as they are stored.
    pub(crate) fn text(&self) -> String {
        let decisions: Vec<_> = self.decisions.iter().map(|decision| &decision.items).collect();
        json!([self.events, decisions]).to_string()
    }
}

pub(crate) fn object(kind: &str, id: &str) -> Object {
    Object { kind: kind.to_owned(), id: id.to_owned() }
}

/// A contract beside the other, for a long time.
pub(crate) async fn extend_agreement(app: &App, tag: &str) {
    let mut products = BTreeSet::from([sample::product(tag).id]);
    if tag == "a" {
        products.insert(sample::product("b").id);
    }
    let longer = Agreement {
        id: sample::agreement("longer").id,
        reference: "C-longer".to_owned(),
        products,
        valid_until: sample::at(10_000_000),
        ..sample::agreement(tag)
    };
    change(app, AuditAction::AgreementCreated, move |tx| tx.insert_agreement(&longer)).await;
}

/// Ends the organisation's agreement.
pub(crate) async fn end_agreement(app: &App) {
    change(app, AuditAction::AgreementStateChanged, |tx| {
        let id: AgreementId = sample::agreement("a").id;
        tx.change_agreement_state(&id, AgreementState::Active, AgreementState::Terminated)
    })
    .await;
}

/// An object in which some members are others; `null` leaves one out.
pub(crate) fn merged(mut object: Value, changes: &Value) -> Value {
    let members = object.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    object
}

fn unique(kind: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{kind}-{}", NEXT.fetch_add(1, Ordering::SeqCst))
}

/// A token request by the client of this name, authenticated with this key.
pub(crate) fn token_request_by(
    house: &House,
    key: &SigningKey,
    id: &Value,
    scope: &str,
) -> Incoming {
    let now = house.clock.now();
    let claims = json!({
        "iss": id, "sub": id, "aud": ISSUER, "jti": unique("assertion"),
        "iat": now, "exp": now.plus(60),
    });
    let assertion = key.sign("JWT", &claims).unwrap();
    let body = format!("grant_type=client_credentials&scope={scope}");
    house.with_assertion(&body, &assertion)
}
