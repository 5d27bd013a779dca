//! A small TLS server with a certificate of its own, which answers what a test tells it to.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::support;

/// What the server answers.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// Status line and headers, without the empty line.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// How long it takes to begin the body.
    pub(crate) delay: Duration,
}

impl Reply {
    /// `200` with JSON.
    pub(crate) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::new("200 OK", "Content-Type: application/json", body)
    }

    /// Any status, one header and a body.
    pub(crate) fn new(status: &str, header: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let head = format!(
            "HTTP/1.1 {status}\r\n{header}\r\nContent-Length: {}\r\nConnection: close",
            body.len()
        );
        Self { head, body, delay: Duration::ZERO }
    }
}

/// A server that runs until its runtime ends.
#[derive(Debug)]
pub(crate) struct TlsServer {
    /// The certificate, which is its own authority.
    pub(crate) certificate: String,
    port: u16,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    last_request: Arc<Mutex<String>>,
    reply: Arc<Mutex<Reply>>,
}

impl TlsServer {
    /// Starts on a free port.
    pub(crate) async fn start(reply: Reply) -> Self {
        let (certificate, key) = support::self_signed();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            certificate: certificate.pem(),
            port: listener.local_addr().unwrap().port(),
            connections: Arc::default(),
            requests: Arc::default(),
            last_request: Arc::default(),
            reply: Arc::new(Mutex::new(reply)),
        };
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let connections = Arc::clone(&server.connections);
        let requests = Arc::clone(&server.requests);
        let last_request = Arc::clone(&server.last_request);
        let reply = Arc::clone(&server.reply);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, requests) = (acceptor.clone(), Arc::clone(&requests));
                let last_request = Arc::clone(&last_request);
                let reply = reply.lock().unwrap().clone();
                tokio::spawn(async move {
                    answer(acceptor, stream, requests, last_request, reply).await;
                });
            }
        });
        server
    }

    /// An address on this server.
    pub(crate) fn uri(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// Answers differently from now on.
    pub(crate) fn answer_with(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    /// How many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The head of the last request.
    pub(crate) fn last_request(&self) -> String {
        self.last_request.lock().unwrap().clone()
    }

    /// How many requests there have been.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn answer(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    requests: Arc<AtomicUsize>,
    last_request: Arc<Mutex<String>>,
    reply: Reply,
) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    *last_request.lock().unwrap() = String::from_utf8_lossy(&request).into_owned();
    requests.fetch_add(1, Ordering::SeqCst);
    // A client that has seen enough hangs up, and that is its right.
    let head = format!("{}\r\n\r\n", reply.head);
    if stream.write_all(head.as_bytes()).await.is_err() || stream.flush().await.is_err() {
        return;
    }
    tokio::time::sleep(reply.delay).await;
    if stream.write_all(&reply.body).await.is_ok() {
        stream.shutdown().await.unwrap_or_default();
    }
}
