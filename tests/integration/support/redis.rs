//! A throw-away Redis.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use tempfile::TempDir;

use crate::support::process::{Process, eventually, free_port, program};

/// What one-time values need of a server (SEC-58).
const DURABLE: [&str; 6] =
    ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"];
/// What distributions ship.
const FORGETFUL: [&str; 4] = ["--appendonly", "no", "--maxmemory-policy", "allkeys-lru"];

/// A running Redis.
pub(crate) struct Redis {
    // Declared first, so that the server ends before its folder goes.
    process: Process,
    port: u16,
    _folder: TempDir,
}

impl Redis {
    /// A server that keeps what it acknowledges.
    pub(crate) fn durable() -> Option<Self> {
        Self::start(&DURABLE)
    }

    /// A server that may lose or evict what it acknowledges.
    pub(crate) fn forgetful() -> Option<Self> {
        Self::start(&FORGETFUL)
    }

    fn start(settings: &[&str]) -> Option<Self> {
        let server = program("redis-server", &[], "redis-server")?;
        let folder = tempfile::tempdir().expect("a folder can be made");
        let port = free_port();
        let process = Process::start(
            Command::new(server)
                .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""])
                .args(settings)
                .arg("--dir")
                .arg(folder.path()),
        );
        let redis = Self { process, port, _folder: folder };
        assert!(eventually(|| redis.run("PING").is_some_and(|answer| answer == "+PONG")));
        Some(redis)
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Runs a command that answers with one line.
    pub(crate) fn run(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
        let mut answer = [0_u8; 256];
        let length = stream.read(&mut answer).ok()?;
        Some(String::from_utf8_lossy(answer.get(..length)?).trim_end().to_owned())
    }

    /// Sends the server a signal.
    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }
}
