//! The guarded fetcher and the key cache against a real TLS server (REG-X8, SEC-15, SEC-24).

use std::time::Duration;

use countersign::remote::FetchRules;
use countersign::remote::Fetcher;
use countersign::remote::KeySource;
use countersign::remote::LARGEST_DOCUMENT;
use countersign::remote::RemoteError;
use countersign::types::HttpsUri;
use countersign::types::Timestamp;

use crate::support::tls_server::Reply;
use crate::support::tls_server::TlsServer;

const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const OTHER_KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"two",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fn rules() -> FetchRules {
    FetchRules { allowed_hosts: vec!["localhost".to_owned()], allow_loopback: true }
}

fn uri(text: &str) -> HttpsUri {
    HttpsUri::parse(text).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::parse("2026-11-22").unwrap().plus(seconds)
}

async fn fetched(reply: Reply) -> Result<serde_json::Value, RemoteError> {
    let server = TlsServer::start(reply).await;
    let fetcher = Fetcher::new(Some(&server.certificate)).unwrap();
    fetcher.json(&uri(&server.uri("/jwks")), &rules()).await
}

/// A server that offers [`KEYS`], a source that trusts it, and the address.
async fn offered() -> (TlsServer, KeySource, HttpsUri) {
    let server = TlsServer::start(Reply::json(KEYS)).await;
    let source = KeySource::new(Fetcher::new(Some(&server.certificate)).unwrap());
    let address = uri(&server.uri("/jwks"));
    (server, source, address)
}

#[tokio::test]
async fn a_small_json_document_is_fetched() {
    assert_eq!(fetched(Reply::json("{\"a\":1}")).await.unwrap()["a"], 1);
    let key_set = Reply::new("200 OK", "Content-Type: application/jwk-set+json", "[]");
    assert!(fetched(key_set).await.is_ok());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = TlsServer::start(Reply::json("{}")).await;
    let header = format!("Location: {}", target.uri("/latest/meta-data"));
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"] {
        let refusal = fetched(Reply::new(status, &header, "")).await;
        assert!(matches!(refusal, Err(RemoteError::Status(300..=399))), "{refusal:?}");
    }
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn a_document_that_is_not_small_declared_json_is_refused() {
    let html = Reply::new("200 OK", "Content-Type: text/html", "{}");
    assert_eq!(fetched(html).await, Err(RemoteError::MediaType));
    let undeclared = Reply::new("200 OK", "X-Type: application/json", "{}");
    assert_eq!(fetched(undeclared).await, Err(RemoteError::MediaType));
    let absent = Reply::new("404 Not Found", "Content-Type: application/json", "{}");
    assert_eq!(fetched(absent).await, Err(RemoteError::Status(404)));
    let large = Reply::json(vec![b' '; LARGEST_DOCUMENT + 1]);
    assert_eq!(fetched(large).await, Err(RemoteError::TooLarge));
    for bad in ["", "{", "{\"keys\":[],\"keys\":[]}", "\u{feff}{}"] {
        let refusal = fetched(Reply::json(bad)).await;
        assert!(matches!(refusal, Err(RemoteError::Malformed(_))), "{bad}: {refusal:?}");
    }
}

#[tokio::test]
async fn an_endless_body_ends_at_the_limit() {
    let mut endless = Reply::json(vec![b' '; LARGEST_DOCUMENT * 4]);
    endless.head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close".to_owned();
    assert_eq!(fetched(endless).await, Err(RemoteError::TooLarge));
}

#[tokio::test]
async fn a_body_that_ends_early_is_refused() {
    let mut short = Reply::json("{}");
    short.head = short.head.replace("Content-Length: 2", "Content-Length: 9");
    assert_eq!(fetched(short).await, Err(RemoteError::Truncated));
}

#[tokio::test]
async fn a_slow_body_is_given_up_after_five_seconds() {
    let slow = Reply { delay: Duration::from_secs(30), ..Reply::json("{}") };
    let waited = tokio::time::timeout(Duration::from_secs(8), fetched(slow)).await;
    let refusal = waited.expect("it gives up by itself");
    assert!(matches!(refusal, Err(RemoteError::TimedOut(_))), "{refusal:?}");
}

#[tokio::test]
async fn a_forbidden_address_is_never_connected_to() {
    let server = TlsServer::start(Reply::json("{}")).await;
    let fetcher = Fetcher::new(Some(&server.certificate)).unwrap();
    let by_name = uri(&server.uri("/jwks"));
    let by_number = uri(&server.uri("/jwks").replace("localhost", "127.0.0.1"));
    let any_public = FetchRules { allowed_hosts: vec!["*".to_owned()], allow_loopback: false };
    for address in [&by_name, &by_number] {
        let refusal = fetcher.json(address, &any_public).await;
        assert!(matches!(refusal, Err(RemoteError::AddressRefused(_))), "{refusal:?}");
    }
    let elsewhere =
        FetchRules { allowed_hosts: vec!["a.example".to_owned()], allow_loopback: true };
    let refusal = fetcher.json(&by_name, &elsewhere).await;
    assert!(matches!(refusal, Err(RemoteError::HostNotAllowed(_))), "{refusal:?}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_certificate_from_nobody_we_know_is_refused() {
    let server = TlsServer::start(Reply::json("{}")).await;
    let other = TlsServer::start(Reply::json("{}")).await;
    let fetcher = Fetcher::new(Some(&other.certificate)).unwrap();
    let refusal = fetcher.json(&uri(&server.uri("/jwks")), &rules()).await;
    assert!(matches!(refusal, Err(RemoteError::Unreachable(_))), "{refusal:?}");
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_file_without_certificates_is_refused_at_the_start() {
    assert!(Fetcher::new(Some("")).is_err());
    assert!(Fetcher::new(Some("-----BEGIN CERTIFICATE-----\nAAAA\n")).is_err());
    assert!(Fetcher::new(None).is_ok());
}

#[tokio::test]
async fn keys_are_fetched_once_while_fresh_and_again_when_stale() {
    let (server, source, address) = offered().await;
    for seconds in [0, 1, 239] {
        let keys = source.keys(&address, &rules(), Some("one"), at(seconds)).await.unwrap();
        assert_eq!(keys.keys().len(), 1);
    }
    assert_eq!(server.requests(), 1);
    source.keys(&address, &rules(), Some("one"), at(300)).await.unwrap();
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn many_who_need_the_same_keys_fetch_them_once() {
    let (server, source, address) = offered().await;
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let (source, address) = (source.clone(), address.clone());
            tokio::spawn(async move { source.keys(&address, &rules(), None, at(0)).await })
        })
        .collect();
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn an_unknown_kid_brings_the_rotated_keys_and_no_more_than_that() {
    let (server, source, address) = offered().await;
    source.keys(&address, &rules(), Some("one"), at(0)).await.unwrap();
    server.answer_with(Reply::json(OTHER_KEYS));
    let keys = source.keys(&address, &rules(), Some("two"), at(20)).await.unwrap();
    assert!(keys.find("two").is_some());
    for guess in ["three", "four", "five"] {
        source.keys(&address, &rules(), Some(guess), at(21)).await.unwrap();
    }
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn known_keys_serve_for_an_hour_while_their_owner_fails() {
    let (server, source, address) = offered().await;
    source.keys(&address, &rules(), Some("one"), at(0)).await.unwrap();
    server.answer_with(Reply::new("500 Oh No", "Content-Type: application/json", "{}"));
    assert!(source.keys(&address, &rules(), Some("one"), at(3_599)).await.is_ok());
    let refusal = source.keys(&address, &rules(), Some("one"), at(3_620)).await;
    assert_eq!(refusal.map(|_| ()), Err(RemoteError::Status(500)));
}

#[tokio::test]
async fn a_failure_is_believed_for_a_moment() {
    let (server, source, address) = offered().await;
    server.answer_with(Reply::json("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"));
    for seconds in [0, 5, 9] {
        assert!(source.keys(&address, &rules(), None, at(seconds)).await.is_err());
    }
    assert_eq!(server.requests(), 1);
    server.answer_with(Reply::json(KEYS));
    assert!(source.keys(&address, &rules(), None, at(10)).await.is_ok());
}

#[tokio::test]
async fn cached_keys_are_not_for_those_whose_rules_forbid_the_host() {
    let (_server, source, address) = offered().await;
    source.keys(&address, &rules(), None, at(0)).await.unwrap();
    let refusal = source.keys(&address, &FetchRules::default(), None, at(1)).await;
    assert!(matches!(refusal, Err(RemoteError::HostNotAllowed(_))));
}

#[tokio::test]
async fn keys_that_have_not_changed_are_not_sent_again() {
    let mut first = Reply::json(KEYS);
    first.head += "\r\nETag: \"v1\"\r\nLast-Modified: Sun, 22 Nov 2026 00:00:00 GMT";
    let server = TlsServer::start(first).await;
    let source = KeySource::new(Fetcher::new(Some(&server.certificate)).unwrap());
    let address = uri(&server.uri("/jwks"));
    source.keys(&address, &rules(), None, at(0)).await.unwrap();
    assert!(!server.last_request().to_ascii_lowercase().contains("if-"));
    server.answer_with(Reply::new("304 Not Modified", "Cache-Control: max-age=600", ""));
    for seconds in [300, 700] {
        let keys = source.keys(&address, &rules(), Some("one"), at(seconds)).await.unwrap();
        assert_eq!(keys.keys().len(), 1);
        let request = server.last_request().to_ascii_lowercase();
        assert!(request.contains("if-none-match: \"v1\""), "{request}");
        assert!(request.contains("if-modified-since: sun, 22 nov 2026"), "{request}");
    }
    assert_eq!(server.requests(), 2, "the 304 made them fresh for ten minutes");
}

#[tokio::test]
async fn a_304_that_nobody_asked_for_is_refused() {
    let unasked = Reply::new("304 Not Modified", "ETag: \"v1\"", "");
    assert_eq!(fetched(unasked).await, Err(RemoteError::Status(304)));
}

#[tokio::test]
async fn an_owner_says_how_long_its_keys_are_fresh_within_our_bounds() {
    for (declared, still, no_longer) in
        [("max-age=1", 47, 60), ("max-age=100", 79, 100), ("max-age=31536000", 719, 900)]
    {
        let mut reply = Reply::json(KEYS);
        reply.head = format!("{}\r\nCache-Control: {declared}", reply.head);
        let server = TlsServer::start(reply).await;
        let source = KeySource::new(Fetcher::new(Some(&server.certificate)).unwrap());
        let address = uri(&server.uri("/jwks"));
        for (seconds, requests) in [(0, 1), (still, 1), (no_longer, 2)] {
            source.keys(&address, &rules(), None, at(seconds)).await.unwrap();
            assert_eq!(server.requests(), requests, "{declared} after {seconds}");
        }
    }
}

#[tokio::test]
async fn keys_are_brought_again_before_they_are_stale_and_nobody_waits_for_it() {
    let (server, source, address) = offered().await;
    source.keys(&address, &rules(), None, at(0)).await.unwrap();
    let slow = Reply { delay: Duration::from_millis(300), ..Reply::json(OTHER_KEYS) };
    server.answer_with(slow);
    for _ in 0..5 {
        let keys = source.keys(&address, &rules(), None, at(250)).await.unwrap();
        assert!(keys.find("one").is_some(), "what is there serves meanwhile");
    }
    tokio::time::timeout(Duration::from_secs(5), async {
        while source.keys(&address, &rules(), None, at(250)).await.unwrap().find("two").is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the rotated keys come without anybody asking for them");
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_flood_of_unknown_kids_asks_three_times_and_then_once_a_minute_reg_l6() {
    let (server, source, address) = offered().await;
    source.keys(&address, &rules(), None, at(0)).await.unwrap();
    for seconds in 0..60 {
        let wanted = format!("stranger-{seconds}");
        source.keys(&address, &rules(), Some(&wanted), at(seconds)).await.unwrap();
    }
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn one_slow_host_does_not_take_every_place() {
    let server = TlsServer::start(Reply::json("{}")).await;
    server.answer_with(Reply { delay: Duration::from_secs(4), ..Reply::json("{}") });
    let fetcher = Fetcher::new(Some(&server.certificate)).unwrap();
    let rules = FetchRules { allowed_hosts: vec!["*".to_owned()], allow_loopback: true };
    let slow: Vec<_> = (0..8)
        .map(|number| {
            let (fetcher, rules) = (fetcher.clone(), rules.clone());
            let address = uri(&server.uri(&format!("/{number}")));
            tokio::spawn(async move { fetcher.json(&address, &rules).await })
        })
        .collect();
    while server.requests() < 8 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ninth = fetcher.json(&uri(&server.uri("/9")), &rules).await;
    assert_eq!(ninth, Err(RemoteError::Busy));
    // Nobody listens at another host; what matters is that it is tried.
    let other = fetcher.json(&uri("https://127.0.0.1:1/"), &rules).await;
    assert!(matches!(other, Err(RemoteError::Unreachable(_))), "{other:?}");
    for one in slow {
        assert!(one.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn a_document_is_fetched_by_the_same_rules_and_not_kept() {
    let (server, source, address) = offered().await;
    for _ in 0..2 {
        let document = source.fetch_document(&address, &rules()).await.unwrap();
        assert!(document["keys"].is_array());
    }
    assert_eq!(server.requests(), 2);
    let refusal = source.fetch_document(&address, &FetchRules::default()).await;
    assert!(matches!(refusal, Err(RemoteError::HostNotAllowed(_))));
}
