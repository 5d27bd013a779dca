//! Development keys: made on the first run, kept for the next, renewed before they expire.
//!
//! They are for the machine they were made on. A production server is given its own.

mod certificates;

use std::path::{Path, PathBuf};

use crate::cli::private_file;
use crate::cli::private_file::FileError;
use crate::jose::Algorithm;
use crate::jose::SealingError;
use crate::jose::SealingKey;
use crate::jose::SigningError;
use crate::jose::SigningKey;
use crate::random;
use crate::types::json;
use crate::types::{Secret, Timestamp};

/// Why there are no development keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A certificate cannot be made.
    #[error("a development certificate cannot be made: {0}; delete the key files to start anew")]
    Certificate(#[from] rcgen::Error),
    /// A sealing key cannot be made.
    #[error("a sealing key cannot be made: {0}")]
    Sealing(#[from] SealingError),
    /// A signing key cannot be made.
    #[error("a signing key cannot be made: {0}")]
    Signing(#[from] SigningError),
    /// A key file holds something else.
    #[error("`{}` holds no usable key: {reason}; delete it to start anew", path.display())]
    Unusable {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Where the keys are, and those that a program needs at hand.
#[derive(Debug)]
pub struct DevelopmentKeys {
    /// The certificate authority that clients must trust.
    pub authority: PathBuf,
    /// The servers' certificate, for `localhost`, `127.0.0.1` and `::1`.
    pub certificate: PathBuf,
    /// Its private key.
    pub certificate_key: PathBuf,
    /// The key that seals stored secrets.
    pub sealing_key: PathBuf,
    /// The file that holds the operator's token.
    pub operator_token_file: PathBuf,
    /// The operator's token.
    pub operator_token: Secret,
    /// The file that holds the partner's private key, a JWK.
    pub partner_key_file: PathBuf,
    /// The partner's private key.
    pub partner_key: SigningKey,
    /// Whether a certificate was made just now.
    pub renewed: bool,
}

impl DevelopmentKeys {
    /// Makes what is missing or about to expire.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written, or holds something that is no key.
    pub fn prepare(folder: &Path, now: Timestamp) -> Result<Self, KeysError> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        private_file::make_folder(&folder)?;
        let renewed = certificates::prepare(&folder, now)?;
        let sealing_key = folder.join("sealing.key");
        let fresh = SealingKey::generate()?.to_secret();
        private_file::read_or_make(&sealing_key, || fresh.reveal().to_owned())?;
        let operator_token_file = folder.join("operator.token");
        let operator_token = private_file::read_or_make(&operator_token_file, || {
            random::secret().reveal().to_owned()
        })?;
        let partner_key_file = folder.join("partner.jwk.json");
        Ok(Self {
            authority: folder.join("ca.pem"),
            certificate: folder.join("server.pem"),
            certificate_key: folder.join("server-key.pem"),
            sealing_key,
            operator_token_file,
            operator_token: Secret::new(operator_token.trim()),
            partner_key: signing_key(&partner_key_file)?,
            partner_key_file,
            renewed,
        })
    }
}

/// Reads a private JWK, or makes one for ES256.
///
/// # Errors
///
/// The file cannot be read or written, or holds no private key.
pub fn signing_key(path: &Path) -> Result<SigningKey, KeysError> {
    let unusable = |reason: String| KeysError::Unusable { path: path.to_owned(), reason };
    if let Some(text) = private_file::read(path)? {
        let jwk = json::parse(text.as_bytes()).map_err(|error| unusable(error.to_string()))?;
        return SigningKey::from_jwk(&jwk).map_err(|error| unusable(error.to_string()));
    }
    let key = SigningKey::generate(Algorithm::Es256)?;
    private_file::write(path, key.private_jwk().reveal())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn development_keys_are_private_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("keys");
        let now = Timestamp::parse("2026-11-22T10:00:00Z").unwrap();
        let first = DevelopmentKeys::prepare(&folder, now).unwrap();
        let again = DevelopmentKeys::prepare(&folder, now).unwrap();
        assert_eq!(first.partner_key.thumbprint(), again.partner_key.thumbprint());
        assert_eq!(first.operator_token.reveal(), again.operator_token.reveal());
        assert!(first.renewed && !again.renewed);
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", entry.path());
        }
    }

    #[test]
    fn a_file_that_holds_no_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("partner.jwk.json");
        std::fs::write(&path, "{}").unwrap();
        let error = signing_key(&path).unwrap_err().to_string();
        assert!(error.contains("partner.jwk.json") && error.contains("delete"), "{error}");
    }
}
