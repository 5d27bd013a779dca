//! The trust frameworks of a server, read from the folder that the settings name.

use std::path::Path;
use std::path::PathBuf;

use crate::cli::error::CommandError;
use crate::config::Settings;
use crate::storage::Database;
use crate::storage::StorageError;
use crate::trust::Framework;
use crate::trust::FrameworkProblem;
use crate::trust::Frameworks;
use crate::types::FrameworkName;
use crate::types::ScopeSet;

/// Reads every `*.toml` file of the folder, in the order of their names.
///
/// # Errors
///
/// The folder or a file cannot be read, or all that is wrong with what they hold.
pub fn load(settings: &Settings) -> Result<Frameworks, CommandError> {
    let folder = &settings.trust.frameworks;
    let mut problems = Vec::new();
    let mut read = Vec::new();
    for path in files(folder).map_err(|error| unreadable(folder, &error))? {
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        // What ships as an example says that it is not enabled.
        if !Framework::is_enabled(&text) {
            continue;
        }
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match Framework::parse_with(&file, &text, &beside(&path)) {
            Ok(framework) => read.push((file, framework)),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(wrong(&problems));
    }
    Frameworks::new(read).map_err(|found| wrong(&found))
}

/// What the role tables of the frameworks name and no API product has: a misspelt scope grants nobody
/// anything, and should not wait for a partner to find it (PEER-3).
///
/// # Errors
///
/// The database fails.
pub(super) async fn unknown_scopes(
    frameworks: &Frameworks,
    database: &Database,
) -> Result<Vec<(FrameworkName, ScopeSet)>, StorageError> {
    let named: ScopeSet = frameworks
        .iter()
        .flat_map(|one| one.role_scopes().iter().cloned().collect::<Vec<_>>())
        .collect();
    let products = database.read(move |reader| reader.products_offering(&named)).await?;
    let offered: ScopeSet =
        products.into_iter().flat_map(|product| product.scopes).map(|one| one.scope).collect();
    let unknown =
        frameworks.iter().map(|one| (one.name().clone(), one.role_scopes().difference(&offered)));
    Ok(unknown.filter(|(_, scopes)| !scopes.is_empty()).collect())
}

/// The longest file that a framework's file may name: revocation lists are long.
const LONGEST_FILE: u64 = 32 * 1024 * 1024;

/// Reads the files that a framework's file names: keys, anchors, revocation lists.
pub(super) fn beside(file: &Path) -> impl Fn(&str) -> Result<String, String> {
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    move |path| {
        let path = folder.join(path);
        let described = std::fs::metadata(&path).map_err(|error| error.to_string())?;
        if described.len() > LONGEST_FILE {
            return Err(format!("it is longer than {LONGEST_FILE} bytes"));
        }
        std::fs::read_to_string(&path).map_err(|error| error.to_string())
    }
}

/// Every file of the folder, loaded or not, in the order of their names.
pub(super) fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::failed_with(
        format!("cannot read {}: {error}", path.display()),
        "`trust.frameworks` names the folder with one TOML file to a trust framework",
    )
}

fn wrong(problems: &[FrameworkProblem]) -> CommandError {
    let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
    CommandError::failed_with(
        format!("the trust frameworks are wrong:\n{}", lines.join("\n")),
        "correct the files; nothing is trusted until all of them load",
    )
}
