//! What people are shown about a client: its name and addresses, in several languages (RFC 7591
//! §2.2, REG-M5).

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::protocol::client::address;
use crate::protocol::client::address::{file_extension, is_local, same_site, site};
use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::script::mixes_scripts;
use crate::protocol::client::supported::Supported;
use crate::protocol::problem::shown;
use crate::types::HttpsUri;
use crate::types::misleads;

const NAME: &str = "client_name";
const CLIENT_URI: &str = "client_uri";
const ADDRESSES: [&str; 4] = [CLIENT_URI, LOGO, "tos_uri", "policy_uri"];
const LOGO: &str = "logo_uri";
/// Endings of pictures and pages that can hold programs.
const ACTIVE_CONTENT: [&str; 9] =
    ["svg", "svgz", "htm", "html", "xhtml", "xml", "js", "mjs", "wasm"];
const LONGEST_NAME: usize = 200;
const MOST_TEXTS: usize = 60;

/// `client_name`, `client_uri`, `logo_uri`, `tos_uri` and `policy_uri`, and their variants such as
/// `client_name#ja-Jpan-JP`, by member name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DisplayTexts(BTreeMap<String, String>);

impl DisplayTexts {
    /// The text of a member.
    #[must_use]
    pub fn get(&self, member: &str) -> Option<&str> {
        self.0.get(member).map(String::as_str)
    }

    /// Reads the members and checks them; a language variant passes the same checks as its original.
    pub(super) fn read(reader: &mut MemberReader<'_>) -> Self {
        let names: Vec<&String> =
            reader.members.keys().filter(|name| base_of(name).is_some()).collect();
        let mut texts = BTreeMap::new();
        for name in names {
            if let Some(text) = read_one(reader, name) {
                texts.insert(name.clone(), text);
            }
        }
        if texts.len() > MOST_TEXTS {
            reader.refuse(NAME, format!("more than {MOST_TEXTS} texts and translations"));
        }
        Self(texts)
    }

    /// Addresses shown to people lie on the client's own hosts, unless the statement vouches for
    /// them. Where the client has named no other host there is nothing to compare with.
    pub(super) fn check_hosts(
        &self,
        redirect_hosts: &[String],
        supported: &Supported,
        reader: &mut MemberReader<'_>,
    ) {
        let mut own: Vec<String> = redirect_hosts.to_vec();
        own.extend(self.get(CLIENT_URI).and_then(host_of));
        for (name, text) in &self.0 {
            let Some(host) = host_of(text).filter(|_| base_of(name) != Some(NAME)) else {
                continue;
            };
            if supported.vouched.contains(name) {
                continue;
            }
            let local = supported.local_redirects && is_local(&host);
            if site(&host).is_none() && !local {
                let message = format!("the host of `{}` belongs to no one owner", shown(name));
                reader.refuse(name, message);
            } else if !own.is_empty() && !own.iter().any(|known| same_site(&host, known)) {
                let member = shown(name);
                reader.refuse(
                    name,
                    format!(
                        "the host of `{member}` is neither that of client_uri nor of a redirect URI"
                    ),
                );
            }
        }
    }
}

impl<'de> Deserialize<'de> for DisplayTexts {
    /// Takes the members it knows and leaves the others to the fields beside it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Known;
        impl<'de> serde::de::Visitor<'de> for Known {
            type Value = DisplayTexts;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("client metadata")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut members: A,
            ) -> Result<DisplayTexts, A::Error> {
                let mut texts = BTreeMap::new();
                while let Some(name) = members.next_key::<String>()? {
                    if base_of(&name).is_some() {
                        texts.insert(name, members.next_value()?);
                    } else {
                        members.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(DisplayTexts(texts))
            }
        }
        deserializer.deserialize_map(Known)
    }
}

/// The member that a name is, or is a variant of.
fn base_of(name: &str) -> Option<&'static str> {
    let base = name.split('#').next().unwrap_or(name);
    ADDRESSES.into_iter().chain([NAME]).find(|known| *known == base)
}

fn read_one(reader: &mut MemberReader<'_>, name: &str) -> Option<String> {
    let base = base_of(name)?;
    if reader.value(name).is_some_and(|value| !value.is_string()) {
        reader.refuse(name, format!("`{}` must be a string", shown(name)));
        return None;
    }
    let text = reader.value(name).and_then(Value::as_str)?;
    if name.split_once('#').is_some_and(|(_, tag)| !is_language_tag(tag)) {
        reader.refuse(name, format!("`{}` does not end in a language tag", shown(name)));
        return None;
    }
    let fault = match base {
        NAME => name_fault(text).map(str::to_owned),
        LOGO => address_fault(text).or_else(|| logo_fault(text).map(str::to_owned)),
        _ => address_fault(text),
    };
    match fault {
        Some(fault) => {
            reader.refuse(name, format!("`{}` {fault}", shown(name)));
            None
        }
        None => Some(text.to_owned()),
    }
}

fn address_fault(text: &str) -> Option<String> {
    let ambiguous = |text: &str| {
        let rest = text.split_once(':').map_or("", |(_, rest)| rest);
        address::check(rest).err().map(|error| error.to_string())
    };
    match HttpsUri::parse(text) {
        Ok(_) => ambiguous(text).map(|error| format!("is not plain: {error}")),
        Err(error) => Some(format!("is not an https address: {error}")),
    }
}

/// Pictures that can hold programs, and pages, are no logos (REG-T7). Only the ending is seen here;
/// the logo is never fetched by this server (SEC-16).
fn logo_fault(text: &str) -> Option<&'static str> {
    let extension = file_extension(text)?;
    ACTIVE_CONTENT
        .contains(&extension.as_str())
        .then_some("leads to a file that can hold a program; use a PNG or JPEG picture")
}

fn name_fault(text: &str) -> Option<&'static str> {
    if text.chars().count() > LONGEST_NAME {
        Some("is longer than 200 characters")
    } else if text.chars().any(misleads) {
        Some("holds control, invisible or direction-changing characters")
    } else if text.trim().is_empty() {
        Some("holds nothing to be seen")
    } else if mixes_scripts(text) {
        Some("mixes scripts within a word, so that it looks like another name")
    } else {
        None
    }
}

/// The shape of BCP 47: subtags of one to eight letters or digits, with hyphens between them.
fn is_language_tag(tag: &str) -> bool {
    let subtag = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    tag.len() <= 35
        && tag.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && tag.split('-').all(subtag)
}

fn host_of(text: &str) -> Option<String> {
    HttpsUri::parse(text).ok().map(|uri| uri.host().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_control_or_direction_characters_is_refused_reg_t7() {
        for bad in [
            "a\nb",
            "\u{202e}knab",
            "a\u{e000}b",
            "a\u{34f}b",
            "P\u{430}yPal",
            "a\u{200b}b",
            "a\u{2066}b",
            "\u{feff}a",
            "  ",
            "\u{3164}",
        ] {
            assert!(name_fault(bad).is_some(), "{bad:?}");
        }
        assert!(name_fault(&"x".repeat(201)).is_some());
        for good in ["Acme Budget", "\u{30a2}\u{30af}\u{30e1}", "L\u{e9}a & Co. <3"] {
            assert!(name_fault(good).is_none(), "{good:?}");
        }
    }

    #[test]
    fn a_logo_that_can_hold_a_program_is_refused_reg_t7() {
        for bad in ["/l.svg", "/l.SVGZ?x=1.png", "/l%2Esvg", "/l.svg;.png", "/l.html"] {
            assert!(logo_fault(&format!("https://a.example{bad}")).is_some(), "{bad}");
        }
        for good in ["", "/", "/l.png", "/svg", "/l.svg/l.jpg", "/l?f=png"] {
            assert!(logo_fault(&format!("https://a.example{good}")).is_none(), "{good}");
        }
    }

    #[test]
    fn a_language_tag_is_letters_digits_and_hyphens() {
        assert!(is_language_tag("ja-Jpan-JP") && is_language_tag("en"));
        for bad in ["", "-", "en-", "en--x", "1a", "en us", "x".repeat(9).as_str(), "en#fr"] {
            assert!(!is_language_tag(bad), "{bad}");
        }
    }
}
