//! Files that only their owner may read: keys, tokens and what a demo leaves behind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Only the owner reads and writes.
const OWNER_ONLY: u32 = 0o600;
/// Only the owner enters.
const OWNER_ONLY_FOLDER: u32 = 0o700;
/// No file of ours is longer; a longer one is not ours.
const LONGEST: u64 = 1 << 20;

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("`{}`: {source}", path.display())]
pub struct FileError {
    path: PathBuf,
    source: io::Error,
}

impl FileError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self { path, source }
    }
}

/// Makes a folder, and those above it, that only its owner may enter.
///
/// # Errors
///
/// The folder cannot be made.
pub fn make_folder(folder: &Path) -> Result<(), FileError> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(FileError::at(folder))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(OWNER_ONLY_FOLDER))
        .map_err(FileError::at(folder))
}

/// Reads a file, if it is there, and closes it to everybody but its owner.
///
/// # Errors
///
/// The file cannot be read, is not text, or is longer than any of ours.
pub fn read(path: &Path) -> Result<Option<String>, FileError> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(FileError::at(path)(error)),
    };
    if found.len() > LONGEST {
        let error = io::Error::new(io::ErrorKind::InvalidData, "it is too long to be ours");
        return Err(FileError::at(path)(error));
    }
    if found.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(OWNER_ONLY))
            .map_err(FileError::at(path))?;
    }
    fs::read_to_string(path).map(Some).map_err(FileError::at(path))
}

/// Writes a file whole or not at all: a crash leaves the old one.
///
/// # Errors
///
/// The file cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), FileError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let aside = path.with_file_name(name);
    write_aside(&aside, text).and_then(|()| fs::rename(&aside, path)).map_err(FileError::at(path))
}

fn write_aside(aside: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file: File =
        OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(aside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Reads a file, or makes it from what `make` says.
///
/// # Errors
///
/// The file can be neither read nor written.
pub fn read_or_make(path: &Path, make: impl FnOnce() -> String) -> Result<String, FileError> {
    if let Some(text) = read(path)? {
        return Ok(text);
    }
    let text = make();
    write(path, &text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_private_file_is_open_to_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write(&path, "one").unwrap();
        write(&path, "two").unwrap();
        assert_eq!(mode(&path), OWNER_ONLY);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some("two"));
        assert_eq!(mode(&path), OWNER_ONLY);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_there_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert_eq!(read(&path).unwrap(), None);
        assert_eq!(read_or_make(&path, || "first".to_owned()).unwrap(), "first");
        assert_eq!(read_or_make(&path, || "second".to_owned()).unwrap(), "first");
    }
}
