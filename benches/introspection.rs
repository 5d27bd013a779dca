//! What the endpoints cost without their doors, against a real SQLite: a token that was seen before,
//! one at first sight, and a token request with its durable burn.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark that fails may panic"
)]

#[expect(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "the house of the integration tests has more rooms"
)]
#[path = "../tests/integration/support/mod.rs"]
mod support;

use countersign::app::App;
use countersign::endpoints::exchange::Incoming;
use countersign::endpoints::introspection::introspect;
use countersign::endpoints::token::token;
use divan::Bencher;
use tokio::runtime::Runtime;

use crate::support::house::{House, body};

const FOR_A: &str = "grant_type=client_credentials&scope=scope:a";

fn main() {
    divan::main();
}

struct Bench {
    runtime: Runtime,
    house: House,
    app: App,
}

impl Bench {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (house, app) = runtime.block_on(async {
            let house = House::new().await;
            let app = house.node().await;
            (house, app)
        });
        Self { runtime, house, app }
    }

    /// A request about a token that no node has seen.
    fn fresh(&self) -> Incoming {
        let asked = self.house.authenticated(FOR_A);
        let answer = body(self.runtime.block_on(token(&self.app, &asked)));
        let token = answer["access_token"].as_str().unwrap();
        self.house.by_resource_server("a", &format!("token={token}"))
    }
}

#[divan::bench]
fn seen_before(bencher: Bencher<'_, '_>) {
    let bench = Bench::new();
    let asked = bench.fresh();
    bencher.bench_local(|| bench.runtime.block_on(introspect(&bench.app, &asked)).unwrap());
}

#[divan::bench(sample_count = 200, sample_size = 1)]
fn at_first_sight(bencher: Bencher<'_, '_>) {
    let bench = Bench::new();
    bencher.with_inputs(|| bench.fresh()).bench_local_values(|asked| {
        bench.runtime.block_on(introspect(&bench.app, &asked)).unwrap()
    });
}

#[divan::bench(sample_count = 200, sample_size = 1)]
fn token_request(bencher: Bencher<'_, '_>) {
    let bench = Bench::new();
    bencher
        .with_inputs(|| bench.house.authenticated(FOR_A))
        .bench_local_values(|asked| bench.runtime.block_on(token(&bench.app, &asked)).unwrap());
}
