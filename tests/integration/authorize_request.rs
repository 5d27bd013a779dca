//! `/authorize-request`: the contract with proxies, by whoever asks. Envoy is not in Debian, so a client
//! asks here as Envoy would, with the prefix and the fields of `docs/resource-servers.md`.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::governance::audit::AuditAction;
use countersign::http::Entrance;
use countersign::jose::PublicKey;
use countersign::partners::ResourceServer;
use countersign::protocol::client_authentication::ClientAuthenticationMethod;
use countersign::protocol::resource_server::ResourceServerMetadata;
use countersign::types::ResourceUri;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::support;
use crate::support::gateway::{Gateway, ORIGIN, certificate, credential};
use crate::support::house::change;
use crate::support::nginx::{blocks, document};
use crate::support::pki::Issued;
use crate::support::samples as sample;

/// What a proxy is told.
struct Told {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Told {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["error"].as_str().unwrap_or_default())
    }
}

/// Asks with these fields.
async fn ask(gateway: &Gateway, method: Method, path: &str, fields: &[(&str, &str)]) -> Told {
    ask_showing(gateway, None, (method, path), fields).await
}

/// The same, by a proxy that shows a certificate of its own.
async fn ask_showing(
    gateway: &Gateway,
    shown: Option<&Issued>,
    (method, path): (Method, &str),
    fields: &[(&str, &str)],
) -> Told {
    let client = support::mtls_client(&gateway.authority, shown);
    let url = format!("https://localhost:{}{path}", gateway.port());
    let request = fields
        .iter()
        .fold(client.request(method, url), |request, (name, value)| request.header(*name, *value));
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
    Told { status, headers, body }
}

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

/// RFC 8705 §2.2, by the proxy: its own certificate is not that of its client.
#[tokio::test]
async fn a_proxy_may_show_a_certificate_of_its_own() {
    let listener =
        "[server.mutual_tls]\nlisten = \"127.0.0.1:0\"\nbase_url = \"https://m.example\"";
    let gateway = Gateway::new(Entrance::MutualTls, listener).await;
    let [proxy, own] = ["proxy", "a"].map(|name| certificate(name).self_signed());
    let key = PublicKey::from_public_key_info(proxy.certificate().public_key_der()).unwrap();
    let server = ResourceServer {
        metadata: ResourceServerMetadata {
            jwks: Some(json!({ "keys": [key.to_value()] })),
            ..ResourceServerMetadata::of(ClientAuthenticationMethod::SelfSignedTlsClientAuth)
        },
        ..sample::resource_server("a")
    };
    let update = AuditAction::ResourceServerUpdated;
    change(&gateway.app, update, move |tx| tx.update_resource_server(&server)).await;
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

/// The manner of Envoy: `path_prefix`, the client's method, path and query, and the fields that the
/// document's configuration adds.
struct Envoy {
    prefix: String,
    added: Vec<(String, String)>,
}

impl Envoy {
    fn of_the_document() -> Self {
        let [yaml] = blocks(&document("resource-servers.md"), "yaml").try_into().unwrap();
        let prefix = yaml.lines().find_map(|line| line.trim().strip_prefix("path_prefix: "));
        let added = yaml.lines().skip_while(|line| !line.contains("headers_to_add:")).skip(1);
        let added = added.map_while(|line| {
            let line = line.trim().strip_prefix("- { key: ")?.strip_suffix("\" }")?;
            let (name, value) = line.split_once(", value: \"")?;
            let value = value.replace("CREDENTIAL", &credential("a"));
            Some((name.to_owned(), value.replace("accounts:read", "scope:a")))
        });
        Self { prefix: prefix.unwrap().to_owned(), added: added.collect() }
    }

    /// The configuration names the fields of the client that Envoy passes on; those that it adds
    /// replace the client's.
    async fn ask(&self, gateway: &Gateway, method: Method, sent: &[(&str, &str)]) -> Told {
        const PASSED_ON: [&str; 3] = ["authorization", "dpop", "x-client-cert-pem"];
        let path = format!("{}/accounts/1?page=2&scope=everything", self.prefix);
        let added = self.added.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let sent = sent.iter().copied().filter(|(name, _)| PASSED_ON.contains(name));
        let fields: Vec<_> = sent.chain(added).collect();
        ask(gateway, method, &path, &fields).await
    }
}

#[tokio::test]
async fn envoy_is_answered_in_its_own_manner() {
    let gateway = gateway().await;
    let envoy = Envoy::of_the_document();
    assert_eq!(envoy.added.len(), 2);
    let bearer = format!("Bearer {}", gateway.bearer().await);
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let told = envoy.ask(&gateway, method, &[("authorization", &bearer)]).await;
        assert_eq!(told.status, 200, "Envoy takes no other status for a yes");
        assert_eq!(told.header("x-countersign-scope"), "scope:a");
    }
    let told = envoy.ask(&gateway, Method::GET, &[]).await;
    assert_eq!(told.status, 401);
    assert!(told.header("www-authenticate").contains("resource_metadata="));
    let another = format!("Bearer {}", gateway.for_another().await);
    let told = envoy.ask(&gateway, Method::GET, &[("authorization", &another)]).await;
    assert_eq!(told.refusal(), (401, "invalid_token"));
}

#[tokio::test]
async fn envoys_proofs_are_made_for_the_clients_method_and_path() {
    let gateway = gateway().await;
    let envoy = Envoy::of_the_document();
    let token = gateway.dpop_bound().await;
    let scheme = format!("DPoP {token}");
    for (method, htm, path, status) in [
        ("GET", "GET", "/accounts/1", 200),
        ("HEAD", "HEAD", "/accounts/1", 200),
        ("PROPFIND", "PROPFIND", "/accounts/1", 200),
        ("HEAD", "GET", "/accounts/1", 401),
        ("POST", "GET", "/accounts/1", 401),
        ("GET", "GET", "/accounts/2", 401),
        ("GET", "GET", "/authorize-request/accounts/1", 401),
    ] {
        let claims = json!({ "htm": htm, "htu": format!("{ORIGIN}{path}") });
        let proof = gateway.proof_with(&gateway.key, &token, &claims);
        let sent = [("authorization", scheme.as_str()), ("dpop", proof.as_str())];
        let asking = Method::from_bytes(method.as_bytes()).unwrap();
        let told = envoy.ask(&gateway, asking, &sent).await;
        assert_eq!(told.status, status, "{method} {path}");
    }
}

#[tokio::test]
async fn envoys_certificates_come_as_it_writes_them() {
    let gateway = gateway().await;
    let envoy = Envoy::of_the_document();
    let (own, other) = (certificate("a").self_signed(), certificate("b").self_signed());
    let bearer = format!("Bearer {}", gateway.certificate_bound(&own).await);
    for (shown, status) in [(&own, 200), (&other, 401)] {
        let codes =
            [("+", "%2B"), ("\r", ""), ("\n", "%0A"), (" ", "%20"), ("/", "%2F"), ("=", "%3D")];
        let pem = shown.pem.clone();
        let escaped = codes.iter().fold(pem, |pem, (from, to)| pem.replace(from, to));
        let sent = [("authorization", bearer.as_str()), ("x-client-cert-pem", escaped.as_str())];
        assert_eq!(envoy.ask(&gateway, Method::GET, &sent).await.status, status);
    }
    let told = envoy.ask(&gateway, Method::GET, &[("authorization", &bearer)]).await;
    assert_eq!(told.refusal(), (401, "invalid_token"));
}

/// The query below the path is the client's: what is demanded must not stand there.
#[tokio::test]
async fn envoy_must_say_what_it_demands() {
    let gateway = gateway().await;
    let mut envoy = Envoy::of_the_document();
    envoy.added.retain(|(name, _)| name != "x-countersign-demand");
    let bearer = format!("Bearer {}", gateway.bearer().await);
    let told = envoy.ask(&gateway, Method::GET, &[("authorization", &bearer)]).await;
    assert_eq!(told.refusal(), (400, "invalid_request"));
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
