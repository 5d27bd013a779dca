//! The document at a `sector_identifier_uri`, fetched when a client registers (OpenID Connect
//! Registration 1.0 §5; REG-M15, X8).

use std::collections::BTreeMap;

use countersign::app::App;
use countersign::endpoints::registration::register;
use countersign::remote::{FetchRules, Fetcher, KeySource};
use serde_json::{Value, json};

use crate::support::partner::{Partner, Registered, Remembered, refused};
use crate::support::samples as sample;
use crate::support::tls_server::{Reply, TlsServer};

const CALLBACK: &str = "https://fern.example/cb";
const PAIRWISE: (&str, &str) = (
    "[client.defaults]",
    "[client]\nsubject_types = [\"public\", \"pairwise\"]\n\n[client.defaults]",
);

/// A node that may ask this server, for a framework that has pairwise subjects.
async fn node_asking(partner: &Partner, server: &TlsServer) -> App {
    let mut app = partner.node_with(&[PAIRWISE]).await;
    app.key_source = KeySource::new(Fetcher::new(Some(&server.certificate)).unwrap());
    let rules = FetchRules { allowed_hosts: vec!["localhost".to_owned()], allow_loopback: true };
    app.fetch_rules = BTreeMap::from([(sample::framework(), rules)]);
    app
}

fn wishes(uri: &str) -> Value {
    json!({
        "redirect_uris": [CALLBACK], "subject_type": "pairwise", "sector_identifier_uri": uri,
    })
}

#[tokio::test]
async fn a_client_registers_when_its_sector_lists_its_redirect_uris() {
    let partner = Partner::new().await;
    let server = TlsServer::start(Reply::json(json!([CALLBACK]).to_string())).await;
    let app = node_asking(&partner, &server).await;
    let request = partner.registration_with("scope:a", &wishes(&server.uri("/sector")));
    let client = Registered::of(&register(&app, &request).await.unwrap());
    assert_eq!(client.body["sector_identifier_uri"], server.uri("/sector"));
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_sector_that_lacks_a_redirect_uri_or_is_none_registers_nobody() {
    let partner = Partner::new().await;
    let server = TlsServer::start(Reply::json("[]")).await;
    let app = node_asking(&partner, &server).await;
    let before = Remembered::of(&app).await.counts();
    for document in [json!([]), json!(["https://fern.example/CB"]), json!({ "uris": [CALLBACK] })] {
        server.answer_with(Reply::json(document.to_string()));
        let request = partner.registration_with("scope:a", &wishes(&server.uri("/sector")));
        assert_eq!(refused(&app, &request).await, "invalid_client_metadata", "{document}");
    }
    let elsewhere = partner.registration_with("scope:a", &wishes("https://other.example/sector"));
    assert_eq!(refused(&app, &elsewhere).await, "invalid_client_metadata");
    assert_eq!(Remembered::of(&app).await.counts()[..3], before[..3]);
}

#[tokio::test]
async fn nothing_is_fetched_for_a_registration_that_is_wrong_already_x8() {
    let partner = Partner::new().await;
    let server = TlsServer::start(Reply::json(json!([CALLBACK]).to_string())).await;
    let app = node_asking(&partner, &server).await;
    let mut wrong = wishes(&server.uri("/sector"));
    wrong["logo_uri"] = json!("http://fern.example/logo.png");
    let request = partner.registration_with("scope:a", &wrong);
    assert_eq!(refused(&app, &request).await, "invalid_client_metadata");
    assert_eq!(server.connections(), 0);
}
