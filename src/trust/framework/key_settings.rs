//! Where the keys of a framework come from (REG-G2).

use crate::jose::JwkSet;
use crate::trust::framework::KeySettings;
use crate::trust::framework::KeySource;
use crate::trust::framework::problem::Notes;
use crate::trust::framework::written::KeySourceName;
use crate::trust::framework::written::Keys;
use crate::types::HttpsUri;

pub(super) fn keys(written: &Keys, notes: &mut Notes<'_>) -> Option<KeySettings> {
    let span = Some(written.source.span());
    let source = match written.source.get_ref() {
        KeySourceName::JwksUri => match &written.jwks_uri {
            Some(uri) => match HttpsUri::parse(uri.get_ref().as_str()) {
                Ok(uri) => Some(KeySource::JwksUri(uri)),
                Err(error) => {
                    notes.refuse(Some(uri.span()), "keys.jwks_uri", error.to_string());
                    None
                }
            },
            None => missing(notes, span, "keys.jwks_uri"),
        },
        KeySourceName::Jwks => match &written.jwks {
            Some(jwks) => match JwkSet::parse(jwks.get_ref()) {
                Ok(keys) => Some(KeySource::Jwks(keys)),
                Err(faults) => {
                    for fault in faults {
                        notes.refuse(Some(jwks.span()), "keys.jwks", fault.to_string());
                    }
                    None
                }
            },
            None => missing(notes, span, "keys.jwks"),
        },
        KeySourceName::File | KeySourceName::X5c => {
            let message = "this source is not supported by this version; use `jwks_uri` or `jwks`";
            notes.refuse(span, "keys.source", message);
            None
        }
    };
    let unused = [
        (
            written.source.get_ref() != &KeySourceName::JwksUri,
            written.jwks_uri.is_some(),
            "jwks_uri",
        ),
        (written.source.get_ref() != &KeySourceName::Jwks, written.jwks.is_some(), "jwks"),
        (true, written.file.is_some(), "file"),
        (true, written.anchors.is_some(), "anchors"),
    ];
    for (foreign, present, field) in unused {
        if foreign && present {
            let message = "it does not go with this `keys.source`";
            notes.refuse(Some(written.source.span()), format!("keys.{field}"), message);
        }
    }
    Some(KeySettings { source: source?, on_loopback: written.allow_loopback })
}

fn missing<T>(
    notes: &mut Notes<'_>,
    span: Option<std::ops::Range<usize>>,
    field: &str,
) -> Option<T> {
    notes.refuse(span, field, "it is required by this `keys.source`");
    None
}
