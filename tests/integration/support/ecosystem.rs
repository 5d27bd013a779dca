//! An ecosystem around one server: its shipped framework with other keys, authorities and hosts, the
//! directory and the keystore of its software, and the server's own door for certificates.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign::app::App;
use countersign::config::{LimitSettings, Settings};
use countersign::governance::audit::AuditAction;
use countersign::http::{Entrance, Listener, Server, TlsFiles, oauth, start};
use countersign::jose::{Algorithm, SigningKey};
use countersign::partners::{Agreement, ApiProduct, Organisation, ProductScope, Tier};
use countersign::protocol::client_authentication::client_assertion::JWT_BEARER;
use countersign::remote::{FetchRules, Fetcher, KeySource};
use countersign::trust::{Framework, Frameworks};
use countersign::types::{DirectoryOrganisationId, Scope};
use reqwest::Method;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support;
use crate::support::house::{House, change};
use crate::support::partner::Remembered;
use crate::support::pki::{Authority, Issued};
use crate::support::samples as sample;
use crate::support::tls_server::{Reply, TlsServer};

/// Where clients are told that the token endpoint is.
pub(crate) const TOKEN_ENDPOINT: &str = "https://as.example/token";

/// What is particular to an ecosystem.
pub(crate) struct Country {
    /// Its framework, as it ships.
    pub(crate) file: &'static str,
    /// Where its directory's keys are; the test's own keystores stand in for this one.
    pub(crate) keys: &'static str,
    /// What the directory calls the organisation.
    pub(crate) organisation: &'static str,
    /// What the bank sells.
    pub(crate) scopes: &'static str,
}

/// A server with one framework, and everybody whom it meets.
pub(crate) struct Ecosystem {
    /// The server's database and clock.
    pub(crate) house: House,
    /// Who issues the certificates that clients show.
    pub(crate) authority: Authority,
    /// The directory's key.
    pub(crate) directory: SigningKey,
    /// The software's key.
    pub(crate) key: SigningKey,
    /// Where the software's keys are.
    pub(crate) keystore: TlsServer,
    app: Arc<App>,
    server: Server,
    /// Who vouches for the server.
    server_authority: String,
    _directory_keys: TlsServer,
    _folder: TempDir,
}

/// What the server told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) status: u16,
    /// `null` where there is no body.
    pub(crate) body: Value,
}

impl Told {
    /// The error of a refusal, which is a JSON object.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        assert!(self.body.is_object(), "{self:?}");
        (self.status, self.body["error"].as_str().unwrap())
    }

    /// The same of a success.
    pub(crate) fn good(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

/// A request of a partner's.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sent<'a> {
    pub(crate) certificate: Option<&'a Issued>,
    pub(crate) bearer: Option<&'a str>,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a str,
}

impl Ecosystem {
    pub(crate) async fn new(country: &Country) -> Self {
        let house = House::new().await;
        let authority = Authority::root("ecosystem");
        let [directory, key] = [0, 1].map(|_| SigningKey::generate(Algorithm::Ps256).unwrap());
        let directory_keys = offering(&directory).await;
        let keystore = offering(&key).await;
        let text = adapted(country, &directory_keys);
        let anchors = authority.pem.clone();
        let framework = Framework::parse_with(country.file, &text, &|_| Ok(anchors.clone()));
        let framework = framework.unwrap();
        let mut app = house.node().await;
        furnish(&app, country, &framework).await;
        let pems = format!("{}{}", directory_keys.certificate, keystore.certificate);
        app.key_source = KeySource::new(Fetcher::new(Some(&pems)).unwrap());
        let hosts = vec!["localhost".to_owned()];
        let rules = FetchRules { allowed_hosts: hosts, allow_loopback: true };
        app.fetch_rules = BTreeMap::from([(framework.name().clone(), rules)]);
        app.settings.trust.allow_loopback = true;
        app.frameworks = Frameworks::new([(country.file.to_owned(), framework)]).unwrap();
        let app = Arc::new(app);
        let folder = tempfile::tempdir().unwrap();
        let (server, server_authority) = open(&app, Entrance::MutualTls, folder.path());
        Self {
            house,
            authority,
            directory,
            key,
            keystore,
            app,
            server,
            server_authority,
            _directory_keys: directory_keys,
            _folder: folder,
        }
    }

    /// Sends a request to the server's door for certificates.
    pub(crate) async fn send(&self, method: Method, path: &str, sent: Sent<'_>) -> Told {
        let client = support::mtls_client(&self.server_authority, sent.certificate);
        let url = format!("https://localhost:{}{path}", self.server.address().port());
        let mut request = client.request(method, url).header("accept", "application/json");
        if let Some(token) = sent.bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !sent.content_type.is_empty() {
            request = request.header("content-type", sent.content_type);
        }
        let response = request.body(sent.body.to_owned()).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Told { status, body }
    }

    /// A token request with no scope, by an assertion that names no key, is for this audience, and lasts
    /// so many seconds.
    pub(crate) async fn token(
        &self,
        client_id: &str,
        certificate: &Issued,
        (audience, seconds): (&str, i64),
    ) -> Told {
        let now = self.house.clock.now();
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": audience, "jti": uuid(),
            "iat": now, "exp": now.plus(seconds),
        });
        let no_kid = Map::from_iter([("kid".to_owned(), Value::Null)]);
        let assertion = self.key.sign_with("JWT", &no_kid, claims.as_object().unwrap()).unwrap();
        let body = format!(
            "grant_type=client_credentials&scope=&client_assertion_type={JWT_BEARER}\
             &client_assertion={assertion}"
        );
        let sent = Sent {
            certificate: Some(certificate),
            content_type: "application/x-www-form-urlencoded",
            body: &body,
            bearer: None,
        };
        self.send(Method::POST, "/token", sent).await
    }

    /// A statement of the directory.
    pub(crate) fn statement(&self, claims: &Value) -> String {
        self.directory.sign("JWT", claims).unwrap()
    }

    /// Clients, what they hold and their keys, as text.
    pub(crate) async fn stored(&self) -> String {
        let found = Remembered::of(&self.app).await;
        format!("{:?} {:?} {:?}", found.clients, found.entitlements, found.credentials)
    }
}

/// A fresh UUID of version 4, in lower case.
pub(crate) fn uuid() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("0d6b5f5e-9c1a-4b7e-8f3d-{:012x}", NEXT.fetch_add(1, Ordering::SeqCst))
}

async fn offering(key: &SigningKey) -> TlsServer {
    TlsServer::start(Reply::json(json!({ "keys": [key.public_jwk()] }).to_string())).await
}

/// The shipped file, switched on, with our own keys and hosts in it.
fn adapted(country: &Country, directory_keys: &TlsServer) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("frameworks");
    let text = std::fs::read_to_string(folder.join(country.file)).unwrap();
    let keys = format!("jwks_uri = \"{}\"", country.keys);
    let own_keys = format!("jwks_uri = \"{}\"\nallow_loopback = true", directory_keys.uri("/"));
    let host = country.keys.split('/').nth(2).unwrap();
    let hosts = format!("allowed_hosts = [\"{host}\"]");
    let replace = |text: String, (from, to): (&str, &str)| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, to)
    };
    [
        ("enabled = false", "enabled = true"),
        (keys.as_str(), own_keys.as_str()),
        (hosts.as_str(), "allowed_hosts = [\"localhost\"]\nallow_loopback = true"),
    ]
    .into_iter()
    .fold(text, replace)
}

/// The organisation, its agreement, and a product with every scope of the ecosystem.
async fn furnish(app: &App, country: &Country, framework: &Framework) {
    let scopes = country.scopes.split(' ').map(|scope| ProductScope {
        scope: Scope::parse(scope.to_owned()).unwrap(),
        tier: Tier::T1,
        max_token_seconds: 300,
    });
    let product = ApiProduct { scopes: scopes.collect(), ..sample::product("market") };
    let organisation = Organisation {
        framework: framework.name().clone(),
        directory_id: DirectoryOrganisationId::parse(country.organisation).unwrap(),
        ..sample::organisation("market")
    };
    let agreement = Agreement { valid_until: sample::at(86_400), ..sample::agreement("market") };
    change(app, AuditAction::AgreementCreated, move |tx| {
        tx.insert_organisation(&organisation)?;
        tx.insert_api_product(&product)?;
        tx.insert_agreement(&agreement)
    })
    .await;
}

/// Opens a server's door on a free port; the text is the authority of its certificate.
pub(crate) fn open(app: &Arc<App>, entrance: Entrance, folder: &Path) -> (Server, String) {
    let files =
        TlsFiles { certificate: folder.join("server.pem"), key: folder.join("server-key.pem") };
    let (certificate, key) = support::self_signed();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    std::fs::write(&files.certificate, certificate.pem()).unwrap();
    let sandbox = Settings::read(Some("[server]\nenvironment = \"sandbox\""), []).unwrap();
    let second = Duration::from_secs(1);
    let listener = Listener {
        address: "127.0.0.1:0".parse().unwrap(),
        entrance,
        tls: files,
        limits: LimitSettings { keep_alive: second, ..sandbox.limits },
        workers: 1,
        shutdown_grace: second,
        clock: app.clock.clone(),
    };
    (start(&listener, oauth::routes(Arc::clone(app))).unwrap(), certificate.pem())
}
