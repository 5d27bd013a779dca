//! The query of an operator's request: each parameter once, none unknown, all problems at once.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::endpoints::operator::error::OperatorError;
use crate::endpoints::operator::error::Problem;
use crate::storage;
use crate::types::Timestamp;

/// How many records a page holds when the caller does not say.
const USUAL_PAGE: u16 = 50;
/// How many records a page holds at most.
pub const LARGEST_PAGE: u16 = 200;
const LONGEST_CURSOR: usize = 128;

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The cursor that the page before ended with.
    pub after: Option<String>,
    /// How many records at most.
    pub limit: u16,
}

impl Page {
    /// What the store is asked for: one record more, which tells whether there is a next page.
    #[must_use]
    pub fn and_one_more(&self) -> storage::Page {
        storage::Page { after: self.after.clone(), limit: self.limit.saturating_add(1) }
    }
}

/// The parameters that nobody has taken yet.
#[derive(Debug)]
pub struct Query {
    parameters: BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl Query {
    /// Reads the text after `?`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut query = Self { parameters: BTreeMap::new(), problems: Vec::new() };
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let shown: String = name.chars().take(40).collect();
            if query.parameters.insert(name.into_owned(), value.into_owned()).is_some() {
                query.refuse(&shown, "it stands twice");
            }
        }
        query
    }

    /// Reports what is wrong with a parameter, where only several together are wrong.
    pub fn refuse(&mut self, name: &str, message: impl std::fmt::Display) {
        self.problems.push(Problem::new(format!("?{name}"), message));
    }

    /// Takes a parameter that `read` can read.
    pub fn read_with<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.parameters.remove(name)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(name, error);
                None
            }
        }
    }

    /// Takes a parameter that `T` can read.
    pub fn parsed<T: FromStr<Err: std::fmt::Display>>(&mut self, name: &str) -> Option<T> {
        self.read_with(name, str::parse)
    }

    /// Takes an instant.
    pub fn time(&mut self, name: &str) -> Option<Timestamp> {
        self.parsed(name)
    }

    /// Takes a short text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.read_with(name, |text| {
            let fits = !text.is_empty() && text.len() <= LONGEST_CURSOR;
            if fits { Ok(text.to_owned()) } else { Err("it must be 1 to 128 bytes long") }
        })
    }

    /// Takes `after` and `limit`.
    pub fn page(&mut self) -> Page {
        let limit = self.read_with("limit", |text| match text.parse::<u16>() {
            Ok(limit) if (1..=LARGEST_PAGE).contains(&limit) => Ok(limit),
            Ok(_) | Err(_) => Err(format!("it must be a whole number from 1 to {LARGEST_PAGE}")),
        });
        Page { after: self.text("after"), limit: limit.unwrap_or(USUAL_PAGE) }
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// The problems of the query, unknown parameters among them.
    pub fn finish(mut self) -> Result<(), OperatorError> {
        for name in std::mem::take(&mut self.parameters).into_keys() {
            let shown: String = name.chars().take(40).collect();
            self.refuse(&shown, "there is no such parameter");
        }
        if self.problems.is_empty() { Ok(()) } else { Err(OperatorError::Invalid(self.problems)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_cursor_and_a_bounded_size() {
        let mut query = Query::parse("after=org_1&limit=200");
        assert_eq!(query.page(), Page { after: Some("org_1".to_owned()), limit: 200 });
        query.finish().unwrap();
        let mut query = Query::parse("");
        assert_eq!(query.page(), Page { after: None, limit: USUAL_PAGE });
    }

    #[test]
    fn unknown_repeated_and_malformed_parameters_are_refused_together() {
        let mut query = Query::parse("limit=0&limit=201&colour=red");
        assert_eq!(query.page().limit, USUAL_PAGE);
        let OperatorError::Invalid(problems) = query.finish().unwrap_err() else { panic!() };
        let pointers: Vec<_> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(pointers, ["?limit", "?limit", "?colour"]);
    }
}
