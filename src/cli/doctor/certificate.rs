//! The dates of a certificate ([RFC 5280] §4.1.2.5), and nothing else of it.
//!
//! [RFC 5280]: https://www.rfc-editor.org/rfc/rfc5280

use crate::types::Timestamp;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT`, the version.
const VERSION: u8 = 0xa0;

/// From when until when a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    /// `notBefore`.
    pub(super) from: Timestamp,
    /// `notAfter`.
    pub(super) until: Timestamp,
}

/// Reads the dates of a certificate in DER.
pub(super) fn validity(der: &[u8]) -> Option<Validity> {
    let mut certificate = Reader(Reader(der).take(SEQUENCE)?);
    let mut signed = Reader(certificate.take(SEQUENCE)?);
    if signed.next_is(VERSION) {
        signed.take(VERSION)?;
    }
    signed.take(INTEGER)?;
    // The algorithm of the signature, and the issuer.
    signed.take(SEQUENCE)?;
    signed.take(SEQUENCE)?;
    let mut dates = Reader(signed.take(SEQUENCE)?);
    Some(Validity { from: dates.time()?, until: dates.time()? })
}

/// What is left of some DER.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn next_is(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The content of the next value, which must have this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let rest = self.0.strip_prefix(&[tag])?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (big_endian(bytes)?, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }

    fn time(&mut self) -> Option<Timestamp> {
        let (content, is_short) = if self.next_is(UTC_TIME) {
            (self.take(UTC_TIME)?, true)
        } else {
            (self.take(GENERALIZED_TIME)?, false)
        };
        let text = std::str::from_utf8(content).ok()?;
        let (year, rest) = text.split_at_checked(if is_short { 2 } else { 4 })?;
        let year: u16 = year.parse().ok()?;
        let year = match year {
            _ if !is_short => year,
            0..50 => year.checked_add(2000)?,
            _ => year.checked_add(1900)?,
        };
        let mut pairs = Vec::new();
        let mut rest = rest.strip_suffix('Z')?;
        while let Some((pair, further)) = rest.split_at_checked(2) {
            pairs.push(pair);
            rest = further;
        }
        let [month, day, hour, minute, second] = pairs.as_slice() else { return None };
        Timestamp::parse(&format!("{year:04}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()
    }
}

/// A length in at most four bytes.
fn big_endian(bytes: &[u8]) -> Option<usize> {
    if bytes.len() > 4 {
        return None;
    }
    let mut length = 0_usize;
    for byte in bytes {
        length = length.checked_mul(256)?.checked_add(usize::from(*byte))?;
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dates_of_a_certificate_are_read() {
        for (from, until) in [((2026, 1, 2), (2027, 3, 4)), ((2049, 12, 31), (2051, 1, 1))] {
            let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
            params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
            params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
            let made = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
            let day = |(y, m, d): (i32, u8, u8)| {
                Timestamp::parse(&format!("{y:04}-{m:02}-{d:02}")).unwrap()
            };
            let expected = Validity { from: day(from), until: day(until) };
            assert_eq!(validity(made.der()), Some(expected));
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_dates() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let der = made.cert.der();
        for length in 0..der.len().min(200) {
            assert_eq!(validity(&der[..length]), None, "{length}");
        }
        assert_eq!(validity(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(validity(&[0x30; 64]), None);
    }
}
