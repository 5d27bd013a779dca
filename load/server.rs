//! The server under test: a child process on free loopback ports, on a core of its own.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The child and what `demo.json` says of it.
pub(crate) struct Server {
    child: Child,
    directory: tempfile::TempDir,
    /// The contents of `demo.json`.
    pub(crate) demo: Value,
}

impl Server {
    /// Starts `countersign demo` and waits until its walk is over.
    pub(crate) fn start(program: &str, pinned: bool) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut command = if pinned {
            let mut command = Command::new("taskset");
            command.args(["-c", "0", program]);
            command
        } else {
            Command::new(program)
        };
        command.args(["demo", "--quiet", "--hello", "--workers", "1", "--data"]);
        command.arg(directory.path());
        for port in ["--port", "--operator-port", "--directory-port", "--resource-port"] {
            command.args([port, "0"]);
        }
        let log = std::fs::File::create(directory.path().join("server.log")).expect("a log file");
        command.stdin(Stdio::null()).stderr(log.try_clone().expect("the log")).stdout(log);
        let child = command.spawn().expect("the server starts");
        let mut server = Self { child, directory, demo: Value::Null };
        server.wait();
        server
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn wait(&mut self) {
        let until = Instant::now() + Duration::from_mins(1);
        loop {
            let log = std::fs::read_to_string(self.file("server.log")).unwrap_or_default();
            let stopped = self.child.try_wait().expect("the child can be asked");
            if let Some(status) = stopped {
                panic!("the server stopped with {status}:\n{log}");
            }
            if log.contains("Ctrl-C") {
                break;
            }
            assert!(Instant::now() < until, "the server is not up after a minute:\n{log}");
            std::thread::sleep(Duration::from_millis(50));
        }
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
        cpu_micros_of(&self.child.id().to_string())
    }

    /// Resident memory, in MiB.
    pub(crate) fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("the server runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        let kib: f64 = line.split_whitespace().nth(1).expect("a number").parse().expect("KiB");
        kib / 1024.0
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
        // `taskset` has become the server itself, so the child's id is the server's.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
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
