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

mod client;
mod floor;
mod report;
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
}

fn options() -> Options {
    let mut options = Options {
        phase: Duration::from_secs(5),
        connections: 16,
        program: env!("CARGO_BIN_EXE_countersign").to_owned(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--program" {
            options.program = words.next().expect("--program PATH");
            continue;
        }
        let mut number = || words.next().and_then(|text| text.parse().ok());
        match word.as_str() {
            "--seconds" => options.phase = Duration::from_secs(number().expect("--seconds N")),
            "--connections" => {
                options.connections =
                    usize::try_from(number().expect("--connections N")).expect("a small number");
            }
            // `cargo bench` passes its own flag on.
            "--bench" => {}
            other => panic!(
                "unknown option `{other}`; there are --seconds N, --connections N, --program PATH"
            ),
        }
    }
    assert!((1..=120).contains(&options.phase.as_secs()), "--seconds lies between 1 and 120");
    assert!((1..=512).contains(&options.connections), "--connections lies between 1 and 512");
    options
}

fn main() {
    let options = options();
    let pinned = server::pin_myself_to(1);
    println!("starting the server …");
    let server = Server::start(&options.program, pinned);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut report = Report::new(&server, pinned, options.connections);
    runtime.block_on(work::measure(&server, &options, &mut report));
    report.print();
}
