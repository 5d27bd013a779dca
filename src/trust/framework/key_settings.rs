//! Where the keys of a framework come from (REG-G2).

use std::ops::Range;

use serde_json::Value;

use crate::jose::JwkSet;
use crate::trust::framework::KeySettings;
use crate::trust::framework::KeySource;
use crate::trust::framework::TrustEnvironment;
use crate::trust::framework::authorities::Files;
use crate::trust::framework::authorities::authorities;
use crate::trust::framework::problem::Notes;
use crate::trust::framework::written::KeySourceName;
use crate::trust::framework::written::Keys;
use crate::types::HttpsUri;
use crate::types::json;

pub(super) fn keys(
    written: &Keys,
    environment: TrustEnvironment,
    notes: &mut Notes<'_>,
) -> Option<KeySettings> {
    let source = match written.source.get_ref() {
        KeySourceName::JwksUri => address(written, notes),
        KeySourceName::Jwks => value(written, notes),
        KeySourceName::File => file(written, notes),
        KeySourceName::X5c => certificates(written, environment, notes),
    };
    foreign_members(written, notes);
    Some(KeySettings { source: source?, on_loopback: written.allow_loopback })
}

fn address(written: &Keys, notes: &mut Notes<'_>) -> Option<KeySource> {
    let Some(uri) = &written.jwks_uri else { return missing(written, "keys.jwks_uri", notes) };
    match HttpsUri::parse(uri.get_ref().as_str()) {
        Ok(uri) => Some(KeySource::JwksUri(uri)),
        Err(error) => {
            notes.refuse(Some(uri.span()), "keys.jwks_uri", error.to_string());
            None
        }
    }
}

fn value(written: &Keys, notes: &mut Notes<'_>) -> Option<KeySource> {
    let Some(jwks) = &written.jwks else { return missing(written, "keys.jwks", notes) };
    set(jwks.get_ref(), "keys.jwks", &jwks.span(), notes)
}

fn file(written: &Keys, notes: &mut Notes<'_>) -> Option<KeySource> {
    const FIELD: &str = "keys.file";
    let Some(path) = &written.file else { return missing(written, FIELD, notes) };
    let text = notes.file(path.get_ref(), Some(path.span()), FIELD, written.obtain.as_deref())?;
    match json::parse_object(text.as_bytes()) {
        Ok(members) => set(&Value::Object(members), FIELD, &path.span(), notes),
        Err(error) => {
            notes.refuse(Some(path.span()), FIELD, error.to_string());
            None
        }
    }
}

fn set(
    value: &Value,
    field: &str,
    span: &Range<usize>,
    notes: &mut Notes<'_>,
) -> Option<KeySource> {
    match JwkSet::parse(value) {
        Ok(keys) => Some(KeySource::Jwks(keys)),
        Err(faults) => {
            for fault in faults {
                notes.refuse(Some(span.clone()), field, fault.to_string());
            }
            None
        }
    }
}

fn certificates(
    written: &Keys,
    environment: TrustEnvironment,
    notes: &mut Notes<'_>,
) -> Option<KeySource> {
    let Some(anchors) = &written.anchors else { return missing(written, "keys.anchors", notes) };
    if written.revocations.is_none() && environment == TrustEnvironment::Production {
        let message = "no revocation list: a certificate that was revoked is accepted until it \
                       expires";
        notes.warn(Some(written.source.span()), "keys.revocations", message);
    }
    let files = Files {
        table: "keys",
        anchors,
        revocations: written.revocations.as_ref(),
        obtain: written.obtain.as_deref(),
    };
    authorities(&files, notes).map(KeySource::Certificates)
}

/// A member that another source would read does nothing here, and is more likely a mistake.
fn foreign_members(written: &Keys, notes: &mut Notes<'_>) {
    let source = *written.source.get_ref();
    for (reader, present, field) in [
        (KeySourceName::JwksUri, written.jwks_uri.is_some(), "jwks_uri"),
        (KeySourceName::Jwks, written.jwks.is_some(), "jwks"),
        (KeySourceName::File, written.file.is_some(), "file"),
        (KeySourceName::X5c, written.anchors.is_some(), "anchors"),
        (KeySourceName::X5c, written.revocations.is_some(), "revocations"),
    ] {
        if reader != source && present {
            let message = "it does not go with this `keys.source`";
            notes.refuse(Some(written.source.span()), format!("keys.{field}"), message);
        }
    }
}

fn missing<T>(written: &Keys, field: &str, notes: &mut Notes<'_>) -> Option<T> {
    notes.refuse(Some(written.source.span()), field, "it is required by this `keys.source`");
    None
}
