//! A server that a test starts and that never outlives it.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Ends the server when the test process is gone, however it went: then this shell reads the end of
/// its input. A line tells it that the server has ended already.
const WATCHDOG: &str = r#"read -r _ || kill -INT "$0" 2>/dev/null"#;

/// A running server. It is stopped by its process id when this is dropped.
pub(crate) struct Process {
    child: Child,
    watchdog: Child,
}

impl Process {
    /// Starts a server.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_with(command, (Stdio::null(), Stdio::null()))
    }

    /// Starts a server; what it writes to standard output and standard error goes there.
    pub(crate) fn start_with(command: &mut Command, (out, err): (Stdio, Stdio)) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .expect("the program starts");
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, &child.id().to_string()])
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        Self { child, watchdog }
    }

    /// Sends a signal, by its short name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("sh").args(["-c", r#"kill "-$0" "$1""#, name, &id]).status();
        assert!(kill.expect("a shell starts").success(), "signal {name}");
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.signal("INT");
        }
        if !eventually(|| self.has_ended()) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
        if let Some(input) = &mut self.watchdog.stdin {
            drop(input.write_all(b"ended\n"));
        }
        drop(self.watchdog.wait());
    }
}

/// Whether something becomes true within ten seconds.
pub(crate) fn eventually(mut condition: impl FnMut() -> bool) -> bool {
    (0..500).any(|_| {
        let holds = condition();
        if !holds {
            std::thread::sleep(Duration::from_millis(20));
        }
        holds
    })
}

/// A port of the loopback interface that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// A program in one of these folders or on the search path. Without it the test says what to
/// install and is skipped; in continuous integration it fails.
pub(crate) fn program(name: &str, folders: &[PathBuf], package: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path);
    let found = folders
        .iter()
        .cloned()
        .chain(on_path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        skip(&format!("`{name}` is missing: install it with `apt-get install {package}`"));
    }
    found
}

/// Says why a test is skipped; in continuous integration it fails.
pub(crate) fn skip(advice: &str) {
    assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{advice}");
    drop(std::io::stderr().write_all(format!("skipped: {advice}\n").as_bytes()));
}
