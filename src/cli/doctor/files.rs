//! The files of a server: who may read them, and how long certificates last.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::cli::assembly;
use crate::cli::doctor::Finding;
use crate::cli::keys::SEALING_KEY_FILE;
use crate::config::Settings;
use crate::http::TlsFiles;
use crate::types::Timestamp;
use crate::x509::Certificate;

const SEALING: &str = "sealing key";
/// What is said of the certificate of one listener.
const PUBLIC: Subjects = Subjects {
    certificate: "certificate",
    key: "certificate's key",
    setting: "server.tls_certificate",
};
const MUTUAL: Subjects = Subjects {
    certificate: "certificate for mutual TLS",
    key: "key for mutual TLS",
    setting: "server.mutual_tls.certificate",
};
/// A certificate that ends sooner wants to be renewed.
const SOON_SECONDS: i64 = 14 * 86_400;
const DAY_SECONDS: i64 = 86_400;

/// What the findings on one certificate are called, and which setting names it.
struct Subjects {
    certificate: &'static str,
    key: &'static str,
    setting: &'static str,
}

/// Looks at the sealing key, and at each listener's certificate and its key.
pub(super) fn examine(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let sealing_file = settings.keys.directory.join(SEALING_KEY_FILE);
    let (server, mutual) = (&settings.server, &settings.mutual_tls);
    let usual =
        TlsFiles { certificate: server.tls_certificate.clone(), key: server.tls_key.clone() };
    let mut findings = vec![sealing_key(settings, &sealing_file)];
    findings.extend(tls(&PUBLIC, &usual, now));
    let own = mutual.listen.and(mutual.certificate.clone().zip(mutual.key.clone()));
    if let Some((certificate, key)) = own {
        findings.extend(tls(&MUTUAL, &TlsFiles { certificate, key }, now));
    }
    findings
}

fn tls(subjects: &Subjects, files: &TlsFiles, now: Timestamp) -> [Finding; 2] {
    let key = private(subjects.key, &files.key)
        .unwrap_or_else(|| Finding::good(subjects.key, "only its owner may read it"));
    [key, certificate(subjects, files, now)]
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

fn certificate(subjects: &Subjects, files: &TlsFiles, now: Timestamp) -> Finding {
    const RENEW: &str = "renew it; the new file is taken up without a restart";
    let subject = subjects.certificate;
    let unusable = |reason: String| {
        let setting = subjects.setting;
        let advice = format!(
            "correct `{setting}` and its key; `countersign demo` makes one for this machine"
        );
        Finding::bad(subject, reason, advice)
    };
    let der = match files.own_certificate() {
        Ok(der) => der,
        Err(error) => return unusable(error.to_string()),
    };
    let certificate = match Certificate::from_der(&der) {
        Ok(certificate) => certificate,
        Err(error) => return unusable(format!("{}: {error}", files.certificate.display())),
    };
    let (from, until) = (certificate.not_before(), certificate.not_after());
    let days = until.since(now).checked_div(DAY_SECONDS).unwrap_or_default();
    if now < from {
        let advice = "is the clock of this machine right?";
        return Finding::bad(subject, format!("it is good from {from} on"), advice);
    }
    // RFC 5280 §4.1.2.5: the last second still counts.
    if now > until {
        return Finding::bad(subject, format!("it ended on {until}"), RENEW);
    }
    if until.since(now) < SOON_SECONDS {
        return Finding::odd(subject, format!("it ends in {days} days"), RENEW);
    }
    Finding::good(subject, format!("it is good for {days} days"))
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
        let finding = private(PUBLIC.key, &file).unwrap();
        assert_eq!(finding.level, Level::Bad);
        assert!(finding.advice.unwrap().starts_with("chmod 600"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(private(PUBLIC.key, &file), None);
        assert!(private(PUBLIC.key, &folder.path().join("none")).is_some());
    }

    /// A certificate of 2026, until the first of December, and its key.
    fn write(folder: &Path) -> TlsFiles {
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 12, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let files = TlsFiles { certificate: folder.join("a.pem"), key: folder.join("a.key") };
        std::fs::write(&files.certificate, made.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }

    #[test]
    fn a_certificate_is_judged_by_its_dates() {
        let folder = tempfile::tempdir().unwrap();
        let files = write(folder.path());
        let level = |at| certificate(&PUBLIC, &files, Timestamp::parse(at).unwrap()).level;
        assert_eq!(level("2025-12-31"), Level::Bad);
        assert_eq!(level("2026-06-01"), Level::Good);
        assert_eq!(level("2026-11-25"), Level::Odd);
        assert_eq!(level("2026-12-01T00:00:00Z"), Level::Odd);
        assert_eq!(level("2026-12-01T00:00:01Z"), Level::Bad);
        std::fs::write(&files.certificate, "nothing").unwrap();
        assert_eq!(level("2026-06-01"), Level::Bad);
    }

    #[test]
    fn a_certificate_with_the_key_of_another_is_bad() {
        let folder = tempfile::tempdir().unwrap();
        let files = write(folder.path());
        let key = std::fs::read(&files.key).unwrap();
        write(folder.path());
        std::fs::write(&files.key, key).unwrap();
        let [_, finding] = tls(&MUTUAL, &files, Timestamp::parse("2026-06-01").unwrap());
        assert_eq!((finding.subject, finding.level), (MUTUAL.certificate, Level::Bad));
        let advice = finding.advice.unwrap();
        assert!(advice.contains("server.mutual_tls.certificate"), "{advice}");
    }
}
