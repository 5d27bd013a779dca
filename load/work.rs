//! The phases: hello-world, token requests, introspection at first sight and again, interleaved.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use countersign::jose::SigningKey;
use serde_json::{Value, json};

use crate::Options;
use crate::client::{self, Target};
use crate::floor;
use crate::report::{Phase, Report};
use crate::server::Server;

const ROUNDS: usize = 3;

/// Runs every phase [`ROUNDS`] times, in turn, so that a noisy minute hits them all.
pub(crate) async fn measure(server: &Server, options: &Options, report: &mut Report) {
    restore(server).await;
    let target = Target::new(server.text("/issuer"), server.text("/ca_file"));
    let hello: Vec<Vec<u8>> = vec![client::get("/hello")];
    let phase = options.phase;
    for round in 0..ROUNDS {
        report.floor(floor::measure(Duration::from_secs(1)));
        let run = Run { server, target: &target, connections: options.connections };
        report.phase("hello", run.repeat(&hello, phase).await);
        let assertions = assertions(server, round, phase);
        let (token_phase, answers) = run.once(&assertions, phase, true).await;
        report.phase("client_credentials", token_phase);
        let introspections: Vec<_> = answers.iter().map(|body| introspect(server, body)).collect();
        let (first, _) = run.once(&introspections, phase, false).await;
        report.phase("introspection, first sight", first);
        let known: Vec<_> = introspections.into_iter().take(500).collect();
        report.phase("introspection, seen before", run.repeat(&known, phase).await);
    }
    report.loaded(server);
}

/// The demo ends with a suspended partner; the operator lets it take part again.
async fn restore(server: &Server) {
    let operator = server.text("/operator/url");
    let organisation = server.text("/partner/organisation_id");
    let url = format!("{operator}/admin/v1/organisations/{organisation}/state");
    let header = format!("authorization: Bearer {}\r\n", server.text("/operator/token"));
    let body = r#"{"state":"active","reason":"the load test needs it"}"#;
    let request = client::post_as("application/json", &url, &header, body);
    let mut connection = Target::new(operator, server.text("/ca_file")).connect().await;
    let (status, answer) = connection.send(&request).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(answer));
}

/// Token requests with a fresh `jti` each, signed before the clock starts.
fn assertions(server: &Server, round: usize, phase: Duration) -> Vec<Vec<u8>> {
    let file = std::fs::read(server.text("/partner/private_jwk_file")).expect("the partner's key");
    let key = SigningKey::from_jwk(&serde_json::from_slice(&file).expect("a JWK")).expect("a key");
    let client_id = server.text("/partner/client_id");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    let now = now.as_secs();
    let most = phase.as_secs() * 12_000;
    (0..most)
        .map(|number| {
            let claims = json!({
                "iss": client_id, "sub": client_id, "aud": server.text("/issuer"),
                "iat": now, "exp": now + 280, "jti": format!("load-{round}-{number}"),
            });
            let assertion = key.sign("JWT", &claims).expect("an assertion");
            let body = format!(
                "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth\
                 %3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}"
            );
            client::post(server.text("/endpoints/token"), "", &body)
        })
        .collect()
}

fn introspect(server: &Server, token_answer: &[u8]) -> Vec<u8> {
    let answer: Value = serde_json::from_slice(token_answer).expect("a token answer");
    let token = answer["access_token"].as_str().expect("an access token");
    let pair = format!(
        "{}:{}",
        server.text("/resource_server/client_id"),
        server.text("/resource_server/client_secret")
    );
    let basic = base64::engine::general_purpose::STANDARD.encode(pair);
    let header = format!("authorization: Basic {basic}\r\n");
    client::post(server.text("/endpoints/introspection"), &header, &format!("token={token}"))
}

struct Run<'a> {
    server: &'a Server,
    target: &'a Target,
    connections: usize,
}

impl Run<'_> {
    /// Sends the requests again and again for `time`.
    async fn repeat(&self, requests: &[Vec<u8>], time: Duration) -> Phase {
        let (phase, _) = self.send(requests, time, usize::MAX, false).await;
        phase
    }

    /// Sends each request at most once, for `time` at the most; returns the answers when asked.
    async fn once(
        &self,
        requests: &[Vec<u8>],
        time: Duration,
        keep: bool,
    ) -> (Phase, Vec<Vec<u8>>) {
        self.send(requests, time, requests.len(), keep).await
    }

    async fn send(
        &self,
        requests: &[Vec<u8>],
        time: Duration,
        most: usize,
        keep: bool,
    ) -> (Phase, Vec<Vec<u8>>) {
        let requests: Rc<Vec<Vec<u8>>> = Rc::new(requests.to_vec());
        let shared = Rc::new(RefCell::new(Shared::default()));
        let mut connections = Vec::new();
        for _ in 0..self.connections {
            connections.push(self.target.connect().await);
        }
        let (cpu, start) = (self.server.cpu_micros(), Instant::now());
        let local = tokio::task::LocalSet::new();
        for mut connection in connections {
            let (requests, shared) = (Rc::clone(&requests), Rc::clone(&shared));
            local.spawn_local(async move {
                while start.elapsed() < time {
                    let number = shared.borrow().next;
                    if number >= most {
                        break;
                    }
                    shared.borrow_mut().next += 1;
                    let sent = Instant::now();
                    let (status, body) = connection.send(&requests[number % requests.len()]).await;
                    let shown = String::from_utf8_lossy(body);
                    assert!(status == 200 && shown != r#"{"active":false}"#, "{status} {shown}");
                    let body = keep.then(|| body.to_vec());
                    let mut shared = shared.borrow_mut();
                    shared.latencies.push(sent.elapsed().as_secs_f64() * 1e3);
                    shared.answers.extend(body);
                }
            });
        }
        local.await;
        let seconds = start.elapsed().as_secs_f64();
        let server_micros = self.server.cpu_micros() - cpu;
        let shared = shared.take();
        let phase =
            Phase { requests: shared.next, seconds, server_micros, latencies: shared.latencies };
        (phase, shared.answers)
    }
}

#[derive(Default)]
struct Shared {
    next: usize,
    latencies: Vec<f64>,
    answers: Vec<Vec<u8>>,
}
