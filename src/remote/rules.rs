//! Which hosts may be asked (SEC-24): labels are compared, never patterns.

use crate::remote::address;
use crate::remote::error::RemoteError;
use crate::types::HttpsUri;

/// What a fetch on behalf of a trust framework may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchRules {
    /// The hosts: `keys.example` is this host alone, `*.example` every host below `example`, `*` any.
    /// An empty list allows none.
    pub allowed_hosts: Vec<String>,
    /// Whether this very machine may be asked, as in a demo.
    pub allow_loopback: bool,
}

impl FetchRules {
    /// Refuses what can be refused before anything is resolved.
    pub(super) fn check(&self, uri: &HttpsUri) -> Result<(), RemoteError> {
        let host = uri.host();
        if !self.allowed_hosts.iter().any(|allowed| is_covered(host, allowed)) {
            return Err(RemoteError::HostNotAllowed(host.to_owned()));
        }
        // An address in the URI is never resolved, so it is judged here.
        let literal = host.trim_matches(['[', ']']).parse();
        match literal {
            Ok(literal) if !address::may_be_asked(literal, self.allow_loopback) => {
                Err(RemoteError::AddressRefused(host.to_owned()))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

fn is_covered(host: &str, allowed: &str) -> bool {
    let mut theirs = host.rsplit('.');
    let mut ours = allowed.rsplit('.');
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => return ours.next().is_none(),
            (Some(our), Some(their)) if our.eq_ignore_ascii_case(their) => {}
            (None | Some(_), None | Some(_)) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_by_label_sec_24() {
        for (host, allowed, covered) in [
            ("trusted.com", "trusted.com", true),
            ("trusted.com", "Trusted.com", true),
            ("trusted.com.evil", "trusted.com", false),
            ("evil-trusted.com", "trusted.com", false),
            ("evil-trusted.com", "*.trusted.com", false),
            ("a.trusted.com", "trusted.com", false),
            ("a.trusted.com", "*.trusted.com", true),
            ("a.b.trusted.com", "*.trusted.com", true),
            ("trusted.com", "*.trusted.com", false),
            ("com", "trusted.com", false),
            ("anything.example", "*", true),
            ("a.x.com", "a.*.com", false),
            ("a.com", "", false),
        ] {
            assert_eq!(is_covered(host, allowed), covered, "{host} by {allowed}");
        }
    }

    #[test]
    fn an_empty_list_allows_none() {
        let uri = HttpsUri::parse("https://a.example/jwks").unwrap();
        assert!(matches!(FetchRules::default().check(&uri), Err(RemoteError::HostNotAllowed(_))));
    }

    #[test]
    fn an_address_in_the_uri_is_judged_like_a_resolved_one() {
        let any =
            |allow_loopback| FetchRules { allowed_hosts: vec!["*".to_owned()], allow_loopback };
        for (uri, loopback) in [
            ("https://127.0.0.1/", true),
            ("https://[::1]/", true),
            ("https://10.0.0.1/", false),
            ("https://169.254.169.254/latest/meta-data", false),
            ("https://[::ffff:7f00:1]/", false),
            ("https://[fd00::1]/", false),
        ] {
            let uri = HttpsUri::parse(uri).unwrap();
            assert!(any(false).check(&uri).is_err(), "{uri}");
            assert_eq!(any(true).check(&uri).is_ok(), loopback, "{uri}");
        }
    }
}
