//! Scope tokens and sets of them ([RFC 6749 §3.3]).
//!
//! [RFC 6749 §3.3]: https://www.rfc-editor.org/rfc/rfc6749#section-3.3

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most scope tokens that one request or client may name.
const MOST_SCOPES: usize = 100;
const LONGEST_SCOPE: usize = 256;

/// Why a text is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScope {
    /// A token holds a character outside `%x21 / %x23-5B / %x5D-7E`, or is empty.
    #[error(
        "a scope token may hold visible ASCII characters except `\"` and `\\`, and is not empty"
    )]
    Character,
    /// A token is longer than 256 characters.
    #[error("a scope token is longer than 256 characters")]
    TooLong,
    /// There are more than a hundred tokens.
    #[error("more than {MOST_SCOPES} scope tokens")]
    TooMany,
}

/// One scope token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Scope(String);

impl Scope {
    /// Reads one token.
    ///
    /// # Errors
    ///
    /// Empty, too long, or a character that RFC 6749 §3.3 does not allow.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidScope> {
        let text = text.into();
        if text.len() > LONGEST_SCOPE {
            return Err(InvalidScope::TooLong);
        }
        let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if text.is_empty() || !text.bytes().all(allowed) {
            return Err(InvalidScope::Character);
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A set of scope tokens, written as one text with single spaces between them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeSet(BTreeSet<Scope>);

impl ScopeSet {
    /// Reads `scope` as it stands in a request. Tokens are separated by single spaces; the empty
    /// text is the empty set.
    ///
    /// # Errors
    ///
    /// A malformed token, or too many.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let mut set = BTreeSet::new();
        for (index, token) in text.split(' ').enumerate() {
            if index >= MOST_SCOPES {
                return Err(InvalidScope::TooMany);
            }
            set.insert(Scope::parse(token)?);
        }
        Ok(Self(set))
    }

    /// Whether `scope` is in the set.
    #[must_use]
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.contains(scope)
    }

    /// The tokens, sorted.
    pub fn iter(&self) -> std::collections::btree_set::Iter<'_, Scope> {
        self.0.iter()
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many tokens there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The tokens that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// The tokens that are in this set and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    /// Whether every token is also in `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }
}

impl<'a> IntoIterator for &'a ScopeSet {
    type Item = &'a Scope;
    type IntoIter = std::collections::btree_set::Iter<'a, Scope>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl std::fmt::Display for ScopeSet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            if index > 0 {
                formatter.write_str(" ")?;
            }
            formatter.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_separated_by_single_spaces() {
        assert_eq!(ScopeSet::parse("b a b").unwrap().to_string(), "a b");
        assert!(ScopeSet::parse("a  b").is_err());
        assert!(ScopeSet::parse(" a").is_err());
        assert!(ScopeSet::parse("a\tb").is_err());
    }

    #[test]
    fn quotes_backslashes_and_foreign_letters_are_refused() {
        for bad in ["a\"", "a\\b", "\u{e9}", "a\u{0}"] {
            assert_eq!(Scope::parse(bad), Err(InvalidScope::Character), "{bad:?}");
        }
    }

    #[test]
    fn a_hundred_and_one_scopes_are_too_many() {
        let text = (0..=MOST_SCOPES).map(|n| format!("s{n}")).collect::<Vec<_>>().join(" ");
        assert_eq!(ScopeSet::parse(&text), Err(InvalidScope::TooMany));
    }
}
