//! The files of a server: who may read them, and how long certificates last.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::cli::assembly;
use crate::cli::doctor::Finding;
use crate::cli::doctor::certificate;
use crate::cli::keys::SEALING_KEY_FILE;
use crate::config::Settings;
use crate::types::Timestamp;

const SEALING: &str = "sealing key";
const CERTIFICATE: &str = "certificate";
const TLS_KEY: &str = "certificate's key";
/// A certificate that ends sooner wants to be renewed.
const SOON_SECONDS: i64 = 14 * 86_400;
const DAY_SECONDS: i64 = 86_400;

/// Looks at the sealing key, the certificate and its key.
pub(super) fn examine(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let sealing_file = settings.keys.directory.join(SEALING_KEY_FILE);
    let server = &settings.server;
    vec![
        sealing_key(settings, &sealing_file),
        private(TLS_KEY, &server.tls_key)
            .unwrap_or_else(|| Finding::good(TLS_KEY, "only its owner may read it")),
        certificate(&server.tls_certificate, now),
    ]
}

fn sealing_key(settings: &Settings, file: &Path) -> Finding {
    // The mode is looked at first: reading the key would mend it.
    if file.exists()
        && let Some(finding) = private(SEALING, file)
    {
        return finding;
    }
    match assembly::sealing_key(&settings.keys.directory) {
        Ok(_) => Finding::good(SEALING, "it is there, and only its owner may read it"),
        Err(error) => Finding::failed(SEALING, &error),
    }
}

/// What is wrong with who may read a file.
fn private(subject: &'static str, file: &Path) -> Option<Finding> {
    let shown = file.display();
    let mode = match std::fs::metadata(file) {
        Ok(found) => found.permissions().mode() & 0o777,
        Err(error) => {
            let message = format!("{shown}: {error}");
            return Some(Finding::bad(subject, message, "put the file there, or correct its path"));
        }
    };
    (mode & 0o077 != 0).then(|| {
        let message = format!("others may read {shown} (mode {mode:o})");
        Finding::bad(subject, message, format!("chmod 600 {shown}"))
    })
}

fn certificate(file: &Path, now: Timestamp) -> Finding {
    const RENEW: &str = "renew it; the new file is taken up without a restart";
    let shown = file.display();
    let unusable = |reason: &str| {
        let advice =
            "correct `server.tls_certificate`; `countersign demo` makes one for this machine";
        Finding::bad(CERTIFICATE, format!("{shown}: {reason}"), advice)
    };
    let Ok(pem) = std::fs::read(file) else { return unusable("it cannot be read") };
    let Some(Ok(first)) = CertificateDer::pem_slice_iter(&pem).next() else {
        return unusable("it holds no certificate in PEM");
    };
    let Some(validity) = certificate::validity(&first) else {
        return unusable("it holds something that is no certificate");
    };
    let days = validity.until.since(now).checked_div(DAY_SECONDS).unwrap_or_default();
    if now < validity.from {
        let advice = "is the clock of this machine right?";
        return Finding::bad(CERTIFICATE, format!("it is good from {} on", validity.from), advice);
    }
    if now >= validity.until {
        return Finding::bad(CERTIFICATE, format!("it ended on {}", validity.until), RENEW);
    }
    if validity.until.since(now) < SOON_SECONDS {
        return Finding::odd(CERTIFICATE, format!("it ends in {days} days"), RENEW);
    }
    Finding::good(CERTIFICATE, format!("it is good for {days} days"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Level;

    #[test]
    fn a_key_that_others_may_read_is_bad_and_the_remedy_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "x").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let finding = private(TLS_KEY, &file).unwrap();
        assert_eq!(finding.level, Level::Bad);
        assert!(finding.advice.unwrap().starts_with("chmod 600"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(private(TLS_KEY, &file), None);
        assert!(private(TLS_KEY, &folder.path().join("none")).is_some());
    }

    #[test]
    fn a_certificate_is_judged_by_its_dates() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.pem");
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 12, 1);
        let made = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        std::fs::write(&file, made.pem()).unwrap();
        let level = |day| certificate(&file, Timestamp::parse(day).unwrap()).level;
        assert_eq!(level("2025-12-31"), Level::Bad);
        assert_eq!(level("2026-06-01"), Level::Good);
        assert_eq!(level("2026-11-25"), Level::Odd);
        assert_eq!(level("2026-12-01"), Level::Bad);
        std::fs::write(&file, "nothing").unwrap();
        assert_eq!(level("2026-06-01"), Level::Bad);
    }
}
