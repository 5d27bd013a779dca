//! The `[request]` table of a framework's file: how registrations are written and signed (REG-E1,
//! S11, S12).

use std::collections::BTreeSet;

use toml::Spanned;

use crate::protocol::discovery::path;
use crate::protocol::registration::EnvelopeClaim;
use crate::protocol::registration::RequestFormat;
use crate::trust::framework::RequestSettings;
use crate::trust::framework::binding_settings::Binding;
use crate::trust::framework::problem::Notes;
use crate::trust::framework::value::MOST_SKEW;
use crate::trust::framework::value::algorithms;
use crate::trust::framework::value::within;
use crate::trust::framework::written::Request;
use crate::types::Issuer;

/// The longest lifetime in use for a signed request, that of the UK's tool (REG-C2).
const LONGEST_REQUEST: i64 = 3600;
/// What stands for our own names in a list of audiences.
const ISSUER: &str = "{issuer}";
const REGISTRATION_ENDPOINT: &str = "{registration_endpoint}";

/// Reads the table. What is said of signatures must be there where requests are signed.
pub(super) fn request(
    written: &Request,
    binding: Option<&Binding>,
    notes: &mut Notes<'_>,
) -> RequestSettings {
    let span = || Some(written.formats.span());
    let formats: BTreeSet<RequestFormat> = written.formats.get_ref().iter().copied().collect();
    if formats.is_empty() {
        notes.refuse(span(), "request.formats", "at least one is needed");
    }
    let by_signature = matches!(binding, Some(Binding::RequestJws { .. }));
    if by_signature && formats.contains(&RequestFormat::Json) {
        let message = "`application/json` is not signed, and `request.binding` is `request_jws`";
        notes.refuse(span(), "request.formats", message);
    }
    let signed = formats.iter().any(|format| *format != RequestFormat::Json);
    if signed && matches!(binding, Some(Binding::X5c)) {
        let message = "with the binding `x5c` the statement is signed, and the request around it \
                       is `application/json`";
        notes.refuse(span(), "request.formats", message);
    }
    let mut seconds = |value: &Option<Spanned<i64>>, field: &str, least: i64, most: i64| {
        let field = format!("request.{field}");
        match value {
            Some(value) => within(value, &field, least, most, notes),
            None if signed => {
                notes.refuse(span(), field, "it is required where requests are signed");
                0
            }
            None => 0,
        }
    };
    let lifetime = &written.max_lifetime_seconds;
    let max_lifetime_seconds = seconds(lifetime, "max_lifetime_seconds", 1, LONGEST_REQUEST);
    let skew_seconds = seconds(&written.skew_seconds, "skew_seconds", 0, MOST_SKEW);
    let algorithms = match &written.algorithms {
        Some(listed) => algorithms(listed, "request.algorithms", notes),
        None if signed => {
            let message = "it is required where requests are signed";
            notes.refuse(span(), "request.algorithms", message);
            Vec::new()
        }
        None => Vec::new(),
    };
    RequestSettings {
        formats,
        algorithms,
        types: written.types.clone(),
        audiences: audiences(written.audiences.as_ref(), "request.audiences", notes),
        required: required(written, notes),
        max_lifetime_seconds,
        skew_seconds,
    }
}

/// The claims that a request must have; all, unless the file says otherwise.
fn required(written: &Request, notes: &mut Notes<'_>) -> BTreeSet<EnvelopeClaim> {
    let Some(listed) = &written.required else { return EnvelopeClaim::ALL.into() };
    let required: BTreeSet<EnvelopeClaim> = listed.get_ref().iter().copied().collect();
    if !required.contains(&EnvelopeClaim::Iat) && !required.contains(&EnvelopeClaim::Exp) {
        let message = "`iat` or `exp` is needed, or a request would be good for ever";
        notes.refuse(Some(listed.span()), "request.required", message);
    }
    required
}

/// Our names in a framework; the issuer, unless the file says otherwise.
pub(super) fn audiences(
    written: Option<&Spanned<Vec<String>>>,
    field: &str,
    notes: &mut Notes<'_>,
) -> Vec<String> {
    let Some(listed) = written else { return vec![ISSUER.to_owned()] };
    let braces = |name: &str| name.contains(['{', '}']);
    let wrong = |name: &&String| {
        name.is_empty()
            || (braces(name) && ![ISSUER, REGISTRATION_ENDPOINT].contains(&name.as_str()))
    };
    if listed.get_ref().is_empty() {
        notes.refuse(Some(listed.span()), field, "at least one name is needed");
    }
    if let Some(name) = listed.get_ref().iter().find(wrong) {
        let message =
            format!("`{name}` is no name; there are `{ISSUER}` and `{REGISTRATION_ENDPOINT}`");
        notes.refuse(Some(listed.span()), field, message);
    }
    listed.get_ref().clone()
}

/// The same for this very server.
pub(super) fn our_names(audiences: &[String], us: &Issuer) -> Vec<String> {
    let name = |text: &String| match text.as_str() {
        ISSUER => us.as_str().to_owned(),
        REGISTRATION_ENDPOINT => us.join(path::REGISTRATION),
        _ => text.clone(),
    };
    audiences.iter().map(name).collect()
}
