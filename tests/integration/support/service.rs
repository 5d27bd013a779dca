//! A service behind a proxy: it answers every request, and tells which one it has seen.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\
                      Connection: close\r\n\r\n{\"told\":[]}";

/// A service that runs until its runtime ends.
pub(crate) struct Service {
    /// Where it listens.
    pub(crate) port: u16,
    seen: Arc<Mutex<Option<String>>>,
}

impl Service {
    /// Starts on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Mutex<Option<String>>>::default();
        let service = Self { port, seen: Arc::clone(&seen) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&seen)));
            }
        });
        service
    }

    /// The head of the request that it has seen since it was last asked, in lower case.
    pub(crate) fn seen(&self) -> Option<String> {
        self.seen.lock().unwrap().take()
    }
}

async fn answer(mut stream: TcpStream, seen: Arc<Mutex<Option<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    *seen.lock().unwrap() = Some(String::from_utf8_lossy(&head).to_ascii_lowercase());
    // Whoever hangs up has seen enough.
    drop(stream.write_all(ANSWER.as_bytes()).await);
}
