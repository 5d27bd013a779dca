//! The real nginx in front of a service, with the configuration of `docs/resource-servers.md`: what
//! passes, what does not, and what its clients are told.

use std::net::SocketAddr;

use countersign::endpoints::revocation::revoke;
use countersign::governance::audit::AuditAction;
use countersign::http::Entrance;
use countersign::jose::{Algorithm, SigningKey};
use countersign::partners::{OrganisationState, ResourceServerState};
use countersign::protocol::dpop::proof::hash;
use countersign::types::Secret;
use rcgen::{CertificateParams, KeyPair};
use reqwest::header::HeaderMap;
use rustls::crypto::aws_lc_rs;
use serde_json::{Value, json};

use crate::support::gateway::{Gateway, ORIGIN, certificate, credential};
use crate::support::house::{body, change};
use crate::support::nginx::{Nginx, adapted, blocks, document};
use crate::support::partner::merged;
use crate::support::pki::Issued;
use crate::support::samples as sample;
use crate::support::service::Service;

/// Where the service is asked.
const ACCOUNT: &str = "/accounts/1";
const REALM: &str = "realm=\"https://api.example/a\"";
const METADATA: &str =
    "resource_metadata=\"https://api.example/.well-known/oauth-protected-resource/a\"";

/// nginx, what stands before it and what stands behind.
struct Setting {
    gateway: Gateway,
    nginx: Nginx,
    service: Service,
    authority: String,
}

/// What a client is told, and what the service has seen.
struct Told {
    status: u16,
    headers: HeaderMap,
    body: Value,
    seen: Option<String>,
}

impl Told {
    fn challenge(&self) -> &str {
        let mut all = self.headers.get_all("www-authenticate").iter();
        let challenge = all.next().map_or("", |value| value.to_str().unwrap());
        assert!(all.next().is_none(), "one challenge field");
        challenge
    }

    /// Asserts that the request did not reach the service, and returns status and error.
    fn refused(&self) -> (u16, &str) {
        assert_eq!(self.seen, None, "the service has seen it");
        assert_eq!(self.body["error"], "refused");
        let error = self.challenge().split("error=\"").nth(1).unwrap_or_default();
        (self.status, error.split('"').next().unwrap())
    }

    /// The values of a field that the service has seen.
    fn seen(&self, name: &str) -> Vec<&str> {
        let start = format!("{name}: ");
        let seen = self.seen.as_ref().unwrap_or_else(|| panic!("refused: {}", self.challenge()));
        seen.lines().filter_map(|line| line.strip_prefix(&start)).collect()
    }
}

impl Setting {
    async fn new() -> Option<Self> {
        Self::with("").await
    }

    async fn with(settings: &str) -> Option<Self> {
        Self::asking_as(settings, &credential("a")).await
    }

    async fn asking_as(settings: &str, credential: &str) -> Option<Self> {
        let gateway = Gateway::new(Entrance::Public, settings).await;
        let service = Service::start().await;
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(["api.example".to_owned()]).unwrap();
        let own = own.self_signed(&key).unwrap();
        let document = document("resource-servers.md");
        let [main, authorize, identity] = blocks(&document, "nginx").try_into().unwrap();
        let upstream = format!("server 127.0.0.1:{};", gateway.port());
        let behind = format!("127.0.0.1:{}", service.port);
        let main = adapted(
            &main,
            &[
                ("server as.bank.example:443;", &upstream),
                ("127.0.0.1:9000", &behind),
                ("api.bank.example", "api.example"),
                ("accounts:read", "scope:a"),
                ("statements:read", "scope:a:write"),
            ],
        );
        let authorize = adapted(
            &authorize,
            &[
                ("CREDENTIAL", credential),
                ("as.bank.example", "localhost"),
                ("/etc/ssl/certs/ca-certificates.crt", "/etc/nginx/authorities.pem"),
            ],
        );
        let nginx = Nginx::start(&[
            ("nginx.conf", main),
            ("authorize.conf", authorize),
            ("identity.conf", identity),
            ("api.pem", own.pem()),
            ("api-key.pem", key.serialize_pem()),
            ("authorities.pem", gateway.authority.clone()),
            ("accounts-metadata.json", "{\"resource\":\"https://api.example/a\"}".to_owned()),
        ])?;
        Some(Self { gateway, nginx, service, authority: own.pem() })
    }

    fn client(&self, shown: Option<&Issued>) -> reqwest::Client {
        drop(aws_lc_rs::default_provider().install_default());
        let trusted = reqwest::Certificate::from_pem(self.authority.as_bytes()).unwrap();
        let here = SocketAddr::from(([127, 0, 0, 1], self.nginx.port));
        let mut builder = reqwest::Client::builder()
            .tls_certs_only([trusted])
            .no_proxy()
            .resolve("api.example", here);
        if let Some(shown) = shown {
            let both = format!("{}{}", shown.pem, shown.key.serialize_pem());
            builder = builder.identity(reqwest::Identity::from_pem(both.as_bytes()).unwrap());
        }
        builder.build().unwrap()
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)], shown: Option<&Issued>) -> Told {
        let url = format!("https://api.example:{}{path}", self.nginx.port);
        let request = self.client(shown).get(url);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
        Told { status, headers, body, seen: self.service.seen() }
    }

    async fn account(&self, headers: &[(&str, &str)]) -> Told {
        self.get(ACCOUNT, headers, None).await
    }

    async fn with_bearer(&self, token: &str) -> Told {
        self.account(&[("authorization", &format!("Bearer {token}"))]).await
    }

    async fn with_proof(&self, token: &str, proof: &str) -> Told {
        self.account(&[("authorization", &format!("DPoP {token}")), ("dpop", proof)]).await
    }
}

fn proof_for(setting: &Setting, token: &str) -> String {
    setting.gateway.proof(token, &format!("{ORIGIN}{ACCOUNT}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_token_passes_and_the_service_learns_whose_it_is() {
    let Some(setting) = Setting::new().await else { return };
    let token = setting.gateway.bearer().await;
    let told = setting.with_bearer(&token).await;
    assert_eq!((told.status, told.challenge()), (200, ""));
    let client_id = setting.gateway.house.client().id;
    for (name, value) in [
        ("x-countersign-client-id", client_id.as_str()),
        ("x-countersign-organisation", "org_a"),
        ("x-countersign-software", "software-a"),
        ("x-countersign-subject", client_id.as_str()),
        ("x-countersign-scope", "scope:a"),
    ] {
        assert_eq!(told.seen(name), [value]);
    }
    assert_eq!(told.seen("x-countersign-token-id").len(), 1);
    for name in ["authorization", "dpop", "proxy-authorization", "x-client-cert-pem"] {
        assert_eq!(told.seen(name), [""; 0], "{name}");
    }
}

/// RFC 6750 §3.1, RFC 9449 §7.1, RFC 9728 §5.1.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_no_token_is_told_how_and_of_no_error() {
    let Some(setting) = Setting::new().await else { return };
    for headers in [&[][..], &[("authorization", "Basic YTpi")], &[("authorization", "")]] {
        let told = setting.account(headers).await;
        assert_eq!(told.refused(), (401, ""), "{headers:?}");
        let algorithms = "algs=\"ES256 PS256 EdDSA\"";
        assert_eq!(
            told.challenge(),
            format!("Bearer {REALM}, {METADATA}, DPoP {REALM}, {algorithms}, {METADATA}")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_good_token_does_not_pass() {
    let Some(setting) = Setting::new().await else { return };
    let gateway = &setting.gateway;
    let good = gateway.bearer().await;
    let cut = good.get(..good.len() - 4).unwrap();
    for token in ["x", "a.b.c", cut, "", "a b", "\u{e9}", &gateway.for_another().await] {
        let told = setting.with_bearer(token).await;
        assert_eq!(told.refused(), (401, "invalid_token"), "{token}");
        assert!(told.challenge().starts_with(&format!("Bearer {REALM}, ")), "{}", told.challenge());
        assert!(told.challenge().ends_with(METADATA), "{}", told.challenge());
    }
    // Unbound tokens are for `Bearer` alone.
    let proof = proof_for(&setting, &good);
    let told = setting.with_proof(&good, &proof).await;
    assert_eq!(told.refused(), (401, "invalid_token"));
    assert!(told.challenge().starts_with("DPoP "), "{}", told.challenge());
    assert_eq!(setting.with_bearer(&good).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_ends_with_its_time_its_partner_and_its_revocation() {
    let Some(setting) = Setting::new().await else { return };
    let gateway = &setting.gateway;
    let revoked = gateway.bearer().await;
    assert_eq!(setting.with_bearer(&revoked).await.status, 200);
    let request = gateway.house.authenticated(&format!("token={revoked}"));
    body(revoke(&gateway.app, &request).await);
    assert_eq!(setting.with_bearer(&revoked).await.refused(), (401, "invalid_token"));
    let step = async |from, to| {
        change(&gateway.app, AuditAction::OrganisationStateChanged, move |tx| {
            tx.change_organisation_state(&sample::organisation("a").id, from, to)
        })
        .await;
    };
    let token = gateway.bearer().await;
    assert_eq!(setting.with_bearer(&token).await.status, 200);
    step(OrganisationState::Active, OrganisationState::Suspended).await;
    assert_eq!(setting.with_bearer(&token).await.refused(), (401, "invalid_token"));
    step(OrganisationState::Suspended, OrganisationState::Active).await;
    assert_eq!(setting.with_bearer(&token).await.status, 200);
    gateway.house.clock.advance(300);
    assert_eq!(setting.with_bearer(&token).await.refused(), (401, "invalid_token"));
}

/// RFC 6750 §3.1; nginx by itself would drop the challenge.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_does_not_reach_far_enough_is_told_how_far() {
    let Some(setting) = Setting::new().await else { return };
    let token = setting.gateway.bearer().await;
    let bearer = format!("Bearer {token}");
    let told = setting.get("/accounts/statements", &[("authorization", &bearer)], None).await;
    assert_eq!(told.refused(), (403, "insufficient_scope"));
    let needed = "scope=\"scope:a scope:a:write\"";
    assert!(told.challenge().contains(needed), "{}", told.challenge());
    assert!(told.challenge().contains(METADATA), "{}", told.challenge());
    assert_eq!(setting.with_bearer(&token).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_bound_to_a_certificate_passes_with_it_alone() {
    let Some(setting) = Setting::new().await else { return };
    let (own, other) = (certificate("a").self_signed(), certificate("b").self_signed());
    let token = setting.gateway.certificate_bound(&own).await;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let told = setting.get(ACCOUNT, &headers, Some(&own)).await;
    assert_eq!(told.status, 200, "{}", setting.nginx.log());
    for name in ["client-cert", "x-client-cert-pem"] {
        assert_eq!(told.seen(name), [""; 0], "{name}");
    }
    for shown in [None, Some(&other)] {
        let told = setting.get(ACCOUNT, &headers, shown).await;
        assert_eq!(told.refused(), (401, "invalid_token"));
    }
    let scheme = format!("DPoP {token}");
    let told = setting.get(ACCOUNT, &[("authorization", &scheme)], Some(&own)).await;
    assert_eq!(told.refused(), (401, "invalid_token"));
}

/// RFC 9449 §7.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_bound_to_a_key_passes_with_a_fresh_proof_of_it() {
    let Some(setting) = Setting::new().await else { return };
    let gateway = &setting.gateway;
    let token = gateway.dpop_bound().await;
    let proof = proof_for(&setting, &token);
    assert_eq!(setting.with_proof(&token, &proof).await.status, 200);
    let replayed = setting.with_proof(&token, &proof).await;
    assert_eq!(replayed.refused(), (401, "invalid_dpop_proof"));
    assert!(replayed.challenge().starts_with("DPoP "), "{}", replayed.challenge());
    let with_query = format!("{ACCOUNT}?page=2");
    let scheme = format!("DPoP {token}");
    let proof = proof_for(&setting, &token);
    let headers = [("authorization", scheme.as_str()), ("dpop", proof.as_str())];
    assert_eq!(setting.get(&with_query, &headers, None).await.status, 200);
    let other = SigningKey::generate(Algorithm::Es256).unwrap();
    let good = json!({ "htu": format!("{ORIGIN}{ACCOUNT}") });
    let with = |changes: Value| {
        let claims = merged(good.clone(), &changes);
        gateway.proof_with(&gateway.key, &token, &claims)
    };
    let now = gateway.house.clock.now();
    for (name, proof) in [
        ("another method", with(json!({ "htm": "POST" }))),
        ("another path", with(json!({ "htu": format!("{ORIGIN}/accounts/2") }))),
        ("another host", with(json!({ "htu": format!("https://evil.example{ACCOUNT}") }))),
        (
            "another port",
            with(json!({ "htu": format!("{ORIGIN}:{}{ACCOUNT}", setting.nginx.port) })),
        ),
        (
            "the question's own address",
            with(json!({ "htu": "https://as.example/authorize-request" })),
        ),
        ("another token", with(json!({ "ath": hash(&Secret::new("x")) }))),
        ("an hour ago", with(json!({ "iat": now.plus(-3600) }))),
        ("another key", gateway.proof_with(&other, &token, &good)),
        ("no proof at all", "x".to_owned()),
    ] {
        let told = setting.with_proof(&token, &proof).await;
        assert_eq!(told.refused(), (401, "invalid_dpop_proof"), "{name}");
    }
    let missing = setting.account(&[("authorization", &scheme)]).await;
    assert_eq!(missing.refused(), (401, "invalid_dpop_proof"));
    // §7.2: a bound token is no bearer token, with a proof or without.
    let bearer = format!("Bearer {token}");
    let proof = proof_for(&setting, &token);
    let both = [("authorization", bearer.as_str()), ("dpop", proof.as_str())];
    for headers in [&both[..1], &both] {
        let told = setting.account(headers).await;
        assert_eq!(told.refused(), (401, "invalid_dpop_proof"));
        assert!(told.challenge().starts_with("DPoP "), "{}", told.challenge());
    }
}

/// RFC 9449 §9.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nonce_reaches_the_client_with_every_answer() {
    let settings = "[dpop]\nnonces = \"required\"";
    let Some(setting) = Setting::with(settings).await else { return };
    let gateway = &setting.gateway;
    let nonce = |told: &Told| {
        let all: Vec<_> = told.headers.get_all("dpop-nonce").iter().collect();
        assert_eq!(all.len(), 1);
        all.first().unwrap().to_str().unwrap().to_owned()
    };
    let first = setting.account(&[]).await;
    let claims =
        json!({ "htm": "POST", "htu": "https://as.example/token", "nonce": nonce(&first) });
    let token = gateway.dpop_bound_with(&claims).await;
    let told = setting.with_proof(&token, &proof_for(&setting, &token)).await;
    assert_eq!(told.refused(), (401, "use_dpop_nonce"));
    assert!(told.challenge().starts_with("DPoP "), "{}", told.challenge());
    let claims = json!({ "htu": format!("{ORIGIN}{ACCOUNT}"), "nonce": nonce(&told) });
    let proof = gateway.proof_with(&gateway.key, &token, &claims);
    let told = setting.with_proof(&token, &proof).await;
    assert_eq!(told.status, 200);
    nonce(&told);
}

/// RFC 9470 §3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resource_may_demand_a_better_login() {
    let Some(setting) = Setting::new().await else { return };
    let gateway = &setting.gateway;
    let token = gateway.bearer().await;
    let now = gateway.house.clock.now();
    let two = "urn:bank:two-factors";
    for (login, passes) in [
        (json!({}), false),
        (json!({ "acr": two, "auth_time": now.plus(-300) }), true),
        (json!({ "acr": two, "auth_time": now.plus(-301) }), false),
        (json!({ "acr": "urn:bank:password", "auth_time": now }), false),
        (json!({ "acr": two }), false),
    ] {
        let token = gateway.after_login(&token, &login).await;
        let bearer = format!("Bearer {token}");
        let told = setting.get("/accounts/limits", &[("authorization", &bearer)], None).await;
        if passes {
            assert_eq!(told.status, 200, "{login}");
        } else {
            assert_eq!(told.refused(), (401, "insufficient_user_authentication"), "{login}");
            let demanded = format!("acr_values=\"{two}\", max_age=\"300\"");
            assert!(told.challenge().contains(&demanded), "{}", told.challenge());
        }
        // Elsewhere any login does.
        assert_eq!(setting.with_bearer(&token).await.status, 200, "{login}");
    }
}

/// What only the proxy may say, its clients say in vain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_smuggled_past_it() {
    let Some(setting) = Setting::new().await else { return };
    let gateway = &setting.gateway;
    let token = gateway.dpop_bound().await;
    let scheme = format!("DPoP {token}");
    let elsewhere = gateway.proof(&token, "https://evil.example/stolen");
    let told = setting
        .account(&[
            ("authorization", &scheme),
            ("dpop", &elsewhere),
            ("x-original-uri", "/stolen"),
            ("x-original-method", "GET"),
            ("x-forwarded-host", "evil.example"),
            ("x-countersign-demand", "origin=https://evil.example"),
        ])
        .await;
    assert_eq!(told.refused(), (401, "invalid_dpop_proof"));
    let own = certificate("a").self_signed();
    let bound = format!("Bearer {}", gateway.certificate_bound(&own).await);
    let der = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(&own.der)
    };
    let escaped = own.pem.replace('+', "%2B").replace('\n', "%0A").replace(' ', "%20");
    for (name, value) in [("client-cert", format!(":{der}:")), ("x-client-cert-pem", escaped)] {
        for shown in [None, Some(certificate("b").self_signed())] {
            let headers = [("authorization", bound.as_str()), (name, value.as_str())];
            let told = setting.get(ACCOUNT, &headers, shown.as_ref()).await;
            assert_eq!(told.refused(), (401, "invalid_token"), "{name}");
        }
    }
    let bearer = format!("Bearer {}", gateway.bearer().await);
    let told = setting
        .account(&[
            ("authorization", &bearer),
            ("proxy-authorization", "Basic eDp5"),
            ("x-countersign-client-id", "cl_forged"),
            ("x-countersign-scope", "everything"),
            ("x-countersign-organisation", "org_forged"),
        ])
        .await;
    assert_eq!(told.status, 200);
    assert_eq!(told.seen("x-countersign-client-id"), [gateway.house.client().id.as_str()]);
    assert_eq!(told.seen("x-countersign-scope"), ["scope:a"]);
    assert_eq!(told.seen("x-countersign-organisation"), ["org_a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_authorization_fields_do_not_pass() {
    let Some(setting) = Setting::new().await else { return };
    let good = format!("Bearer {}", setting.gateway.bearer().await);
    for other in [good.as_str(), "Bearer x", "Basic YTpi"] {
        let told = setting.account(&[("authorization", &good), ("authorization", other)]).await;
        assert!([400, 401].contains(&told.status), "{}", told.status);
        assert_eq!(told.seen, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strange_addresses_are_no_fault_of_ours() {
    let Some(setting) = Setting::new().await else { return };
    let bearer = format!("Bearer {}", setting.gateway.bearer().await);
    for path in ["/accounts/a%20b", "/accounts/%ff", "/accounts/?x=\"", "/accounts//../accounts/1"]
    {
        let told = setting.get(path, &[("authorization", &bearer)], None).await;
        assert_eq!(told.status, 200, "{path}");
    }
}

/// The client's 401 is about the client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_is_not_known_is_a_fault_of_its_operator() {
    let Some(setting) = Setting::asking_as("", "eDp5").await else { return };
    let token = setting.gateway.bearer().await;
    let told = setting.with_bearer(&token).await;
    assert_eq!(told.refused(), (500, ""));
    assert!(setting.nginx.log().contains("auth request unexpected status: 407"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_resource_server_lets_nothing_pass() {
    let Some(setting) = Setting::new().await else { return };
    let token = setting.gateway.bearer().await;
    assert_eq!(setting.with_bearer(&token).await.status, 200);
    change(&setting.gateway.app, AuditAction::ResourceServerStateChanged, |tx| {
        let (from, to) = (ResourceServerState::Active, ResourceServerState::Suspended);
        tx.change_resource_server_state(&sample::resource_server("a").id, from, to)
    })
    .await;
    assert_eq!(setting.with_bearer(&token).await.refused(), (500, ""));
}

/// RFC 9728 §3: the document needs no token.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metadata_is_there_for_anybody() {
    let Some(setting) = Setting::new().await else { return };
    let path = "/.well-known/oauth-protected-resource/accounts";
    let told = setting.get(path, &[], None).await;
    assert_eq!((told.status, &told.body["resource"]), (200, &json!("https://api.example/a")));
    assert_eq!(told.headers["content-type"], "application/json");
}
