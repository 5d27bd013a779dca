//! A policy bundle: a schema and rules as text, their digest, and what can be wrong with them
//! (GOV-PO-8).

use sha2::Digest as _;
use sha2::Sha256;

/// The schema of the default bundle.
pub const DEFAULT_SCHEMA: &str = include_str!("../../policies/schema.cedarschema");
/// The rules of the default bundle.
pub const DEFAULT_RULES: &str = include_str!("../../policies/rules.cedar");

/// The digest of a bundle, `sha256:` and hexadecimal. The length of the schema goes in too, so that
/// no text can move from one part to the other unnoticed.
#[must_use]
pub fn digest(schema: &str, rules: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(schema.len().to_string());
    hash.update(b"\n");
    hash.update(schema);
    hash.update(rules);
    format!("sha256:{:x}", hash.finalize())
}

/// One thing that is wrong with a bundle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BundleProblem {
    /// Where: the line of the rules, or of the schema.
    pub line: Option<usize>,
    /// The rule's `@id`; none for the schema or the bundle as a whole.
    pub rule: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl BundleProblem {
    /// A problem of the bundle as a whole.
    #[must_use]
    pub fn of_bundle(message: impl Into<String>) -> Self {
        Self { line: None, rule: None, message: message.into() }
    }
}

impl std::fmt::Display for BundleProblem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(rule) = &self.rule {
            write!(formatter, "rule `{rule}`: ")?;
        }
        if let Some(line) = self.line {
            write!(formatter, "line {line}: ")?;
        }
        formatter.write_str(&self.message)
    }
}

/// A bundle that does not load, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the policy bundle does not load: {}", join(.problems))]
pub struct InvalidBundle {
    /// What is wrong, in the order of the text.
    pub problems: Vec<BundleProblem>,
}

fn join(problems: &[BundleProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_covers_both_parts_and_where_they_part() {
        let base = digest("ab", "cd");
        assert!(base.starts_with("sha256:") && base.len() == 71);
        for other in [digest("ab", "cde"), digest("abc", "d"), digest("a", "bcd"), digest("", "")] {
            assert_ne!(base, other);
        }
    }
}
