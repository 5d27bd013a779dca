//! Addresses that programs read differently from each other (REG-T6, SEC-18), and sites as browsers
//! tell them apart: by the Public Suffix List.

use std::net::Ipv4Addr;

use crate::protocol::client::script::mixes_scripts;

/// Why an address may lead elsewhere than it seems to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmbiguousAddress {
    /// A `%` that two hexadecimal digits do not follow.
    #[error("it holds a `%` that escapes nothing")]
    BrokenEscape,
    /// An escaped control character.
    #[error("it holds an escaped control character")]
    EscapedControl,
    /// An escaped slash, backslash or percent sign in the path.
    #[error("its path holds an escaped slash, backslash or percent sign")]
    EscapedSeparator,
    /// Two slashes in a row.
    #[error("its path holds two slashes in a row")]
    DoubledSlash,
    /// A segment `.` or `..`, escaped or with parameters.
    #[error("its path holds a segment of dots")]
    DotSegment,
    /// A port that is empty or begins with a zero.
    #[error("its port is not written in its plain form")]
    Port,
    /// An internationalised host that is malformed, or a label of it that mixes scripts.
    #[error("its host is a name that looks like another one")]
    Host,
}

/// Checks what follows the scheme's colon: `//host:port/path?query`, or `/path` alone.
pub(super) fn check(hierarchical: &str) -> Result<(), AmbiguousAddress> {
    let (before_query, query) = hierarchical.split_once('?').unwrap_or((hierarchical, ""));
    let (authority, path) = match before_query.strip_prefix("//") {
        Some(rest) => rest.find('/').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, "")),
        None => ("", before_query),
    };
    check_authority(authority)?;
    for escaped in escapes(path)? {
        match escaped {
            b'/' | b'\\' | b'%' => return Err(AmbiguousAddress::EscapedSeparator),
            byte if byte.is_ascii_control() => return Err(AmbiguousAddress::EscapedControl),
            _ => {}
        }
    }
    if escapes(query)?.iter().any(u8::is_ascii_control) {
        return Err(AmbiguousAddress::EscapedControl);
    }
    if path.contains("//") {
        return Err(AmbiguousAddress::DoubledSlash);
    }
    if path.split('/').any(is_dots) {
        return Err(AmbiguousAddress::DotSegment);
    }
    Ok(())
}

fn check_authority(authority: &str) -> Result<(), AmbiguousAddress> {
    let after_host = authority.rsplit_once(']').map_or(authority, |(_, rest)| rest);
    let (host, port) = after_host.split_once(':').unwrap_or((after_host, "1"));
    if port.is_empty() || port.starts_with('0') {
        return Err(AmbiguousAddress::Port);
    }
    if host.split('.').any(|label| label.starts_with("xn--")) {
        let (name, sound) = idna::domain_to_unicode(host);
        if sound.is_err() || name.split('.').any(mixes_scripts) {
            return Err(AmbiguousAddress::Host);
        }
    }
    Ok(())
}

/// What the text escapes.
fn escapes(text: &str) -> Result<Vec<u8>, AmbiguousAddress> {
    let byte = |part: &str| {
        let digits = part.get(..2).filter(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()));
        digits
            .and_then(|two| u8::from_str_radix(two, 16).ok())
            .ok_or(AmbiguousAddress::BrokenEscape)
    };
    text.split('%').skip(1).map(byte).collect()
}

/// `.` and `..`, however they are escaped and whatever parameters follow (`..;x`).
fn is_dots(segment: &str) -> bool {
    let name = segment.split(';').next().unwrap_or(segment);
    let plain = name.replace("%2e", ".").replace("%2E", ".");
    plain == "." || plain == ".."
}

/// Whether a host names this very machine.
pub(super) fn is_local(host: &str) -> bool {
    let four = |ip: Ipv4Addr| ip.is_loopback() || ip.is_unspecified();
    let six = |ip: std::net::Ipv6Addr| {
        ip.is_loopback() || ip.is_unspecified() || ip.to_ipv4_mapped().is_some_and(four)
    };
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(four)
        || inner.is_some_and(|inner| inner.parse().is_ok_and(six))
}

/// What one owner registers: the name just below a public suffix, or an IP address. `None` for a
/// public suffix itself, below which anybody may have a site (REG-M5).
pub(super) fn site(host: &str) -> Option<&str> {
    if host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok() {
        return Some(host);
    }
    psl::domain_str(host)
}

/// Equal, or of one owner (SEC-24).
pub(super) fn same_site(one: &str, other: &str) -> bool {
    one == other || site(one).is_some_and(|site_of_one| site(other) == Some(site_of_one))
}

/// The ending of the last segment of an address, lower case: `png` for `/logo.PNG?x=1`.
pub(super) fn file_extension(address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    let segment = path.splitn(4, '/').nth(3)?.rsplit('/').next()?;
    let name = segment.split(';').next().unwrap_or(segment);
    let plain = name.replace("%2e", ".").replace("%2E", ".");
    plain.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_programs_read_differently_is_refused_reg_t6_sec_18() {
        use AmbiguousAddress as A;
        for (bad, why) in [
            ("//a.example//evil.example/cb", A::DoubledSlash),
            ("//a.example/cb//", A::DoubledSlash),
            ("//a.example/x/../cb", A::DotSegment),
            ("//a.example/x/./cb", A::DotSegment),
            ("//a.example/..;/admin", A::DotSegment),
            ("//a.example/%2e%2E/admin", A::DotSegment),
            ("//a.example/.%2e;a=b/admin", A::DotSegment),
            ("//a.example/a%2fb", A::EscapedSeparator),
            ("//a.example/a%5Cb", A::EscapedSeparator),
            ("//a.example/a%252fb", A::EscapedSeparator),
            ("//a.example/a%00", A::EscapedControl),
            ("//a.example/cb?x=%0d%0aSet-Cookie:a", A::EscapedControl),
            ("//a.example/a%zz", A::BrokenEscape),
            ("//a.example/a%", A::BrokenEscape),
            ("//a.example/cb?x=%1", A::BrokenEscape),
            ("//a.example:/cb", A::Port),
            ("//a.example:0443/cb", A::Port),
            ("//[::1]:/cb", A::Port),
            ("/cb//x", A::DoubledSlash),
        ] {
            assert_eq!(check(bad), Err(why), "{bad}");
        }
        for good in [
            "//a.example",
            "//a.example:8443/cb",
            "//[::1]:8443/cb",
            "//a.example/a.b..c/...?x=/../&y=//z%2f%25",
            "//a.example/caf%C3%A9/",
            "/oauth/cb",
            "//xn--bcher-kva.example/cb",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn a_host_that_mixes_scripts_in_a_label_is_refused_reg_t7() {
        // Latin `paypal` with a Cyrillic a.
        let host = idna::domain_to_ascii("p\u{430}ypal.example").unwrap();
        assert_eq!(check(&format!("//{host}/")), Err(AmbiguousAddress::Host));
        assert_eq!(check("//xn--a.example/"), Err(AmbiguousAddress::Host));
    }

    #[test]
    fn sites_are_told_apart_by_the_public_suffix_list_reg_m5_sec_24() {
        for (one, other) in [
            ("www.acme.example", "acme.example"),
            ("a.acme.co.uk", "b.acme.co.uk"),
            ("acme.com.br", "acme.com.br"),
            ("192.0.2.1", "192.0.2.1"),
        ] {
            assert!(same_site(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("evil-acme.example", "acme.example"),
            ("acme.example.evil.com", "acme.example"),
            ("evil.co.uk", "acme.co.uk"),
            ("evil.github.io", "acme.github.io"),
            ("acme.com.br", "com.br"),
            ("203.0.2.1", "192.0.2.1"),
            ("a.example", "example"),
        ] {
            assert!(!same_site(one, other), "{one} {other}");
        }
        for suffix in ["com", "co.uk", "com.br", "github.io", "localhost"] {
            assert_eq!(site(suffix), None, "{suffix}");
        }
    }

    #[test]
    fn this_machine_has_many_names() {
        for local in ["localhost", "a.localhost", "127.9.9.9", "0.0.0.0", "[::1]", "[::]"] {
            assert!(is_local(local), "{local}");
        }
        assert!(is_local("[::ffff:127.0.0.1]") && is_local("[::ffff:7f00:1]"));
        for far in ["localhost.example", "192.0.2.1", "[2001:db8::1]"] {
            assert!(!is_local(far), "{far}");
        }
    }

    #[test]
    fn the_ending_of_an_address_is_that_of_its_last_segment() {
        for (address, ending) in [
            ("https://a.example/l.SVG?x=.png", Some("svg")),
            ("https://a.example/l%2Esvg", Some("svg")),
            ("https://a.example/l.svg;v=1.png", Some("svg")),
            ("https://a.example/logo", None),
            ("https://a.example", None),
        ] {
            assert_eq!(file_extension(address).as_deref(), ending, "{address}");
        }
    }
}
