//! The test directory: what it vouches for, good and bad, over HTTP and on the command line.

use std::process::Command;

use countersign::cli::development_keys::DevelopmentKeys;
use countersign::cli::directory::desk;
use countersign::cli::folders::Folders;
use countersign::cli::servers::Servers;
use countersign::clock::Clock;
use countersign::endpoints::directory::Fault;
use countersign::http::directory::routes;
use countersign::jose::Algorithm;
use countersign::jose::JwkSet;
use countersign::jose::SigningKey;
use countersign::jose::UnverifiedJws;
use reqwest::Certificate;
use reqwest::Client;
use reqwest::Method;
use rustls::crypto::aws_lc_rs;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

const ISSUER: &str = "https://localhost:8445";

/// A directory that is running, and somebody who asks.
struct Setting {
    servers: Servers,
    client: Client,
    url: String,
    key: SigningKey,
    _folder: TempDir,
}

impl Setting {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::new(Some(folder.path().to_owned()));
        let keys = DevelopmentKeys::prepare(&folders.keys, Clock::System.now()).unwrap();
        let mut servers = Servers::new(&keys, Clock::System).unwrap();
        let directory = desk::open(&folders, Some(ISSUER)).unwrap();
        let address = servers.start("127.0.0.1:0".parse().unwrap(), routes(directory)).unwrap();
        drop(aws_lc_rs::default_provider().install_default());
        let trusted = Certificate::from_pem(&std::fs::read(&keys.authority).unwrap()).unwrap();
        let client = Client::builder().tls_certs_only([trusted]).no_proxy().build().unwrap();
        let url = format!("https://localhost:{}", address.port());
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        Self { servers, client, url, key, _folder: folder }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> (u16, Value) {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let answer = request.header("content-type", "application/json").body(body).send().await;
        let answer = answer.unwrap();
        let status = answer.status().as_u16();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind, "application/json", "{path}");
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, "").await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask(Method::POST, path, body.to_string()).await
    }

    /// An organisation `fern` with the software `app`.
    async fn cast(&self) {
        let organisation = json!({ "org_id": "fern", "name": "Fern Finance" });
        assert_eq!(self.post("/organisations", &organisation).await.0, 201);
        let software = json!({
            "organisation": "fern",
            "software_id": "app",
            "jwks": { "keys": [self.key.public_jwk()] },
            "claims": { "software_roles": ["PISP"] },
        });
        let (status, made) = self.post("/software", &software).await;
        assert_eq!((status, &made["software_id"]), (201, &json!("app")));
        assert_eq!(made["jwks_uri"], format!("{ISSUER}/software/app/jwks"));
    }

    async fn statement(&self, asked: Value) -> String {
        let (status, issued) = self.post("/statements", &asked).await;
        assert_eq!(status, 201, "{issued}");
        issued["software_statement"].as_str().unwrap().to_owned()
    }

    /// The claims of a statement that the directory's published keys verify.
    async fn verified(&self, statement: &str) -> Option<Value> {
        let keys = JwkSet::parse(&self.get("/jwks").await.1).unwrap();
        let verified = UnverifiedJws::parse(statement).ok()?.verify(&keys, &[Algorithm::Es256]);
        verified.ok().map(|verified| Value::Object(verified.claims))
    }
}

#[tokio::test]
async fn a_statement_says_what_the_directory_knows() {
    let setting = Setting::new();
    setting.cast().await;
    let asked = json!({ "software_id": "app", "claims": { "software_client_name": "App" } });
    let claims = setting.verified(&setting.statement(asked).await).await.unwrap();
    for (name, value) in [
        ("iss", json!(ISSUER)),
        ("software_id", json!("app")),
        ("software_client_name", json!("App")),
        ("software_roles", json!(["PISP"])),
        ("software_environment", json!("sandbox")),
        ("software_jwks_uri", json!(format!("{ISSUER}/software/app/jwks"))),
        ("org_id", json!("fern")),
        ("org_name", json!("Fern Finance")),
        ("org_status", json!("Active")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
    let seconds = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!(seconds("exp") - seconds("iat"), 300);
    let (_, keys) = setting.get("/software/app/jwks").await;
    assert_eq!(keys["keys"][0]["kid"], setting.key.key_id());
    setting.servers.stop().await;
}

#[tokio::test]
async fn what_becomes_of_an_organisation_stands_in_its_next_statement() {
    let setting = Setting::new();
    setting.cast().await;
    let change = json!({ "status": "Withdrawn" }).to_string();
    let (status, changed) = setting.ask(Method::PATCH, "/organisations/fern", change).await;
    assert_eq!((status, &changed["status"]), (200, &json!("Withdrawn")));
    let statement = setting.statement(json!({ "software_id": "app" })).await;
    assert_eq!(setting.verified(&statement).await.unwrap()["org_status"], "Withdrawn");
    let (_, listed) = setting.get("/organisations").await;
    assert_eq!(listed["items"][0]["status"], "Withdrawn");
    let (_, listed) = setting.get("/organisations/fern/software").await;
    assert_eq!(listed["items"][0]["software_id"], "app");
    setting.servers.stop().await;
}

#[tokio::test]
async fn every_fault_spoils_a_statement_and_an_unknown_one_lists_them() {
    let setting = Setting::new();
    setting.cast().await;
    for fault in Fault::ALL {
        let asked = json!({ "software_id": "app", "fault": fault.name() });
        let statement = setting.statement(asked).await;
        let verifies = setting.verified(&statement).await.is_some();
        let spoils_the_signature = matches!(
            fault,
            Fault::BadSignature
                | Fault::AlgNone
                | Fault::Hs256PublicKey
                | Fault::UnknownKid
                | Fault::DuplicateMember
        );
        assert_eq!(verifies, !spoils_the_signature, "{}", fault.name());
    }
    let asked = json!({ "software_id": "app", "fault": "typo" });
    let (status, refusal) = setting.post("/statements", &asked).await;
    assert_eq!(status, 400);
    assert!(refusal["error_description"].as_str().unwrap().contains("hs256_public_key"));
    setting.servers.stop().await;
}

#[tokio::test]
async fn bad_input_is_refused_with_every_problem() {
    let setting = Setting::new();
    setting.cast().await;
    let deep = "[".repeat(100_000);
    for path in ["/organisations", "/software", "/statements"] {
        for bad in [&b""[..], b"null", b"[]", b"{", b"\xff", br#"{"a":1,"a":2}"#, deep.as_bytes()] {
            let (status, refusal) = setting.ask(Method::POST, path, bad.to_vec()).await;
            assert!((400..500).contains(&status), "{path}: {status}");
            assert!(refusal["error"].is_string() && refusal["error_description"].is_string());
        }
    }
    let private: Value = serde_json::from_str(setting.key.private_jwk().reveal()).unwrap();
    let bad =
        json!({ "org_id": 7, "software_id": "../x", "jwks": { "keys": [private] }, "hue": 1 });
    let (status, refusal) = setting.post("/software", &bad).await;
    assert_eq!((status, &refusal["error"]), (400, &json!("invalid_request")));
    let problems = refusal["problems"].as_array().unwrap();
    let at: Vec<&str> = problems.iter().map(|p| p["pointer"].as_str().unwrap()).collect();
    assert_eq!(at, ["/org_id", "/software_id", "/jwks", "/hue"]);
    let both = json!({ "org_id": "fern", "jwks": {"keys": []}, "jwks_uri": "http://x" });
    assert_eq!(setting.post("/software", &both).await.0, 400);
    setting.servers.stop().await;
}

#[tokio::test]
async fn what_is_unknown_or_taken_is_said_to_be() {
    let setting = Setting::new();
    setting.cast().await;
    let again = json!({ "org_id": "fern", "name": "Another" });
    assert_eq!(setting.post("/organisations", &again).await.0, 409);
    for path in ["/organisations/x", "/software/x", "/software/x/jwks", "/software/%00", "/x"] {
        assert_eq!(setting.get(path).await.0, 404, "{path}");
    }
    let (status, refusal) = setting.post("/statements", &json!({ "software_id": "x" })).await;
    assert_eq!((status, &refusal["error"]), (404, &json!("not_found")));
    let stranger = json!({ "org_id": "x", "jwks_uri": "https://a.example/jwks" });
    assert_eq!(setting.post("/software", &stranger).await.0, 404);
    assert_eq!(setting.ask(Method::DELETE, "/organisations/fern", "").await.0, 405);
    setting.servers.stop().await;
}

#[test]
fn the_command_line_works_on_the_directorys_own_files() {
    let folder = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.arg("directory").arg("--data").arg(folder.path()).args(words);
        let output = command.output().unwrap();
        let answer = serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default();
        (output.status.code().unwrap(), answer, String::from_utf8(output.stderr).unwrap())
    };
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let file = folder.path().join("jwks.json");
    std::fs::write(&file, json!({ "keys": [key.public_jwk()] }).to_string()).unwrap();
    assert_eq!(run(&["org", "create", "--name", "Fern", "--id", "fern"]).0, 0);
    let keys = file.to_str().unwrap();
    assert_eq!(run(&["software", "create", "--org", "fern", "--id", "app", "--jwks", keys]).0, 0);
    assert_eq!(run(&["org", "status", "fern", "Suspended"]).1["status"], "Suspended");
    let (_, issued, _) = run(&["statement", "app"]);
    let statement = issued["software_statement"].as_str().unwrap();
    let claims = UnverifiedJws::parse(statement).unwrap();
    assert_eq!(claims.unverified_claims()["org_status"], "Suspended");
    let (code, _, said) = run(&["statement", "nobody"]);
    assert!(code == 1 && said.contains("there is no software"), "{said}");
    let (code, _, said) = run(&["statement", "app", "--fault", "typo"]);
    assert!(code == 2 && said.contains("duplicate_member"), "{said}");
    assert_eq!(run(&["faults"]).1["items"].as_array().unwrap().len(), Fault::ALL.len());
}

#[test]
fn a_directory_is_for_this_machine_only() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["directory", "serve", "--listen", "0.0.0.0:0", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("loopback"), "{said}");
}
