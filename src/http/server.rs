//! Opening a listener, and closing it (SEC-28): several may run in one process.

use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::App;
use actix_web::HttpMessage as _;
use actix_web::HttpRequest;
use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web;
use actix_web::web::Data;
use actix_web::web::Payload;
use actix_web::web::ServiceConfig;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::LimitSettings;
use crate::http::boundary;
use crate::http::boundary::Shared;
use crate::http::entrance;
use crate::http::entrance::Entrance;
use crate::http::request::Arrival;
use crate::http::respond;
use crate::http::routes::Routes;
use crate::http::routes::Stories;
use crate::http::tls::Certificate;
use crate::http::tls::TlsError;
use crate::http::tls::TlsFiles;

/// How often the certificate's files are looked at.
const RELOAD: Duration = Duration::from_secs(10);
/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// How a listener is opened.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Where. Port 0 takes any free one; [`Server::address`] says which.
    pub address: SocketAddr,
    /// How one comes in.
    pub entrance: Entrance,
    /// Its certificate, unless it stands behind a proxy.
    pub tls: TlsFiles,
    /// What a stranger may cost.
    pub limits: LimitSettings,
    /// Threads; 0 is one to a core.
    pub workers: usize,
    /// How long requests under way may take to finish.
    pub shutdown_grace: Duration,
    /// The time.
    pub clock: Clock,
}

/// Why a listener does not open.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is taken, or not ours.
    #[error("cannot listen on `{address}`: {source}")]
    Address {
        /// Which address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A listener that is open. Dropping it leaves it open: [`Server::stop`] closes it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    panics: Arc<AtomicU64>,
    running: JoinHandle<io::Result<()>>,
    reloading: Option<JoinHandle<()>>,
}

/// Opens a listener. It answers as soon as this returns. To be called inside a tokio runtime.
///
/// # Errors
///
/// The address or the certificate cannot be used.
pub fn start<S: Send + Sync + 'static>(
    listener: &Listener,
    routes: Routes<S>,
) -> Result<Server, ServerError> {
    let unusable = |source| ServerError::Address { address: listener.address, source };
    let certificate = match listener.entrance {
        Entrance::Public | Entrance::MutualTls => Some(Certificate::load(listener.tls.clone())?),
        Entrance::BehindProxy { .. } => None,
    };
    let shows = listener.entrance == Entrance::MutualTls;
    let tls = certificate.as_ref().map(|one| one.server_config(shows)).transpose()?;
    let socket = bind(listener.address).map_err(unusable)?;
    let address = socket.local_addr().map_err(unusable)?;
    let panics = Arc::<AtomicU64>::default();
    let shared = Data::new(Shared {
        clock: listener.clock.clone(),
        limits: listener.limits.clone(),
        entrance: listener.entrance.clone(),
        panics: Arc::clone(&panics),
    });
    let table: Arc<[(String, Stories)]> = routes.into_table().into_iter().collect();
    let workers = workers(listener.workers);
    let server = HttpServer::new(move || {
        let table = Arc::clone(&table);
        App::new()
            .app_data(Data::clone(&shared))
            .wrap(from_fn(boundary::surround))
            .configure(move |config| fill(config, &table))
            .default_service(web::to(|| async { respond::not_found() }))
    })
    .workers(workers)
    // The first answer would wait for the acknowledgement of the session tickets: 40 ms.
    .tcp_nodelay(true)
    .max_connections(listener.limits.connections.div_ceil(workers))
    .client_request_timeout(listener.limits.header_timeout)
    .tls_handshake_timeout(listener.limits.header_timeout)
    .client_disconnect_timeout(listener.limits.header_timeout)
    .keep_alive(listener.limits.keep_alive)
    .shutdown_timeout(listener.shutdown_grace.as_secs())
    .backlog(BACKLOG)
    .disable_signals()
    .on_connect(entrance::note_certificates);
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(socket, tls),
        None => server.listen(socket),
    };
    let server = server.map_err(unusable)?.run();
    let handle = server.handle();
    let running = tokio::spawn(server);
    let reloading = certificate.map(|certificate| tokio::spawn(follow(certificate)));
    Ok(Server { address, handle, panics, running, reloading })
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests have ended in a panic: 0, or there is a mistake to find.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Closes the listener; requests under way may finish.
    pub async fn stop(self) {
        if let Some(reloading) = &self.reloading {
            reloading.abort();
        }
        self.handle.stop(true).await;
        if let Ok(Err(error)) = self.running.await {
            tracing::error!(error = %error, "a listener did not close cleanly");
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    // The standard library sets SO_REUSEADDR, so that a restart need not wait.
    let socket = TcpListener::bind(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn workers(wanted: usize) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if wanted == 0 { cores() } else { wanted }
}

fn fill(config: &mut ServiceConfig, table: &[(String, Stories)]) {
    for (path, stories) in table {
        let stories = stories.clone();
        let handler = move |http: HttpRequest, shared: Data<Shared>, payload: Payload| {
            let stories = stories.clone();
            async move {
                let arrival = http.extensions().get::<Arrival>().cloned();
                match arrival {
                    Some(arrival) => {
                        respond::respond(&shared, &stories, http, payload, arrival).await
                    }
                    None => respond::not_found(),
                }
            }
        };
        config.service(web::resource(path.as_str()).to(handler));
    }
}

/// Takes up a renewed certificate.
async fn follow(certificate: Arc<Certificate>) {
    loop {
        tokio::time::sleep(RELOAD).await;
        match certificate.reload() {
            Ok(true) => tracing::info!("the certificate has been renewed"),
            Ok(false) => {}
            Err(error) => {
                tracing::error!(error = %error, "the certificate cannot be renewed; the old one stays");
            }
        }
    }
}
