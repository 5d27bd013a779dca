//! The only place that writes to the terminal: JSON for programs, tables for people.

use std::io::{self, IsTerminal as _, Write as _};

use serde_json::Value;

use crate::cli::error::CommandError;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// One JSON document.
    Json,
    /// A table, for people.
    Table,
}

impl Output {
    /// What was asked for, or what suits the reader: a table on a terminal, JSON in a pipe.
    #[must_use]
    pub fn chosen(asked: Option<Self>) -> Self {
        asked.unwrap_or(if io::stdout().is_terminal() { Self::Table } else { Self::Json })
    }
}

/// A column: its heading, and the JSON pointer of what stands in it (`*` is every element).
pub type Column = (&'static str, &'static str);

/// Writes one line.
///
/// # Errors
///
/// Standard output cannot be written.
pub fn line(text: impl std::fmt::Display) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Writes one line for the person at the keyboard, beside the result.
pub fn note(text: impl std::fmt::Display) {
    // When even standard error is closed there is nobody left to tell.
    let _closed = writeln!(io::stderr().lock(), "{text}");
}

/// Writes a document, indented.
///
/// # Errors
///
/// Standard output cannot be written.
pub fn json(value: &Value) -> Result<(), CommandError> {
    line(format_args!("{value:#}"))
}

/// Writes a list: as it came, or the chosen columns.
///
/// # Errors
///
/// Standard output cannot be written.
pub fn list(output: Output, page: &Value, columns: &[Column]) -> Result<(), CommandError> {
    if output == Output::Json {
        return json(page);
    }
    let items = page.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if items.is_empty() {
        return line("nothing");
    }
    line(table(columns, items))?;
    if let Some(next) = page.get("next").and_then(Value::as_str) {
        note(format_args!("there is more: add `--after {next}`, or `--all`"));
    }
    Ok(())
}

/// Writes a record: as it came, or a line for each member.
///
/// # Errors
///
/// Standard output cannot be written.
pub fn record(output: Output, record: &Value) -> Result<(), CommandError> {
    let Value::Object(members) = record else { return json(record) };
    if output == Output::Json {
        return json(record);
    }
    let width = members.keys().map(|name| name.chars().count()).max().unwrap_or_default();
    for (name, value) in members {
        line(format_args!("{name:width$}  {}", cell(value)))?;
    }
    Ok(())
}

fn table(columns: &[Column], items: &[Value]) -> String {
    let headings = columns.iter().map(|(heading, _)| (*heading).to_owned()).collect();
    let row = |item: &Value| columns.iter().map(|(_, pointer)| at(item, pointer)).collect();
    let rows: Vec<Vec<String>> = std::iter::once(headings).chain(items.iter().map(row)).collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    let written = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(written).collect::<Vec<_>>().join("\n")
}

/// What stands at a JSON pointer; `*` stands for every element of an array.
fn at(item: &Value, pointer: &str) -> String {
    let Some((list, rest)) = pointer.split_once("/*") else {
        return item.pointer(pointer).map_or_else(String::new, cell);
    };
    let elements = item.pointer(list).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    elements.iter().map(|element| at(element, rest)).collect::<Vec<_>>().join(", ")
}

/// A value in one line, without anything that could steer the terminal.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.chars().map(|c| if c.is_control() { '?' } else { c }).collect(),
        Value::Array(elements) if elements.iter().all(|element| !element.is_object()) => {
            elements.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_aligned_columns_and_no_control_characters() {
        let items = [
            serde_json::json!({"id": "org_1", "state": "active", "roles": ["A", "B"]}),
            serde_json::json!({"id": "org_22", "state": "\u{1b}[31m", "roles": []}),
        ];
        let text = table(&[("ID", "/id"), ("STATE", "/state"), ("ROLES", "/roles")], &items);
        assert_eq!(text, "ID      STATE   ROLES\norg_1   active  A, B\norg_22  ?[31m");
    }

    #[test]
    fn a_column_can_gather_a_member_of_every_element() {
        let item = serde_json::json!({"scopes": [{"scope": "a"}, {"scope": "b"}]});
        assert_eq!(at(&item, "/scopes/*/scope"), "a, b");
        assert_eq!(at(&item, "/roles/*/name"), "");
    }
}
