//! The name of a certificate's subject or issuer: what [RFC 4514] writes as `CN=…,O=…,C=…`.
//!
//! Names are compared attribute by attribute (RFC 4517 §4.2.15), never as text: the same name may be
//! written in several ways.
//!
//! [RFC 4514]: https://www.rfc-editor.org/rfc/rfc4514

mod attribute;
mod parse;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use attribute::Attribute;

/// The longest name that is read, in bytes of text.
const LONGEST_TEXT: usize = 4096;
/// The longest name that is kept, in bytes of its values.
const LONGEST_VALUES: usize = 2048;
/// The most attributes of a name.
const MOST_ATTRIBUTES: usize = 64;

/// Why something is not a name that we accept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDistinguishedName {
    /// It names nothing.
    #[error("it is empty")]
    Empty,
    /// It is longer than any name needs to be.
    #[error(
        "it is longer than {LONGEST_TEXT} characters, {LONGEST_VALUES} bytes of values or \
         {MOST_ATTRIBUTES} attributes"
    )]
    TooLong,
    /// It is not written as RFC 4514 §3 says.
    #[error("it is not written as RFC 4514 says, such as `CN=name,O=organisation,C=BR`")]
    Malformed,
    /// It uses another short name than those of RFC 4514 §3.
    #[error(
        "an attribute is none of CN, L, ST, O, OU, C, STREET, DC and UID: write its OID in dots"
    )]
    UnknownAttribute,
    /// A value in hexadecimal is not the encoding of a string.
    #[error("a value after `#` is not the encoding of a string")]
    NotAString,
    /// A value holds a control character, which the comparison would not see.
    #[error("a value holds a control character")]
    ControlCharacter,
}

/// An attribute as a certificate holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedAttribute {
    /// The attribute's type: an OID in dots.
    pub oid: String,
    /// The identifier octet of the value.
    pub tag: u8,
    /// The value's content octets.
    pub content: Vec<u8>,
}

/// A distinguished name. Its parts stand in the order of the certificate: the country first, say, and
/// the name of the holder last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistinguishedName {
    relative: Vec<Vec<Attribute>>,
}

impl DistinguishedName {
    /// Reads the text form of RFC 4514: the nine short names of its §3 or OIDs in dots, and after an
    /// OID either `#` and the encoding of a string or the string itself.
    ///
    /// # Errors
    ///
    /// It is no such text, or one that names nothing.
    pub fn parse(text: &str) -> Result<Self, InvalidDistinguishedName> {
        if text.len() > LONGEST_TEXT {
            return Err(InvalidDistinguishedName::TooLong);
        }
        let name = Self { relative: parse::parse(text)? };
        if name.relative.is_empty() {
            return Err(InvalidDistinguishedName::Empty);
        }
        name.bounded()
    }

    /// A name from the parts of a certificate, in their order. It may be empty: the holder may be
    /// named by alternative names alone.
    ///
    /// # Errors
    ///
    /// It is too long, or holds control characters.
    pub fn from_encoded(
        parts: Vec<Vec<EncodedAttribute>>,
    ) -> Result<Self, InvalidDistinguishedName> {
        let relative = parts
            .into_iter()
            .map(|part| part.into_iter().map(Attribute::from_encoded).collect())
            .collect::<Result<_, _>>()?;
        Self { relative }.bounded()
    }

    fn bounded(self) -> Result<Self, InvalidDistinguishedName> {
        let (count, bytes) = self.attributes().fold((0_usize, 0_usize), |(count, bytes), one| {
            (count.saturating_add(1), bytes.saturating_add(one.size()))
        });
        if count > MOST_ATTRIBUTES || bytes > LONGEST_VALUES {
            return Err(InvalidDistinguishedName::TooLong);
        }
        Ok(self)
    }

    fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.relative.iter().flatten()
    }

    /// Whether nothing is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.attributes().next().is_none()
    }

    /// RFC 4517 §4.2.15 `distinguishedNameMatch`: the same relative names in the same order, and in
    /// each the same attributes in any order. Empty names name nothing and match nothing.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let within = |some: &[Attribute], all: &[Attribute]| {
            some.iter().all(|one| all.iter().any(|another| one.matches(another)))
        };
        !self.is_empty()
            && self.relative.len() == other.relative.len()
            && self.relative.iter().zip(&other.relative).all(|(own, others)| {
                own.len() == others.len() && within(own, others) && within(others, own)
            })
    }

    /// Whether every attribute of `partial` is in this name, wherever it stands: for frameworks that
    /// compare only what no renewal changes (REG-UK6). An empty name is part of none.
    #[must_use]
    pub fn includes(&self, partial: &Self) -> bool {
        !partial.is_empty()
            && partial.attributes().all(|wanted| self.attributes().any(|own| own.matches(wanted)))
    }

    /// The values of an attribute, given by its OID in dots or by a name such as `UID` or
    /// `organizationIdentifier`. Values that are no strings are left out.
    #[must_use]
    pub fn values(&self, attribute: &str) -> Vec<&str> {
        let Some(oid) = attribute::oid_of(attribute) else { return Vec::new() };
        self.attributes().filter(|one| one.oid() == oid).filter_map(Attribute::text).collect()
    }
}

impl std::fmt::Display for DistinguishedName {
    /// As RFC 4514 §2 writes it.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (part, attributes) in self.relative.iter().rev().enumerate() {
            for (place, attribute) in attributes.iter().enumerate() {
                let separator = match (part, place) {
                    (0, 0) => "",
                    (_, 0) => ",",
                    _ => "+",
                };
                write!(formatter, "{separator}{attribute}")?;
            }
        }
        Ok(())
    }
}

impl std::str::FromStr for DistinguishedName {
    type Err = InvalidDistinguishedName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for DistinguishedName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DistinguishedName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
