//! Small servers beside each other in one process, and how they are stopped.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::development_keys::DevelopmentKeys;
use crate::cli::error::CommandError;
use crate::clock::Clock;
use crate::config::Settings;
use crate::http;
use crate::http::{Entrance, Listener, Routes, Server, TlsFiles};

/// An idle connection is not worth waiting for.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// Servers that are open, and how to open more like them.
#[derive(Debug)]
pub struct Servers {
    listener: Listener,
    open: Vec<Server>,
}

impl Servers {
    /// None yet.
    ///
    /// # Errors
    ///
    /// The usual settings cannot be read.
    pub fn new(keys: &DevelopmentKeys, clock: Clock) -> Result<Self, CommandError> {
        let usual = Settings::read(Some("[server]\nenvironment = \"sandbox\""), []);
        let usual = usual.map_err(|error| CommandError::failed(error.to_string()))?;
        let listener = Listener {
            address: usual.server.listen,
            entrance: Entrance::Public,
            tls: TlsFiles {
                certificate: keys.certificate.clone(),
                key: keys.certificate_key.clone(),
            },
            limits: usual.limits,
            workers: 1,
            shutdown_grace: SHUTDOWN_GRACE,
            clock,
        };
        Ok(Self { listener, open: Vec::new() })
    }

    /// Opens a small server and says where it listens.
    ///
    /// # Errors
    ///
    /// The address or the certificate cannot be used.
    pub fn start<S: Send + Sync + 'static>(
        &mut self,
        address: SocketAddr,
        routes: Routes<S>,
    ) -> Result<SocketAddr, CommandError> {
        let listener = Listener { address, ..self.listener.clone() };
        let server = http::start(&listener, routes)?;
        let address = server.address();
        self.open.push(server);
        Ok(address)
    }

    /// Closes all of them at once.
    pub async fn stop(self) {
        let closing: Vec<_> =
            self.open.into_iter().map(|server| tokio::spawn(server.stop())).collect();
        for closed in closing {
            // A panic while closing has been reported already, and nothing is left to do.
            drop(closed.await);
        }
    }
}

/// Waits until somebody wants this program to stop: Ctrl-C, or SIGTERM.
///
/// # Errors
///
/// The signals cannot be heard.
pub async fn stop_wanted() -> std::io::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    Ok(())
}
