//! RFC 8705 and RFC 9440 at the door: which certificate a request came with, from whom that is
//! believed, and what the listeners refuse (SEC-28, SEC-32, CONF-2, CONF-3, CONF-12).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::clock::Clock;
use countersign::config::{LimitSettings, Settings};
use countersign::endpoints::Failure;
use countersign::endpoints::exchange::{Answer, Door, Incoming, Method};
use countersign::http::{Entrance, Listener, Routes, Server, TlsFiles, start};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use rustls::client::ResolvesClientCert;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support;
use crate::support::pki::{Authority, Issued, Wanted};
use crate::support::running::Running;

/// A listener that tells what it saw.
struct Setting {
    server: Server,
    authority: String,
    files: TlsFiles,
    _folder: TempDir,
}

impl Setting {
    fn new(entrance: Entrance) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("server.pem"),
            key: folder.path().join("server-key.pem"),
        };
        let authority = renew(&files);
        let second = Duration::from_secs(1);
        let sandbox = Settings::read(Some("[server]\nenvironment = \"sandbox\""), []).unwrap();
        let listener = Listener {
            address: "127.0.0.1:0".parse().unwrap(),
            entrance,
            tls: files.clone(),
            limits: LimitSettings { header_timeout: second, keep_alive: second, ..sandbox.limits },
            workers: 1,
            shutdown_grace: second,
            clock: Clock::System,
        };
        let routes = Routes::new(Arc::new(())).on(Method::Get, "/who", who);
        let server = start(&listener, routes).unwrap();
        Self { server, authority, files, _folder: folder }
    }

    fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What a client is told that holds this certificate, or none.
    async fn seen_from(&self, issued: Option<&Issued>) -> Value {
        let client = support::mtls_client(&self.authority, issued);
        let url = format!("https://localhost:{}/who", self.address().port());
        client.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// What the server says to a request of a client that speaks TLS in some way, or how it fails.
    async fn answer(&self, config: ClientConfig) -> std::io::Result<String> {
        let stream = TcpStream::connect(self.address()).await?;
        let name = "localhost".try_into().unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let request = b"GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await?;
        let mut said = String::new();
        stream.read_to_string(&mut said).await?;
        Ok(said)
    }

    fn config(&self, provider: CryptoProvider, shown: Option<CertifiedKey>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&self.authority)).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        match shown {
            Some(shown) => builder.with_client_cert_resolver(Arc::new(Shown(Arc::new(shown)))),
            None => builder.with_no_client_auth(),
        }
    }

    /// What a proxy is told that sends these fields.
    async fn proxied(&self, fields: &[(&'static str, String)]) -> (u16, Value) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}/who", self.address());
        let response = client.get(url).headers(headers).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

/// Shows one certificate, whatever the server asks for.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

async fn who(_: Arc<()>, incoming: Incoming) -> Result<Answer, Failure> {
    let presented = incoming.presented.as_ref();
    Ok(Answer::json(
        200,
        &json!({
            "door": if incoming.door == Door::MutualTls { "mutual" } else { "public" },
            "thumbprint": presented.map(|presented| presented.leaf().thumbprint()),
            "above": presented.map(|presented| presented.intermediates().len()),
        }),
    ))
}

/// A new certificate for the server, its own authority.
fn renew(files: &TlsFiles) -> String {
    let (certificate, key) = support::self_signed();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    std::fs::write(&files.certificate, certificate.pem()).unwrap();
    certificate.pem()
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    use rustls::pki_types::pem::PemObject as _;
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// A certificate with the key of another.
fn shown(issued: &Issued, key: &Issued) -> CertifiedKey {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.key.serialize_der()));
    let key = aws_lc_rs::default_provider().key_provider.load_private_key(key).unwrap();
    CertifiedKey::new(vec![CertificateDer::from(issued.der.clone())], key)
}

fn none_seen(door: &str) -> Value {
    json!({ "door": door, "thumbprint": null, "above": null })
}

fn proxies(address: &str, mutual_tls: bool) -> Entrance {
    Entrance::BehindProxy { addresses: vec![address.parse().unwrap()], mutual_tls }
}

fn field(issued: &Issued) -> String {
    format!(":{}:", STANDARD.encode(&issued.der))
}

#[tokio::test]
async fn a_certificate_is_seen_where_it_is_asked_for_conf_3() {
    let setting = Setting::new(Entrance::MutualTls);
    let issued = Authority::root("anybody").issue(Wanted::client("a"));
    let alone = Wanted::client("b").self_signed();
    for shown in [issued, alone] {
        let expected = json!({
            "door": "mutual",
            "thumbprint": shown.certificate().thumbprint(),
            "above": 0,
        });
        // Twice over one connection, and in sessions that are taken up again.
        for _ in 0..2 {
            assert_eq!(setting.seen_from(Some(&shown)).await, expected);
        }
    }
    assert_eq!(setting.seen_from(None).await, none_seen("mutual"), "the endpoint decides");
}

/// CONF-2: a browser is never asked.
#[tokio::test]
async fn no_certificate_is_seen_at_the_public_door() {
    let setting = Setting::new(Entrance::Public);
    let issued = Wanted::client("a").self_signed();
    assert_eq!(setting.seen_from(Some(&issued)).await, none_seen("public"));
}

#[tokio::test]
async fn every_request_of_a_connection_comes_with_its_certificate() {
    let setting = Setting::new(Entrance::MutualTls);
    let issued = Wanted::client("a").self_signed();
    let client = support::mtls_client(&setting.authority, Some(&issued));
    let url = format!("https://localhost:{}/who", setting.address().port());
    for _ in 0..3 {
        let seen: Value = client.get(&url).send().await.unwrap().json().await.unwrap();
        assert_eq!(seen["thumbprint"], issued.certificate().thumbprint());
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_ends_the_handshake() {
    let setting = Setting::new(Entrance::MutualTls);
    let (issued, other) = (Wanted::client("a").self_signed(), Wanted::client("b").self_signed());
    for suite in [
        aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
        aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ] {
        let provider =
            || CryptoProvider { cipher_suites: vec![suite], ..aws_lc_rs::default_provider() };
        let honest = setting.config(provider(), Some(shown(&issued, &issued)));
        let said = setting.answer(honest).await.unwrap();
        assert!(said.contains(issued.certificate().thumbprint()), "{said}");
        let thief = setting.config(provider(), Some(shown(&issued, &other)));
        assert!(setting.answer(thief).await.is_err(), "{suite:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_ends_the_handshake() {
    let setting = Setting::new(Entrance::MutualTls);
    for bad in [
        Wanted::client("a\0.example").self_signed(),
        Wanted::client(&"x".repeat(10_240)).self_signed(),
    ] {
        let provider = aws_lc_rs::default_provider();
        let config = setting.config(provider, Some(shown(&bad, &bad)));
        assert!(setting.answer(config).await.is_err());
    }
    let issued = Wanted::client("a").self_signed();
    let mut long = shown(&issued, &issued);
    long.cert = vec![CertificateDer::from(issued.der); 11];
    let config = setting.config(aws_lc_rs::default_provider(), Some(long));
    assert!(setting.answer(config).await.is_err(), "a chain of eleven");
    assert_eq!(setting.seen_from(None).await, none_seen("mutual"));
}

#[tokio::test]
async fn only_the_listed_suites_are_spoken_here_too() {
    let setting = Setting::new(Entrance::MutualTls);
    for (suite, spoken) in [
        (aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, true),
        (aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, false),
        (aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256, true),
    ] {
        let provider =
            CryptoProvider { cipher_suites: vec![suite], ..aws_lc_rs::default_provider() };
        let said = setting.answer(setting.config(provider, None)).await;
        assert_eq!(said.is_ok(), spoken, "{suite:?}");
    }
}

/// SEC-28.
#[tokio::test]
async fn slow_and_idle_connections_are_not_kept() {
    let setting = Setting::new(Entrance::MutualTls);
    let patience = Duration::from_secs(10);
    let mut silent = TcpStream::connect(setting.address()).await.unwrap();
    let read = tokio::time::timeout(patience, silent.read_to_end(&mut Vec::new())).await;
    assert!(read.is_ok(), "a handshake that does not begin");
    for request in ["", "GET /who HTTP/1.1\r\nHost: a\r\n", "GET /who HTTP/1.1\r\nHost: a\r\n\r\n"]
    {
        let config = setting.config(aws_lc_rs::default_provider(), None);
        let stream = TcpStream::connect(setting.address()).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        let mut stream = connected.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let read = tokio::time::timeout(patience, stream.read_to_end(&mut Vec::new())).await;
        assert!(read.is_ok(), "after `{request}`");
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_up_without_a_restart() {
    let mut setting = Setting::new(Entrance::MutualTls);
    let issued = Wanted::client("a").self_signed();
    assert_eq!(setting.seen_from(Some(&issued)).await["door"], "mutual");
    setting.authority = renew(&setting.files);
    for _ in 0..40 {
        let config = setting.config(aws_lc_rs::default_provider(), Some(shown(&issued, &issued)));
        if let Ok(said) = setting.answer(config).await {
            assert!(said.contains(issued.certificate().thumbprint()), "{said}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("the old certificate is still in use");
}

/// RFC 9440 §2.
#[tokio::test]
async fn a_proxy_says_which_certificate_was_shown() {
    let setting = Setting::new(proxies("127.0.0.0/8", true));
    let authority = Authority::root("root");
    let issued = authority.issue(Wanted::client("a"));
    let expected = |above: usize| {
        let thumbprint = issued.certificate().thumbprint().to_owned();
        (200, json!({ "door": "mutual", "thumbprint": thumbprint, "above": above }))
    };
    let certificate = ("client-cert", field(&issued));
    assert_eq!(setting.proxied(&[]).await, (200, none_seen("mutual")));
    assert_eq!(setting.proxied(std::slice::from_ref(&certificate)).await, expected(0));
    let link = format!(":{}:", STANDARD.encode(&authority.der));
    let chain = ("client-cert-chain", format!("{link}, {link}"));
    assert_eq!(setting.proxied(&[certificate, chain]).await, expected(2));
}

/// SEC-32: whoever may write these fields may be any client.
#[tokio::test]
async fn a_field_is_believed_from_a_proxy_alone() {
    let issued = Wanted::client("a").self_signed();
    let forged = [("client-cert", field(&issued))];
    // Not one of the proxies: refused, with the field and without.
    let stranger = Setting::new(proxies("192.0.2.1/32", true));
    for fields in [forged.as_slice(), &[]] {
        let (status, body) = stranger.proxied(fields).await;
        assert_eq!((status, body["error"].as_str()), (403, Some("access_denied")));
    }
    // A proxy that does not ask for certificates passes on what clients write.
    let plain = Setting::new(proxies("127.0.0.1/32", false));
    assert_eq!(plain.proxied(&forged).await, (200, none_seen("public")));
    // Over TLS nobody reads the field.
    for (entrance, door) in [(Entrance::Public, "public"), (Entrance::MutualTls, "mutual")] {
        let setting = Setting::new(entrance);
        let client = support::mtls_client(&setting.authority, None);
        let url = format!("https://localhost:{}/who", setting.address().port());
        let sent = client.get(url).header("client-cert", field(&issued)).send().await;
        assert_eq!(sent.unwrap().json::<Value>().await.unwrap(), none_seen(door));
    }
}

#[tokio::test]
async fn a_field_that_is_repeated_or_malformed_is_refused() {
    let setting = Setting::new(proxies("127.0.0.1/32", true));
    let issued = Wanted::client("a").self_signed();
    let good = field(&issued);
    let nul = field(&Wanted::client("a\0b").self_signed());
    let bare = STANDARD.encode(&issued.der);
    let certificates = [
        String::new(),
        "::".to_owned(),
        ":AAAA:".to_owned(),
        ":%:".to_owned(),
        bare.clone(),
        format!("\"{bare}\""),
        format!(":{bare}"),
        format!("{good}, {good}"),
        format!("({good})"),
        format!("{good}x"),
        "?1".to_owned(),
        nul,
        issued.pem.replace('\n', " "),
        ":\u{e9}:".to_owned(),
        format!(":{}:", "A".repeat(60_000)),
    ];
    let mut refused: Vec<_> =
        certificates.into_iter().map(|value| vec![("client-cert", value)]).collect();
    refused.push(vec![("client-cert", good.clone()), ("client-cert", good.clone())]);
    refused.push(vec![("client-cert-chain", good.clone())]);
    for chain in ["x".to_owned(), format!("({good})"), [good.as_str(); 10].join(",")] {
        refused.push(vec![("client-cert", good.clone()), ("client-cert-chain", chain)]);
    }
    let chain = ("client-cert-chain", good.clone());
    refused.push(vec![("client-cert", good.clone()), chain.clone(), chain]);
    for fields in refused {
        let (status, body) = setting.proxied(&fields).await;
        let what: Vec<_> =
            fields.iter().map(|(name, value)| format!("{name}: {value:.40}")).collect();
        assert_eq!((status, body["error"].as_str()), (400, Some("invalid_request")), "{what:?}");
    }
    assert_eq!(setting.proxied(&[("client-cert", good)]).await.0, 200);
}

/// CONF-12: the whole server, as `countersign serve` starts it.
#[tokio::test]
async fn a_server_with_mutual_tls_says_where_and_answers_there() {
    let running = Running::with_mutual_tls().await;
    let metadata = "/.well-known/oauth-authorization-server";
    let document = get(running.client(), format!("{}{metadata}", running.public_url())).await;
    let aliases = document["mtls_endpoint_aliases"].as_object().unwrap();
    assert_eq!(aliases["token_endpoint"], "https://mtls.localhost/token");
    for name in aliases.keys() {
        assert!(document.get(name).is_some(), "{name}");
    }
    let there = get(running.client(), format!("{}{metadata}", running.mutual_tls_url())).await;
    assert_eq!(there, document);
    let proxied = reqwest::Client::builder().no_proxy().build().unwrap();
    let there = get(&proxied, format!("{}{metadata}", running.proxied_url())).await;
    assert_eq!(there, document);
    let without = Running::new().await;
    let document = get(without.client(), format!("{}{metadata}", without.public_url())).await;
    assert!(document.get("mtls_endpoint_aliases").is_none());
}

async fn get(client: &reqwest::Client, url: String) -> Value {
    client.get(url).send().await.unwrap().json().await.unwrap()
}
