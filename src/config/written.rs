//! The settings as they were written: every key with its text, from file and environment.

use std::collections::BTreeMap;

use toml::Value as Toml;

use crate::config::problem::Origin;
use crate::config::problem::Problem;

const PREFIX: &str = "COUNTERSIGN__";

/// What was written for one key.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) origin: Origin,
    pub(super) value: Toml,
}

/// Everything that was written; a variable of the environment stands before the file.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) entries: BTreeMap<String, Entry>,
    pub(super) problems: Vec<Problem>,
}

impl Written {
    /// Reads the text of a file and the variables of an environment.
    pub(super) fn read(
        file: Option<&str>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let mut written = Self::default();
        written.add_file(file.unwrap_or_default());
        for (variable, text) in environment {
            written.add_variable(variable, text);
        }
        written
    }

    fn add_file(&mut self, text: &str) {
        let sections = match text.parse::<toml::Table>() {
            Ok(sections) => sections,
            Err(error) => return self.add_syntax_error(text, &error),
        };
        for (section, value) in sections {
            match value {
                Toml::Table(settings) => self.add_section(&section, settings),
                Toml::String(_)
                | Toml::Integer(_)
                | Toml::Float(_)
                | Toml::Boolean(_)
                | Toml::Datetime(_)
                | Toml::Array(_) => {
                    self.refuse(&section, "settings stand in sections: write `[section]` above it");
                }
            }
        }
    }

    /// No setting is a table: a table in a section is a section of its own.
    fn add_section(&mut self, section: &str, settings: toml::Table) {
        for (name, value) in settings {
            let key = format!("{section}.{name}");
            if let Toml::Table(settings) = value {
                self.add_section(&key, settings);
            } else {
                self.entries.insert(key, Entry { origin: Origin::File, value });
            }
        }
    }

    /// The parser's own words quote the line, which may hold a password; ours do not.
    fn add_syntax_error(&mut self, text: &str, error: &toml::de::Error) {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        self.refuse("countersign.toml", &format!("line {line} is not TOML: {}", error.message()));
    }

    fn refuse(&mut self, key: &str, message: &str) {
        self.problems.push(Problem::new(key, Origin::File, message));
    }

    fn add_variable(&mut self, variable: String, text: String) {
        let Some(name) = variable.strip_prefix(PREFIX) else { return };
        let key = name.to_ascii_lowercase().replace("__", ".");
        let entry = Entry { origin: Origin::Environment(variable), value: Toml::String(text) };
        self.entries.insert(key, entry);
    }
}
