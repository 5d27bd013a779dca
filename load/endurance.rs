//! Whether a registration costs more after many: so many in a row, each of other software with a
//! statement of its own, signed before the clock starts.

use std::time::Duration;

use crate::Options;
use crate::drive::Run;
use crate::floor;
use crate::house::House;
use crate::report::{Growth, Phase};

/// How many registrations are looked at together.
const STEP: usize = 1000;

/// Registers `count` software products and shows each [`STEP`] of them.
pub(crate) async fn measure(options: &Options, pinned: bool, count: usize) {
    let house = House::open(&options.program, pinned, options.database.clone()).await;
    let floor = floor::registration(options.phase);
    let target = house.target();
    let run = Run { server: &house.server, target: &target, connections: options.connections };
    let hello = run.repeat(&[crate::client::get("/hello")], options.phase).await;
    println!("signing {count} statements and requests …");
    let requests = house.registrations("endurance", count);
    let mut report = Growth::new(options.database.is_some(), floor);
    let idle = house.server.resident_mib();
    for (number, requests) in requests.chunks(STEP).enumerate() {
        let (phase, _): (Phase, _) = run.once(requests, Duration::from_mins(2), false).await;
        let done = number * STEP + requests.len();
        let phases = vec![("hello", hello.clone()), ("registration", phase)];
        let loaded = house.server.resident_mib();
        report.size(done, phases, [idle, loaded], Duration::ZERO, None);
    }
    report.print(options.connections);
}
