//! One attribute of a name: its type, its value, and how two are compared (RFC 4517 §4.2.11
//! `caseIgnoreMatch`, RFC 4518).

use std::fmt::Write as _;

use super::EncodedAttribute;
use super::InvalidDistinguishedName;

/// RFC 4514 §3: the short names that every reader knows.
const SHORT_NAMES: [(&str, &str); 9] = [
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("C", "2.5.4.6"),
    ("STREET", "2.5.4.9"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
];

/// Further names, for those who ask for a value. In the text of a name they are not read, since not
/// every reader knows them.
const LONG_NAMES: [(&str, &str); 5] = [
    ("serialNumber", "2.5.4.5"),
    ("businessCategory", "2.5.4.15"),
    ("organizationIdentifier", "2.5.4.97"),
    ("jurisdictionCountryName", "1.3.6.1.4.1.311.60.2.1.3"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
];

const UTF8_STRING: u8 = 0x0c;
const NUMERIC_STRING: u8 = 0x12;
const PRINTABLE_STRING: u8 = 0x13;
const TELETEX_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const UNIVERSAL_STRING: u8 = 0x1c;
const BMP_STRING: u8 = 0x1e;

/// The OID that a short name stands for in the text of a name.
pub(super) fn oid_of_short_name(name: &str) -> Option<&'static str> {
    find(&SHORT_NAMES, name)
}

/// The OID that any name stands for, or the OID itself.
pub(super) fn oid_of(name: &str) -> Option<&str> {
    if is_oid(name) {
        return Some(name);
    }
    oid_of_short_name(name).or_else(|| find(&LONG_NAMES, name))
}

fn find(names: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    names.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, oid)| *oid)
}

/// RFC 4512 §1.4 `numericoid`.
pub(super) fn is_oid(text: &str) -> bool {
    let number = |arc: &str| {
        let digits = !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit());
        digits && (arc == "0" || !arc.starts_with('0'))
    };
    text.contains('.') && text.split('.').all(number)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    oid: String,
    tag: u8,
    content: Vec<u8>,
    /// The value, if it is a string.
    text: Option<String>,
    /// What is compared: the value as RFC 4518 prepares it.
    prepared: Option<String>,
}

impl Attribute {
    pub(super) fn from_encoded(
        encoded: EncodedAttribute,
    ) -> Result<Self, InvalidDistinguishedName> {
        let EncodedAttribute { oid, tag, content } = encoded;
        let text = decode(tag, &content);
        if text.as_deref().is_some_and(|text| text.contains(char::is_control)) {
            return Err(InvalidDistinguishedName::ControlCharacter);
        }
        let prepared = text.as_deref().and_then(prepare);
        Ok(Self { oid, tag, content, text, prepared })
    }

    /// An attribute with a value that is written as text.
    pub(super) fn from_text(oid: String, text: String) -> Result<Self, InvalidDistinguishedName> {
        let encoded = EncodedAttribute { oid, tag: UTF8_STRING, content: text.into_bytes() };
        Self::from_encoded(encoded)
    }

    pub(super) fn oid(&self) -> &str {
        &self.oid
    }

    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    pub(super) fn size(&self) -> usize {
        self.content.len()
    }

    /// A string matches as RFC 4517 §4.2.11 says, whatever kind of string it is; anything else matches
    /// its own encoding.
    pub(super) fn matches(&self, other: &Self) -> bool {
        let same_value = match (&self.text, &other.text) {
            (Some(_), Some(_)) => self.prepared.is_some() && self.prepared == other.prepared,
            (None, None) => self.tag == other.tag && self.content == other.content,
            (Some(_), None) | (None, Some(_)) => false,
        };
        self.oid == other.oid && same_value
    }
}

/// The string that a value encodes.
fn decode(tag: u8, content: &[u8]) -> Option<String> {
    match tag {
        UTF8_STRING => std::str::from_utf8(content).ok().map(str::to_owned),
        NUMERIC_STRING | PRINTABLE_STRING | TELETEX_STRING | IA5_STRING => {
            let ascii = content.is_ascii().then_some(content)?;
            std::str::from_utf8(ascii).ok().map(str::to_owned)
        }
        BMP_STRING => {
            let (units, rest) = content.as_chunks::<2>();
            let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            String::from_utf16(&units).ok().filter(|_| rest.is_empty())
        }
        UNIVERSAL_STRING => {
            let (units, rest) = content.as_chunks::<4>();
            let read = |unit: &[u8; 4]| char::from_u32(u32::from_be_bytes(*unit));
            units.iter().map(read).collect::<Option<String>>().filter(|_| rest.is_empty())
        }
        _ => None,
    }
}

/// RFC 4518 §2, with its insignificant spaces removed (§2.6.1). Nothing is left of a string that is
/// prohibited or empty: it matches no other.
fn prepare(text: &str) -> Option<String> {
    // The library folds case without normalising, so what it folds is normalised before and after.
    let normal = stringprep::x520prep(text, false).ok()?;
    let folded = stringprep::x520prep(&normal, true).ok()?;
    let prepared = stringprep::x520prep(&folded, false).ok()?;
    let words: Vec<&str> = prepared.split(' ').filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

impl std::fmt::Display for Attribute {
    /// RFC 4514 §2.3 and §2.4: an attribute without a short name has its value in hexadecimal.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = SHORT_NAMES.iter().find(|(_, oid)| *oid == self.oid).map(|(name, _)| *name);
        match (short, &self.text) {
            (Some(name), Some(text)) => write!(formatter, "{name}={}", escaped(text)),
            (name, _) => {
                write!(formatter, "{}=#", name.unwrap_or(&self.oid))?;
                let encoding = encode(self.tag, &self.content);
                encoding.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
            }
        }
    }
}

/// Tag, length and content (DER).
fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut encoding = vec![tag];
    if let Ok(length @ ..0x80) = u8::try_from(content.len()) {
        encoding.push(length);
    } else {
        let length = content.len().to_be_bytes();
        let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
        // Eight octets of length at most.
        encoding.push(u8::try_from(length.len()).unwrap_or(8) | 0x80);
        encoding.extend(length);
    }
    encoding.extend_from_slice(content);
    encoding
}

/// The content of a string that `#` and hexadecimal digits encode (DER), with its tag.
pub(super) fn decode_hex(hex: &str) -> Option<(u8, Vec<u8>)> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|pair| {
            let digits = std::str::from_utf8(pair).ok()?;
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            is_hex.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
        })
        .collect();
    let bytes = bytes.filter(|_| rest.is_empty())?;
    let (tag, after) = bytes.split_first()?;
    let header = match after.first()? {
        ..0x80 => 1,
        length => usize::from(length & 0x7f).checked_add(1)?,
    };
    let content = after.get(header..)?;
    // There is one encoding of a value: what encodes to the same bytes was encoded well.
    (encode(*tag, content) == bytes && decode(*tag, content).is_some())
        .then(|| (*tag, content.to_vec()))
}

/// RFC 4514 §2.4: what must be escaped in text.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (place, character) in text.chars().enumerate() {
        let at_edge =
            (character == ' ' && (place == 0 || place == last)) || (character == '#' && place == 0);
        if at_edge || matches!(character, '"' | '+' | ',' | ';' | '<' | '>' | '\\') {
            out.push('\\');
        }
        if out.write_char(character).is_err() {
            break;
        }
    }
    out
}
