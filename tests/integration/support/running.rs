//! A whole server behind its doors, on ports of its own, with a clock that stands still; and
//! operators who speak to it.

use std::path::{Path, PathBuf};

use countersign::cli::migrate::migrate;
use countersign::cli::serve::AuthorizationServer;
use countersign::clock::Clock;
use countersign::config::Settings;
use countersign::governance::audit::AuditAction;
use countersign::jose::SealingKey;
use countersign::storage::{Change, Database, DatabaseOptions, StorageError, Writer};
use countersign::types::Secret;
use reqwest::{Certificate, Client, Method, StatusCode};
use rustls::crypto::aws_lc_rs;
use serde_json::Value;
use tempfile::TempDir;

use crate::support;
use crate::support::samples as sample;

/// The token of an operator who may change things.
pub(crate) const ANNA: &str = "anna-s-operator-token";
/// The token of an auditor.
pub(crate) const OTTO: &str = "otto-s-operator-token";

/// A running server, and a client that trusts it.
pub(crate) struct Running {
    server: AuthorizationServer,
    client: Client,
    folder: TempDir,
    url: String,
}

impl Running {
    /// A server with an empty database.
    pub(crate) async fn new() -> Self {
        Self::with_settings("").await
    }

    /// The same server, with a listener for mutual TLS and one for proxies on this machine.
    pub(crate) async fn with_mutual_tls() -> Self {
        let more = r#"
        [server.mutual_tls]
        listen = "127.0.0.1:0"
        base_url = "https://mtls.localhost"
        [server.behind_proxy]
        listen = "127.0.0.1:0"
        addresses = ["127.0.0.1"]
        mutual_tls = true
        "#;
        Self::with_settings(more).await
    }

    /// A server whose settings say more.
    pub(crate) async fn with_settings(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = format!("{}{more}", written(folder.path()));
        let settings = Settings::read(Some(&settings), []).unwrap();
        let url = settings.database.url.reveal().to_owned();
        prepare(folder.path());
        migrate(&settings).unwrap();
        let clock = Clock::fixed(sample::now());
        let server = AuthorizationServer::start(settings, clock).await.unwrap();
        let client = client(&folder.path().join("server.pem"));
        Self { server, client, folder, url }
    }

    /// A server that knows a client and everything that it stands on.
    pub(crate) async fn furnished() -> Self {
        let running = Self::new().await;
        running.change(|tx| sample::insert_everything(tx, "a")).await;
        running
    }

    /// Changes the database as another node would.
    pub(crate) async fn change(
        &self,
        job: impl FnOnce(&mut Writer<'_>) -> Result<(), StorageError> + Send + 'static,
    ) {
        let options = DatabaseOptions { url: self.url.clone(), readers: 1, writers: 1, queue: 8 };
        let database = Database::open(&options).unwrap();
        database
            .write(move |tx| -> Result<_, StorageError> {
                job(tx)?;
                Ok(Change::made((), vec![sample::event(AuditAction::ClientRegistered, "a")]))
            })
            .await
            .unwrap();
    }

    /// A file of the server.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where operators reach it.
    pub(crate) fn operator_url(&self) -> String {
        format!("https://localhost:{}", self.server.operator_address().port())
    }

    /// Where clients reach it.
    pub(crate) fn public_url(&self) -> String {
        format!("https://localhost:{}", self.server.public_address().port())
    }

    /// Where clients with a certificate reach it.
    pub(crate) fn mutual_tls_url(&self) -> String {
        format!("https://localhost:{}", self.server.mutual_tls_address().unwrap().port())
    }

    /// Where proxies reach it.
    pub(crate) fn proxied_url(&self) -> String {
        format!("http://{}", self.server.behind_proxy_address().unwrap())
    }

    /// A client that trusts it.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// A request to the operator API, with this token and body.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<String>,
    ) -> reqwest::Response {
        let url = format!("{}/admin/v1{path}", self.operator_url());
        let mut request = self.client.request(method, url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        request.send().await.unwrap()
    }

    /// What Anna is told, with its status.
    pub(crate) async fn told(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let response = self.send(method, path, Some(ANNA), body.map(Value::to_string)).await;
        let status = response.status();
        (status, response.json().await.unwrap())
    }

    /// What Anna reads.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.told(Method::GET, path, None).await;
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// What Anna creates or changes.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, told) = self.told(Method::POST, path, Some(&body)).await;
        assert!(status.is_success(), "POST {path} {body}: {told}");
        told
    }

    /// What Anna updates.
    pub(crate) async fn patch(&self, path: &str, body: Value) -> Value {
        let (status, told) = self.told(Method::PATCH, path, Some(&body)).await;
        assert_eq!(status, 200, "PATCH {path} {body}: {told}");
        told
    }

    /// What Anna is refused, and how.
    pub(crate) async fn refused(&self, path: &str, body: Value) -> (u16, Value) {
        let (status, told) = self.told(Method::POST, path, Some(&body)).await;
        assert!(!status.is_success(), "POST {path} {body}: {told}");
        (status.as_u16(), told)
    }

    /// The actions and details of the events about a record, the earliest first.
    pub(crate) async fn events(&self, id: &str) -> Vec<(String, Value)> {
        let log = self.get(&format!("/audit-events?object_id={id}&order=oldest")).await;
        let event =
            |event: &Value| (event["action"].as_str().unwrap().to_owned(), event["detail"].clone());
        log["items"].as_array().unwrap().iter().map(event).collect()
    }
}

fn written(folder: &Path) -> String {
    let file = |name: &str| folder.join(name).display().to_string();
    let hash = |token| Secret::new(token).hash().as_str().to_owned();
    format!(
        r#"
        [server]
        environment = "sandbox"
        issuer = "https://localhost"
        listen = "127.0.0.1:0"
        operator_listen = "127.0.0.1:0"
        tls_certificate = "{}"
        tls_key = "{}"
        workers = 1
        [database]
        url = "sqlite:{}"
        [keys]
        directory = "{}"
        [trust]
        frameworks = "{}/frameworks"
        [operator]
        accounts = [
            {{ name = "anna", role = "risk", token_sha256 = "{}" }},
            {{ name = "otto", role = "auditor", token_sha256 = "{}" }},
        ]
        "#,
        file("server.pem"),
        file("server-key.pem"),
        file("data/countersign.sqlite"),
        folder.display(),
        env!("CARGO_MANIFEST_DIR"),
        hash(ANNA),
        hash(OTTO),
    )
}

/// Writes settings, certificate, keys and the operators' tokens.
fn prepare(folder: &Path) {
    let write = |name: &str, text: &str| {
        countersign::cli::private_file::write(&folder.join(name), text).unwrap();
    };
    let (certificate, key) = support::self_signed();
    write("countersign.toml", &written(folder));
    write("server.pem", &certificate.pem());
    write("server-key.pem", &key.serialize_pem());
    write("sealing.key", SealingKey::generate().unwrap().to_secret().reveal());
    write("anna.token", ANNA);
    write("otto.token", OTTO);
}

fn client(authority: &Path) -> Client {
    let trusted = Certificate::from_pem(&std::fs::read(authority).unwrap()).unwrap();
    drop(aws_lc_rs::default_provider().install_default());
    Client::builder().tls_certs_only([trusted]).no_proxy().build().unwrap()
}
