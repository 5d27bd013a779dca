//! A server that does TLS and nothing else, in a process of its own: what a new connection costs at
//! least, with our certificate and the suites of the same library.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::server;

/// The word that makes this program such a server.
pub(crate) const WORD: &str = "--bare-tls";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// The server as its parent sees it.
pub(crate) struct Bare {
    child: Child,
    pub(crate) url: String,
}

impl Bare {
    /// Starts it with the certificate and key of these files.
    pub(crate) fn start(certificate: &str, key: &str, pinned: bool) -> Self {
        let myself = std::env::current_exe().expect("a program");
        let mut command = if pinned {
            let mut command = Command::new("taskset");
            command.args(["-c", "0"]).arg(myself);
            command
        } else {
            Command::new(myself)
        };
        command.args([WORD, certificate, key]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("its port");
        Self { child, url: format!("https://localhost:{}", line.trim()) }
    }

    /// User and system time that it has used, in microseconds.
    pub(crate) fn cpu_micros(&self) -> f64 {
        server::cpu_micros_of(&self.child.id().to_string())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Is that server, until it is stopped.
pub(crate) async fn serve(certificate: &str, key: &str) {
    let chain = CertificateDer::pem_file_iter(certificate).expect("the certificate");
    let chain = chain.collect::<Result<_, _>>().expect("certificates");
    let key = PrivateKeyDer::from_pem_file(key).expect("the key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate with its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    loop {
        let (tcp, _) = listener.accept().await.expect("a connection");
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let Ok(mut stream) = acceptor.accept(tcp).await else { return };
            let mut request = [0; 1024];
            if stream.read(&mut request).await.is_ok() {
                let _sent = stream.write_all(ANSWER).await;
                let _closed = stream.shutdown().await;
            }
        });
    }
}
