//! Drives the whole server over TLS keep-alive and prints what it reaches as ratios to the floor of
//! the same run (DESIGN §6, `load/README.md`).
//!
//! `cargo bench --bench load` starts `countersign demo` on free loopback ports, measures for about a
//! minute, and stops it by its process id. Options follow `--`, for example `-- --seconds 10`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measuring program may stop at the first surprise, prints, and reads the clock"
)]

mod bare;
mod client;
mod drive;
mod endurance;
mod floor;
mod growth;
mod house;
mod report;
mod seed;
mod server;
mod work;

use std::time::Duration;

use crate::report::Report;
use crate::server::Server;

/// What the command line says.
struct Options {
    /// How long each phase is measured.
    phase: Duration,
    /// How many connections are kept open.
    connections: usize,
    /// The program to measure.
    program: String,
    /// The numbers of clients to measure beside; none: the paths of one client.
    clients: Vec<usize>,
    /// How many registrations to measure in a row; none: those of the other two.
    registrations: Option<usize>,
    /// The empty PostgreSQL database to use instead of a SQLite file.
    database: Option<String>,
}

const HELP: &str = "\
options, after `--`:
  --seconds N        how long each phase lasts (5)
  --connections N    kept-alive connections (16)
  --program PATH     the program to measure (this build's)
  --clients N,N,…    measure registration, tokens and introspection beside so many clients
  --registrations N  measure so many registrations in a row, a thousand at a time
  --database URL     with either: an empty PostgreSQL database instead of a SQLite file";

fn options() -> Options {
    let mut options = Options {
        phase: Duration::from_secs(5),
        connections: 16,
        program: env!("CARGO_BIN_EXE_countersign").to_owned(),
        clients: Vec::new(),
        registrations: None,
        database: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value\n{HELP}"));
        match word.as_str() {
            "--seconds" => options.phase = Duration::from_secs(number(&value())),
            "--connections" => options.connections = number(&value()),
            "--program" => options.program = value(),
            "--clients" => options.clients = value().split(',').map(number).collect(),
            "--registrations" => options.registrations = Some(number(&value())),
            "--database" => options.database = Some(value()),
            // `cargo bench` passes its own flag on.
            "--bench" => {}
            other => panic!("unknown option `{other}`\n{HELP}"),
        }
    }
    assert!((1..=120).contains(&options.phase.as_secs()), "--seconds lies between 1 and 120");
    assert!((1..=512).contains(&options.connections), "--connections lies between 1 and 512");
    let grows = options.clients.is_sorted() && options.clients.first().is_none_or(|it| *it > 1);
    assert!(grows, "--clients rises, and starts above 1");
    options
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.trim().parse().unwrap_or_else(|_| panic!("`{text}` is not a number\n{HELP}"))
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let [_, word, certificate, key] = words.as_slice()
        && word == bare::WORD
    {
        return runtime().block_on(bare::serve(certificate, key));
    }
    let options = options();
    let pinned = server::pin_myself_to(1);
    println!("starting the server …");
    let runtime = runtime();
    if let Some(count) = options.registrations {
        return runtime.block_on(endurance::measure(&options, pinned, count));
    }
    if !options.clients.is_empty() {
        return runtime.block_on(growth::measure(&options, pinned));
    }
    let server = Server::start(&options.program, pinned);
    let mut report = Report::new(&server, pinned, options.connections);
    runtime.block_on(work::measure(&server, &options, &mut report));
    report.print();
}
