//! `examples/resource_server.rs`, run as whoever copies it would: a program of its own, over TLS.

use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use countersign::governance::audit::AuditAction;
use countersign::http::Entrance;
use countersign::partners::OrganisationState;
use countersign::protocol::protected_resource::ProtectedResourceMetadata;
use countersign::types::ScopeSet;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use reqwest::Method;
use reqwest::header::HeaderMap;
use rustls::crypto::aws_lc_rs;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::gateway::{Gateway, ORIGIN, certificate};
use crate::support::house::change;
use crate::support::nginx::document;
use crate::support::pki::{Authority, Issued};
use crate::support::process::{Process, eventually, free_port, skip};
use crate::support::samples as sample;

const ACCOUNTS: &str = "/accounts";

struct Setting {
    // Declared first, so that it ends before its folder goes.
    _process: Process,
    gateway: Gateway,
    clients: Authority,
    port: u16,
    authority: String,
    _folder: TempDir,
}

struct Told {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Told {
    fn challenge(&self) -> &str {
        self.headers.get("www-authenticate").map_or("", |value| value.to_str().unwrap())
    }

    fn refused(&self) -> (u16, &str) {
        let error = self.challenge().split("error=\"").nth(1).unwrap_or_default();
        (self.status, error.split('"').next().unwrap())
    }
}

/// The program, which `cargo test` builds beside the tests.
fn program() -> Option<PathBuf> {
    let tests = std::env::current_exe().unwrap();
    let built = tests.parent()?.parent()?.join("examples/resource_server");
    if built.is_file() {
        return Some(built);
    }
    skip("the example is not built: `cargo build --example resource_server`");
    None
}

impl Setting {
    async fn new(settings: &str) -> Option<Self> {
        let program = program()?;
        let gateway = Gateway::new(Entrance::Public, settings).await;
        // It checks the clients' certificates by its own clock.
        let clients = Authority::root_with("clients", |params| {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2090, 1, 1);
        });
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(["api.example".to_owned()]).unwrap();
        let own = own.self_signed(&key).unwrap();
        let port = free_port();
        let server = sample::resource_server("a");
        let metadata = ProtectedResourceMetadata::new(
            &server.audience,
            &server.name,
            ScopeSet::parse("scope:a").unwrap(),
            &gateway.app.settings.server.issuer,
            &gateway.app.features,
        );
        let settings = json!({
            "listen": format!("127.0.0.1:{port}"),
            "certificate": file("api.pem", &own.pem()),
            "key": file("api-key.pem", &key.serialize_pem()),
            "client_authorities": file("clients.pem", &clients.pem),
            "metadata": metadata.unwrap(),
            "scope": "scope:a",
            "server": format!("https://localhost:{}", gateway.port()),
            "server_authority": file("server.pem", &gateway.authority),
            "credential": format!("{}:a", server.id),
        });
        let settings = file("settings.json", &settings.to_string());
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(program);
        let process = Process::start_with(command.arg(settings), (Stdio::null(), log.into()));
        let open = eventually(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert!(open, "{log}");
        let authority = own.pem();
        Some(Self { _process: process, gateway, clients, port, authority, _folder: folder })
    }

    async fn send(
        &self,
        (method, path): (Method, &str),
        headers: &[(&str, &str)],
        shown: Option<&Issued>,
    ) -> Told {
        drop(aws_lc_rs::default_provider().install_default());
        let trusted = reqwest::Certificate::from_pem(self.authority.as_bytes()).unwrap();
        let here = SocketAddr::from(([127, 0, 0, 1], self.port));
        let mut builder = reqwest::Client::builder()
            .tls_certs_only([trusted])
            .no_proxy()
            .resolve("api.example", here);
        if let Some(shown) = shown {
            let both = format!("{}{}", shown.pem, shown.key.serialize_pem());
            builder = builder.identity(reqwest::Identity::from_pem(both.as_bytes()).unwrap());
        }
        let url = format!("https://api.example:{}{path}", self.port);
        let request = builder.build().unwrap().request(method, url);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Told { status, headers, body: response.json().await.unwrap_or_default() }
    }

    async fn accounts(&self, headers: &[(&str, &str)]) -> Told {
        self.send((Method::GET, ACCOUNTS), headers, None).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_serves_who_may_pass_and_tells_the_others_what_they_lack() {
    let Some(setting) = Setting::new("").await else { return };
    let gateway = &setting.gateway;
    let bearer = format!("Bearer {}", gateway.bearer().await);
    let token = [("authorization", bearer.as_str())];
    let told = setting.accounts(&token).await;
    assert_eq!((told.status, &told.body["of"]), (200, &json!("org_a")));
    // Fields that are ours alone, from a stranger.
    let forged = [("authorization", "Bearer x"), ("x-countersign-organisation", "org_a")];
    for headers in [&[("authorization", "Bearer x")][..], &forged, &[token[0], token[0]]] {
        assert_eq!(setting.accounts(headers).await.refused(), (401, "invalid_token"));
    }
    let told = setting.accounts(&[]).await;
    assert_eq!(told.refused(), (401, ""));
    let metadata = "https://api.example/.well-known/oauth-protected-resource/a";
    assert!(told.challenge().contains(&format!("resource_metadata=\"{metadata}\"")));
    let path = metadata.strip_prefix(ORIGIN).unwrap();
    let document = setting.send((Method::GET, path), &[], None).await;
    assert_eq!(document.body["resource"], "https://api.example/a");
    assert_eq!(document.body["authorization_servers"], json!(["https://as.example"]));
    change(&gateway.app, AuditAction::OrganisationStateChanged, |tx| {
        let (from, to) = (OrganisationState::Active, OrganisationState::Suspended);
        tx.change_organisation_state(&sample::organisation("a").id, from, to)
    })
    .await;
    assert_eq!(setting.accounts(&token).await.refused(), (401, "invalid_token"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_takes_bound_tokens_from_their_holders_alone() {
    let Some(setting) = Setting::new("").await else { return };
    let gateway = &setting.gateway;
    let token = gateway.dpop_bound().await;
    let scheme = format!("DPoP {token}");
    let proof = gateway.proof(&token, &format!("{ORIGIN}{ACCOUNTS}"));
    let headers = [("authorization", scheme.as_str()), ("dpop", proof.as_str())];
    assert_eq!(setting.accounts(&headers).await.status, 200);
    assert_eq!(setting.accounts(&headers).await.refused(), (401, "invalid_dpop_proof"));
    let elsewhere = gateway.proof(&token, &format!("{ORIGIN}/elsewhere"));
    let headers = [("authorization", scheme.as_str()), ("dpop", elsewhere.as_str())];
    assert_eq!(setting.accounts(&headers).await.refused(), (401, "invalid_dpop_proof"));
    let [own, other] = ["a", "b"].map(|name| setting.clients.issue(certificate(name)));
    let bearer = format!("Bearer {}", gateway.certificate_bound(&own).await);
    let headers = [("authorization", bearer.as_str())];
    for (shown, status) in [(Some(&own), 200), (Some(&other), 401), (None, 401)] {
        let told = setting.send((Method::GET, ACCOUNTS), &headers, shown).await;
        assert_eq!(told.status, status);
    }
}

/// RFC 9470 and RFC 9449 §9.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_demands_a_recent_login_and_passes_nonces_on() {
    let Some(setting) = Setting::new("[dpop]\nnonces = \"required\"").await else { return };
    let gateway = &setting.gateway;
    let token = gateway.bearer().await;
    let now = gateway.house.clock.now();
    for (login, expected) in [
        (json!({}), (401, "insufficient_user_authentication")),
        (json!({ "auth_time": now.plus(-301) }), (401, "insufficient_user_authentication")),
        (json!({ "auth_time": now.plus(-300) }), (200, "")),
    ] {
        let bearer = format!("Bearer {}", gateway.after_login(&token, &login).await);
        let headers = [("authorization", bearer.as_str())];
        let told = setting.send((Method::POST, "/accounts/limits"), &headers, None).await;
        assert_eq!(told.refused(), expected, "{login}");
        assert_eq!(told.status == 401, told.challenge().contains("max_age=\"300\""), "{login}");
        assert!(told.headers.contains_key("dpop-nonce"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_answer_nothing_passes() {
    let off = "[resource_servers]\nauthorize_requests = false";
    let Some(setting) = Setting::new(off).await else { return };
    let bearer = format!("Bearer {}", setting.gateway.bearer().await);
    assert_eq!(setting.accounts(&[("authorization", &bearer)]).await.status, 503);
}

#[test]
fn it_is_as_small_as_the_document_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/resource_server.rs");
    let lines = std::fs::read_to_string(path).unwrap().lines().count();
    assert!(lines < 200, "{lines}");
    assert!(document("resource-servers.md").contains("in less than 200 lines"));
}
