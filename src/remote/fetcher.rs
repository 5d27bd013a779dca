//! The one way out (REG-X8): every limit that SEC-15 asks for, in one place.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use reqwest::Certificate;
use reqwest::Client;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use reqwest::header::IF_MODIFIED_SINCE;
use reqwest::header::IF_NONE_MATCH;
use reqwest::redirect::Policy;
use serde_json::Value;
use tokio::sync::AcquireError;
use tokio::sync::Semaphore;

use crate::remote::caching;
use crate::remote::caching::Validators;
use crate::remote::error::InvalidAuthorities;
use crate::remote::error::RemoteError;
use crate::remote::resolver::AddressRefused;
use crate::remote::resolver::GuardedResolver;
use crate::remote::resolver::Names;
use crate::remote::resolver::SystemNames;
use crate::remote::rules::FetchRules;
use crate::types::HttpsUri;
use crate::types::json;

/// The largest document that is read, in bytes.
pub const LARGEST_DOCUMENT: usize = 256 * 1024;

const NOT_MODIFIED: u16 = 304;
const CONNECT: Duration = Duration::from_secs(2);
const TOTAL: Duration = Duration::from_secs(5);
const MOST_AT_ONCE: usize = 32;
/// One slow host must not take every place.
const MOST_AT_ONE_HOST: usize = 8;
const MOST_HOSTS: u64 = 10_000;

/// Fetches JSON documents from addresses that strangers name. Clones share their limits.
#[derive(Debug, Clone)]
pub struct Fetcher {
    public: Client,
    with_loopback: Client,
    places: Arc<Semaphore>,
    host_places: Cache<String, Arc<Semaphore>>,
}

/// What came of a conditional request.
#[derive(Debug)]
pub(super) struct Fetched {
    /// The document; nothing, if the one that the validators stand for still holds.
    pub(super) document: Option<Value>,
    /// What to send the next time.
    pub(super) validators: Validators,
    /// How long it is fresh, in seconds.
    pub(super) fresh_for: i64,
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
            public: client(&extra, &SystemNames, false)?,
            with_loopback: client(&extra, &SystemNames, true)?,
            places: Arc::new(Semaphore::new(MOST_AT_ONCE)),
            host_places: Cache::new(MOST_HOSTS),
        })
    }

    /// Fetches a JSON document, strictly parsed.
    ///
    /// # Errors
    ///
    /// The rules forbid it, nobody answers in time, or what comes is not small, well-formed JSON.
    pub async fn json(&self, uri: &HttpsUri, rules: &FetchRules) -> Result<Value, RemoteError> {
        let fetched = self.conditional(uri, rules, &Validators::default()).await?;
        // Nobody asked whether anything has changed.
        fetched.document.ok_or(RemoteError::Status(NOT_MODIFIED))
    }

    /// Fetches a JSON document unless it is still the one that these validators stand for.
    ///
    /// # Errors
    ///
    /// As [`Self::json`].
    pub(super) async fn conditional(
        &self,
        uri: &HttpsUri,
        rules: &FetchRules,
        known: &Validators,
    ) -> Result<Fetched, RemoteError> {
        self.conditional_with(uri, rules, known, &[]).await
    }

    /// The same, with fields that the operator has sent along.
    ///
    /// # Errors
    ///
    /// As [`Self::json`].
    pub(super) async fn conditional_with(
        &self,
        uri: &HttpsUri,
        rules: &FetchRules,
        known: &Validators,
        headers: &[(String, String)],
    ) -> Result<Fetched, RemoteError> {
        rules.check(uri)?;
        let host = uri.host().to_ascii_lowercase();
        let at_host = || Arc::new(Semaphore::new(MOST_AT_ONE_HOST));
        let host_places = self.host_places.get_with(host, at_host);
        // The host's own place comes first: who waits for a slow host keeps nobody else waiting.
        let waiting = async {
            Ok::<_, AcquireError>((host_places.acquire().await?, self.places.acquire().await?))
        };
        let places = tokio::time::timeout(CONNECT, waiting).await;
        let Ok(Ok(_places)) = places else { return Err(RemoteError::Busy) };
        let client = if rules.allow_loopback { &self.with_loopback } else { &self.public };
        tokio::time::timeout(TOTAL, get(client, uri, known, headers))
            .await
            .map_err(|_| RemoteError::TimedOut(uri.host().to_owned()))?
    }
}

async fn get(
    client: &Client,
    uri: &HttpsUri,
    known: &Validators,
    headers: &[(String, String)],
) -> Result<Fetched, RemoteError> {
    let mut request = client.get(uri.as_str()).header("Accept", "application/json");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    if let Some(etag) = &known.etag {
        request = request.header(IF_NONE_MATCH, etag);
    }
    if let Some(last_modified) = &known.last_modified {
        request = request.header(IF_MODIFIED_SINCE, last_modified);
    }
    let response = request.send().await.map_err(|error| explained(&error, uri.host()))?;
    let validators = Validators::read(response.headers());
    let fresh_for = caching::fresh_for(response.headers());
    let document = match response.status().as_u16() {
        200 if !is_json(&response) => return Err(RemoteError::MediaType),
        200 => Some(json::parse(&read(response).await?)?),
        NOT_MODIFIED if *known != Validators::default() => None,
        other => return Err(RemoteError::Status(other)),
    };
    Ok(Fetched { document, validators, fresh_for })
}

/// A client that follows nothing, remembers nothing and believes no proxy variable. Connections are
/// not kept: each fetch resolves and checks anew.
fn client<N: Names + Clone>(
    extra: &[Certificate],
    names: &N,
    allow_loopback: bool,
) -> Result<Client, InvalidAuthorities> {
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
            .dns_resolver(GuardedResolver { names: names.clone(), allow_loopback })
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Mutex;

    use futures_util::future::BoxFuture;
    use tokio::net::TcpListener;

    use super::*;

    /// A name server in the hands of an attacker: each look-up has another answer.
    #[derive(Debug, Clone)]
    struct Flipping(Arc<Mutex<Vec<&'static str>>>);

    impl Names for Flipping {
        fn addresses(&self, _: String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
            let answer = self.0.lock().unwrap().pop().unwrap_or("10.0.0.1:0");
            Box::pin(async move { Ok(vec![answer.parse().unwrap()]) })
        }
    }

    #[tokio::test]
    async fn a_name_is_looked_up_once_and_its_checked_address_connected_to_sec_15() {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepting = tokio::spawn(async move { listener.accept().await.is_ok() });
        let answers = Arc::new(Mutex::new(vec!["169.254.169.254:0", "127.0.0.1:0"]));
        let client = client(&[], &Flipping(Arc::clone(&answers)), true).unwrap();
        let uri = HttpsUri::parse(format!("https://flip.example:{port}/jwks")).unwrap();
        let first = get(&client, &uri, &Validators::default(), &[]).await;
        assert!(matches!(first, Err(RemoteError::Unreachable(_))), "{first:?}");
        assert!(accepting.await.unwrap(), "the address that was checked");
        assert_eq!(*answers.lock().unwrap(), ["169.254.169.254:0"], "one look-up");
        let second = get(&client, &uri, &Validators::default(), &[]).await;
        assert!(matches!(second, Err(RemoteError::AddressRefused(_))), "{second:?}");
    }
}
