//! `/authorize-request`: the contract with proxies, by whoever asks.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::endpoints::Failure;
use countersign::endpoints::authorize_request::authorize_request;
use countersign::endpoints::exchange::Incoming;
use countersign::governance::audit::AuditAction;
use countersign::http::Entrance;
use countersign::jose::PublicKey;
use countersign::partners::ResourceServer;
use countersign::protocol::ErrorCode;
use countersign::protocol::client_authentication::ClientAuthenticationMethod;
use countersign::protocol::resource_server::ResourceServerMetadata;
use countersign::types::{ResourceUri, Secret};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use reqwest::Method;
use serde_json::json;

use crate::support::gateway::{Gateway, ORIGIN, Told, ask, ask_showing, certificate, credential};
use crate::support::house::{change, refusal};
use crate::support::pki::Issued;
use crate::support::samples as sample;

/// Asks in the manner of nginx about reading an account; `None` takes a field away.
async fn asked(gateway: &Gateway, query: &str, changes: &[(&str, Option<&str>)]) -> Told {
    let credential = format!("Basic {}", credential("a"));
    let usual = [
        ("proxy-authorization", credential.as_str()),
        ("x-original-method", "GET"),
        ("x-original-uri", "/accounts/1?page=2"),
    ];
    let kept = usual.into_iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    let other = changes.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    let fields: Vec<_> = kept.chain(other).collect();
    ask(gateway, Method::GET, &format!("/authorize-request{query}"), &fields).await
}

async fn gateway() -> Gateway {
    Gateway::new(Entrance::Public, "").await
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_the_proxys_fault() {
    let gateway = gateway().await;
    let bearer = format!("Bearer {}", gateway.bearer().await);
    let token = ("authorization", Some(bearer.as_str()));
    assert_eq!(asked(&gateway, "?scope=scope:a", &[token]).await.status, 200);
    let (der, pem) = (certificate("a").self_signed().der, "-----BEGIN CERTIFICATE-----%0A");
    let field = format!(":{}:", STANDARD.encode(&der));
    for (query, changes) in [
        ("?scopes=scope:a", vec![]),
        ("?scope=", vec![]),
        ("?scope=a&scope=b", vec![]),
        ("?max_age=soon", vec![]),
        ("?origin=api.example", vec![]),
        ("", vec![("x-countersign-demand", Some("scope=scope:a"))]),
        ("", vec![("x-original-method", None)]),
        ("", vec![("x-original-uri", None)]),
        ("", vec![("x-original-uri", Some("/a, /b"))]),
        ("", vec![("x-original-uri", Some("/a")), ("x-original-uri", Some("/b"))]),
        ("", vec![("client-cert", Some("x"))]),
        ("", vec![("client-cert", Some(&field)), ("client-cert", Some(&field))]),
        ("", vec![("x-client-cert-pem", Some("x"))]),
        ("", vec![("x-client-cert-pem", Some("%zz"))]),
        ("", vec![("client-cert", Some(&field)), ("x-client-cert-pem", Some(pem))]),
    ] {
        let changes: Vec<_> = changes.into_iter().chain([token]).collect();
        let told = asked(&gateway, query, &changes).await;
        assert_eq!(told.refusal(), (400, "invalid_request"), "{query} {changes:?}");
        assert_eq!(told.header("www-authenticate"), "", "{query}");
    }
}

#[tokio::test]
async fn a_proxy_must_say_who_it_is() {
    let gateway = gateway().await;
    let bearer = format!("Bearer {}", gateway.bearer().await);
    let token = ("authorization", Some(bearer.as_str()));
    let wrong = format!("Basic {}", STANDARD.encode("rs_a:wrong"));
    let (own, twice) = (credential("a"), format!("Basic {0}, Basic {0}", credential("a")));
    let as_bearer = format!("Bearer {own}");
    for shown in [None, Some(&wrong), Some(&twice), Some(&as_bearer), Some(&bearer)] {
        let changes = [("proxy-authorization", shown.map(String::as_str)), token];
        // Who is not known is not told what else is wrong.
        for query in ["", "?nonsense"] {
            let told = asked(&gateway, query, &changes).await;
            assert_eq!(told.refusal(), (407, "invalid_client"), "{shown:?}");
            assert!(told.header("proxy-authenticate").starts_with("Basic "));
            assert_eq!(told.header("www-authenticate"), "");
        }
    }
    // The client's own field proves nothing of the proxy.
    let basic = format!("Basic {own}");
    let changes = [("proxy-authorization", None), ("authorization", Some(basic.as_str()))];
    assert_eq!(asked(&gateway, "", &changes).await.status, 407);
}

const BEHIND_PROXY: &str = "[server.behind_proxy]\nlisten = \"127.0.0.1:0\"\n\
    addresses = [\"127.0.0.1\"]\nmutual_tls = true\n\
    [server.mutual_tls]\nbase_url = \"https://m.example\"";

/// The resource server of product a authenticates by this certificate.
async fn register_certificate(gateway: &Gateway, own: &Issued) {
    let key = PublicKey::from_public_key_info(own.certificate().public_key_der()).unwrap();
    let server = ResourceServer {
        metadata: ResourceServerMetadata {
            jwks: Some(json!({ "keys": [key.to_value()] })),
            ..ResourceServerMetadata::of(ClientAuthenticationMethod::SelfSignedTlsClientAuth)
        },
        ..sample::resource_server("a")
    };
    let update = AuditAction::ResourceServerUpdated;
    change(&gateway.app, update, move |tx| tx.update_resource_server(&server)).await;
}

/// RFC 8705 §2.2, by the proxy: its own certificate is not that of its client.
#[tokio::test]
async fn a_proxy_may_show_a_certificate_of_its_own() {
    let listener =
        "[server.mutual_tls]\nlisten = \"127.0.0.1:0\"\nbase_url = \"https://m.example\"";
    let gateway = Gateway::new(Entrance::MutualTls, listener).await;
    let [proxy, own] = ["proxy", "a"].map(|name| certificate(name).self_signed());
    register_certificate(&gateway, &proxy).await;
    let bearer = format!("Bearer {}", gateway.certificate_bound(&own).await);
    let of = |issued: &Issued| format!(":{}:", STANDARD.encode(&issued.der));
    let (of_client, of_proxy) = (of(&own), of(&proxy));
    let path = "/authorize-request?client_id=rs_a";
    for (shown, told, status) in [
        (Some(&proxy), Some(&of_client), 200),
        // Without a certificate of its client, the proxy's own does not stand in for it.
        (Some(&proxy), None, 401),
        (Some(&own), Some(&of_client), 407),
        (None, Some(&of_proxy), 407),
        (None, None, 407),
    ] {
        let mut fields = vec![
            ("authorization", bearer.as_str()),
            ("x-original-method", "GET"),
            ("x-original-uri", "/accounts/1"),
        ];
        fields.extend(told.map(|field| ("client-cert", field.as_str())));
        let told = ask_showing(&gateway, shown, (Method::GET, path), &fields).await;
        assert_eq!(told.status, status, "{}", told.body);
    }
}

/// Where a proxy of ours ends TLS, it speaks of whoever is in front of it.
#[tokio::test]
async fn a_certificate_that_is_told_of_proves_nothing_of_the_proxy() {
    let entrance = Entrance::BehindProxy {
        addresses: vec!["127.0.0.1/32".parse().unwrap()],
        mutual_tls: true,
    };
    let gateway = Gateway::new(entrance, BEHIND_PROXY).await;
    let own = certificate("a").self_signed();
    register_certificate(&gateway, &own).await;
    let bearer = format!("Bearer {}", gateway.certificate_bound(&own).await);
    let field = format!(":{}:", STANDARD.encode(&own.der));
    let mut fields = vec![
        ("authorization", bearer.as_str()),
        ("x-original-method", "GET"),
        ("x-original-uri", "/accounts/1"),
        ("client-cert", field.as_str()),
    ];
    let path = "/authorize-request";
    let named = format!("{path}?client_id=rs_a");
    assert_eq!(ask(&gateway, Method::GET, &named, &fields).await.status, 407);
    let basic = format!("Basic {}", credential("b"));
    fields.push(("proxy-authorization", &basic));
    assert_eq!(ask(&gateway, Method::GET, path, &fields).await.status, 401, "known, but b");
}

#[tokio::test]
async fn the_answer_is_for_this_resource_server_alone() {
    let gateway = gateway().await;
    let bearer = format!("Bearer {}", gateway.bearer().await);
    let other = format!("Basic {}", credential("b"));
    let changes =
        [("authorization", Some(bearer.as_str())), ("proxy-authorization", Some(other.as_str()))];
    let told = asked(&gateway, "", &changes).await;
    assert_eq!(told.refusal(), (401, "invalid_token"));
    assert!(told.header("www-authenticate").starts_with("Bearer realm=\"https://api.example/b\""));
}

#[tokio::test]
async fn several_tokens_or_proofs_are_none() {
    let gateway = gateway().await;
    let bearer = format!("Bearer {}", gateway.bearer().await);
    let twice = [("authorization", Some(bearer.as_str())), ("authorization", Some(&bearer))];
    assert_eq!(asked(&gateway, "", &twice).await.refusal(), (401, "invalid_token"));
    let token = gateway.dpop_bound().await;
    let scheme = format!("DPoP {token}");
    let proofs = [0, 1].map(|_| gateway.proof(&token, &format!("{ORIGIN}/accounts/1")));
    let [one, two] = proofs.each_ref().map(|proof| ("dpop", Some(proof.as_str())));
    let token = ("authorization", Some(scheme.as_str()));
    let both = asked(&gateway, "", &[token, one, two]).await;
    assert_eq!(both.refusal(), (401, "invalid_dpop_proof"));
    assert_eq!(asked(&gateway, "", &[token, one]).await.status, 200);
}

/// RFC 9440 §2.
#[tokio::test]
async fn a_proxy_may_tell_the_certificate_as_the_standard_has_it() {
    let gateway = gateway().await;
    let own = certificate("a").self_signed();
    let bearer = format!("Bearer {}", gateway.certificate_bound(&own).await);
    let token = ("authorization", Some(bearer.as_str()));
    for (der, status) in [
        (own.der.clone(), 200),
        (certificate("b").self_signed().der, 401),
        // A proxy takes these, and we do not: that is the client's choice, not a fault.
        (certificate("a\0b").self_signed().der, 401),
        (b"x".to_vec(), 401),
    ] {
        let field = format!(":{}:", STANDARD.encode(der));
        let told = asked(&gateway, "", &[token, ("client-cert", Some(&field))]).await;
        assert_eq!(told.status, status);
    }
}

#[tokio::test]
async fn proofs_are_made_for_the_host_that_the_operator_names() {
    let gateway = gateway().await;
    let token = gateway.dpop_bound().await;
    let scheme = format!("DPoP {token}");
    for (query, host, status) in [
        ("", "https://api.example", 200),
        ("?origin=https://open.bank.example", "https://open.bank.example", 200),
        ("?origin=https://open.bank.example:8443", "https://open.bank.example:8443", 200),
        ("?origin=https://open.bank.example", "https://api.example", 401),
        ("", "https://localhost", 401),
    ] {
        let proof = gateway.proof(&token, &format!("{host}/accounts/1"));
        let changes = [("authorization", Some(scheme.as_str())), ("dpop", Some(proof.as_str()))];
        assert_eq!(asked(&gateway, query, &changes).await.status, status, "{query} {host}");
    }
}

#[tokio::test]
async fn a_resource_without_an_address_needs_one_for_proofs() {
    let gateway = gateway().await;
    let server = ResourceServer {
        audience: ResourceUri::parse("urn:bank:accounts").unwrap(),
        ..sample::resource_server("c")
    };
    let insert = AuditAction::ResourceServerCreated;
    change(&gateway.app, insert, move |tx| tx.insert_resource_server(&server)).await;
    let own = format!("Basic {}", credential("c"));
    let changes = [("proxy-authorization", Some(own.as_str()))];
    assert_eq!(asked(&gateway, "", &changes).await.refusal(), (400, "invalid_request"));
    let told = asked(&gateway, "?origin=https://api.example", &changes).await;
    assert_eq!(told.status, 401);
    let challenge = "Bearer realm=\"urn:bank:accounts\", DPoP realm=\"urn:bank:accounts\", \
                     algs=\"ES256 PS256 EdDSA\"";
    assert_eq!(told.header("www-authenticate"), challenge, "it has no metadata");
}

#[tokio::test]
async fn the_feature_off_is_absent() {
    let settings = "[resource_servers]\nauthorize_requests = false";
    let gateway = Gateway::new(Entrance::Public, settings).await;
    for path in ["/authorize-request", "/authorize-request/", "/authorize-request/a/b"] {
        assert_eq!(ask(&gateway, Method::GET, path, &[]).await.refusal(), (404, "not_found"));
    }
}

#[tokio::test]
async fn without_dpop_nobody_is_told_of_proofs() {
    let gateway = Gateway::new(Entrance::Public, "[dpop]\nenabled = false").await;
    let told = asked(&gateway, "", &[]).await;
    assert_eq!(told.status, 401);
    assert!(!told.header("www-authenticate").contains("DPoP"));
}

/// SEC-57: what cannot be known does not pass.
#[tokio::test]
async fn what_may_be_out_of_date_lets_nothing_pass() {
    let gateway = gateway().await;
    let bearer = format!("Bearer {}", gateway.bearer().await);
    let token = [("authorization", Some(bearer.as_str()))];
    assert_eq!(asked(&gateway, "", &token).await.status, 200);
    let path = gateway.house.url().strip_prefix("sqlite:").unwrap();
    let mut saboteur = SqliteConnection::establish(path).unwrap();
    saboteur.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
    saboteur.batch_execute("ALTER TABLE change_sequence RENAME TO away").unwrap();
    while gateway.app.database.generation_is_fresh() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let told = asked(&gateway, "", &token).await;
    assert_eq!(told.refusal(), (503, "temporarily_unavailable"));
    assert_eq!(told.header("retry-after"), "1");
}

/// A question of the resource server of product a, as the endpoint sees it.
fn question(gateway: &Gateway, fields: &[(&'static str, &str)]) -> Incoming {
    let credential = format!("Basic {}", credential("a"));
    let usual = [
        ("proxy-authorization", credential.as_str()),
        ("x-original-method", "GET"),
        ("x-original-uri", "/accounts/1"),
    ];
    let all = usual.into_iter().chain(fields.iter().copied());
    Incoming {
        path: "/authorize-request".to_owned(),
        fields: all.map(|(name, value)| (name, Secret::new(value))).collect(),
        ..gateway.house.post("", None)
    }
}

/// SEC-6: each proof once, whichever node is asked.
#[tokio::test]
async fn a_proof_passes_once_on_any_node() {
    let gateway = gateway().await;
    let other = gateway.house.node().await;
    let token = gateway.dpop_bound().await;
    let scheme = format!("DPoP {token}");
    let proof = gateway.proof(&token, &format!("{ORIGIN}/accounts/1"));
    let question = question(&gateway, &[("authorization", &scheme), ("dpop", &proof)]);
    assert_eq!(authorize_request(&gateway.app, &question).await.unwrap().status, 200);
    for app in [&*gateway.app, &other] {
        let refused = refusal(authorize_request(app, &question).await);
        assert_eq!(refused.code, ErrorCode::InvalidSenderProof);
    }
}

/// DESIGN §7: no fault of ours, and no yes, for whatever is sent.
#[tokio::test]
async fn no_field_is_more_than_a_refusal() {
    let gateway = gateway().await;
    let bearer = format!("Bearer {}", gateway.bearer().await);
    let ours = [ErrorCode::ServerError, ErrorCode::TemporarilyUnavailable];
    let long = "x".repeat(100_000);
    let values =
        ["", " ", "\0", "\u{fffd}", "%", "=", ":", "::", "Bearer", "Basic ", "a, b", &long];
    for name in ["authorization", "dpop", "proxy-authorization", "client-cert", "x-client-cert-pem"]
    {
        for value in values {
            // Where the token suffices, other fields must not be good for more.
            let question = question(&gateway, &[("authorization", "DPoP x"), (name, value)]);
            let refused = refusal(authorize_request(&gateway.app, &question).await);
            assert!(!ours.contains(&refused.code), "{name}: {value:.20}: {refused}");
        }
    }
    for target in ["*", "x", "//", "/\u{fffd}", "/../..", "https://evil.example/", &long] {
        let fields = [("authorization", bearer.as_str()), ("x-original-uri", target)];
        let answer = authorize_request(&gateway.app, &question(&gateway, &fields)).await;
        assert_eq!(answer.unwrap().status, 200, "an unbound token is for no address: {target:.20}");
    }
    for query in ["%", "scope=%00", "&&&", "scope=\u{e9}", "max_age=99999999999999999999", &long] {
        let asked = question(&gateway, &[("authorization", &bearer)]);
        let asked = Incoming { query: Some(Secret::new(query)), ..asked };
        match authorize_request(&gateway.app, &asked).await.map_err(Failure::into_error) {
            Ok(answer) => assert_eq!((answer.status, query), (200, "&&&")),
            Err(refused) => assert_eq!(refused.code, ErrorCode::InvalidRequest, "{query:.20}"),
        }
    }
}
