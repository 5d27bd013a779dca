//! A thin HTTP/1.1 client over TLS keep-alive: it must cost less than the server it measures.

use std::sync::Arc;

use base64::Engine as _;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where the server listens, and how to trust it.
#[derive(Clone)]
pub(crate) struct Target {
    connector: TlsConnector,
    port: u16,
}

impl Target {
    /// The host and port of `url`, trusted by the certificate authority in `ca_file`.
    pub(crate) fn new(url: &str, ca_file: &str) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca_file).expect("the CA file") {
            roots.add(certificate.expect("a certificate")).expect("a CA certificate");
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Every handshake is a whole one.
        config.resumption = rustls::client::Resumption::disabled();
        let port = url::Url::parse(url).expect("a URL").port().expect("a port");
        Self { connector: TlsConnector::from(Arc::new(config)), port }
    }

    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Connection {
        let tcp = TcpStream::connect(("127.0.0.1", self.port)).await.expect("the server listens");
        tcp.set_nodelay(true).expect("no delay");
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = self.connector.connect(name, tcp).await.expect("a TLS handshake");
        Connection { stream, buffer: Vec::with_capacity(16 * 1024) }
    }
}

/// One kept-alive connection.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

impl Connection {
    /// Sends a prepared request and reads its answer: status and body.
    pub(crate) async fn send(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).await.expect("the request is sent");
        self.stream.flush().await.expect("the request is sent");
        self.buffer.clear();
        let (head, length) = loop {
            self.read_more().await;
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break (end + 4, content_length(&self.buffer[..end]));
            }
        };
        while self.buffer.len() < head + length {
            self.read_more().await;
        }
        let status = std::str::from_utf8(&self.buffer[9..12]).expect("a status");
        (status.parse().expect("a status"), &self.buffer[head..head + length])
    }

    async fn read_more(&mut self) {
        let read = self.stream.read_buf(&mut self.buffer).await.expect("an answer");
        assert!(read > 0, "the server closed the connection");
    }
}

fn find(text: &[u8], sought: &[u8]) -> Option<usize> {
    text.windows(sought.len()).position(|window| window == sought)
}

fn content_length(head: &[u8]) -> usize {
    let head = std::str::from_utf8(head).expect("a head in ASCII").to_ascii_lowercase();
    let line = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    line.expect("a content-length").trim().parse().expect("a number")
}

/// A GET request.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

/// A POST request with a form body and, maybe, a further header line.
pub(crate) fn post(url: &str, header: &str, form: &str) -> Vec<u8> {
    post_as("application/x-www-form-urlencoded", url, header, form)
}

/// A POST request with a body of some media type.
pub(crate) fn post_as(media_type: &str, url: &str, header: &str, body: &str) -> Vec<u8> {
    let path = url::Url::parse(url).expect("a URL").path().to_owned();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\n{header}content-type: \
         {media_type}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The body of a token request with this client assertion.
pub(crate) fn client_credentials(assertion: &str) -> String {
    format!(
        "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth\
         %3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}"
    )
}

/// The question of a resource server about the token in `answer`.
pub(crate) fn introspection(url: &str, id: &str, secret: &str, answer: &[u8]) -> Vec<u8> {
    let answer: Value = serde_json::from_slice(answer).expect("a token answer");
    let token = answer["access_token"].as_str().expect("an access token");
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    post(url, &format!("authorization: Basic {basic}\r\n"), &format!("token={token}"))
}
