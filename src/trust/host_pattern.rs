//! Hosts that a framework allows, compared label by label (SEC-24).

/// Why a text is no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no host; write `keys.example` for one host or `*.example` for every host below it"
)]
pub struct InvalidHostPattern(String);

/// `keys.example` is that host alone, `*.example` every host below `example`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern(String);

impl HostPattern {
    /// Reads a pattern. There is none for every host.
    ///
    /// # Errors
    ///
    /// Not a host name in lower case, or a `*` elsewhere than before the first dot.
    pub fn parse(text: &str) -> Result<Self, InvalidHostPattern> {
        let host = text.strip_prefix("*.").unwrap_or(text);
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let literal = host.starts_with('[') && host.ends_with(']') && host == text;
        if text.len() > 253 || !(literal || host.split('.').all(label)) {
            return Err(InvalidHostPattern(text.chars().take(60).collect()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `host` is covered.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        match self.0.strip_prefix('*') {
            Some(below) => host.strip_suffix(below).is_some_and(|label| !label.is_empty()),
            None => host == self.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_by_label_sec_24() {
        for (pattern, host, covered) in [
            ("trusted.com", "trusted.com", true),
            ("trusted.com", "trusted.com.evil", false),
            ("trusted.com", "evil-trusted.com", false),
            ("trusted.com", "a.trusted.com", false),
            ("*.trusted.com", "a.trusted.com", true),
            ("*.trusted.com", "a.b.trusted.com", true),
            ("*.trusted.com", "evil-trusted.com", false),
            ("*.trusted.com", "trusted.com", false),
            ("localhost", "localhost", true),
        ] {
            assert_eq!(HostPattern::parse(pattern).unwrap().covers(host), covered, "{host}");
        }
        for bad in
            ["", "*", "*.", "a.*.com", "A.com", "a..b", "https://a", "a:443", "a/b", "*a.com"]
        {
            assert!(HostPattern::parse(bad).is_err(), "{bad}");
        }
    }
}
