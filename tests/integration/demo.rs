//! The first minute: `countersign demo` walks a partner from its statement to its last token, stays
//! up for others to play along, and logs no secret.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use countersign::cli::demo::exchange::{self, Body, Given, Request};
use countersign::cli::demo::file::DemoFile;
use countersign::cli::demo::partner::{Partner, Target, Wish, token_request};
use countersign::clock::Clock;
use countersign::endpoints::directory::Fault;
use countersign::protocol::client_authentication::client_assertion::JWT_BEARER;
use countersign::types::Secret;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::process::{Process, eventually, program};

const FREE_PORTS: [&str; 8] =
    ["--port", "0", "--operator-port", "0", "--directory-port", "0", "--resource-port", "0"];

fn demo(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.arg("demo").arg("--data").arg(data).args(FREE_PORTS);
    command
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_partner_goes_from_a_statement_to_an_introspected_token_and_is_stopped() {
    let data = tempfile::tempdir().unwrap();
    for run in ["first", "second"] {
        let output = demo(data.path()).arg("--once").output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let complained = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{run} run:\n{said}\n{complained}");
        for step in [
            "1. The directory signs a software statement",
            "2. The partner's software registers itself",
            "branches:read is approved",
            "accounts:read is referred: sender_constraint_required",
            "payments:initiate is refused: product_not_contracted",
            "3. The client asks for an access token",
            "4. The client calls the bank's API",
            "5. The resource server introspects the token",
            "the token is active",
            "6. The software registers again, to prove a key with each request",
            "accounts:read is approved",
            "7. It asks for a token, and proves its key",
            "the token is bound",
            "8. It calls the bank's API, and proves its key again",
            "9. A thief calls with the same token",
            "10. The operator suspends the organisation",
            "11. The same token, a moment later",
            "the token is inactive",
            "13. The client asks for another token",
            "the reason is `organisation_not_active`",
            "curl --cacert",
        ] {
            assert!(said.contains(step), "{run} run lacks `{step}`:\n{said}");
        }
        assert!(!said.contains('\u{2717}'), "{said}");
        assert!(!complained.contains("panicked"), "{complained}");
    }
    for private in
        ["demo.json", "access.token", "bound.token", "keys/operator.token", "keys/partner.jwk.json"]
    {
        assert_eq!(mode(&data.path().join(private)), 0o600, "{private}");
    }
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let data = tempfile::tempdir().unwrap();
    let output = demo(data.path()).args(["--once", "--quiet"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let (_, walk) = said.split_once("\n\n").unwrap();
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    assert!(readme.contains(walk.trim()), "the README should show:\n{walk}");
}

#[test]
fn a_port_in_use_is_named() {
    let data = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(["demo", "--once", "--data"]).arg(data.path());
    let output = command.args(["--port", &port]).args(&FREE_PORTS[2..]).output().unwrap();
    let complained = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{complained}");
    assert!(complained.contains(&port) && complained.contains("--port 0"), "{complained}");
}

/// A demo that stays up, and somebody who plays along and remembers every secret.
struct Played {
    process: Process,
    data: TempDir,
    demo: DemoFile,
    partner: Partner,
    client: reqwest::Client,
    secrets: Vec<String>,
}

impl Played {
    fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let file = |name: &str| fs::File::create(data.path().join(name)).unwrap();
        let mut command = demo(data.path());
        command.args(["--log", "trace"]);
        let streams = (Stdio::from(file("transcript")), Stdio::from(file("log")));
        let process = Process::start_with(&mut command, streams);
        let read = |name: &str| fs::read_to_string(data.path().join(name)).unwrap_or_default();
        let ready = (0..6).any(|_| eventually(|| read("transcript").contains("Ctrl-C stops it")));
        assert!(ready, "{}\n{}", read("transcript"), read("log"));
        let demo = DemoFile::read(data.path()).unwrap();
        let partner = Partner {
            software_id: demo.partner.software_id.clone(),
            key: demo.partner.key().unwrap(),
            issuer: demo.issuer.clone(),
        };
        let client = exchange::client(&demo.ca_file).unwrap();
        let registration = demo.partner.registration.clone().unwrap();
        let secrets = vec![
            registration.registration_access_token,
            demo.resource_server.client_secret.clone(),
            demo.operator.token.clone(),
            read("access.token"),
            read("keys/sealing.key"),
        ];
        Self { process, data, demo, partner, client, secrets }
    }

    async fn statement(&mut self, asked: Value) -> String {
        let request = Request::post(&self.demo.directory.statements, Body::Json(asked));
        let answer = request.send(&self.client).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.body);
        let statement = answer.body["software_statement"].as_str().unwrap().to_owned();
        self.secrets.push(statement.clone());
        statement
    }

    async fn register(&mut self, statement: &str) -> (u16, Value) {
        let scopes = self.demo.partner.scopes.clone();
        let now = Clock::System.now();
        let wish = Wish { scopes: &scopes, proving: false };
        let signed = self.partner.registration(statement, wish, now).unwrap();
        self.secrets.push(signed.clone());
        let body = Body::Signed(Given::lasting(signed));
        let request = Request::post(&self.demo.endpoints.registration, body);
        let answer = request.send(&self.client).await.unwrap();
        if let Some(token) = answer.body["registration_access_token"].as_str() {
            self.secrets.push(token.to_owned());
        }
        (answer.status, answer.body)
    }

    async fn token(&mut self, client_id: &str) -> (u16, Value) {
        let assertion = self.partner.assertion(client_id, Clock::System.now()).unwrap();
        self.secrets.push(assertion.clone());
        let url = &self.demo.endpoints.token;
        let request = token_request(url, "branches:read", Given::lasting(assertion));
        let answer = request.send(&self.client).await.unwrap();
        if let Some(token) = answer.body["access_token"].as_str() {
            self.secrets.push(token.to_owned());
        }
        (answer.status, answer.body)
    }

    async fn revoke(&mut self, client_id: &str, token: &str) -> u16 {
        let assertion = self.partner.assertion(client_id, Clock::System.now()).unwrap();
        self.secrets.push(assertion.clone());
        let url = self.demo.endpoints.token.replace("/token", "/revoke");
        let form = vec![
            ("token", Given::lasting(token)),
            ("client_assertion_type", Given::lasting(JWT_BEARER)),
            ("client_assertion", Given::lasting(assertion)),
        ];
        let request = Request::post(url, Body::Form(form));
        request.send(&self.client).await.unwrap().status
    }

    async fn step(&self, state: &str) {
        let demo = &self.demo;
        let url = format!(
            "{}/admin/v1/organisations/{}/state",
            demo.operator.url, demo.partner.organisation_id
        );
        let body = Body::Json(json!({ "state": state, "reason": "a test says so" }));
        let bearer = Given::lasting(format!("Bearer {}", demo.operator.token));
        let request = Request::post(url, body).authorized(bearer);
        assert_eq!(request.send(&self.client).await.unwrap().status, 200);
    }

    async fn call(&self, token: &str) -> u16 {
        let request =
            Request::new(Method::GET, format!("{}/branches", self.demo.resource_server.url))
                .authorized(Given::lasting(format!("Bearer {token}")));
        request.send(&self.client).await.unwrap().status
    }

    /// Uses a bound token at the bank's API, with a proof.
    async fn call_with(&self, token: &str, proof: &str) -> u16 {
        let request =
            Request::new(Method::GET, format!("{}/accounts", self.demo.resource_server.url))
                .authorized(Given::lasting(format!("DPoP {token}")))
                .proved(Given::lasting(proof));
        request.send(&self.client).await.unwrap().status
    }

    /// A proof for that use.
    fn proof(&self, path: &str, token: &str) -> String {
        let url = format!("{}{path}", self.demo.resource_server.url);
        let token = Secret::new(token);
        let target = Target { method: "GET", url: &url, token: Some(&token), nonce: None };
        self.partner.proof(target, Clock::System.now()).unwrap()
    }

    /// What the program prints when it is run beside the demo.
    fn run(&self, words: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(words)
            .arg("--data")
            .arg(self.data.path())
            .output()
            .unwrap();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {complained}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.data.path().join("log")).unwrap()
    }
}

/// The `curl` commands of a transcript.
fn commands(transcript: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut continues = false;
    for line in transcript.lines() {
        if continues && let Some(last) = commands.last_mut() {
            last.push_str(line);
            last.push('\n');
        } else if line.starts_with("   curl ") {
            commands.push(format!("{line}\n"));
        }
        continues = line.ends_with('\\') && !commands.is_empty();
    }
    commands
}

#[tokio::test]
async fn every_printed_command_can_be_repeated() {
    if program("curl", &[], "curl").is_none() {
        return;
    }
    let played = Played::start();
    played.step("active").await;
    let transcript = fs::read_to_string(played.data.path().join("transcript")).unwrap();
    let told = commands(&transcript).into_iter().map(|command| {
        let command = command.replacen("curl ", "curl -s -o /dev/null -w '%{http_code}' ", 1);
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    });
    let wanted =
        ["201", "201", "200", "200", "200", "201", "200", "200", "401", "200", "401", "200", "400"];
    assert_eq!(told.collect::<Vec<_>>(), wanted, "{transcript}");
}

/// The error that a registration with this fault is refused with, as registration.md says.
const fn error_of(fault: Fault) -> &'static str {
    match fault {
        Fault::WrongIssuer => "unapproved_software_statement",
        Fault::Expired
        | Fault::Future
        | Fault::BadSignature
        | Fault::AlgNone
        | Fault::Hs256PublicKey
        | Fault::UnknownKid
        | Fault::HugeExp
        | Fault::Oversized
        | Fault::MissingIss
        | Fault::DuplicateMember => "invalid_software_statement",
    }
}

#[tokio::test]
async fn others_can_play_along_and_the_log_holds_no_secret() {
    let mut played = Played::start();
    let first = played.demo.partner.registration.clone().unwrap().client_id;
    let (status, refusal) = played.token(&first).await;
    assert_eq!((status, &refusal["error"]), (400, &json!("unauthorized_client")));

    played.step("active").await;
    assert_eq!(
        played.call(&fs::read_to_string(played.data.path().join("access.token")).unwrap()).await,
        200
    );
    let asked = json!({ "software_id": played.partner.software_id });
    let statement = played.statement(asked).await;
    let (status, registered) = played.register(&statement).await;
    assert_eq!((status, &registered["scope"]), (201, &json!("branches:read")), "{registered}");
    let client_id = registered["client_id"].as_str().unwrap().to_owned();
    let (status, granted) = played.token(&client_id).await;
    assert_eq!(status, 200, "{granted}");
    let access_token = granted["access_token"].as_str().unwrap();
    assert_eq!(played.call(access_token).await, 200);
    assert_eq!(played.revoke(&client_id, access_token).await, 200);
    assert_eq!(played.call(access_token).await, 401);
    let (status, refusal) = played.register(&statement).await;
    assert_eq!((status, &refusal["error"]), (400, &json!("invalid_software_statement")));

    for fault in Fault::ALL {
        let asked = json!({ "software_id": played.partner.software_id, "fault": fault.name() });
        let statement = played.statement(asked).await;
        let (status, refusal) = played.register(&statement).await;
        assert_eq!(status, 400, "{}: {refusal}", fault.name());
        assert_eq!(refusal["error"], error_of(*fault), "{}: {refusal}", fault.name());
    }
    assert_eq!(played.call("no-token").await, 401);

    let by_command = played.run(&["partner", "token"]);
    assert_eq!(played.call(&by_command).await, 200);
    played.secrets.extend([by_command, played.run(&["partner", "statement"])]);

    let bound = played.run(&["partner", "token", "--dpop"]);
    let proof = played.proof("/accounts?page=2", &bound);
    assert_eq!(played.call_with(&bound, &proof).await, 200);
    assert_eq!(played.call_with(&bound, &proof).await, 401, "it serves once");
    let elsewhere = played.proof("/payments", &bound);
    assert_eq!(played.call_with(&bound, &elsewhere).await, 401);
    let of_another = played.proof("/accounts", "another token");
    assert_eq!(played.call_with(&bound, &of_another).await, 401);
    played.secrets.extend([bound, proof]);

    // A line of the log is written before its request is answered, but not before it is read.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let log = played.log();
    assert!(log.contains("answered") && log.contains("refused"), "nothing is logged:\n{log}");
    for secret in &played.secrets {
        assert!(!secret.trim().is_empty() && !log.contains(secret.trim()), "in the log: {secret}");
        // The signature of a token is as good as the token to whoever has seen its claims.
        let tail = secret.rsplit('.').next().unwrap_or_default();
        assert!(tail.len() < 20 || !log.contains(tail), "in the log: a part of {secret}");
    }
    assert!(!log.contains("panicked"), "{log}");

    played.process.signal("TERM");
    assert!(eventually(|| played.process.has_ended()), "it does not stop:\n{}", played.log());
    let transcript = fs::read_to_string(played.data.path().join("transcript")).unwrap();
    assert!(transcript.trim_end().ends_with("may finish."), "{transcript}");
}
