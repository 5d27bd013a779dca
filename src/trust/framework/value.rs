//! Single values of a framework's file.

use toml::Spanned;

use crate::jose::Algorithm;
use crate::protocol::registration::ClaimPath;
use crate::trust::framework::problem::Notes;
use crate::trust::host_pattern::HostPattern;

/// S6: more than a minute of skew makes expiry meaningless.
pub(super) const MOST_SKEW: i64 = 60;

/// Symmetric algorithms and `none` have no name here at all (PEER-15).
pub(super) fn algorithms(
    written: &Spanned<Vec<String>>,
    field: &str,
    notes: &mut Notes<'_>,
) -> Vec<Algorithm> {
    let mut algorithms = Vec::new();
    for name in written.get_ref() {
        match Algorithm::parse(name) {
            Ok(algorithm) => algorithms.push(algorithm),
            Err(error) => notes.refuse(Some(written.span()), field, error.to_string()),
        }
    }
    if written.get_ref().is_empty() {
        notes.refuse(Some(written.span()), field, "at least one algorithm is needed");
    }
    algorithms
}

pub(super) fn within(
    written: &Spanned<i64>,
    field: &str,
    least: i64,
    most: i64,
    notes: &mut Notes<'_>,
) -> i64 {
    let seconds = *written.get_ref();
    if !(least..=most).contains(&seconds) {
        let message = format!("it must lie between {least} and {most} seconds");
        notes.refuse(Some(written.span()), field, message);
    }
    seconds
}

pub(super) fn path(
    written: &Spanned<String>,
    field: &str,
    notes: &mut Notes<'_>,
) -> Option<ClaimPath> {
    match ClaimPath::parse(written.get_ref()) {
        Ok(path) => Some(path),
        Err(error) => {
            notes.refuse(Some(written.span()), field, error.to_string());
            None
        }
    }
}

pub(super) fn hosts(written: &Spanned<Vec<String>>, notes: &mut Notes<'_>) -> Vec<HostPattern> {
    let mut hosts = Vec::new();
    for text in written.get_ref() {
        match HostPattern::parse(text) {
            Ok(host) => hosts.push(host),
            Err(error) => {
                let field = "client_keys.allowed_hosts";
                notes.refuse(Some(written.span()), field, error.to_string());
            }
        }
    }
    hosts
}
