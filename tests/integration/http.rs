//! The door: limits, errors, headers, panics and TLS (SEC-27, SEC-28, SEC-38, SEC-40, STY-11).

use std::sync::Arc;
use std::time::Duration;

use countersign::clock::Clock;
use countersign::config::LimitSettings;
use countersign::config::Settings;
use countersign::endpoints::Failure;
use countersign::endpoints::exchange::Answer;
use countersign::endpoints::exchange::Incoming;
use countersign::endpoints::exchange::Method;
use countersign::http::Entrance;
use countersign::http::Listener;
use countersign::http::Routes;
use countersign::http::Server;
use countersign::http::ServerError;
use countersign::http::TlsFiles;
use countersign::http::start;
use countersign::protocol::ErrorCode;
use countersign::protocol::OAuthError;
use reqwest::Certificate;
use reqwest::Client;
use reqwest::Response;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support;

/// A server with a few stories, and a client that trusts it.
struct Setting {
    server: Server,
    client: Client,
    listener: Listener,
    authority: rcgen::Certificate,
    _folder: TempDir,
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (authority, key) = support::self_signed();
        let tls = TlsFiles {
            certificate: folder.path().join("server.pem"),
            key: folder.path().join("server-key.pem"),
        };
        std::fs::write(&tls.certificate, authority.pem()).unwrap();
        std::fs::write(&tls.key, key.serialize_pem()).unwrap();
        let second = Duration::from_secs(1);
        let limits = LimitSettings { header_timeout: second, body_timeout: second, ..limits() };
        let listener = Listener {
            address: "127.0.0.1:0".parse().unwrap(),
            entrance: Entrance::Public,
            tls,
            limits,
            workers: 1,
            shutdown_grace: Duration::from_secs(5),
            clock: Clock::System,
        };
        let server = start(&listener, routes()).unwrap();
        let trusted = Certificate::from_pem(authority.pem().as_bytes()).unwrap();
        drop(aws_lc_rs::default_provider().install_default());
        let client = Client::builder().tls_certs_only([trusted]).no_proxy().build().unwrap();
        Self { server, client, listener, authority, _folder: folder }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.server.address().port())
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
        self.client.post(self.url(path)).body(body).send().await.unwrap()
    }

    /// A TLS connection on which a test may write what it likes.
    async fn connect(&self, provider: CryptoProvider) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.server.address()).await.unwrap();
        let name = "localhost".try_into().unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// What the server says to these bytes until it closes the connection.
    async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect(aws_lc_rs::default_provider()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut said = Vec::new();
        let patience = Duration::from_secs(10);
        let read = tokio::time::timeout(patience, stream.read_to_end(&mut said)).await;
        let said = String::from_utf8(said).unwrap();
        assert!(read.is_ok(), "the server keeps the connection open after:\n{said}");
        said
    }
}

fn limits() -> LimitSettings {
    let rehearsal = "[server]\nenvironment = \"sandbox\"";
    Settings::read(Some(rehearsal), []).unwrap().limits
}

fn routes() -> Routes<String> {
    Routes::new(Arc::new("state".to_owned()))
        .on(Method::Get, "/echo/{name}", echo)
        .on(Method::Post, "/echo/{name}", echo)
        .on(Method::Get, "/panic", |_, _| async { panic!("a mistake") })
        .on(Method::Get, "/away", |_, _| async {
            Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, "later").into())
        })
        .on(Method::Get, "/slow", |_, _| async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            Ok(Answer::no_content())
        })
        .on(Method::Get, "/kept", |_, _| async { Ok(Answer::json(200, &Value::Null).kept_for(60)) })
        .any("/manage", |_, _| async {
            Err(OAuthError::new(ErrorCode::InvalidToken, "no access token").into())
        })
        .with_health(|_, _| async { Ok(Answer::no_content()) })
        .with_hello()
}

async fn echo(state: Arc<String>, incoming: Incoming) -> Result<Answer, Failure> {
    let told = serde_json::json!({
        "state": *state,
        "segment": incoming.segment("name"),
        "query": incoming.query.map(|query| query.reveal().to_owned()),
        "length": incoming.body.len(),
        "media_type": incoming.content_type,
        "request_id": incoming.request_id,
        "now": incoming.now,
    });
    Ok(Answer::json(200, &told).with_header("x-told", "yes"))
}

async fn error_of(response: Response) -> String {
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body: Value = response.json().await.unwrap();
    assert!(body["error_description"].is_string());
    body["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_story_is_told_and_answered() {
    let setting = Setting::new();
    let response = setting.post("/echo/a%20b?x=1", "12345").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-told"], "yes");
    let request_id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let told: Value = response.json().await.unwrap();
    assert_eq!(told["state"], "state");
    assert_eq!(told["segment"], "a b");
    assert_eq!(told["query"], "x=1");
    assert_eq!(told["length"], 5);
    assert_eq!(told["request_id"], request_id);
    assert!(told["now"].as_i64().unwrap() > 1_700_000_000);
    setting.server.stop().await;
}

#[tokio::test]
async fn every_answer_carries_the_headers_of_every_answer() {
    let setting = Setting::new();
    let paths: Vec<String> = routes().paths().map(str::to_owned).collect();
    assert!(paths.len() > 5);
    for path in paths.iter().map(String::as_str).chain(["/", "/nothing/here", "/echo/a/b/c"]) {
        for method in [reqwest::Method::GET, reqwest::Method::POST, reqwest::Method::OPTIONS] {
            let sent = setting.client.request(method.clone(), setting.url(path)).send().await;
            let response = sent.unwrap();
            let header = |name: &str| response.headers()[name].to_str().unwrap();
            assert_eq!(header("x-content-type-options"), "nosniff", "{method} {path}");
            assert_eq!(header("referrer-policy"), "no-referrer");
            assert!(header("strict-transport-security").starts_with("max-age="));
            assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
            assert!(header("x-request-id").starts_with("req_"));
            let kept = if path == "/kept" && method == reqwest::Method::GET {
                "public"
            } else {
                "no-store"
            };
            assert!(header("cache-control").starts_with(kept), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_refused_in_json() {
    let setting = Setting::new();
    let nothing = setting.get("/nothing").await;
    assert_eq!(nothing.status(), 404);
    assert_eq!(error_of(nothing).await, "not_found");
    let wrong = setting.client.delete(setting.url("/echo/a")).send().await.unwrap();
    assert_eq!(wrong.status(), 405);
    assert_eq!(wrong.headers()["allow"], "GET, HEAD, POST");
    assert_eq!(error_of(wrong).await, "method_not_allowed");
}

#[tokio::test]
async fn management_authenticates_before_it_looks_at_the_method_reg_r8() {
    let setting = Setting::new();
    for method in [reqwest::Method::GET, reqwest::Method::PATCH, reqwest::Method::TRACE] {
        let sent = setting.client.request(method, setting.url("/manage")).send().await;
        let response = sent.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"countersign\"");
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let setting = Setting::new();
    let response = setting.client.head(setting.url("/echo/a")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_in_json_sec_27() {
    let setting = Setting::new();
    let most = setting.listener.limits.body_bytes;
    assert_eq!(setting.post("/echo/a", vec![b'a'; most]).await.status(), 200);
    let refused = setting.post("/echo/a", vec![b'a'; most + 1]).await;
    assert_eq!(refused.status(), 413);
    assert_eq!(error_of(refused).await, "invalid_request");
    let mut chunked =
        b"POST /echo/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..=(most / 1024) {
        chunked.extend_from_slice(b"400\r\n");
        chunked.extend_from_slice(&[b'a'; 1024]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let said = setting.say(&chunked).await;
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
    assert!(said.contains("\"invalid_request\""), "{said}");
}

#[tokio::test]
async fn a_megabyte_is_refused_in_json_and_its_connection_lives_on() {
    let setting = Setting::new();
    for _ in 0..2 {
        // Over HTTP/2, as reqwest speaks here: a stream reset would take the answer with it.
        let refused = setting.post("/echo/a", vec![b'a'; 1 << 20]).await;
        assert_eq!(refused.status(), 413);
        assert_eq!(error_of(refused).await, "invalid_request");
    }
    assert_eq!(setting.post("/echo/a", b"a".to_vec()).await.status(), 200);
}

#[tokio::test]
async fn a_repeated_or_unreadable_header_is_refused() {
    let setting = Setting::new();
    for headers in [
        "Content-Type: application/json\r\nContent-Type: application/jwt",
        "Authorization: Bearer a\r\nAuthorization: Bearer b",
        "Authorization: Bearer \u{e9}",
    ] {
        let request = format!(
            "POST /echo/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n{headers}\r\n\r\n"
        );
        let said = setting.say(request.as_bytes()).await;
        assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
        assert!(said.contains("\"invalid_request\""), "{said}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_refused_without_a_page() {
    let setting = Setting::new();
    for garbage in ["\u{0}\u{1}\u{2}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /\r\n\r\n"] {
        let said = setting.say(garbage.as_bytes()).await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 400 "), "{said}");
        assert!(!said.contains('<'), "{said}");
    }
    assert_eq!(setting.get("/hello").await.status(), 200);
}

#[tokio::test]
async fn slow_senders_are_not_waited_for_sec_28() {
    let setting = Setting::new();
    let head = setting.say(b"GET /hello HTTP/1.1\r\nHost: a\r\nX-Slow: ").await;
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 408 "), "{head}");
    let body =
        b"POST /echo/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 9\r\n\r\nslow";
    let said = setting.say(body).await;
    assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
    assert!(said.contains("took too long"), "{said}");
}

#[tokio::test]
async fn a_panic_ends_at_the_request_that_caused_it_sec_40() {
    let setting = Setting::new();
    let pipelined = b"GET /panic HTTP/1.1\r\nHost: a\r\n\r\n\
        GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let said = setting.say(pipelined).await;
    assert!(said.starts_with("HTTP/1.1 500 "), "{said}");
    assert!(said.contains("\"server_error\"") && !said.contains("a mistake"), "{said}");
    assert!(said.contains("HTTP/1.1 200 ") && said.contains("world"), "{said}");
    assert_eq!(setting.server.panics(), 1);
}

#[tokio::test]
async fn an_outage_says_when_to_come_back() {
    let setting = Setting::new();
    let response = setting.get("/away").await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(error_of(response).await, "temporarily_unavailable");
}

#[tokio::test]
async fn several_servers_run_in_one_process_and_close_one_by_one() {
    let (first, second) = (Setting::new(), Setting::new());
    assert_ne!(first.server.address(), second.server.address());
    let taken = Listener { address: first.server.address(), ..first.listener.clone() };
    assert!(matches!(start(&taken, routes()), Err(ServerError::Address { .. })));
    let gone = first.server.address();
    first.server.stop().await;
    assert!(TcpStream::connect(gone).await.is_err());
    assert_eq!(second.get("/health/live").await.status(), 200);
    assert_eq!(second.get("/health/ready").await.status(), 204);
}

#[tokio::test]
async fn a_request_under_way_may_finish() {
    let setting = Setting::new();
    let request = setting.client.get(setting.url("/slow")).send();
    let slow = tokio::spawn(request);
    tokio::time::sleep(Duration::from_millis(200)).await;
    setting.server.stop().await;
    assert_eq!(slow.await.unwrap().unwrap().status(), 204);
}

#[tokio::test]
async fn only_the_listed_suites_are_spoken() {
    let setting = Setting::new();
    for (suite, spoken) in [
        (aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, true),
        (aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, false),
        (aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256, true),
    ] {
        let provider =
            CryptoProvider { cipher_suites: vec![suite], ..aws_lc_rs::default_provider() };
        assert_eq!(setting.connect(provider).await.is_ok(), spoken, "{suite:?}");
    }
}
