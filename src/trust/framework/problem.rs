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

/// Collects problems of one file.
#[derive(Debug)]
pub(super) struct Notes<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    pub(super) problems: Vec<FrameworkProblem>,
}

impl Notes<'_> {
    /// Notes a problem with what stands at `span`.
    pub(super) fn refuse(
        &mut self,
        span: Option<std::ops::Range<usize>>,
        field: impl Into<String>,
        message: impl Into<String>,
    ) {
        let line = span.map(|span| {
            let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
            before.split(|byte| *byte == b'\n').count()
        });
        self.problems.push(FrameworkProblem {
            file: self.file.to_owned(),
            line,
            field: field.into(),
            message: message.into(),
        });
    }
}
