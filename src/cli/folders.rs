//! Where development data and keys are kept.

use std::path::{Path, PathBuf};

/// The data folder, and the folder of the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Databases, `demo.json` and what else a run leaves behind.
    pub data: PathBuf,
    /// Keys, certificates and the operator's token.
    pub keys: PathBuf,
}

impl Folders {
    /// `data/` and `keys/` in the current folder, or everything in the one that was named.
    #[must_use]
    pub fn new(named: Option<PathBuf>) -> Self {
        let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        match named {
            Some(data) => Self { data: whole(&data), keys: whole(&data.join("keys")) },
            None => Self { data: whole(Path::new("data")), keys: whole(Path::new("keys")) },
        }
    }
}
