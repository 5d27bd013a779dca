//! How plain rows become domain values and back. A value that does not read back names its table
//! and column (STY-13).

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::storage::error::StorageError;
use crate::types::Timestamp;

/// Where a value stands, for the error that it may become.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column(pub(super) &'static str, pub(super) &'static str);

impl Column {
    /// Names the place where a value did not read back.
    pub(super) fn read<T, E: std::fmt::Display>(
        self,
        value: Result<T, E>,
    ) -> Result<T, StorageError> {
        value.map_err(|error| self.unreadable(error))
    }

    /// The error that a value does not read back here.
    pub(super) fn unreadable(self, reason: impl std::fmt::Display) -> StorageError {
        StorageError::Unreadable { table: self.0, column: self.1, reason: reason.to_string() }
    }

    /// Reads an instant.
    pub(super) fn time(self, seconds: i64) -> Result<Timestamp, StorageError> {
        self.read(Timestamp::from_epoch(seconds))
    }

    /// Reads an instant that may be absent.
    pub(super) fn optional_time(
        self,
        seconds: Option<i64>,
    ) -> Result<Option<Timestamp>, StorageError> {
        seconds.map(|seconds| self.time(seconds)).transpose()
    }

    /// Reads JSON.
    pub(super) fn json<T: DeserializeOwned>(self, text: &str) -> Result<T, StorageError> {
        self.read(serde_json::from_str(text))
    }

    /// Reads JSON that may be absent.
    pub(super) fn optional_json<T: DeserializeOwned>(
        self,
        text: Option<&str>,
    ) -> Result<Option<T>, StorageError> {
        text.map(|text| self.json(text)).transpose()
    }

    /// Reads a name of an enumeration, as serde writes it.
    pub(super) fn name<T: DeserializeOwned>(self, name: String) -> Result<T, StorageError> {
        self.read(serde_json::from_value(Value::String(name)))
    }
}

/// Writes JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|error| StorageError::Broken(error.to_string()))
}

/// Writes JSON that may be absent.
pub(super) fn optional_json<T: Serialize>(
    value: Option<&T>,
) -> Result<Option<String>, StorageError> {
    value.map(json).transpose()
}

/// Writes the name of a value of an enumeration, as serde does.
pub(super) fn name<T: Serialize>(value: &T) -> Result<String, StorageError> {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => Ok(name),
        _ => Err(StorageError::Broken("a name is not a text".to_owned())),
    }
}

/// Turns every row into its domain value.
pub(super) fn all<R, T: TryFrom<R, Error = StorageError>>(
    rows: Vec<R>,
) -> Result<Vec<T>, StorageError> {
    rows.into_iter().map(T::try_from).collect()
}
