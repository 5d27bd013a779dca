//! A bank's authorization server behind its door, the tokens of its client, and what proxies and
//! resource servers need to ask about them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::app::App;
use countersign::endpoints::exchange::{Door, Incoming};
use countersign::endpoints::token::token;
use countersign::governance::audit::AuditAction;
use countersign::http::{Entrance, Server};
use countersign::jose::{Algorithm, SigningKey};
use countersign::protocol::dpop::TYPE;
use countersign::protocol::dpop::proof::hash;
use countersign::protocol::token::access_token;
use countersign::types::Secret;
use rcgen::date_time_ymd;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support;
use crate::support::ecosystem;
use crate::support::house::{House, ISSUER, body, change};
use crate::support::partner::merged;
use crate::support::pki::{Issued, Wanted};
use crate::support::samples as sample;

/// The origin of the resource servers' audiences.
pub(crate) const ORIGIN: &str = "https://api.example";
/// What a token request asks for.
const FOR_A: &str = "grant_type=client_credentials&scope=scope:a";

/// An authorization server that answers, and the client whose tokens are used.
pub(crate) struct Gateway {
    pub(crate) house: House,
    pub(crate) app: Arc<App>,
    /// Who vouches for the server.
    pub(crate) authority: String,
    /// The client's key for proofs.
    pub(crate) key: SigningKey,
    server: Server,
    scheme: &'static str,
    _folder: TempDir,
}

impl Gateway {
    /// A server whose settings say more.
    pub(crate) async fn new(entrance: Entrance, settings: &str) -> Self {
        let behind = matches!(entrance, Entrance::BehindProxy { .. });
        let scheme = if behind { "http" } else { "https" };
        let house = House::new().await;
        let app = Arc::new(house.node_with(settings).await);
        let folder = tempfile::tempdir().unwrap();
        let (server, authority) = ecosystem::open(&app, entrance, folder.path());
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        Self { house, app, authority, key, server, scheme, _folder: folder }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        let host = if self.scheme == "http" { "127.0.0.1" } else { "localhost" };
        format!("{}://{host}:{}", self.scheme, self.port())
    }

    /// A token without a binding.
    pub(crate) async fn bearer(&self) -> String {
        self.issued(self.house.authenticated(FOR_A)).await
    }

    /// A token for the other resource server.
    pub(crate) async fn for_another(&self) -> String {
        let request = "grant_type=client_credentials&scope=scope:b";
        self.issued(self.house.authenticated(request)).await
    }

    /// A token that is bound to the client's key.
    pub(crate) async fn dpop_bound(&self) -> String {
        self.dpop_bound_with(&json!({ "htm": "POST", "htu": format!("{ISSUER}/token") })).await
    }

    /// The same, for which the proof has these claims.
    pub(crate) async fn dpop_bound_with(&self, claims: &Value) -> String {
        let proof = Some(Secret::new(self.signed(&self.key, claims)));
        let request = self.house.authenticated(FOR_A);
        self.issued(Incoming { path: "/token".to_owned(), dpop: proof, ..request }).await
    }

    /// A token that is bound to a certificate.
    pub(crate) async fn certificate_bound(&self, shown: &Issued) -> String {
        self.bind_to_certificates(true).await;
        let request = self.house.authenticated(FOR_A);
        let presented = Some(shown.presented());
        let told = self.issued(Incoming { door: Door::MutualTls, presented, ..request }).await;
        self.bind_to_certificates(false).await;
        told
    }

    async fn bind_to_certificates(&self, bound: bool) {
        let mut client = self.house.client();
        client.metadata.mutual_tls.tls_client_certificate_bound_access_tokens = bound;
        change(&self.app, AuditAction::ClientUpdated, move |tx| tx.update_client(&client)).await;
    }

    async fn issued(&self, request: Incoming) -> String {
        let told = body(token(&self.app, &request).await);
        told["access_token"].as_str().unwrap().to_owned()
    }

    /// The same token as it would be after a login.
    pub(crate) async fn after_login(&self, token: &str, login: &Value) -> String {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims = merged(serde_json::from_slice(&claims).unwrap(), login);
        let now = self.house.clock.now();
        let keys = self.app.keyring.keys(now).await.unwrap();
        keys.signer(now).unwrap().sign(access_token::TYPE, &claims).unwrap()
    }

    /// A fresh proof for using this token to read an address.
    pub(crate) fn proof(&self, token: &str, htu: &str) -> String {
        self.proof_with(&self.key, token, &json!({ "htu": htu }))
    }

    /// A proof with other claims, by another key.
    pub(crate) fn proof_with(&self, key: &SigningKey, token: &str, claims: &Value) -> String {
        let usual = json!({ "htm": "GET", "ath": hash(&Secret::new(token)) });
        self.signed(key, &merged(usual, claims))
    }

    fn signed(&self, key: &SigningKey, claims: &Value) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let jti = format!("used-{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let usual = json!({ "jti": jti, "iat": self.house.clock.now() });
        let claims = merged(usual, claims);
        let header = json!({ "jwk": key.public_jwk() });
        key.sign_with(TYPE, header.as_object().unwrap(), claims.as_object().unwrap()).unwrap()
    }
}

/// What a proxy is told.
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Told {
    /// A field, empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status and the error.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["error"].as_str().unwrap_or_default())
    }
}

/// Asks with these fields.
pub(crate) async fn ask(
    gateway: &Gateway,
    method: Method,
    path: &str,
    fields: &[(&str, &str)],
) -> Told {
    ask_showing(gateway, None, (method, path), fields).await
}

/// The same, by a proxy that shows a certificate of its own.
pub(crate) async fn ask_showing(
    gateway: &Gateway,
    shown: Option<&Issued>,
    (method, path): (Method, &str),
    fields: &[(&str, &str)],
) -> Told {
    let client = support::mtls_client(&gateway.authority, shown);
    let url = format!("{}{path}", gateway.url());
    let request = fields
        .iter()
        .fold(client.request(method, url), |request, (name, value)| request.header(*name, *value));
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
    Told { status, headers, body }
}

/// The credentials of the resource server of product `tag`.
pub(crate) fn credential(tag: &str) -> String {
    STANDARD.encode(format!("{}:{tag}", sample::resource_server(tag).id))
}

/// A certificate that is good whenever the tests run: proxies go by their own clock.
pub(crate) fn certificate(common_name: &str) -> Wanted {
    Wanted::client(common_name).with(|params| {
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2090, 1, 1);
    })
}
