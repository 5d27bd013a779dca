//! A resource server: an API of a bank that has Countersign check who may use it.
//!
//! It has no line of Countersign in it. It ends TLS, takes the client's certificate from the handshake,
//! and asks `/authorize-request` once per request; the answer covers the token, the partner's standing,
//! the certificate (RFC 8705) or proof (RFC 9449) that the token is bound to, the scope, and how recently
//! somebody logged in (RFC 9470). `cargo run --example resource_server -- settings.json`

use std::any::Any;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use actix_web::web::{Data, get, post};
use actix_web::{App, HttpRequest, HttpResponse, HttpResponseBuilder, HttpServer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

/// Whoever takes longer to answer is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How recently whoever changes a limit must have logged in, in seconds.
const RECENTLY: &str = "300";

type Failure = Box<dyn Error>;

/// What `settings.json` says; certificates and keys are names of files, PEM.
#[derive(Deserialize)]
struct Settings {
    listen: String,
    certificate: String,
    key: String,
    /// Whose certificates clients may show.
    client_authorities: String,
    /// What `countersign resource-server metadata` has printed.
    metadata: Value,
    /// The scope that opens the accounts.
    scope: String,
    /// Where Countersign is, and who vouches for it.
    server: String,
    server_authority: String,
    /// Our id and secret there, with a colon between them.
    credential: String,
}

/// The certificate that the client has shown on this connection.
struct ClientCertificate(Vec<u8>);

/// This API, and whom it asks.
struct Bank {
    client: reqwest::Client,
    question: Url,
    credential: String,
    scope: String,
    metadata: Value,
}

/// A request that may pass: whose it is, and the answer as far as it is begun.
struct Passed {
    organisation: String,
    answer: HttpResponseBuilder,
}

impl Bank {
    /// Asks whether the request may pass. Otherwise the answer for the client is there already.
    async fn check(
        &self,
        http: &HttpRequest,
        demands: &[(&str, &str)],
    ) -> Result<Passed, HttpResponse> {
        let mut url = self.question.clone();
        url.query_pairs_mut().extend_pairs(demands);
        let target = http.uri().path_and_query().map_or("/", |target| target.as_str());
        let mut question = self
            .client
            .get(url)
            .header("proxy-authorization", format!("Basic {}", self.credential))
            .header("x-original-method", http.method().as_str())
            .header("x-original-uri", target);
        // As they came, however many: Countersign refuses what is ambiguous.
        for name in ["authorization", "dpop"] {
            for value in http.headers().get_all(name) {
                question = question.header(name, value.as_bytes());
            }
        }
        if let Some(ClientCertificate(der)) = http.conn_data() {
            question = question.header("client-cert", format!(":{}:", STANDARD.encode(der)));
        }
        // What cannot be asked does not pass; and where we are not known, that is no client's fault.
        let unavailable = |_| HttpResponse::ServiceUnavailable().json(json!({ "error": "later" }));
        let told = question.send().await.map_err(unavailable)?;
        let text = |name| told.headers().get(name)?.to_str().ok();
        let mut answer = match told.status().as_u16() {
            200 => HttpResponse::Ok(),
            401 => HttpResponse::Unauthorized(),
            403 => HttpResponse::Forbidden(),
            _ => HttpResponse::ServiceUnavailable(),
        };
        // The client learns what it lacks, and the nonce for its next proof.
        for name in ["www-authenticate", "dpop-nonce"] {
            if let Some(value) = text(name) {
                answer.insert_header((name, value));
            }
        }
        if told.status() != 200 {
            return Err(answer.json(json!({ "error": "refused" })));
        }
        let organisation = text("x-countersign-organisation").unwrap_or_default().to_owned();
        Ok(Passed { organisation, answer })
    }
}

async fn accounts(http: HttpRequest, bank: Data<Bank>) -> HttpResponse {
    match bank.check(&http, &[("scope", &bank.scope)]).await {
        Ok(mut passed) => passed.answer.json(json!({ "accounts": 2, "of": passed.organisation })),
        Err(refused) => refused,
    }
}

/// Step-up (RFC 9470): this needs somebody who has logged in a moment ago.
async fn limits(http: HttpRequest, bank: Data<Bank>) -> HttpResponse {
    match bank.check(&http, &[("scope", &bank.scope), ("max_age", RECENTLY)]).await {
        Ok(mut passed) => passed.answer.json(json!({ "limit": "changed" })),
        Err(refused) => refused,
    }
}

async fn metadata(bank: Data<Bank>) -> HttpResponse {
    HttpResponse::Ok().json(&bank.metadata)
}

/// Whoever has a certificate of one of these authorities may show it.
fn tls(settings: &Settings) -> Result<ServerConfig, Failure> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut authorities = RootCertStore::empty();
    for authority in CertificateDer::pem_file_iter(&settings.client_authorities)? {
        authorities.add(authority?)?;
    }
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()?;
    let own = CertificateDer::pem_file_iter(&settings.certificate)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&settings.key)?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients);
    Ok(config.with_single_cert(own, key)?)
}

fn note_certificate(connection: &dyn Any, data: &mut Extensions) {
    let stream = connection.downcast_ref::<TlsStream<TcpStream>>();
    let shown = stream.and_then(|stream| stream.get_ref().1.peer_certificates()?.first());
    if let Some(certificate) = shown {
        data.insert(ClientCertificate(certificate.to_vec()));
    }
}

#[actix_web::main]
async fn main() -> Result<(), Failure> {
    drop(aws_lc_rs::default_provider().install_default());
    let file = std::env::args().nth(1).ok_or("say where settings.json is")?;
    let settings: Settings = serde_json::from_slice(&std::fs::read(file)?)?;
    let authority = reqwest::Certificate::from_pem(&std::fs::read(&settings.server_authority)?)?;
    let client =
        reqwest::Client::builder().tls_certs_only([authority]).timeout(PATIENCE).build()?;
    let (listen, tls) = (settings.listen.clone(), tls(&settings)?);
    let bank = Data::new(Bank {
        client,
        question: Url::parse(&settings.server)?.join("/authorize-request")?,
        credential: STANDARD.encode(settings.credential),
        scope: settings.scope,
        metadata: settings.metadata,
    });
    // RFC 9728 §3.1: between host and path.
    let resource = bank.metadata.get("resource").and_then(Value::as_str).unwrap_or_default();
    let resource = Url::parse(resource)?;
    let path = resource.path().trim_end_matches('/');
    let well_known = format!("/.well-known/oauth-protected-resource{path}");
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::clone(&bank))
            .route(&well_known, get().to(metadata))
            .route("/accounts", get().to(accounts))
            .route("/accounts/limits", post().to(limits))
    });
    let server = server.workers(1).on_connect(note_certificate);
    Ok(server.bind_rustls_0_23(listen, tls)?.run().await?)
}
