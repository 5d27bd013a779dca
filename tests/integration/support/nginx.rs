//! nginx in front of a service, set up as `docs/resource-servers.md` has it.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::process::{Process, eventually, free_port, program};

/// Where a document's nginx keeps its files.
const ITS_FOLDER: &str = "/etc/nginx/";

/// A running nginx.
pub(crate) struct Nginx {
    // Declared first, so that it ends before its folder goes.
    _process: Process,
    /// Where it listens.
    pub(crate) port: u16,
    folder: TempDir,
}

/// One of the documents, as it stands in the repository.
pub(crate) fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

/// The blocks of one language in a document.
pub(crate) fn blocks(document: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let blocks = document.split(&fence).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The text with other values in it. Each must be there, or the document has changed.
pub(crate) fn adapted(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "`{from}` is not in\n{text}");
        text.replace(from, to)
    })
}

impl Nginx {
    /// Starts nginx with these files, of which `nginx.conf` is the first to be read; nothing, if it is
    /// not installed.
    pub(crate) fn start(files: &[(&str, String)]) -> Option<Self> {
        let nginx = program("nginx", &["/usr/sbin".into()], "nginx-light")?;
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let own = format!("{}/", folder.path().display());
        for (name, text) in files {
            let text = text.replace(ITS_FOLDER, &own).replace("listen 443", &listening(port));
            fs::write(folder.path().join(name), with_folders(&text, &own)).unwrap();
        }
        let log = fs::File::create(folder.path().join("error.log")).unwrap();
        let mut command = Command::new(nginx);
        command.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "stderr", "-g"]);
        command.arg(format!("daemon off; master_process off; pid {own}nginx.pid;"));
        let mut process = Process::start_with(&mut command, (Stdio::null(), log.into()));
        let open =
            eventually(|| process.has_ended() || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let nginx = Self { _process: process, port, folder };
        assert!(open && TcpStream::connect(("127.0.0.1", port)).is_ok(), "{}", nginx.log());
        Some(nginx)
    }

    /// What it has written to its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap()
    }
}

fn listening(port: u16) -> String {
    format!("listen 127.0.0.1:{port}")
}

/// Where nginx may write is a matter of the distribution, and so not in the document.
fn with_folders(text: &str, own: &str) -> String {
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("    {kind}_temp_path {own}{kind};\n"))
        .concat();
    let folders = format!("http {{\n    access_log off;\n{folders}");
    text.replacen("http {\n", &folders, 1)
}
