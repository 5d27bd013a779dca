//! The server under test: a child process on free loopback ports, on a core of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// The child, its folder, and what `demo.json` says of it.
pub(crate) struct Server {
    program: String,
    pinned: bool,
    database: Option<String>,
    child: Option<Child>,
    directory: tempfile::TempDir,
    /// The contents of `demo.json`.
    pub(crate) demo: Value,
}

impl Server {
    /// Starts `countersign demo` and waits until its walk is over.
    pub(crate) fn start(program: &str, pinned: bool) -> Self {
        let mut server = Self::new(program, pinned, None);
        let words = ["demo", "--quiet", "--hello", "--workers", "1"];
        server.child = Some(server.spawn(&words, true));
        server.wait(|server, log| {
            assert!(server.is_running(), "the server stopped:\n{log}");
            log.contains("Ctrl-C")
        });
        server.read_demo();
        server
    }

    /// Walks the demo once, for its keys and settings; nothing runs when this returns.
    pub(crate) fn prepare(program: &str, pinned: bool, database: Option<String>) -> Self {
        let mut server = Self::new(program, pinned, database);
        server.child = Some(server.spawn(&["demo", "--quiet", "--hello", "--once"], true));
        server.wait(|server, _| !server.is_running());
        server.child = None;
        server.read_demo();
        server
    }

    /// Starts `countersign serve` with those settings and waits until it answers; how long that took.
    pub(crate) fn serve(&mut self) -> Duration {
        let config = self.config().display().to_string();
        let start = Instant::now();
        self.child = Some(self.spawn(&["serve", "--config", &config], false));
        self.wait_for("/issuer");
        let started = start.elapsed();
        self.wait_for("/operator/url");
        started
    }

    fn wait_for(&mut self, pointer: &str) {
        let address = url::Url::parse(self.text(pointer)).expect("a URL");
        let address = ("127.0.0.1", address.port().expect("a port"));
        self.wait(|server, log| {
            assert!(server.is_running(), "the server stopped:\n{log}");
            std::net::TcpStream::connect(address).is_ok()
        });
    }

    /// Stops it, its folder stays.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // `taskset` has become the server itself, so the child's id is the server's.
            let _killed = child.kill();
            let _reaped = child.wait();
        }
    }

    fn new(program: &str, pinned: bool, database: Option<String>) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let program = program.to_owned();
        Self { program, pinned, database, child: None, directory, demo: Value::Null }
    }

    fn spawn(&self, words: &[&str], is_demo: bool) -> Child {
        let mut command = if self.pinned {
            let mut command = Command::new("taskset");
            command.args(["-c", "0", &self.program]);
            command
        } else {
            Command::new(&self.program)
        };
        command.args(words);
        if is_demo {
            command.arg("--data").arg(self.folder());
            for port in ["--port", "--operator-port", "--directory-port", "--resource-port"] {
                command.args([port, "0"]);
            }
        } else {
            command.envs(self.environment());
        }
        let log = std::fs::File::create(self.file("server.log")).expect("a log file");
        command.stdin(Stdio::null()).stderr(log.try_clone().expect("the log")).stdout(log);
        command.spawn().expect("the server starts")
    }

    /// What stands before the settings file.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![("COUNTERSIGN__SERVER__WORKERS", "1".to_owned())];
        let database = self.database.clone().map(|url| ("COUNTERSIGN__DATABASE__URL", url));
        variables.extend(database);
        variables
    }

    /// Where the server keeps everything.
    pub(crate) fn folder(&self) -> &Path {
        self.directory.path()
    }

    /// The address of its database.
    pub(crate) fn database(&self) -> String {
        let file = || format!("sqlite:{}", self.file("countersign.sqlite").display());
        self.database.clone().unwrap_or_else(file)
    }

    /// Its settings file.
    pub(crate) fn config(&self) -> PathBuf {
        self.file("countersign.toml")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    fn is_running(&mut self) -> bool {
        let child = self.child.as_mut().expect("it was started");
        child.try_wait().expect("the child can be asked").is_none()
    }

    fn wait(&mut self, mut is_over: impl FnMut(&mut Self, &str) -> bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let log = std::fs::read_to_string(self.file("server.log")).unwrap_or_default();
            if is_over(self, &log) {
                return;
            }
            assert!(Instant::now() < until, "the server is not up after a minute:\n{log}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn read_demo(&mut self) {
        let text = std::fs::read(self.file("demo.json")).expect("demo.json is there");
        self.demo = serde_json::from_slice(&text).expect("demo.json is JSON");
    }

    /// The text at `pointer` in `demo.json`.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.demo.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| {
            panic!("demo.json has no text at {pointer}");
        })
    }

    /// User and system time that the server has used, in microseconds.
    pub(crate) fn cpu_micros(&self) -> f64 {
        cpu_micros_of(&self.id())
    }

    /// Resident memory, in MiB.
    pub(crate) fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))
            .expect("the server runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        let kib: f64 = line.split_whitespace().nth(1).expect("a number").parse().expect("KiB");
        kib / 1024.0
    }

    fn id(&self) -> String {
        self.child.as_ref().expect("it runs").id().to_string()
    }
}

/// User and system time of a process, in microseconds; the kernel counts in steps of 10 000.
pub(crate) fn cpu_micros_of(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("a name").split(' ').collect();
    let ticks = |index: usize| fields[index].parse::<f64>().expect("a number of ticks");
    (ticks(11) + ticks(12)) * 10_000.0
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Moves this process to one core, so that it does not share the server's. False when the machine
/// has one core or no `taskset`.
pub(crate) fn pin_myself_to(core: usize) -> bool {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    cores > core
        && Command::new("taskset")
            .args(["-cp", &core.to_string(), &std::process::id().to_string()])
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
}
