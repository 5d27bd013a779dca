//! A framework that asks its directory how organisations and software stand (REG-S10, S21, L3, L4, G6).

use countersign::app::App;
use countersign::cli::development_keys::DevelopmentKeys;
use countersign::cli::directory::desk;
use countersign::cli::folders::Folders;
use countersign::cli::servers::Servers;
use countersign::clock::Clock;
use countersign::endpoints::Failure;
use countersign::endpoints::introspection::introspect;
use countersign::endpoints::registration::directory_standing::{every_seconds, look_after};
use countersign::endpoints::registration::{plan, register};
use countersign::endpoints::token::token;
use countersign::governance::audit::AuditAction;
use countersign::http::directory::routes;
use countersign::partners::SoftwareProductState;
use countersign::remote::{Fetcher, KeySource, StatusSource};
use reqwest::{Certificate, Client, Method};
use rustls::crypto::aws_lc_rs;
use serde_json::{Value, json};

use crate::support::house::{body, change, refusal};
use crate::support::partner::{Partner, Registered, Remembered, SOFTWARE, extend_agreement};
use crate::support::tls_server::{Reply, TlsServer};

const REFRESH: i64 = 60;
const CLOSED: i64 = 300;

/// The framework's table, for a list of software at this address.
fn table(uri: &str, on_outage: &str, more: &str) -> String {
    format!(
        "[status_directory]\nrefresh_seconds = {REFRESH}\non_outage = \"{on_outage}\"\n\
         fail_closed_after_seconds = {CLOSED}\nallow_loopback = true\n\
         [status_directory.software]\nuri = \"{uri}\"\nlist = \"/software\"\n\
         id = \"software_id\"\nstatus = \"status\"\nactive = [\"Active\"]\n{more}\n[client_keys]"
    )
}

/// A node that asks there.
async fn node(partner: &Partner, authority: &str, table: &str) -> App {
    let directory = ("status_source = \"statement\"", "status_source = \"directory\"");
    let mut app = partner.node_with(&[directory, ("[client_keys]", table)]).await;
    app.settings.trust.allow_loopback = true;
    app.key_source = KeySource::new(Fetcher::new(Some(authority)).unwrap());
    app.status_source = StatusSource::new(app.key_source.fetcher());
    extend_agreement(&app, "a").await;
    app
}

/// The software with this status, as a list.
fn listed(status: &str) -> Reply {
    Reply::json(json!({ "software": [{ "software_id": SOFTWARE, "status": status }] }).to_string())
}

fn down() -> Reply {
    Reply::new("500 Internal Server Error", "Content-Type: text/plain", "")
}

/// A stub of a directory, and a node that asks it.
async fn scene(partner: &Partner, on_outage: &str) -> (TlsServer, App) {
    let server = TlsServer::start(listed("Active")).await;
    let table = table(&server.uri("/statuses"), on_outage, "");
    let app = node(partner, &server.certificate, &table).await;
    (server, app)
}

/// How the software that registered stands here.
async fn state(app: &App, client: &Registered) -> SoftwareProductState {
    let id = Remembered::of(app).await.client(&client.id).software_product_id.clone();
    let found = app.database.read(move |reader| reader.software_product(&id)).await;
    found.unwrap().unwrap().state
}

async fn access_token(partner: &Partner, app: &App, client: &Registered) -> String {
    let answer = body(token(app, &partner.token_request(&client.id, "scope:a")).await);
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn is_active(partner: &Partner, app: &App, token: &str) -> bool {
    let asked = partner.house.by_resource_server("a", &format!("token={token}"));
    body(introspect(app, &asked).await)["active"] == true
}

async fn passes(partner: &Partner, app: &App, seconds: i64) {
    partner.house.clock.advance(seconds);
    look_after(app, partner.house.clock.now()).await.unwrap();
}

#[tokio::test]
async fn whom_the_directory_holds_active_registers_and_nobody_else_reg_s10() {
    let partner = Partner::new().await;
    let (server, app) = scene(&partner, "refuse").await;
    partner.registered(&app, "scope:a").await;
    partner.registered(&app, "scope:a").await;
    assert_eq!(server.requests(), 1, "what is known is not asked again");
    let before = Remembered::of(&app).await.counts();
    for (reply, words) in
        [(listed("Suspended"), "`Suspended`"), (Reply::json("{\"software\": []}"), "does not name")]
    {
        server.answer_with(reply);
        partner.house.clock.advance(REFRESH);
        let refused = refusal(register(&app, &partner.registration("scope:a")).await);
        assert_eq!(refused.code.as_str(), "unapproved_software_statement");
        assert!(refused.description.contains(words), "{}", refused.description);
        assert_eq!(refused.members["reasons"][0]["code"], "software_product_not_active");
        let planned = refusal(plan(&app, &partner.registration("scope:a")).await);
        assert_eq!(planned.code.as_str(), "unapproved_software_statement");
    }
    assert_eq!(Remembered::of(&app).await.counts()[..4], before[..4]);
    // Whoever proves nothing makes nobody ask.
    partner.house.clock.advance(REFRESH);
    let (asked, thief) = (server.requests(), Partner::new().await);
    assert!(register(&app, &thief.presenting(&partner.statement(), "scope:a")).await.is_err());
    assert_eq!(server.requests(), asked);
}

#[tokio::test]
async fn software_that_is_withdrawn_loses_access_within_a_refresh_and_gets_it_back_reg_s21_l4() {
    let partner = Partner::new().await;
    let (server, app) = scene(&partner, "last_known").await;
    let client = partner.registered(&app, "scope:a").await;
    let access = access_token(&partner, &app, &client).await;
    assert_eq!(every_seconds(&app), Some(60));
    passes(&partner, &app, REFRESH).await;
    assert!(is_active(&partner, &app, &access).await);
    let before = Remembered::of(&app).await;
    server.answer_with(listed("Inactive"));
    passes(&partner, &app, REFRESH).await;
    assert!(!is_active(&partner, &app, &access).await);
    assert!(token(&app, &partner.token_request(&client.id, "scope:a")).await.is_err());
    assert_eq!(state(&app, &client).await, SoftwareProductState::Withdrawn);
    let after = Remembered::of(&app).await;
    let [event] = after.since(&before)[..] else { panic!("one event is due") };
    assert_eq!(event.action, AuditAction::SoftwareProductStateChanged);
    assert!(event.detail["because"].as_str().unwrap().contains("`Inactive`"), "{event:?}");
    // Nothing more happens while nothing changes, and on another node neither.
    assert_eq!(look_after(&app, partner.house.clock.now()).await.unwrap(), 0);
    server.answer_with(listed("active"));
    passes(&partner, &app, REFRESH).await;
    assert_eq!(state(&app, &client).await, SoftwareProductState::Active);
    assert!(partner.gets_token(&app, &client.id, "scope:a").await);
}

#[tokio::test]
async fn what_the_bank_has_stopped_the_directory_does_not_start() {
    let partner = Partner::new().await;
    let (server, app) = scene(&partner, "last_known").await;
    let client = partner.registered(&app, "scope:a").await;
    let id = Remembered::of(&app).await.client(&client.id).software_product_id.clone();
    change(&app, AuditAction::SoftwareProductStateChanged, move |tx| {
        let (from, to) = (SoftwareProductState::Active, SoftwareProductState::Inactive);
        tx.change_software_product_state(&id, from, to)
    })
    .await;
    for status in ["Active", "Inactive", "Active"] {
        server.answer_with(listed(status));
        passes(&partner, &app, REFRESH).await;
        assert_eq!(state(&app, &client).await, SoftwareProductState::Inactive);
    }
}

#[tokio::test]
async fn a_silent_directory_refuses_where_the_framework_says_so_reg_l4() {
    let partner = Partner::new().await;
    let (server, app) = scene(&partner, "refuse").await;
    let client = partner.registered(&app, "scope:a").await;
    server.answer_with(down());
    partner.house.clock.advance(REFRESH);
    let answer = register(&app, &partner.registration("scope:a")).await;
    assert!(matches!(answer, Err(Failure::Broken(_))), "it is not the caller's fault");
    let asked = server.requests();
    assert!(register(&app, &partner.registration("scope:a")).await.is_err());
    assert_eq!(server.requests(), asked, "a directory that failed is left alone for a while");
    // Who has registered keeps its standing for a while.
    look_after(&app, partner.house.clock.now()).await.unwrap();
    assert_eq!(state(&app, &client).await, SoftwareProductState::Active);
    server.answer_with(listed("Active"));
    partner.house.clock.advance(15);
    partner.registered(&app, "scope:a").await;
}

#[tokio::test]
async fn what_a_silent_directory_said_last_counts_for_a_while_and_not_for_ever_reg_l4() {
    let partner = Partner::new().await;
    let (server, app) = scene(&partner, "last_known").await;
    let client = partner.registered(&app, "scope:a").await;
    for reply in [down(), Reply::json("{\"other\": []}"), Reply::json("{\"software\": [1]}")] {
        server.answer_with(reply);
        passes(&partner, &app, REFRESH).await;
        partner.registered(&app, "scope:a").await;
        assert_eq!(state(&app, &client).await, SoftwareProductState::Active);
    }
    passes(&partner, &app, CLOSED - 3 * REFRESH).await;
    assert_eq!(state(&app, &client).await, SoftwareProductState::Withdrawn);
    assert!(register(&app, &partner.registration("scope:a")).await.is_err());
    server.answer_with(listed("Active"));
    passes(&partner, &app, REFRESH).await;
    assert_eq!(state(&app, &client).await, SoftwareProductState::Active);
}

#[tokio::test]
async fn who_was_never_told_of_registers_nobody_reg_l4() {
    let partner = Partner::new().await;
    let (server, app) = scene(&partner, "last_known").await;
    server.answer_with(down());
    let answer = register(&app, &partner.registration("scope:a")).await;
    assert!(matches!(answer, Err(Failure::Broken(_))));
}

#[tokio::test]
async fn the_test_directory_says_how_its_own_stand_reg_l3() {
    let folder = tempfile::tempdir().unwrap();
    let folders = Folders::new(Some(folder.path().to_owned()));
    let keys = DevelopmentKeys::prepare(&folders.keys, Clock::System.now()).unwrap();
    let mut servers = Servers::new(&keys, Clock::System).unwrap();
    let directory = desk::open(&folders, Some("https://localhost:8445")).unwrap();
    let address = servers.start("127.0.0.1:0".parse().unwrap(), routes(directory)).unwrap();
    let url = format!("https://localhost:{}", address.port());
    let authority = std::fs::read_to_string(&keys.authority).unwrap();
    drop(aws_lc_rs::default_provider().install_default());
    let trusted = Certificate::from_pem(authority.as_bytes()).unwrap();
    let http = Client::builder().tls_certs_only([trusted]).no_proxy().build().unwrap();
    let ask = async |method: Method, path: &str, body: &Value| -> Value {
        let request = http.request(method, format!("{url}{path}")).body(body.to_string());
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    };
    let partner = Partner::new().await;
    ask(Method::POST, "/organisations", &json!({ "org_id": "dir-a", "name": "Fern" })).await;
    let software = json!({
        "org_id": "dir-a", "software_id": SOFTWARE, "jwks": { "keys": [partner.key.public_jwk()] },
    });
    ask(Method::POST, "/software", &software).await;
    let organisations = format!(
        "[status_directory.organisations]\nuri = \"{url}/statuses/organisations\"\n\
         list = \"/organisations\"\nid = \"org_id\"\nstatus = \"status\"\nactive = [\"Active\"]"
    );
    let table = table(&format!("{url}/statuses/software"), "refuse", &organisations);
    let app = node(&partner, &authority, &table).await;
    let client = partner.registered(&app, "scope:a").await;
    let access = access_token(&partner, &app, &client).await;
    for (path, status, active) in [
        (format!("/software/{SOFTWARE}"), "Inactive", false),
        (format!("/software/{SOFTWARE}"), "Active", true),
        ("/organisations/dir-a".to_owned(), "Revoked", false),
        ("/organisations/dir-a".to_owned(), "Active", true),
    ] {
        ask(Method::PATCH, &path, &json!({ "status": status })).await;
        passes(&partner, &app, REFRESH).await;
        assert_eq!(is_active(&partner, &app, &access).await, active, "{path} {status}");
        let registers = register(&app, &partner.registration("scope:a")).await.is_ok();
        assert_eq!(registers, active, "{path} {status}");
    }
    servers.stop().await;
}
