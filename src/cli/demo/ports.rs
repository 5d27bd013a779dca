//! Which port each server of the demo takes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use clap::Args;

use crate::cli::error::CommandError;

/// The ports that were asked for; 0 takes any free one.
#[derive(Debug, Clone, Args)]
pub struct PortOptions {
    /// Port of the authorization server; 0 takes any free one
    #[arg(long, default_value_t = 8443)]
    port: u16,
    /// Port of the operator API; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 8444)]
    operator_port: u16,
    /// Port of the test directory; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 8445)]
    directory_port: u16,
    /// Port of the resource server; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 8446)]
    resource_port: u16,
}

/// The addresses that were found free.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The authorization server.
    pub public: SocketAddr,
    /// The operator API.
    pub operator: SocketAddr,
    /// The test directory.
    pub directory: SocketAddr,
    /// The resource server.
    pub resource: SocketAddr,
}

impl PortOptions {
    /// Finds out whether the ports are free, and which ones `0` stands for. Addresses are needed
    /// before any server opens: they are in the issuers' names.
    ///
    /// # Errors
    ///
    /// A port is in use; says which, and what to do.
    pub fn find(&self) -> Result<Addresses, CommandError> {
        let held = [
            hold(self.port, "authorization server", "--port")?,
            hold(self.operator_port, "operator API", "--operator-port")?,
            hold(self.directory_port, "test directory", "--directory-port")?,
            hold(self.resource_port, "resource server", "--resource-port")?,
        ];
        let [public, operator, directory, resource] = held.map(|socket| socket.local_addr());
        Ok(Addresses {
            public: public?,
            operator: operator?,
            directory: directory?,
            resource: resource?,
        })
    }
}

fn hold(port: u16, who: &str, option: &str) -> Result<TcpListener, CommandError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
        let cause = if error.kind() == io::ErrorKind::AddrInUse {
            "is in use".to_owned()
        } else {
            format!("cannot be used: {error}")
        };
        CommandError::failed_with(
            format!("port {port} of the {who} {cause}"),
            format!("stop what uses it, or choose another: `{option} 0` takes any free one"),
        )
    })
}

/// The address as clients write it: the certificate is for `localhost`.
#[must_use]
pub fn url(address: SocketAddr) -> String {
    format!("https://localhost:{}", address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named_with_the_option_that_changes_it() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let options =
            PortOptions { port: 0, operator_port: 0, directory_port: port, resource_port: 0 };
        let error = options.find().unwrap_err();
        assert!(error.to_string().contains(&format!("port {port} of the test directory")));
        assert!(error.hint().unwrap().contains("--directory-port 0"));
    }

    #[test]
    fn free_ports_differ() {
        let options =
            PortOptions { port: 0, operator_port: 0, directory_port: 0, resource_port: 0 };
        let found = options.find().unwrap();
        let ports = [found.public, found.operator, found.directory, found.resource];
        let distinct: std::collections::BTreeSet<_> = ports.iter().map(SocketAddr::port).collect();
        assert_eq!(distinct.len(), 4);
    }
}
