//! A certificate authority for this machine alone, and a server certificate from it.

use std::path::Path;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};

use crate::cli::development_keys::KeysError;
use crate::cli::private_file;
use crate::types::Timestamp;

const DAY: i64 = 86_400;
const AUTHORITY_DAYS: i64 = 1825;
const SERVER_DAYS: i64 = 90;
/// What has fewer days left is made anew.
const RENEWAL_DAYS: i64 = 14;
/// The names by which a machine calls itself.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// Before the PEM block, where PEM allows free text (RFC 7468 §2): so that nobody, we included,
/// must parse a certificate to know when it ends.
const UNTIL: &str = "Valid until: ";

/// Makes sure that the folder holds an authority and a server certificate that last for a while.
/// Says whether something new was made.
pub(super) fn prepare(folder: &Path, now: Timestamp) -> Result<bool, KeysError> {
    let paths = ["ca.pem", "ca-key.pem", "server.pem", "server-key.pem"].map(|f| folder.join(f));
    let [authority, authority_key, server, server_key] = &paths;
    let authority_lasts = lasts(authority, now)? && private_file::read(authority_key)?.is_some();
    if authority_lasts && lasts(server, now)? && private_file::read(server_key)?.is_some() {
        return Ok(false);
    }
    let key = if authority_lasts {
        let pem = private_file::read(authority_key)?.unwrap_or_default();
        KeyPair::from_pem(&pem)?
    } else {
        let until = now.plus(AUTHORITY_DAYS * DAY);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = authority_params(now, until)?.self_signed(&key)?;
        private_file::write(authority_key, &key.serialize_pem())?;
        private_file::write(authority, &dated(&certificate, until))?;
        key
    };
    let until = now.plus(SERVER_DAYS * DAY);
    let issuer = Issuer::new(authority_params(now, until)?, key);
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = server_params(now, until)?.signed_by(&key, &issuer)?;
    private_file::write(server_key, &key.serialize_pem())?;
    private_file::write(server, &dated(&certificate, until))?;
    Ok(true)
}

fn dated(certificate: &Certificate, until: Timestamp) -> String {
    format!("{UNTIL}{until}\n{}", certificate.pem())
}

fn lasts(path: &Path, now: Timestamp) -> Result<bool, KeysError> {
    let text = private_file::read(path)?.unwrap_or_default();
    let until = text.lines().find_map(|line| line.strip_prefix(UNTIL)).map(Timestamp::parse);
    Ok(matches!(until, Some(Ok(until)) if until.since(now) > RENEWAL_DAYS * DAY))
}

/// What both have in common: a window that begins yesterday, for clocks that are late.
fn params(
    names: &[&str],
    now: Timestamp,
    until: Timestamp,
) -> Result<CertificateParams, KeysError> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    let (year, month, day) = date(now.plus(-DAY));
    params.not_before = rcgen::date_time_ymd(year, month, day);
    let (year, month, day) = date(until);
    params.not_after = rcgen::date_time_ymd(year, month, day);
    Ok(params)
}

fn authority_params(now: Timestamp, until: Timestamp) -> Result<CertificateParams, KeysError> {
    let mut params = params(&[], now, until)?;
    params.distinguished_name.push(DnType::CommonName, "Countersign development CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn server_params(now: Timestamp, until: Timestamp) -> Result<CertificateParams, KeysError> {
    let mut params = params(&NAMES, now, until)?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// The civil date (UTC) of an instant, in the types that rcgen wants.
fn date(instant: Timestamp) -> (i32, u8, u8) {
    let text = instant.to_string();
    let mut parts = text.split(['-', 'T']);
    let mut next = || parts.next().and_then(|part| part.parse::<u16>().ok()).unwrap_or(1);
    let (year, month, day) = (next(), next(), next());
    (i32::from(year), u8::try_from(month).unwrap_or(1), u8::try_from(day).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-22T10:00:00Z";

    #[test]
    fn certificates_are_made_once_and_renewed_before_they_end() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::parse(NOW).unwrap();
        let read = |name: &str| private_file::read(&folder.path().join(name)).unwrap().unwrap();
        assert!(prepare(folder.path(), now).unwrap());
        let (authority, server) = (read("ca.pem"), read("server.pem"));
        assert!(!prepare(folder.path(), now).unwrap());
        assert_eq!(read("server.pem"), server);
        assert!(prepare(folder.path(), now.plus(80 * DAY)).unwrap());
        assert_eq!(read("ca.pem"), authority);
        assert_ne!(read("server.pem"), server);
    }

    #[test]
    fn a_date_is_the_civil_date() {
        assert_eq!(date(Timestamp::parse(NOW).unwrap()), (2026, 11, 22));
        assert_eq!(date(Timestamp::EARLIEST), (1970, 1, 1));
    }

    #[test]
    fn a_lost_key_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::parse(NOW).unwrap();
        prepare(folder.path(), now).unwrap();
        std::fs::remove_file(folder.path().join("server-key.pem")).unwrap();
        assert!(prepare(folder.path(), now).unwrap());
        assert!(private_file::read(&folder.path().join("server-key.pem")).unwrap().is_some());
    }
}
