//! Names become addresses once, and only checked addresses are connected to (SEC-15): there is no
//! second look-up that could answer otherwise.

use std::net::SocketAddr;

use futures_util::future::BoxFuture;
use reqwest::dns::Addrs;
use reqwest::dns::Name;
use reqwest::dns::Resolve;
use reqwest::dns::Resolving;

use crate::remote::address;

/// How many addresses of one name are tried.
const MOST_ADDRESSES: usize = 16;

/// A name that stands at an address that is not public.
#[derive(Debug, thiserror::Error)]
#[error("an address of this host is not public")]
pub(super) struct AddressRefused;

/// Who knows the addresses of a name.
pub(super) trait Names: Send + Sync + 'static {
    /// The addresses, without a port.
    fn addresses(&self, name: String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>>;
}

/// The system.
#[derive(Debug, Clone, Copy)]
pub(super) struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, name: String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
        // The connector fills in the port.
        Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) })
    }
}

/// A resolver that lets checked addresses through.
#[derive(Debug, Clone, Copy)]
pub(super) struct GuardedResolver<N> {
    pub(super) names: N,
    pub(super) allow_loopback: bool,
}

impl<N: Names> Resolve for GuardedResolver<N> {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_loopback = self.allow_loopback;
        let found = self.names.addresses(name.as_str().to_owned());
        Box::pin(async move {
            let checked = check(found.await?.into_iter(), allow_loopback)?;
            let addresses: Addrs = Box::new(checked.into_iter());
            Ok(addresses)
        })
    }
}

/// One bad address spoils the name: whoever controls it would choose the order.
fn check(
    found: impl Iterator<Item = SocketAddr>,
    allow_loopback: bool,
) -> Result<Vec<SocketAddr>, AddressRefused> {
    let found: Vec<SocketAddr> = found.take(MOST_ADDRESSES).collect();
    let all_good = found.iter().all(|found| address::may_be_asked(found.ip(), allow_loopback));
    if all_good { Ok(found) } else { Err(AddressRefused) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_that_is_not_public_spoils_the_name() {
        let of = |addresses: &[&str]| {
            let parsed: Vec<SocketAddr> =
                addresses.iter().map(|one| one.parse().unwrap()).collect();
            check(parsed.into_iter(), false).map(|checked| checked.len()).ok()
        };
        assert_eq!(of(&["8.8.8.8:0", "[2606:4700::1]:0"]), Some(2));
        assert_eq!(of(&["8.8.8.8:0", "10.0.0.1:0"]), None);
        assert_eq!(of(&["[::ffff:127.0.0.1]:0"]), None);
        assert_eq!(of(&["127.0.0.1:0"]), None);
    }
}
