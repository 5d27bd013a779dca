//! The one way out (REG-X8): every limit that SEC-15 asks for, in one place.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Certificate;
use reqwest::Client;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::remote::error::InvalidAuthorities;
use crate::remote::error::RemoteError;
use crate::remote::resolver::AddressRefused;
use crate::remote::resolver::GuardedResolver;
use crate::remote::rules::FetchRules;
use crate::types::HttpsUri;
use crate::types::json;

/// The largest document that is read, in bytes.
pub const LARGEST_DOCUMENT: usize = 256 * 1024;

const CONNECT: Duration = Duration::from_secs(2);
const TOTAL: Duration = Duration::from_secs(5);
const MOST_AT_ONCE: usize = 32;

/// Fetches JSON documents from addresses that strangers name. Clones share their limits.
#[derive(Debug, Clone)]
pub struct Fetcher {
    public: Client,
    with_loopback: Client,
    places: Arc<Semaphore>,
}

impl Fetcher {
    /// A fetcher that trusts the system's certificate authorities and those in `extra_authorities`
    /// (PEM).
    ///
    /// # Errors
    ///
    /// The PEM holds something else, or the TLS library refuses it.
    pub fn new(extra_authorities: Option<&str>) -> Result<Self, InvalidAuthorities> {
        // Somebody else in the process may have chosen the provider already; then it is the same.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let pem = extra_authorities.unwrap_or_default();
        let extra = Certificate::from_pem_bundle(pem.as_bytes())
            .map_err(|error| InvalidAuthorities(error.to_string()))?;
        if extra_authorities.is_some() && extra.is_empty() {
            return Err(InvalidAuthorities("there is no certificate in the file".to_owned()));
        }
        Ok(Self {
            public: client(&extra, false)?,
            with_loopback: client(&extra, true)?,
            places: Arc::new(Semaphore::new(MOST_AT_ONCE)),
        })
    }

    /// Fetches a JSON document, strictly parsed.
    ///
    /// # Errors
    ///
    /// The rules forbid it, nobody answers in time, or what comes is not small, well-formed JSON.
    pub async fn json(&self, uri: &HttpsUri, rules: &FetchRules) -> Result<Value, RemoteError> {
        rules.check(uri)?;
        let place = tokio::time::timeout(CONNECT, self.places.acquire()).await;
        let Ok(Ok(_place)) = place else { return Err(RemoteError::Busy) };
        let client = if rules.allow_loopback { &self.with_loopback } else { &self.public };
        let body = tokio::time::timeout(TOTAL, get(client, uri))
            .await
            .map_err(|_| RemoteError::TimedOut(uri.host().to_owned()))??;
        Ok(json::parse(&body)?)
    }
}

async fn get(client: &Client, uri: &HttpsUri) -> Result<Vec<u8>, RemoteError> {
    let request = client.get(uri.as_str()).header("Accept", "application/json");
    let response = request.send().await.map_err(|error| explained(&error, uri.host()))?;
    if response.status().as_u16() != 200 {
        return Err(RemoteError::Status(response.status().as_u16()));
    }
    if !is_json(&response) {
        return Err(RemoteError::MediaType);
    }
    read(response).await
}

/// A client that follows nothing, remembers nothing and believes no proxy variable. Connections are
/// not kept: each fetch resolves and checks anew.
fn client(extra: &[Certificate], allow_loopback: bool) -> Result<Client, InvalidAuthorities> {
    let builder = || {
        Client::builder()
            .https_only(true)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT)
            .user_agent("countersign")
            .dns_resolver(GuardedResolver { allow_loopback })
    };
    let merged = builder().tls_certs_merge(extra.iter().cloned()).build();
    match merged {
        Ok(client) => Ok(client),
        // A system without any certificate authority: trust nobody, rather than not start.
        Err(_) if extra.is_empty() => {
            tracing::warn!(
                "the system has no certificate authorities; outgoing requests will fail"
            );
            builder().tls_certs_only([]).build().map_err(|error| invalid(&error))
        }
        Err(error) => Err(invalid(&error)),
    }
}

fn invalid(error: &reqwest::Error) -> InvalidAuthorities {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    InvalidAuthorities(causes.last().map_or_else(|| error.to_string(), ToString::to_string))
}

/// Why a request had no answer, without the address, which may hold what is not for a log.
fn explained(error: &reqwest::Error, host: &str) -> RemoteError {
    let first: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut causes = std::iter::successors(first, |cause| cause.source());
    if causes.any(<dyn std::error::Error>::is::<AddressRefused>) {
        return RemoteError::AddressRefused(host.to_owned());
    }
    if error.is_timeout() {
        return RemoteError::TimedOut(host.to_owned());
    }
    RemoteError::Unreachable(host.to_owned())
}

/// `application/json` or another type that ends in `+json`, such as `application/jwk-set+json`.
fn is_json(response: &Response) -> bool {
    let declared = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.and_then(|text| text.split(';').next()).unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let subtype = essence.strip_prefix("application/").unwrap_or_default();
    subtype == "json" || subtype.ends_with("+json")
}

/// Reads no more than the largest document, whatever the headers promise.
async fn read(mut response: Response) -> Result<Vec<u8>, RemoteError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| RemoteError::Truncated)? {
        if body.len().saturating_add(chunk.len()) > LARGEST_DOCUMENT {
            return Err(RemoteError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
