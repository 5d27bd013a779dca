//! The phases: hello-world, token requests, introspection at first sight and again, interleaved.

use std::time::Duration;

use countersign::jose::{Algorithm, SigningKey};
use serde_json::json;

use crate::Options;
use crate::bare::Bare;
use crate::client::{self, Target};
use crate::drive::Run;
use crate::floor;
use crate::report::Report;
use crate::server::Server;

const ROUNDS: usize = 3;
/// How many connections a round opens, so that ports do not run out.
const CONNECTIONS: usize = 2000;

/// Runs every phase [`ROUNDS`] times, in turn, so that a noisy minute hits them all.
pub(crate) async fn measure(server: &Server, options: &Options, report: &mut Report) {
    restore(server).await;
    let target = Target::new(server.text("/issuer"), server.text("/ca_file"));
    let hello: Vec<Vec<u8>> = vec![client::get("/hello")];
    let phase = options.phase;
    let ca = server.text("/ca_file");
    let bare = Bare::start(
        &ca.replace("ca.pem", "server.pem"),
        &ca.replace("ca.pem", "server-key.pem"),
        report.is_pinned(),
    );
    let bare_target = Target::new(&bare.url, ca);
    for round in 0..ROUNDS {
        report.floor(floor::measure(Duration::from_secs(1)));
        let run = Run { server, target: &target, connections: options.connections };
        report.phase("hello", run.repeat(&hello, phase).await);
        let assertions = assertions(server, round, phase);
        let (token_phase, answers) = run.once(&assertions, phase, true).await;
        report.phase("client_credentials", token_phase);
        let proved = proved(server, round, phase);
        let (dpop, _) = run.once(&proved, phase, false).await;
        report.phase("client_credentials with DPoP", dpop);
        let opened = run.connect(CONNECTIONS, || server.cpu_micros()).await;
        report.phase("new connection", opened);
        let run_bare = Run { target: &bare_target, ..run };
        let opened = run_bare.connect(CONNECTIONS, || bare.cpu_micros()).await;
        report.phase("new connection, bare TLS", opened);
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
    let forms = assertion_forms(server, &format!("load-{round}"), phase);
    forms.iter().map(|form| client::post(server.text("/endpoints/token"), "", form)).collect()
}

fn assertion_forms(server: &Server, name: &str, phase: Duration) -> Vec<String> {
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
                "iat": now, "exp": now + 280, "jti": format!("{name}-{number}"),
            });
            let assertion = key.sign("JWT", &claims).expect("an assertion");
            client::client_credentials(&assertion)
        })
        .collect()
}

/// The same with a proof each, of a key of its own for each round.
fn proved(server: &Server, round: usize, phase: Duration) -> Vec<Vec<u8>> {
    let key = SigningKey::generate(Algorithm::Es256).expect("a key");
    let mut jwk = key.public_jwk();
    let members = jwk.as_object_mut().expect("an object");
    members.retain(|name, _| matches!(&**name, "kty" | "crv" | "x" | "y"));
    let header = json!({ "jwk": jwk, "kid": null });
    let header = header.as_object().expect("an object");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    let token = server.text("/endpoints/token");
    let proof = |number: usize| {
        let claims = json!({
            "htm": "POST", "htu": token, "iat": now.as_secs(),
            "jti": format!("proof-{round}-{number}"),
        });
        let claims = claims.as_object().expect("an object");
        key.sign_with("dpop+jwt", header, claims).expect("a proof")
    };
    let forms = assertion_forms(server, &format!("proved-{round}"), phase);
    let requests = forms.iter().enumerate();
    requests
        .map(|(number, form)| client::post(token, &format!("dpop: {}\r\n", proof(number)), form))
        .collect()
}

fn introspect(server: &Server, answer: &[u8]) -> Vec<u8> {
    let id = server.text("/resource_server/client_id");
    let secret = server.text("/resource_server/client_secret");
    client::introspection(server.text("/endpoints/introspection"), id, secret, answer)
}
