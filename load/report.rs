//! The figures, and the ratios that DESIGN §6 asks for.

use std::time::Duration;

use crate::floor::{Floor, RegistrationFloor};
use crate::server::Server;

/// One measured phase.
#[derive(Clone)]
pub(crate) struct Phase {
    pub(crate) requests: usize,
    pub(crate) seconds: f64,
    pub(crate) server_micros: f64,
    pub(crate) latencies: Vec<f64>,
}

impl Phase {
    fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    fn cpu(&self) -> f64 {
        self.server_micros / self.requests as f64
    }

    /// Milliseconds below which this share of the answers came.
    fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a length is a small positive number"
        )]
        let index = ((sorted.len() - 1) as f64 * share) as usize;
        sorted[index]
    }
}

/// Everything measured in one run.
pub(crate) struct Report {
    pinned: bool,
    connections: usize,
    idle_mib: f64,
    loaded_mib: f64,
    floors: Vec<Floor>,
    phases: Vec<(&'static str, Phase)>,
}

impl Report {
    pub(crate) fn new(server: &Server, pinned: bool, connections: usize) -> Self {
        let idle_mib = server.resident_mib();
        Self { pinned, connections, idle_mib, loaded_mib: 0.0, floors: vec![], phases: vec![] }
    }

    pub(crate) const fn is_pinned(&self) -> bool {
        self.pinned
    }

    pub(crate) fn floor(&mut self, floor: Floor) {
        self.floors.push(floor);
    }

    pub(crate) fn phase(&mut self, name: &'static str, phase: Phase) {
        println!("{name:<34} {:>9.0} requests/s", phase.rate());
        self.phases.push((name, phase));
    }

    pub(crate) fn loaded(&mut self, server: &Server) {
        self.loaded_mib = server.resident_mib();
    }

    /// The median over the runs of one phase.
    fn median(&self, name: &str, figure: impl Fn(&Phase) -> f64) -> f64 {
        median(self.phases.iter().filter(|(n, _)| *n == name).map(|(_, p)| figure(p)).collect())
    }

    pub(crate) fn print(&self) {
        let placed = if self.pinned { "server on core 0, driver on core 1" } else { "not pinned" };
        println!("\n{} connections over TLS 1.3 keep-alive; {placed}", self.connections);
        println!("memory: {:.0} MiB idle, {:.0} MiB loaded\n", self.idle_mib, self.loaded_mib);
        println!("| path | requests/s | server CPU µs | p50 ms | p99 ms |\n|-|-|-|-|-|");
        let mut seen = Vec::new();
        for (name, _) in &self.phases {
            if !seen.contains(name) {
                seen.push(*name);
                println!(
                    "| {name} | {:.0} | {:.1} | {:.2} | {:.2} |",
                    self.median(name, Phase::rate),
                    self.median(name, Phase::cpu),
                    self.median(name, |phase| phase.quantile(0.50)),
                    self.median(name, |phase| phase.quantile(0.99)),
                );
            }
        }
        self.print_ratios();
    }

    fn print_ratios(&self) {
        let sign = median(self.floors.iter().map(|floor| floor.sign_micros).collect());
        let verify = median(self.floors.iter().map(|floor| floor.verify_micros).collect());
        let hello = self.median("hello", Phase::cpu);
        println!("\nfloor: ES256 sign {sign:.1} µs, verify {verify:.1} µs, hello {hello:.1} µs\n");
        println!("| path | floor µs | ours µs | ratio | bar |\n|-|-|-|-|-|");
        let row = |name: &str, floor: f64, bar: f64| {
            let ours = self.median(name, Phase::cpu);
            let ratio = 100.0 * floor / ours;
            let verdict = if ratio >= bar { "met" } else { "missed" };
            println!("| {name} | {floor:.1} | {ours:.1} | {ratio:.0} % | {bar:.0} % {verdict} |");
        };
        row("introspection, seen before", hello, 50.0);
        row("introspection, first sight", verify + hello, 70.0);
        row("client_credentials", verify + sign + hello, 60.0);
        row("client_credentials with DPoP", 2.0 * verify + sign + hello, 60.0);
        let bare = self.median("new connection, bare TLS", Phase::cpu);
        row("new connection", bare, 50.0);
        let bearer = self.median("client_credentials", Phase::cpu);
        let more = self.median("client_credentials with DPoP", Phase::cpu) - bearer;
        println!("\na proof costs {more:.1} µs, one more verification {verify:.1} µs");
    }
}

/// The same paths beside more and more clients.
pub(crate) struct Growth {
    is_external: bool,
    floor: RegistrationFloor,
    sizes: Vec<Size>,
}

struct Size {
    clients: usize,
    phases: Vec<(&'static str, Phase)>,
    memory_mib: [f64; 2],
    started: Duration,
    disk_mib: Option<f64>,
}

impl Growth {
    pub(crate) const fn new(is_external: bool, floor: RegistrationFloor) -> Self {
        Self { is_external, floor, sizes: Vec::new() }
    }

    pub(crate) fn size(
        &mut self,
        clients: usize,
        phases: Vec<(&'static str, Phase)>,
        memory_mib: [f64; 2],
        started: Duration,
        disk_mib: Option<f64>,
    ) {
        for (name, phase) in &phases {
            println!("{clients:>8} {name:<42} {:>8.0} requests/s", phase.rate());
        }
        self.sizes.push(Size { clients, phases, memory_mib, started, disk_mib });
    }

    pub(crate) fn print(&self, connections: usize) {
        let engine = if self.is_external { "PostgreSQL" } else { "SQLite" };
        println!("\n{connections} connections over TLS 1.3 keep-alive; {engine}\n");
        println!("| clients | path | requests | requests/s | server CPU µs | p50 ms | p99 ms |");
        println!("|-|-|-|-|-|-|-|");
        for size in &self.sizes {
            for (name, phase) in &size.phases {
                println!(
                    "| {} | {name} | {} | {:.0} | {:.1} | {:.2} | {:.2} |",
                    size.clients,
                    phase.requests,
                    phase.rate(),
                    phase.cpu(),
                    phase.quantile(0.50),
                    phase.quantile(0.99),
                );
            }
        }
        println!(
            "\n| clients | first answer ms | MiB idle | MiB loaded | MiB on disk |\n|-|-|-|-|-|"
        );
        for size in &self.sizes {
            let disk = size.disk_mib.map_or("–".to_owned(), |disk| format!("{disk:.0}"));
            let [idle, loaded] = size.memory_mib;
            let started = size.started.as_millis();
            println!("| {} | {started} | {idle:.0} | {loaded:.0} | {disk} |", size.clients);
        }
        self.print_ratios();
    }

    fn print_ratios(&self) {
        let RegistrationFloor { verify, import_and_verify, commit } = self.floor;
        println!(
            "\nfloor: PS256 verify {verify:.1} µs, import and verify \
             {import_and_verify:.1} µs, durable commit {commit:.1} µs\n"
        );
        println!("| clients | registration floor µs | ours µs | ratio | bar |\n|-|-|-|-|-|");
        for size in &self.sizes {
            let cpu = |sought: &str| {
                let found = size.phases.iter().find(|(name, _)| *name == sought);
                found.expect("it was measured").1.cpu()
            };
            let floor = verify + import_and_verify + commit + cpu("hello");
            let ratio = 100.0 * floor / cpu("registration");
            let verdict = if ratio >= 40.0 { "met" } else { "missed" };
            let ours = cpu("registration");
            println!(
                "| {} | {floor:.1} | {ours:.1} | {ratio:.0} % | 40 % {verdict} |",
                size.clients
            );
        }
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
