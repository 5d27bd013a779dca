//! The trust frameworks of a server, read from the folder that the settings name.

use std::path::Path;
use std::path::PathBuf;

use crate::cli::error::CommandError;
use crate::config::Settings;
use crate::trust::Framework;
use crate::trust::FrameworkProblem;
use crate::trust::Frameworks;

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
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match Framework::parse(&file, &text) {
            Ok(framework) => read.push((file, framework)),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(wrong(&problems));
    }
    Frameworks::new(read).map_err(|found| wrong(&found))
}

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
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

fn unreadable(path: &Path, error: &std::io::Error) -> CommandError {
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
