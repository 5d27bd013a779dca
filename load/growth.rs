//! Whether a request costs more where more clients are remembered: registration, token and
//! introspection beside 10³, 10⁵ and 10⁶ of them, on the engine that is asked for.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Options;
use crate::drive::Run;
use crate::floor;
use crate::house::{House, size_mib};
use crate::report::{Growth, Phase};
use crate::seed;

/// How many of the remembered clients take part in a round; the rest is there to be in the way.
const PARTAKERS: usize = 3000;
/// How many registrations a round may hold, a second.
const REGISTRATIONS: u64 = 1500;

/// Measures at every size in turn.
pub(crate) async fn measure(options: &Options, pinned: bool) {
    let mut house = House::open(&options.program, pinned, options.database.clone()).await;
    let mut report = Growth::new(options.database.is_some(), floor::registration(options.phase));
    let template = first(&house).await;
    let mut present = 1;
    for size in &options.clients {
        let start = Instant::now();
        house.server.stop();
        seed::copies(&house.server.database(), &template.client_id, present..*size);
        present = *size;
        let started = house.server.serve();
        println!(
            "{size} clients after {:.0} s; started in {started:?}",
            start.elapsed().as_secs_f64()
        );
        let idle = house.server.resident_mib();
        let phases = round(&house, options, &template, present).await;
        let loaded = house.server.resident_mib();
        let disk = options.database.is_none().then(|| size_mib(house.server.folder()));
        report.size(*size, phases, [idle, loaded], started, disk);
    }
    report.print(options.connections);
}

/// The client that the others are copies of, and whose key they share.
struct Template {
    client_id: String,
    software_id: String,
}

async fn first(house: &House) -> Template {
    let software_id = "first-registration-0".to_owned();
    let mut connection = house.target().connect().await;
    let (status, answer) = connection.send(&house.registrations("first-registration", 1)[0]).await;
    assert_eq!(status, 201, "{}", String::from_utf8_lossy(answer));
    let answer: Value = serde_json::from_slice(answer).expect("JSON");
    Template { client_id: answer["client_id"].as_str().expect("a text").to_owned(), software_id }
}

async fn round(
    house: &House,
    options: &Options,
    template: &Template,
    present: usize,
) -> Vec<(&'static str, Phase)> {
    let target = house.target();
    let run = Run { server: &house.server, target: &target, connections: options.connections };
    let phase = options.phase;
    let whole = Duration::from_mins(2);
    let hello = run.repeat(&[crate::client::get("/hello")], phase).await;
    let count = usize::try_from(phase.as_secs() * REGISTRATIONS).expect("a small number");
    let registrations = house.registrations(&format!("at-{present}"), count);
    let (registration, _) = run.once(&registrations, phase, false).await;
    let clients = partakers(template, present);
    let tokens = |round: &str| {
        house.token_requests(&format!("{round}-{present}"), &template.software_id, &clients)
    };
    let (cold, _) = run.once(&tokens("cold"), whole, false).await;
    let (warm, answers) = run.once(&tokens("warm"), whole, true).await;
    let questions: Vec<_> = answers.iter().map(|answer| house.introspection(answer)).collect();
    let (introspection, _) = run.once(&questions, whole, false).await;
    vec![
        ("hello", hello),
        ("registration", registration),
        ("client_credentials, client not in memory", cold),
        ("client_credentials, client in memory", warm),
        ("introspection, first sight", introspection),
    ]
}

/// Clients spread evenly over all that are remembered.
fn partakers(template: &Template, present: usize) -> Vec<String> {
    let count = PARTAKERS.min(present - 1);
    let step = (present - 1) / count;
    (0..count).map(|number| seed::name(&template.client_id, 1 + number * step)).collect()
}
