//! The framework that ships: our own test directory, at whatever address it runs.

use crate::types::Issuer;

/// The file as shipped, for a directory at its usual address.
pub const SHIPPED_DIRECTORY: &str = include_str!("../../frameworks/directory.toml");

const USUAL_ADDRESS: &str = "https://localhost:8445";
const USUAL_HOSTS: &str = "allowed_hosts = [\"localhost\"]";

/// The shipped file, rewritten for a directory at another address.
#[must_use]
pub fn directory_at(address: &Issuer) -> String {
    let address = address.as_str().trim_end_matches('/');
    let authority = address.split("://").nth(1).unwrap_or(address);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    SHIPPED_DIRECTORY
        .replace(USUAL_HOSTS, &format!("allowed_hosts = [\"{host}\"]"))
        .replace(USUAL_ADDRESS, address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::Framework;
    use crate::trust::KeySource;

    #[test]
    fn the_shipped_framework_loads_at_any_address() {
        for (address, host) in [
            ("https://localhost:8445", "localhost"),
            ("https://localhost:40123", "localhost"),
            ("https://directory.example", "directory.example"),
            ("https://127.0.0.1:9/", "127.0.0.1"),
            ("https://[::1]:9", "[::1]"),
        ] {
            let text = directory_at(&Issuer::parse(address).unwrap());
            let framework = Framework::parse("directory.toml", &text).unwrap();
            let address = address.trim_end_matches('/');
            assert_eq!(framework.issuers(), [address]);
            assert_eq!(framework.client_key_hosts()[0].as_str(), host);
            let KeySource::JwksUri(uri) = framework.key_source() else { panic!("no address") };
            assert_eq!(uri.as_str(), format!("{address}/jwks"));
        }
    }
}
