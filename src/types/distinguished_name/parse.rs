//! The grammar of RFC 4514 §3, with the spaces around separators that RFC 2253 §4 lets pass.

use super::EncodedAttribute;
use super::InvalidDistinguishedName;
use super::attribute;
use super::attribute::Attribute;

type Parsed<T> = Result<T, InvalidDistinguishedName>;

/// The relative names, in the order of a certificate: the reverse of the text.
pub(super) fn parse(text: &str) -> Parsed<Vec<Vec<Attribute>>> {
    let mut relative: Vec<Vec<Attribute>> = Vec::new();
    let mut rest = text;
    if rest.trim_matches(' ').is_empty() {
        return Err(InvalidDistinguishedName::Empty);
    }
    let mut joins_last = false;
    loop {
        let (attribute, after) = attribute(rest)?;
        match relative.last_mut().filter(|_| joins_last) {
            Some(part) => part.push(attribute),
            None => relative.push(vec![attribute]),
        }
        let mut characters = after.chars();
        joins_last = match characters.next() {
            None => break,
            Some(separator) => separator == '+',
        };
        rest = characters.as_str();
    }
    relative.reverse();
    Ok(relative)
}

/// One attribute, and what follows it: nothing, or a separator.
fn attribute(text: &str) -> Parsed<(Attribute, &str)> {
    let (name, value) = text.split_once('=').ok_or(InvalidDistinguishedName::Malformed)?;
    let oid = oid(name.trim_matches(' '))?;
    let value = value.trim_start_matches(' ');
    if let Some(hex) = value.strip_prefix('#') {
        let end = hex.find([',', '+']).unwrap_or(hex.len());
        let (digits, rest) = hex.split_at(end);
        let (tag, content) = attribute::decode_hex(digits.trim_end_matches(' '))
            .ok_or(InvalidDistinguishedName::NotAString)?;
        return Ok((Attribute::from_encoded(EncodedAttribute { oid, tag, content })?, rest));
    }
    let (text, rest) = unescaped(value)?;
    Ok((Attribute::from_text(oid, text)?, rest))
}

fn oid(name: &str) -> Parsed<String> {
    if attribute::is_oid(name) {
        return Ok(name.to_owned());
    }
    let is_word = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    let unknown = if is_word {
        InvalidDistinguishedName::UnknownAttribute
    } else {
        InvalidDistinguishedName::Malformed
    };
    attribute::oid_of_short_name(name).map(str::to_owned).ok_or(unknown)
}

/// A value without its escapes and outer spaces, and what follows it.
fn unescaped(text: &str) -> Parsed<(String, &str)> {
    const MALFORMED: InvalidDistinguishedName = InvalidDistinguishedName::Malformed;
    let mut value = Vec::new();
    // Spaces at the end count only when they are escaped.
    let mut significant = 0;
    let mut characters = text.chars();
    let rest = loop {
        let before = characters.as_str();
        match characters.next() {
            None | Some(',' | '+') => break before,
            Some('"' | ';' | '<' | '>') => return Err(MALFORMED),
            Some('\\') => {
                value.extend(escape(&mut characters).ok_or(MALFORMED)?);
                significant = value.len();
            }
            Some(' ') => value.push(b' '),
            Some(character) => {
                value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                significant = value.len();
            }
        }
    };
    value.truncate(significant);
    let value = String::from_utf8(value).map_err(|_| MALFORMED)?;
    if value.is_empty() { Err(MALFORMED) } else { Ok((value, rest)) }
}

/// What stands after a backslash: a special character, or an octet in two hexadecimal digits.
fn escape(characters: &mut std::str::Chars<'_>) -> Option<Vec<u8>> {
    let first = characters.next()?;
    if matches!(first, ' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\') {
        return Some(first.to_string().into_bytes());
    }
    let (high, low) = (first.to_digit(16)?, characters.next()?.to_digit(16)?);
    u8::try_from(high.checked_mul(16)?.checked_add(low)?).ok().map(|octet| vec![octet])
}
