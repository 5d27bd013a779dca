//! `countersign serve`: the server, until it is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::cli::assembly::assemble;
use crate::cli::config::ConfigFile;
use crate::cli::error::CommandError;
use crate::cli::log;
use crate::cli::servers::stop_wanted;
use crate::clock::Clock;
use crate::config::Settings;
use crate::endpoints::registration::directory_standing;
use crate::endpoints::registration::unused;
use crate::http;
use crate::http::Entrance;
use crate::http::Listener;
use crate::http::Server;
use crate::http::TlsFiles;

/// How often the keyring looks whether a key must change.
const KEYS_EVERY: Duration = Duration::from_mins(1);
/// How often what has expired is removed.
const CLEAN_EVERY: Duration = Duration::from_mins(1);
/// How many rows one clean-up removes at once, so that no request waits long behind it.
const CLEAN_AT_ONCE: u16 = 500;

const EXAMPLES: &str = "\
Before the first start:
  countersign keys init && countersign migrate && countersign doctor

It stops when it receives SIGTERM or SIGINT; requests under way may finish.";

/// Answers requests until it is told to stop.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Serve {
    #[command(flatten)]
    file: ConfigFile,
}

impl Serve {
    /// Does it.
    ///
    /// # Errors
    ///
    /// The settings are wrong, or something cannot be opened.
    pub fn run(&self) -> Result<(), CommandError> {
        let settings = self.file.load()?;
        log::start(&settings.log);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let server = AuthorizationServer::start(settings, Clock::System).await?;
            stop_wanted().await?;
            tracing::info!("stopping");
            server.stop().await;
            Ok(())
        })
    }
}

/// An authorization server that answers: its listeners, and what it does by the clock.
#[derive(Debug)]
pub struct AuthorizationServer {
    public: Server,
    operator: Server,
    mutual_tls: Option<Server>,
    behind_proxy: Option<Server>,
    chores: Vec<JoinHandle<()>>,
}

impl AuthorizationServer {
    /// Opens everything. The database must be migrated. It answers as soon as this returns.
    ///
    /// # Errors
    ///
    /// What cannot be opened, and what to do about it.
    pub async fn start(settings: Settings, clock: Clock) -> Result<Self, CommandError> {
        let app = Arc::new(assemble(settings, clock).await?);
        let public = listener(&app, app.settings.server.listen);
        let public = http::start(&public, http::oauth::routes(Arc::clone(&app)))?;
        let operator = listener(&app, app.settings.server.operator_listen);
        // Operators are few.
        let operator = Listener { workers: 1, ..operator };
        let operator = http::start(&operator, http::operator::routes(Arc::clone(&app)))?;
        let mutual_tls = mutual_tls(&app)
            .map(|listener| http::start(&listener, http::oauth::routes(Arc::clone(&app))))
            .transpose()?;
        let behind_proxy = behind_proxy(&app)
            .map(|listener| http::start(&listener, http::oauth::routes(Arc::clone(&app))))
            .transpose()?;
        tracing::info!(
            server.issuer = %app.settings.server.issuer,
            server.address = %public.address(),
            operator.address = %operator.address(),
            mutual_tls.address = mutual_tls.as_ref().map(|one| tracing::field::display(one.address())),
            behind_proxy.address =
                behind_proxy.as_ref().map(|one| tracing::field::display(one.address())),
            "answering"
        );
        let chores = vec![
            tokio::spawn(keep_keys(Arc::clone(&app))),
            tokio::spawn(look_after_unused(Arc::clone(&app))),
            tokio::spawn(ask_directories(Arc::clone(&app))),
            tokio::spawn(clean(app)),
        ];
        Ok(Self { public, operator, mutual_tls, behind_proxy, chores })
    }

    /// Where clients and resource servers reach it.
    #[must_use]
    pub const fn public_address(&self) -> SocketAddr {
        self.public.address()
    }

    /// Where operators reach it.
    #[must_use]
    pub const fn operator_address(&self) -> SocketAddr {
        self.operator.address()
    }

    /// Where clients that show a certificate reach it, if anywhere.
    #[must_use]
    pub fn mutual_tls_address(&self) -> Option<SocketAddr> {
        self.mutual_tls.as_ref().map(Server::address)
    }

    /// Where proxies reach it, if anywhere.
    #[must_use]
    pub fn behind_proxy_address(&self) -> Option<SocketAddr> {
        self.behind_proxy.as_ref().map(Server::address)
    }

    /// Closes the listeners; requests under way may finish.
    pub async fn stop(self) {
        for chore in &self.chores {
            chore.abort();
        }
        self.public.stop().await;
        self.operator.stop().await;
        for server in [self.mutual_tls, self.behind_proxy].into_iter().flatten() {
            server.stop().await;
        }
    }
}

fn listener(app: &App, address: SocketAddr) -> Listener {
    let server = &app.settings.server;
    Listener {
        address,
        entrance: Entrance::Public,
        tls: TlsFiles { certificate: server.tls_certificate.clone(), key: server.tls_key.clone() },
        limits: app.settings.limits.clone(),
        workers: server.workers,
        shutdown_grace: server.shutdown_grace,
        clock: app.clock.clone(),
    }
}

/// The listener on which clients may show a certificate.
fn mutual_tls(app: &App) -> Option<Listener> {
    let settings = &app.settings.mutual_tls;
    let usual = listener(app, settings.listen?);
    let own = settings.certificate.clone().zip(settings.key.clone());
    let own = own.map(|(certificate, key)| TlsFiles { certificate, key });
    let tls = own.unwrap_or_else(|| usual.tls.clone());
    Some(Listener { entrance: Entrance::MutualTls, tls, ..usual })
}

/// The listener for proxies.
fn behind_proxy(app: &App) -> Option<Listener> {
    let settings = &app.settings.behind_proxy;
    let entrance = Entrance::BehindProxy {
        addresses: settings.addresses.clone(),
        mutual_tls: settings.mutual_tls,
    };
    Some(Listener { entrance, ..listener(app, settings.listen?) })
}

/// Changes signing keys by the schedule.
async fn keep_keys(app: Arc<App>) {
    loop {
        tokio::time::sleep(KEYS_EVERY).await;
        if let Err(error) = app.keyring.ensure(app.clock.now()).await {
            tracing::error!(error = %error, "the signing keys could not be looked after");
        }
    }
}

/// Tells the owners of clients that nobody uses, and ends those that stay unused.
async fn look_after_unused(app: Arc<App>) {
    loop {
        tokio::time::sleep(CLEAN_EVERY).await;
        loop {
            match unused::look_after(&app, CLEAN_AT_ONCE, app.clock.now()).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "unused clients could not be looked after");
                    break;
                }
            }
        }
    }
}

/// Asks directories how their software stands, as often as the shortest of their frameworks says.
async fn ask_directories(app: Arc<App>) {
    let Some(seconds) = directory_standing::every_seconds(&app) else { return };
    loop {
        if let Err(error) = directory_standing::look_after(&app, app.clock.now()).await {
            tracing::warn!(error = %error, "what directories say could not be written down");
        }
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}

/// Removes single-use marks and revocations whose time is over.
async fn clean(app: Arc<App>) {
    loop {
        tokio::time::sleep(CLEAN_EVERY).await;
        loop {
            match app.database.remove_expired(app.clock.now(), CLEAN_AT_ONCE).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "what has expired could not be removed");
                    break;
                }
            }
        }
    }
}
