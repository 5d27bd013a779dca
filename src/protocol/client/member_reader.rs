//! Reads members of a registration one by one and keeps what is wrong with each.

use serde_json::{Map, Value};

use crate::protocol::client::redirect_uri::RedirectUri;
use crate::protocol::client::supported::Supported;
use crate::protocol::error::ErrorCode;
use crate::protocol::problem::Problem;
use crate::protocol::problem::pointer;
use crate::protocol::problem::shown;
use crate::types::HttpsUri;

/// The most elements a list in metadata may have.
const LONGEST_LIST: usize = 100;
/// The longest text in metadata.
const LONGEST_TEXT: usize = 2048;

/// One registration being read. `null` and `""` are the same as an omitted member (RFC 7592 §2.2).
#[derive(Debug)]
pub(super) struct MemberReader<'a> {
    pub(super) members: &'a Map<String, Value>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> MemberReader<'a> {
    pub(super) fn new(members: &'a Map<String, Value>) -> Self {
        Self { members, problems: Vec::new() }
    }

    /// Notes that a member is not acceptable (`invalid_client_metadata`).
    pub(super) fn refuse(&mut self, member: &str, message: impl Into<String>) {
        self.problems.push(Problem::metadata(member, message));
    }

    /// Notes that something within a member is not acceptable.
    pub(super) fn refuse_at(&mut self, pointer: String, message: impl Into<String>) {
        self.problems.push(Problem::new(ErrorCode::InvalidClientMetadata, pointer, message));
    }

    /// Notes that one element of a list is not acceptable.
    pub(super) fn refuse_element(
        &mut self,
        code: ErrorCode,
        member: &str,
        index: usize,
        message: String,
    ) {
        self.problems.push(Problem::new(code, element_pointer(member, index), message));
    }

    pub(super) fn value(&self, member: &str) -> Option<&'a Value> {
        self.members.get(member).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    pub(super) fn text(&mut self, member: &str) -> Option<&'a str> {
        let value = self.value(member)?;
        match value.as_str() {
            Some(text) if text.len() <= LONGEST_TEXT => Some(text),
            Some(_) => {
                self.refuse(member, format!("`{member}` is longer than {LONGEST_TEXT} bytes"));
                None
            }
            None => {
                self.refuse(member, format!("`{member}` must be a string"));
                None
            }
        }
    }

    pub(super) fn flag(&mut self, member: &str) -> Option<bool> {
        let value = self.value(member)?;
        if value.as_bool().is_none() {
            self.refuse(member, format!("`{member}` must be true or false"));
        }
        value.as_bool()
    }

    /// A list of texts, each with its place in the list; doubled ones are dropped.
    pub(super) fn list(&mut self, member: &str) -> Option<Vec<(usize, &'a str)>> {
        self.list_or(member, ErrorCode::InvalidClientMetadata)
    }

    /// A list whose faults have an error code of their own.
    pub(super) fn list_or(
        &mut self,
        member: &str,
        code: ErrorCode,
    ) -> Option<Vec<(usize, &'a str)>> {
        let value = self.value(member)?;
        let array = value.as_array().filter(|array| array.len() <= LONGEST_LIST);
        let Some(array) = array else {
            let message = format!("`{member}` must be an array of at most {LONGEST_LIST} strings");
            self.problems.push(Problem::new(code, pointer(member), message));
            return None;
        };
        let mut list: Vec<(usize, &str)> = Vec::new();
        for (index, element) in array.iter().enumerate() {
            match element.as_str().filter(|text| !text.is_empty() && text.len() <= LONGEST_TEXT) {
                Some(text) if list.iter().any(|(_, known)| *known == text) => {}
                Some(text) => list.push((index, text)),
                None => self.refuse_element(
                    code,
                    member,
                    index,
                    format!("each element of `{member}` must be a short, non-empty string"),
                ),
            }
        }
        Some(list)
    }

    /// M1: every one of them is checked, wherever the bad one stands (PEER-1).
    pub(super) fn redirect_uris(
        &mut self,
        member: &str,
        supported: &Supported,
    ) -> Vec<RedirectUri> {
        let code = ErrorCode::InvalidRedirectUri;
        let mut uris = Vec::new();
        for (index, text) in self.list_or(member, code).unwrap_or_default() {
            let fault = match RedirectUri::parse(text) {
                Ok(uri) if supported.longest_redirect_uri.is_none_or(|most| text.len() <= most) => {
                    uris.push(uri);
                    continue;
                }
                Ok(_) => "it is longer than this trust framework allows".to_owned(),
                Err(error) => error.to_string(),
            };
            let message = format!("redirect URI `{}`: {fault}", shown(text));
            self.refuse_element(code, member, index, message);
        }
        uris
    }

    pub(super) fn https(&mut self, member: &str) -> Option<HttpsUri> {
        let text = self.text(member)?;
        match HttpsUri::parse(text) {
            Ok(uri) => Some(uri),
            Err(error) => {
                self.refuse(member, format!("`{member}` is not an https address: {error}"));
                None
            }
        }
    }

    /// A text that must be one of `offered`.
    pub(super) fn choice(&mut self, member: &str, offered: &[&str]) -> Option<String> {
        let text = self.text(member)?;
        if offered.contains(&text) {
            return Some(text.to_owned());
        }
        self.refuse(member, not_offered(member, text, offered));
        None
    }

    /// A flag whose `true` needs something this server may not do.
    pub(super) fn ability(&mut self, member: &str, supported: bool) -> bool {
        let wanted = self.flag(member).unwrap_or(false);
        if wanted && !supported {
            self.refuse(member, format!("`{member}` is not supported by this server"));
        }
        wanted
    }

    /// A flag that makes tokens or requests safer, and that the framework may set for everybody.
    pub(super) fn binding(&mut self, member: &str, able: bool, supported: &Supported) -> bool {
        let forced = supported.forced.contains(member);
        self.ability(member, able || forced) || forced
    }

    /// A list that must be a subset of `offered`.
    pub(super) fn choices<T: AsRef<str>>(
        &mut self,
        member: &str,
        offered: &[T],
    ) -> Option<Vec<String>> {
        let list = self.list(member)?;
        for (index, text) in &list {
            if !offered.iter().any(|one| one.as_ref() == *text) {
                let message = not_offered(member, text, offered);
                self.refuse_element(ErrorCode::InvalidClientMetadata, member, *index, message);
            }
        }
        Some(list.into_iter().map(|(_, text)| text.to_owned()).collect())
    }
}

/// The JSON pointer to an element of a top-level array.
pub(super) fn element_pointer(member: &str, index: usize) -> String {
    format!("{}/{index}", pointer(member))
}

/// What to say of a value that this server does not offer.
pub(super) fn not_offered<T: AsRef<str>>(member: &str, value: &str, offered: &[T]) -> String {
    let value = shown(value);
    if offered.is_empty() {
        format!("`{member}` is not supported by this server")
    } else {
        let offered: Vec<&str> = offered.iter().map(AsRef::as_ref).collect();
        format!("`{value}` is not supported in `{member}`; supported: {}", offered.join(", "))
    }
}
