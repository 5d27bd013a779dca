//! A request body, read member by member, so that all its problems are reported at once and
//! nothing unknown is passed over.

use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::endpoints::operator::error::OperatorError;
use crate::endpoints::operator::error::Problem;
use crate::types::Timestamp;
use crate::types::json;
use crate::types::misleads;

/// Reads a whole body with `read`, which takes the members that it knows.
///
/// # Errors
///
/// The body is not strict JSON, or these are its problems.
pub fn read<T>(
    bytes: &[u8],
    read: impl FnOnce(&mut Members<'_>) -> Option<T>,
) -> Result<T, OperatorError> {
    let members = json::parse_object(bytes).map_err(OperatorError::NotJson)?;
    let mut problems = Vec::new();
    let value = Members::new(members, String::new(), &mut problems).read(read);
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        Some(_) | None => Err(OperatorError::Invalid(problems)),
    }
}

/// The members of an object that nobody has taken yet.
#[derive(Debug)]
pub struct Members<'a> {
    untaken: Map<String, Value>,
    pointer: String,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Members<'a> {
    fn new(untaken: Map<String, Value>, pointer: String, problems: &'a mut Vec<Problem>) -> Self {
        Self { untaken, pointer, problems }
    }

    /// Reads what `read` knows, and refuses the rest.
    fn read<T>(mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let value = read(&mut self);
        for name in self.untaken.keys() {
            let shown: String = name.chars().take(40).collect();
            let pointer = format!("{}/{}", self.pointer, escaped(&shown));
            self.problems.push(Problem::new(pointer, "there is no such member"));
        }
        value
    }

    /// Takes a member that may be absent.
    pub fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Field<'_>) -> Option<T>,
    ) -> Option<T> {
        let value = self.untaken.remove(name)?;
        let pointer = format!("{}/{}", self.pointer, escaped(name));
        read(Field { value, pointer, problems: &mut *self.problems })
    }

    /// Takes a member that must be there.
    pub fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Field<'_>) -> Option<T>,
    ) -> Option<T> {
        if self.untaken.contains_key(name) {
            return self.optional(name, read);
        }
        self.refuse(name, "it is missing");
        None
    }

    /// Takes a member that `null` clears: outside absent, inside the new value.
    pub fn clearable<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Field<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        self.optional(name, |field| match field.value {
            Value::Null => Some(None),
            Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => read(field).map(Some),
        })
    }

    /// Takes members as they stand, for whoever knows their rules.
    pub fn raw(&mut self, names: &[&str]) -> Map<String, Value> {
        let taken = names.iter().filter_map(|name| self.untaken.remove_entry(*name));
        taken.collect()
    }

    /// Reports what is wrong at a place that a reader of [`Self::raw`] members names.
    pub fn refuse_at(&mut self, pointer: &str, message: impl std::fmt::Display) {
        self.problems.push(Problem::new(format!("{}{pointer}", self.pointer), message));
    }

    /// Reports what is wrong with the member `name`, where only several together are wrong.
    pub fn refuse(&mut self, name: &str, message: impl std::fmt::Display) {
        let pointer = format!("{}/{}", self.pointer, escaped(name));
        self.problems.push(Problem::new(pointer, message));
    }
}

/// One value and where it stands.
#[derive(Debug)]
pub struct Field<'a> {
    value: Value,
    pointer: String,
    problems: &'a mut Vec<Problem>,
}

impl Field<'_> {
    fn refuse<T>(self, message: impl std::fmt::Display) -> Option<T> {
        self.problems.push(Problem::new(self.pointer, message));
        None
    }

    /// A text of 1 to `most` characters, none of which controls, hides or turns text.
    #[must_use]
    pub fn text(self, most: usize) -> Option<String> {
        let Value::String(text) = &self.value else {
            return self.refuse("it must be a text");
        };
        let length = text.chars().count();
        if text.trim().is_empty() || length > most || text.chars().any(misleads) {
            return self.refuse(format_args!(
                "it must be 1 to {most} characters, none of which controls, hides or turns text"
            ));
        }
        Some(text.clone())
    }

    /// A text that `read` can read.
    #[must_use]
    pub fn read_with<T, E: std::fmt::Display>(
        self,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let Value::String(text) = &self.value else {
            return self.refuse("it must be a text");
        };
        match read(text) {
            Ok(value) => Some(value),
            Err(error) => self.refuse(error),
        }
    }

    /// A whole number in `range`.
    #[must_use]
    pub fn integer(self, range: RangeInclusive<i64>) -> Option<i64> {
        match self.value.as_i64() {
            Some(number) if range.contains(&number) => Some(number),
            Some(_) | None => self.refuse(format_args!(
                "it must be a whole number from {} to {}",
                range.start(),
                range.end()
            )),
        }
    }

    /// An array of at most `most` elements, each read by `read`.
    #[must_use]
    pub fn each<T>(
        self,
        most: usize,
        mut read: impl FnMut(Field<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::Array(elements) = self.value else {
            return self.refuse("it must be an array");
        };
        if elements.len() > most {
            self.problems
                .push(Problem::new(self.pointer, format_args!("it has over {most} elements")));
            return None;
        }
        let mut read_all = Some(Vec::with_capacity(elements.len()));
        for (index, value) in elements.into_iter().enumerate() {
            let pointer = format!("{}/{index}", self.pointer);
            let element = read(Field { value, pointer, problems: &mut *self.problems });
            read_all = read_all.zip(element).map(|(mut all, element)| {
                all.push(element);
                all
            });
        }
        read_all
    }

    /// An object, whose members `read` takes.
    #[must_use]
    pub fn object<T>(self, read: impl FnOnce(&mut Members<'_>) -> Option<T>) -> Option<T> {
        let Value::Object(members) = self.value else {
            return self.refuse("it must be an object");
        };
        Members::new(members, self.pointer, self.problems).read(read)
    }
}

/// A text that `T` can read.
#[must_use]
pub fn parsed<T: FromStr<Err: std::fmt::Display>>(field: Field<'_>) -> Option<T> {
    field.read_with(str::parse)
}

/// A date (midnight UTC) or an RFC 3339 date and time.
#[must_use]
pub fn time(field: Field<'_>) -> Option<Timestamp> {
    parsed(field)
}

/// `true` or `false`.
#[must_use]
pub fn boolean(field: Field<'_>) -> Option<bool> {
    match field.value.as_bool() {
        Some(value) => Some(value),
        None => field.refuse("it must be true or false"),
    }
}

/// A name as a JSON pointer writes it (RFC 6901 §3).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(error: OperatorError) -> Vec<String> {
        let OperatorError::Invalid(problems) = error else { panic!("{error}") };
        problems.into_iter().map(|problem| problem.pointer).collect()
    }

    fn sample(body: &str) -> Result<(String, Vec<i64>), OperatorError> {
        read(body.as_bytes(), |members| {
            let name = members.required("name", |field| field.text(5));
            let list = members.optional("list", |field| {
                field.each(3, |field| {
                    field.object(|members| members.required("n", |field| field.integer(0..=9)))
                })
            });
            Some((name?, list.unwrap_or_default()))
        })
    }

    #[test]
    fn a_good_body_is_read() {
        let read = sample(r#"{"name":"x","list":[{"n":1},{"n":2}]}"#).unwrap();
        assert_eq!(read, ("x".to_owned(), vec![1, 2]));
    }

    #[test]
    fn all_problems_are_reported_with_their_places() {
        let error = sample(r#"{"name":7,"list":[{"n":10},{},{"n":1,"m":2}],"a/b":1}"#).unwrap_err();
        assert_eq!(pointers(error), ["/name", "/list/0/n", "/list/1/n", "/list/2/m", "/a~1b"]);
        assert_eq!(pointers(sample("{}").unwrap_err()), ["/name"]);
    }

    #[test]
    fn a_member_that_stands_twice_or_a_body_that_is_no_object_is_refused() {
        for bad in [r#"{"name":"a","name":"b"}"#, "[]", "", "{\"name\":\"\u{0}\"}", "nonsense"] {
            assert!(sample(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn null_clears_only_what_may_be_cleared() {
        let clear =
            |body: &str| read(body.as_bytes(), |members| Some(members.clearable("sunset", time)));
        assert_eq!(clear("{}").unwrap(), None);
        assert_eq!(clear(r#"{"sunset":null}"#).unwrap(), Some(None));
        assert!(clear(r#"{"sunset":"2027-01-01"}"#).unwrap().unwrap().is_some());
        assert!(clear(r#"{"sunset":5}"#).is_err());
        assert!(sample(r#"{"name":null}"#).is_err());
    }
}
