//! The authorities whose certificates a framework believes, from PEM files beside its own.

use toml::Spanned;

use crate::trust::framework::problem::Notes;
use crate::types::Timestamp;
use crate::x509::Anchors;
use crate::x509::InvalidChain;
use crate::x509::PresentedCertificates;
use crate::x509::RevocationLists;
use crate::x509::Usage;

/// Trust anchors and what they have revoked.
#[derive(Debug, Clone)]
pub struct Authorities {
    anchors: Anchors,
    revocations: RevocationLists,
}

impl Authorities {
    /// Authorities that the bank itself names.
    #[must_use]
    pub const fn new(anchors: Anchors, revocations: RevocationLists) -> Self {
        Self { anchors, revocations }
    }

    /// Whether a chain leads from the certificate to one of the anchors, and nothing in it is
    /// revoked (REG-S0, S5, T11).
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn verify(
        &self,
        presented: &PresentedCertificates,
        usage: Usage,
        now: Timestamp,
    ) -> Result<(), InvalidChain> {
        self.anchors.verify(presented, &self.revocations, usage, now)
    }

    /// How many anchors there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.anchors.len()
    }

    /// Whether revocation is looked at.
    #[must_use]
    pub fn checks_revocation(&self) -> bool {
        !self.revocations.is_empty()
    }
}

/// Where the files are. `obtain` tells the operator where they come from.
pub(super) struct Files<'a> {
    pub(super) table: &'static str,
    pub(super) anchors: &'a Spanned<Vec<String>>,
    pub(super) revocations: Option<&'a Spanned<Vec<String>>>,
    pub(super) obtain: Option<&'a str>,
}

pub(super) fn authorities(files: &Files<'_>, notes: &mut Notes<'_>) -> Option<Authorities> {
    let field = format!("{}.anchors", files.table);
    let pem = all(files.anchors, &field, files.obtain, notes);
    let anchors = pem.and_then(|pem| match Anchors::parse_pem(&pem) {
        Ok(anchors) => Some(anchors),
        Err(error) => {
            notes.refuse(Some(files.anchors.span()), field, error.to_string());
            None
        }
    });
    let revocations = match files.revocations {
        Some(listed) => revocations(listed, files, notes),
        None => Some(RevocationLists::default()),
    };
    Some(Authorities { anchors: anchors?, revocations: revocations? })
}

fn revocations(
    listed: &Spanned<Vec<String>>,
    files: &Files<'_>,
    notes: &mut Notes<'_>,
) -> Option<RevocationLists> {
    let field = format!("{}.revocations", files.table);
    let pem = all(listed, &field, files.obtain, notes)?;
    match RevocationLists::parse_pem(&pem) {
        Ok(lists) => Some(lists),
        Err(error) => {
            notes.refuse(Some(listed.span()), field, error.to_string());
            None
        }
    }
}

/// Every file in one text; `None` if one could not be read, which has been noted.
fn all(
    listed: &Spanned<Vec<String>>,
    field: &str,
    obtain: Option<&str>,
    notes: &mut Notes<'_>,
) -> Option<String> {
    if listed.get_ref().is_empty() {
        notes.refuse(Some(listed.span()), field, "at least one file is needed");
        return None;
    }
    let texts: Vec<Option<String>> = listed
        .get_ref()
        .iter()
        .map(|path| notes.file(path, Some(listed.span()), field, obtain))
        .collect();
    texts.into_iter().collect::<Option<Vec<_>>>().map(|texts| texts.join("\n"))
}
