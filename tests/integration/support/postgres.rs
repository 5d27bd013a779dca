//! A throw-away PostgreSQL: one server for all tests that run at a time, a database for each.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

use crate::support::process::{Process, eventually, free_port, program};

/// The server that tests share. The last test that lets go of it stops it.
static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A running PostgreSQL.
pub(crate) struct Postgres {
    // Declared first, so that the server ends before its folder goes.
    process: Process,
    programs: PathBuf,
    port: u16,
    _folder: TempDir,
}

impl Postgres {
    /// The server that runs already, or a new one.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Some(running);
        }
        let started = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&started);
        Some(started)
    }

    /// A server of one's own, for a test that stops it.
    pub(crate) fn start() -> Option<Self> {
        let initdb = program("initdb", &installed(), "postgresql")?;
        // Its companions stand beside it, not beside a link to it.
        let initdb = initdb.canonicalize().expect("a program has a place");
        let programs = initdb.parent().expect("a program is in a folder").to_owned();
        let folder = tempfile::tempdir().expect("a folder can be made");
        if let Some((user, group)) = unprivileged() {
            chown(folder.path(), Some(user), Some(group)).expect("root may give a folder away");
        }
        let data = folder.path().join("data");
        let made = as_its_user(&initdb)
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale"])
            .args(["--no-sync", "--pgdata"])
            .arg(&data)
            .current_dir(folder.path())
            .output()
            .expect("initdb starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let process = Process::start(
            as_its_user(&programs.join("postgres"))
                .arg("-D")
                .arg(&data)
                .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
                .args(["-c", "unix_socket_directories=", "-c", "max_connections=200"])
                .current_dir(folder.path()),
        );
        let server = Self { process, programs, port, _folder: folder };
        assert!(eventually(|| server.run("postgres", "SELECT 1").is_ok()), "PostgreSQL starts");
        Some(server)
    }

    /// Makes an empty database and returns its address.
    pub(crate) fn database(&self) -> String {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        self.run("postgres", &format!("CREATE DATABASE {name}")).expect("a database can be made");
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs a statement and returns what it prints.
    pub(crate) fn run(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = Command::new(self.programs.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-U", "postgres"])
            .args(["-p", &self.port.to_string(), "-d", database, "-c", sql])
            .output()
            .expect("psql starts");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Sends the server a signal.
    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }
}

/// Where Debian puts the versions that are installed.
fn installed() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin")).collect()
}

/// PostgreSQL refuses to run as root; then the user of its package runs it.
fn as_its_user(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = unprivileged() {
        command.uid(user).gid(group);
    }
    command
}

/// The user and group of PostgreSQL's package, if we are root.
fn unprivileged() -> Option<(u32, u32)> {
    if identity(&["-u"]) != Some(0) {
        return None;
    }
    Some((identity(&["-u", "postgres"])?, identity(&["-g", "postgres"])?))
}

fn identity(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}
