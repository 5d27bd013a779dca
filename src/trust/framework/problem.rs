//! What is wrong with a framework's file, and where.

/// One thing that is wrong with the file of a trust framework.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FrameworkProblem {
    /// The file, as it was named by whoever loads it.
    pub file: String,
    /// The line, counted from one, if the problem has one.
    pub line: Option<usize>,
    /// The field, such as `request.binding`; empty where the file is no TOML.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for FrameworkProblem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        if !self.field.is_empty() {
            write!(formatter, ": {}", self.field)?;
        }
        write!(formatter, ": {}", self.message)
    }
}

/// Reads a file that a framework's file names, by its path beside it. An error says why it cannot.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// Collects problems of one file.
pub(super) struct Notes<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    pub(super) read: ReadFile<'a>,
    pub(super) problems: Vec<FrameworkProblem>,
    pub(super) warnings: Vec<FrameworkProblem>,
}

impl Notes<'_> {
    /// Notes a problem with what stands at `span`.
    pub(super) fn refuse(
        &mut self,
        span: Option<std::ops::Range<usize>>,
        field: impl Into<String>,
        message: impl Into<String>,
    ) {
        let problem = self.problem(span, field.into(), message.into());
        self.problems.push(problem);
    }

    /// Notes what loads and should be known.
    pub(super) fn warn(
        &mut self,
        span: Option<std::ops::Range<usize>>,
        field: impl Into<String>,
        message: impl Into<String>,
    ) {
        let warning = self.problem(span, field.into(), message.into());
        self.warnings.push(warning);
    }

    /// Another file that this one names. `obtain` tells where it comes from.
    pub(super) fn file(
        &mut self,
        path: &str,
        span: Option<std::ops::Range<usize>>,
        field: &str,
        obtain: Option<&str>,
    ) -> Option<String> {
        match (self.read)(path) {
            Ok(text) => Some(text),
            Err(error) => {
                let where_from = obtain.map(|from| format!("; {from}")).unwrap_or_default();
                let message = format!("the file `{path}` cannot be read: {error}{where_from}");
                self.refuse(span, field, message);
                None
            }
        }
    }

    fn problem(
        &self,
        span: Option<std::ops::Range<usize>>,
        field: String,
        message: String,
    ) -> FrameworkProblem {
        let line = span.map(|span| {
            let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
            before.split(|byte| *byte == b'\n').count()
        });
        FrameworkProblem { file: self.file.to_owned(), line, field, message }
    }
}
