//! What is wrong with the settings: where it was written, and what to do about it.

/// Where a setting was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// In the file.
    File,
    /// In this variable of the environment.
    Environment(String),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{}: {message}", place(key, origin))]
pub struct Problem {
    /// The setting, for example `server.listen`.
    pub key: String,
    /// Where it was written.
    pub origin: Origin,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    pub(super) fn new(key: &str, origin: Origin, message: impl Into<String>) -> Self {
        Self { key: key.to_owned(), origin, message: message.into() }
    }
}

fn place(key: &str, origin: &Origin) -> String {
    match origin {
        Origin::Default => format!("`{key}` (not set)"),
        Origin::File => format!("`{key}`"),
        Origin::Environment(variable) => format!("`{key}` (from {variable})"),
    }
}

/// Everything that is wrong, in the order of the keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(problems))]
pub struct InvalidSettings {
    /// The problems; never empty.
    pub problems: Vec<Problem>,
}

impl InvalidSettings {
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        Self { problems }
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// What was written, short and printable enough to repeat in a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}
