//! Whether `htu` names the address of a request ([RFC 9449] §4.3: query and fragment are ignored, and
//! the rest is normalised as RFC 3986 §6.2.2 and §6.2.3 have it).
//!
//! [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449

use url::Url;

/// The longest `htu` that is read.
const LONGEST_TARGET: usize = 2048;

/// Whether both are the same address: case of scheme and host, a default port and dot segments do not
/// matter, nor do query and fragment; the case of the path does.
#[must_use]
pub fn is_same(htu: &str, address: &str) -> bool {
    normal(htu).is_some_and(|htu| normal(address).is_some_and(|address| htu == address))
}

/// What a lenient parser would mend (spaces, backslashes, tabs) is no address.
fn normal(text: &str) -> Option<Url> {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    if text.len() > LONGEST_TARGET || !text.bytes().all(plain) {
        return None;
    }
    let has_authority = text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
    let mut url = Url::parse(text).ok().filter(|_| has_authority)?;
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "https://as.example/token";

    #[test]
    fn what_rfc_3986_calls_equivalent_is_the_same() {
        for same in [
            TOKEN,
            "HTTPS://as.example/token",
            "https://AS.Example/token",
            "https://as.example:443/token",
            "https://as.example/a/../token",
            "https://as.example/token?a=b",
            "https://as.example/token#f",
            "https://as.example/token?",
        ] {
            assert!(is_same(same, TOKEN), "{same}");
        }
        assert!(is_same("https://as.example:8443/token", "https://as.example:8443/token"));
        assert!(is_same("https://as.example", "https://as.example/"));
    }

    #[test]
    fn another_address_is_another() {
        let long = format!("{TOKEN}?{}", "x".repeat(LONGEST_TARGET));
        for other in [
            "",
            "/token",
            "as.example/token",
            "http://as.example/token",
            "https://as.example/Token",
            "https://as.example/token/",
            "https://as.example//token",
            "https://as.example/",
            "https://as.example:8443/token",
            "https://as.example.evil/token",
            "https://evil@as.example/token",
            "https://as.example@evil/token",
            "https:as.example/token",
            "https:/as.example/token",
            "https:\\\\as.example/token",
            " https://as.example/token",
            "https://as.example/token ",
            "https://as.example/to\tken",
            long.as_str(),
        ] {
            assert!(!is_same(other, TOKEN), "{other}");
        }
    }
}
