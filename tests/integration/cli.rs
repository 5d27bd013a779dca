//! The command line: help that teaches, exit codes that scripts can tell apart, JSON and tables.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use countersign::jose::{Algorithm, SigningKey};
use serde_json::Value;

use crate::support::pki::Authority;
use crate::support::process::{Process, eventually};
use crate::support::running::Running;

/// The program, in a folder and with nothing of ours in its environment.
fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.current_dir(folder).env_clear().args(arguments);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn told(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// An operator's command against a running server.
fn operate(running: &Running, arguments: &[&str]) -> Output {
    program(&running.file(""), arguments)
        .env("COUNTERSIGN_OPERATOR_URL", running.operator_url())
        .env("COUNTERSIGN_CA_FILE", running.file("server.pem"))
        .arg("--token-file")
        .arg(running.file("anna.token"))
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    assert_eq!(code(output), 0, "{:?}", told(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_command_explains_itself() {
    let folder = tempfile::tempdir().unwrap();
    let help = run(folder.path(), &["--help"]);
    assert_eq!(code(&help), 0);
    let (text, _) = told(&help);
    let commands = text.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names: Vec<&str> = commands
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty())
        .collect();
    for expected in
        ["serve", "migrate", "keys", "org", "agreement", "product", "client", "audit", "doctor"]
    {
        assert!(names.contains(&expected), "{expected} of {names:?}");
    }
    for name in names {
        let help = run(folder.path(), &["help", name]);
        assert_eq!(code(&help), 0, "{name}");
        assert!(told(&help).0.contains("Usage: countersign"), "{name}");
    }
    assert!(text.contains("Exit codes"));
}

#[test]
fn what_is_not_understood_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    for bad in [
        &["nonsense"][..],
        &["org", "suspend", "org_a"],
        &["org", "list", "--limit", "0"],
        &["org", "list"],
        &["org", "list", "--operator-url", "http://localhost:1", "--token-file", "/dev/null"],
        &[],
    ] {
        let output = run(folder.path(), bad);
        assert_eq!(code(&output), 2, "{bad:?}: {:?}", told(&output));
        assert!(!told(&output).1.is_empty(), "{bad:?}");
    }
}

#[test]
fn a_server_that_is_not_there_ends_with_3_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path(), &["org", "list", "--operator-url", "https://127.0.0.1:1"])
        .env("COUNTERSIGN_OPERATOR_TOKEN", "hush-hush")
        .output()
        .unwrap();
    assert_eq!(code(&output), 3, "{:?}", told(&output));
    let (_, error) = told(&output);
    assert!(error.contains("cannot reach") && error.contains("what to do"), "{error}");
    assert!(!error.contains("hush-hush"), "{error}");
}

/// A command as it is typed, its words apart by single spaces.
fn typed(running: &Running, line: &str) -> Output {
    operate(running, &line.split(' ').collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_works_from_the_command_line() {
    let running = Running::new().await;
    let created = json(&typed(
        &running,
        "org create --directory-id fern --name Fern --country GB --risk-score 20 --role AISP \
         --activate",
    ));
    let org = created["id"].as_str().unwrap();
    let product = json(&typed(
        &running,
        "product create --name Accounts --audience https://api.example/a \
         --scope accounts:read=T2:300 --publish",
    ));
    assert_eq!(product["scopes"][0]["max_token_seconds"], 300);
    let product = product["id"].as_str().unwrap();
    let agreement = json(&typed(
        &running,
        &format!(
            "agreement create --org {org} --reference C-1 --product {product} \
             --environment sandbox --from 2026-01-01 --until 2030-01-01 --activate"
        ),
    ));
    assert_eq!(agreement["binds_now"], true);
    let suspended = json(&operate(&running, &["org", "suspend", org, "--reason", "a test"]));
    assert_eq!(suspended["state"], "suspended");
    let listed = json(&typed(&running, &format!("audit list --object {org} --all")));
    assert_eq!(listed["items"].as_array().unwrap().len(), 4);
    assert_eq!(listed["items"][0]["detail"]["reason"], "a test");
    let again = typed(&running, &format!("org suspend {org} --reason again"));
    assert_eq!(code(&again), 1);
    assert!(told(&again).1.contains("it may become"), "{:?}", told(&again));
    let rotated = json(&typed(&running, "keys rotate --reason test"));
    assert_eq!(rotated["items"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn resource_servers_and_secrets_are_looked_after_from_the_command_line() {
    let running = Running::new().await;
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let keys = serde_json::json!({ "keys": [key.public_jwk()] });
    std::fs::write(running.file("keys.json"), keys.to_string()).unwrap();
    let created = json(&typed(
        &running,
        "resource-server create --name a --audience urn:bank:a --auth-method private_key_jwt \
         --assertion-alg ES256 --jwks keys.json --signed-response-alg ES256",
    ));
    let expected = [
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("token_endpoint_auth_signing_alg", "ES256"),
        ("introspection_signed_response_alg", "ES256"),
    ];
    for (name, value) in expected {
        assert_eq!(created[name], value);
    }
    assert_eq!((&created["jwks"], created.get("secret")), (&keys, None));
    let id = created["id"].as_str().unwrap();
    let moved = json(&typed(
        &running,
        &format!(
            "resource-server update {id} --jwks-uri https://api.bank.example/jwks --clear jwks"
        ),
    ));
    assert_eq!(moved["jwks_uri"], "https://api.bank.example/jwks");
    assert!(moved.get("jwks").is_none());
    let none = typed(&running, &format!("resource-server rotate-secret {id} --reason x"));
    assert_eq!(code(&none), 1);
    let wrong = typed(
        &running,
        "resource-server create --name b --audience urn:bank:b --auth-method tls_client_auth \
         --subject-dn CN=a --san-dns api.bank.example --san-ip here --encrypted-response-enc x",
    );
    assert_eq!(code(&wrong), 1);
    let (_, told_wrong) = told(&wrong);
    for member in ["token_endpoint_auth_method", "san_ip", "encrypted_response_enc"] {
        assert!(told_wrong.contains(member), "{member}: {told_wrong}");
    }
    let secret = json(&typed(&running, "resource-server create --name b --audience urn:bank:b"));
    let id = secret["id"].as_str().unwrap();
    let new = json(&typed(
        &running,
        &format!("resource-server rotate-secret {id} --reason yearly --overlap 60"),
    ));
    assert_ne!(new["secret"], secret["secret"]);
    assert!(new["earlier_secret_ends_at"].is_string());
    let nobody = typed(&running, "client rotate-secret cl_nobody --reason x --overlap 60");
    assert_eq!(code(&nobody), 1);
    assert!(told(&nobody).1.contains("there is no client"), "{:?}", told(&nobody));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_for_people_and_json_for_programs() {
    let running = Running::furnished().await;
    let table = operate(&running, &["client", "list", "--output", "table"]);
    let (text, _) = told(&table);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("ID") && lines[1].starts_with("cl_a"), "{text}");
    let explained = operate(&running, &["client", "explain", "cl_a", "-o", "table"]);
    assert!(told(&explained).0.contains("scope:a: in good standing"), "{:?}", told(&explained));
    let shown = json(&operate(&running, &["client", "show", "cl_a", "-o", "json"]));
    assert_eq!(shown["id"], "cl_a");
    let nobody = operate(&running, &["client", "show", "../status"]);
    assert_eq!(code(&nobody), 1, "an identifier leads nowhere else");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_of_a_resource_server_is_printed_as_it_is_served() {
    let running = Running::new().await;
    let create = "resource-server create --name Accounts --audience https://api.bank.example/a";
    let created = json(&typed(&running, create));
    let printed = json(&typed(
        &running,
        &format!("resource-server metadata {}", created["id"].as_str().unwrap()),
    ));
    assert_eq!(printed["resource"], "https://api.bank.example/a");
    assert_eq!(printed["bearer_methods_supported"], serde_json::json!(["header"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_file_names_server_token_and_authority() {
    let running = Running::new().await;
    let demo = serde_json::json!({
        "ca_file": running.file("server.pem"),
        "operator": { "url": running.operator_url(), "token": crate::support::running::ANNA },
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/demo.json"), demo.to_string()).unwrap();
    let status = json(&run(folder.path(), &["status"]));
    assert_eq!((&status["operator"], &status["environment"]), (&"anna".into(), &"sandbox".into()));
    let elsewhere = tempfile::tempdir().unwrap();
    let file = folder.path().join("data/demo.json");
    let arguments = ["status", "--demo-file", file.to_str().unwrap()];
    assert_eq!(json(&run(elsewhere.path(), &arguments))["operator"], "anna");
}

#[test]
fn a_new_server_is_prepared_examined_served_and_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let prepared = json(&run(here, &["keys", "init", "--operator", "anna", "--role", "security"]));
    for file in ["keys/sealing.key", "keys/anna.token"] {
        let mode = std::fs::metadata(here.join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }
    let (certificate, key) = crate::support::self_signed();
    std::fs::write(here.join("keys/server.pem"), certificate.pem()).unwrap();
    std::fs::write(here.join("keys/server-key.pem"), key.serialize_pem()).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = format!(
        "[server]\nenvironment = \"sandbox\"\nlisten = \"127.0.0.1:0\"\n\
         operator_listen = \"127.0.0.1:{port}\"\n[trust]\nframeworks = \"{}/frameworks\"\n{}\n",
        env!("CARGO_MANIFEST_DIR"),
        prepared["settings"].as_str().unwrap(),
    );
    std::fs::write(here.join("countersign.toml"), settings).unwrap();
    assert_eq!(code(&run(here, &["migrate", "--check"])), 1);
    let sick = run(here, &["doctor"]);
    assert_eq!(code(&sick), 1);
    assert!(told(&sick).0.contains("chmod 600"), "{:?}", told(&sick));
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(here.join("keys/server-key.pem"), mode).unwrap();
    assert_eq!(json(&run(here, &["migrate"]))["pending"], serde_json::json!([]));
    assert_eq!(code(&run(here, &["migrate", "--check"])), 0);
    let well = json(&run(here, &["doctor"]));
    let findings = well["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["level"] != "bad"), "{well:#}");
    a_role_with_an_unknown_scope_is_told_peer_3(here);
    let url = format!("https://localhost:{port}");
    let ask = [
        "status",
        "--operator-url",
        &url,
        "--token-file",
        "keys/anna.token",
        "--ca-file",
        "keys/server.pem",
    ];
    let mut server = Process::start(&mut program(here, &["serve"]));
    assert!(eventually(|| code(&run(here, &ask)) == 0), "{:?}", told(&run(here, &ask)));
    assert_eq!(json(&run(here, &ask))["role"], "security");
    server.signal("TERM");
    assert!(eventually(|| server.has_ended()));
    assert_eq!(code(&run(here, &ask)), 3);
}

/// The misspelt scope of a role is found before a partner finds it.
fn a_role_with_an_unknown_scope_is_told_peer_3(here: &Path) {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/frameworks/directory.toml");
    let mut text = std::fs::read_to_string(shipped).unwrap();
    text.push_str("\n[roles.ceilings.AISP]\nscope = \"acounts\"\n");
    std::fs::create_dir(here.join("misspelt")).unwrap();
    std::fs::write(here.join("misspelt/directory.toml"), text).unwrap();
    let mut doctor = program(here, &["doctor"]);
    let told = json(&doctor.env("COUNTERSIGN__TRUST__FRAMEWORKS", "misspelt").output().unwrap());
    let findings = told["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["subject"] == "scopes of roles");
    let found = found.unwrap_or_else(|| panic!("{told:#}"));
    assert_eq!(found["level"], "odd");
    assert!(found["message"].as_str().unwrap().contains("`acounts`"), "{found}");
}

#[test]
fn wrong_settings_are_told_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[server]\nlisten = \"nowhere\"\n[databse]\nurl = \"x\"\n";
    std::fs::write(folder.path().join("countersign.toml"), text).unwrap();
    for command in [&["config", "check"][..], &["serve"], &["migrate"]] {
        let output = run(folder.path(), command);
        assert_eq!(code(&output), 1, "{command:?}");
        let (_, error) = told(&output);
        assert!(error.contains("server.listen") && error.contains("databse"), "{error}");
    }
    let reference = json(&run(folder.path(), &["config", "reference"]));
    assert!(reference["items"].as_array().unwrap().len() > 20);
}

#[test]
fn authorities_of_resource_servers_are_examined() {
    let folder = tempfile::tempdir().unwrap();
    let examined = |pem: &str| {
        let text = "[server]\nenvironment = \"sandbox\"\n[resource_servers]\ncertificate_authorities = \"authorities.pem\"\n";
        std::fs::write(folder.path().join("countersign.toml"), text).unwrap();
        std::fs::write(folder.path().join("authorities.pem"), pem).unwrap();
        let output = run(folder.path(), &["doctor", "--output", "json"]);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = told["findings"].as_array().unwrap();
        let of = |finding: &&Value| finding["subject"] == "resource servers";
        findings.iter().find(of).unwrap()["level"].as_str().unwrap().to_owned()
    };
    assert_eq!(examined("no certificate"), "bad");
    // Good, but nobody can show a certificate.
    assert_eq!(examined(&Authority::root("root").pem), "odd");
}
