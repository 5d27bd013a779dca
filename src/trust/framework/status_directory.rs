//! A directory that is asked how its organisations and software stand (REG-S10, L3, L4): where its lists
//! are, how they are read, and what holds while it is silent.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use crate::protocol::problem::shown;
use crate::trust::framework::Framework;
use crate::trust::framework::problem::Notes;
use crate::trust::framework::value::within;
use crate::trust::framework::written::{StatusSource, Written};
use crate::types::HttpsUri;

const TABLE: &str = "status_directory";
const MINUTE: i64 = 60;
const DAY: i64 = 86_400;
const MONTH: i64 = 2_592_000;
/// The most entries of a list that are read.
const MOST_LISTED: usize = 100_000;
const LONGEST_NAME: usize = 200;
const MOST_HEADERS: usize = 4;
/// What a file may not say in our name.
const OUR_HEADERS: [&str; 8] = [
    "accept",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "te",
    "transfer-encoding",
];

/// A directory that is asked, beside what its statements say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusDirectory {
    /// How often it is asked.
    pub refresh_seconds: i64,
    /// What a registration gets while it is silent.
    pub on_outage: OnOutage,
    /// After so long a silence nothing that it said counts any more.
    pub fail_closed_after_seconds: i64,
    /// Whether it may stand on this very machine.
    pub on_loopback: bool,
    /// How software stands.
    pub software: Option<StatusList>,
    /// How organisations stand.
    pub organisations: Option<StatusList>,
}

/// What a registration gets while the directory is silent (REG-L4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnOutage {
    /// Nothing: it is asked to come again.
    Refuse,
    /// What the directory said last, for a while.
    LastKnown,
}

/// What becomes of whoever a list does not name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlisted {
    /// It is withdrawn.
    #[default]
    Withdrawn,
    /// What is known already keeps its standing (REG-L4). It registers nobody.
    LastKnown,
}

/// A list of the directory: JSON of which every entry holds a name and a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusList {
    /// Where it is.
    pub uri: HttpsUri,
    /// What is sent along, such as the version that is asked for.
    pub headers: Vec<(String, String)>,
    /// What becomes of whoever it does not name.
    pub unlisted: Unlisted,
    list: String,
    id: String,
    status: String,
    active: Vec<String>,
}

/// How somebody stands in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// In good standing.
    Active,
    /// With another status, as it is written.
    Other(String),
    /// Not at all.
    Nowhere,
}

/// Everything that a list says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statuses(BTreeMap<String, Option<String>>);

impl Statuses {
    /// How the one with this name stands. Names are compared byte for byte.
    #[must_use]
    pub fn of(&self, id: &str) -> Listed {
        match self.0.get(id) {
            Some(None) => Listed::Active,
            Some(Some(status)) => Listed::Other(status.clone()),
            None => Listed::Nowhere,
        }
    }
}

/// A document that does not say how anybody stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStatusList {
    /// There is no list where one is due.
    #[error("there is no list at `{0}`")]
    NoList(String),
    /// It is longer than what is read.
    #[error("the list has more than {MOST_LISTED} entries")]
    TooLong,
    /// An entry without a name or a status: what else may be wrong is not guessed.
    #[error("entry {0} has no name or no status")]
    Entry(usize),
}

impl StatusList {
    /// Reads a document. Whoever it names twice is active only if both entries say so; statuses are
    /// compared without regard to case (REG-S9).
    ///
    /// # Errors
    ///
    /// It is not a list of names and statuses.
    pub fn read(&self, document: &Value) -> Result<Statuses, InvalidStatusList> {
        let listed = document.pointer(&self.list).and_then(Value::as_array);
        let listed = listed.ok_or_else(|| InvalidStatusList::NoList(self.list.clone()))?;
        if listed.len() > MOST_LISTED {
            return Err(InvalidStatusList::TooLong);
        }
        let mut statuses = BTreeMap::new();
        for (place, entry) in listed.iter().enumerate() {
            let text = |member: &str| entry.get(member).and_then(Value::as_str);
            let (id, status) =
                text(&self.id).zip(text(&self.status)).ok_or(InvalidStatusList::Entry(place))?;
            let is_active = self.active.iter().any(|active| active.eq_ignore_ascii_case(status));
            let bad = (!is_active).then(|| shown(status));
            let held = statuses.entry(id.to_owned()).or_insert_with(|| bad.clone());
            if bad.is_some() {
                *held = bad;
            }
        }
        Ok(Statuses(statuses))
    }

    /// What it reads, in words.
    #[must_use]
    pub fn explain(&self) -> String {
        let active = self.active.join(" or ");
        format!("`{}` at {} must be {active}", self.status, self.uri.as_str())
    }
}

impl Framework {
    /// The directory that is asked how organisations and software stand, if one is (REG-S10).
    #[must_use]
    pub const fn status_directory(&self) -> Option<&StatusDirectory> {
        self.status_directory.as_ref()
    }
}

/// The table as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenStatusDirectory {
    refresh_seconds: Spanned<i64>,
    on_outage: OnOutage,
    fail_closed_after_seconds: Spanned<i64>,
    #[serde(default)]
    allow_loopback: bool,
    #[serde(default)]
    software: Option<WrittenStatusList>,
    #[serde(default)]
    organisations: Option<WrittenStatusList>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStatusList {
    uri: Spanned<String>,
    #[serde(default)]
    headers: BTreeMap<String, Spanned<String>>,
    list: Spanned<String>,
    id: Spanned<String>,
    status: Spanned<String>,
    active: Spanned<Vec<String>>,
    #[serde(default)]
    unlisted: Unlisted,
}

/// Reads `status_source` and the table that goes with `directory`.
pub(super) fn status_directory(
    written: &Written,
    notes: &mut Notes<'_>,
) -> Option<StatusDirectory> {
    let source = written.status_source.as_ref();
    let asks = source.is_some_and(|source| *source.get_ref() == StatusSource::Directory);
    match (&written.status_directory, asks) {
        (Some(table), true) => check(table, notes),
        (None, true) => {
            let span = source.map(Spanned::span);
            notes.refuse(span, TABLE, "a directory that is asked needs this table");
            None
        }
        (Some(table), false) => {
            let message = "it is read where `status_source` is `directory`";
            notes.refuse(Some(table.span()), TABLE, message);
            None
        }
        (None, false) => None,
    }
}

fn check(
    table: &Spanned<WrittenStatusDirectory>,
    notes: &mut Notes<'_>,
) -> Option<StatusDirectory> {
    let written = table.get_ref();
    let refresh = &written.refresh_seconds;
    let refresh_seconds = within(refresh, &format!("{TABLE}.refresh_seconds"), MINUTE, DAY, notes);
    let field = format!("{TABLE}.fail_closed_after_seconds");
    let least = refresh_seconds.saturating_add(1);
    let closed = within(&written.fail_closed_after_seconds, &field, least, MONTH, notes);
    if written.software.is_none() && written.organisations.is_none() {
        notes.refuse(Some(table.span()), TABLE, "it needs `software` or `organisations`");
    }
    let mut list = |written: &Option<WrittenStatusList>, name: &str| match written {
        Some(written) => status_list(written, &format!("{TABLE}.{name}"), notes).map(Some),
        None => Some(None),
    };
    let software = list(&written.software, "software");
    let organisations = list(&written.organisations, "organisations");
    Some(StatusDirectory {
        refresh_seconds,
        on_outage: written.on_outage,
        fail_closed_after_seconds: closed,
        on_loopback: written.allow_loopback,
        software: software?,
        organisations: organisations?,
    })
}

fn status_list(
    written: &WrittenStatusList,
    field: &str,
    notes: &mut Notes<'_>,
) -> Option<StatusList> {
    let uri = HttpsUri::parse(written.uri.get_ref().as_str());
    if let Err(error) = &uri {
        notes.refuse(Some(written.uri.span()), format!("{field}.uri"), error.to_string());
    }
    let list = written.list.get_ref();
    if list.len() > LONGEST_NAME || !(list.is_empty() || list.starts_with('/')) {
        let message = "it is a JSON Pointer (RFC 6901), empty for the document itself";
        notes.refuse(Some(written.list.span()), format!("{field}.list"), message);
    }
    for (name, text) in [("id", &written.id), ("status", &written.status)] {
        if text.get_ref().is_empty() || text.get_ref().len() > LONGEST_NAME {
            notes.refuse(Some(text.span()), format!("{field}.{name}"), "it names a member");
        }
    }
    if written.active.get_ref().is_empty() {
        let message = "at least one value must be active";
        notes.refuse(Some(written.active.span()), format!("{field}.active"), message);
    }
    Some(StatusList {
        uri: uri.ok()?,
        headers: headers(&written.headers, field, notes),
        unlisted: written.unlisted,
        list: list.clone(),
        id: written.id.get_ref().clone(),
        status: written.status.get_ref().clone(),
        active: written.active.get_ref().clone(),
    })
}

fn headers(
    written: &BTreeMap<String, Spanned<String>>,
    field: &str,
    notes: &mut Notes<'_>,
) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (name, value) in written {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let named = !name.is_empty()
            && name.len() <= LONGEST_NAME
            && name.bytes().all(is_name)
            && !OUR_HEADERS.contains(&name.as_str());
        let text = value.get_ref();
        let sayable =
            text.len() <= LONGEST_NAME && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !named || !sayable || headers.len() >= MOST_HEADERS {
            let message = "it is the name of a field in lower case, none of our own, with a value \
                           of visible characters; four at most";
            notes.refuse(Some(value.span()), format!("{field}.headers.{name}"), message);
        }
        headers.push((name.clone(), text.clone()));
    }
    headers
}
