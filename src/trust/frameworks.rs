//! All frameworks that this server trusts; a statement belongs to exactly one (REG-S4).

use std::collections::BTreeMap;
use std::collections::btree_map::Values;
use std::sync::Arc;

use crate::protocol::problem::shown;
use crate::protocol::registration::StatementError;
use crate::protocol::registration::StatementProblem;
use crate::protocol::registration::UnverifiedStatement;
use crate::trust::framework::Framework;
use crate::trust::framework::FrameworkProblem;
use crate::types::FrameworkName;
use crate::types::Timestamp;

/// The frameworks, by name and by issuer. The empty collection admits nobody (PEER-9). A request keeps
/// hold of the one it was made under without copying it.
#[derive(Debug, Clone, Default)]
pub struct Frameworks {
    by_name: BTreeMap<FrameworkName, Arc<Framework>>,
    by_issuer: BTreeMap<String, FrameworkName>,
}

impl Frameworks {
    /// Puts frameworks together, each with the file it came from.
    ///
    /// # Errors
    ///
    /// Every name or issuer that two of them share: whose word is taken must never depend on order.
    pub fn new(
        frameworks: impl IntoIterator<Item = (String, Framework)>,
    ) -> Result<Self, Vec<FrameworkProblem>> {
        let mut all = Self::default();
        let mut problems = Vec::new();
        for (file, framework) in frameworks {
            let mut refuse = |field: &str, message: String| {
                problems.push(FrameworkProblem {
                    file: file.clone(),
                    line: None,
                    field: field.to_owned(),
                    message,
                });
            };
            let name = framework.name().clone();
            for issuer in framework.issuers() {
                if let Some(other) = all.by_issuer.insert(issuer.clone(), name.clone()) {
                    refuse("issuers", format!("`{issuer}` is an issuer of `{other}` already"));
                }
            }
            if all.by_name.insert(name.clone(), Arc::new(framework)).is_some() {
                refuse("name", format!("there is another framework `{name}`"));
            }
        }
        if problems.is_empty() { Ok(all) } else { Err(problems) }
    }

    /// S4: the framework whose issuer the statement names. The name is compared byte for byte
    /// (SEC-61), and the signature decides later whether it is true. A statement with certificates
    /// in its header is its software's own, and belongs to the framework that vouches for those.
    ///
    /// # Errors
    ///
    /// No issuer, or certificates where nobody takes any: the statement is bad. An issuer we do not
    /// know, a chain that leads nowhere or to several frameworks: it is unapproved.
    pub fn find(
        &self,
        statement: &UnverifiedStatement,
        now: Timestamp,
    ) -> Result<&Arc<Framework>, StatementError> {
        let issuer = statement.issuer()?;
        if statement.certificates().is_some() {
            // Whoever is known by other keys is not known by a certificate of somebody's.
            if self.by_issuer.contains_key(issuer) {
                statement.refuse_certificates()?;
            }
            return self.by_certificate(statement, now);
        }
        self.by_issuer
            .get(issuer)
            .and_then(|name| self.by_name.get(name))
            .ok_or_else(|| StatementProblem::IssuerUnknown { issuer: shown(issuer) }.into())
    }

    /// The framework with this name.
    #[must_use]
    pub fn named(&self, name: &FrameworkName) -> Option<&Framework> {
        self.by_name.get(name).map(Arc::as_ref)
    }

    /// All of them, by name.
    pub fn iter(&self) -> Iter<'_> {
        self.shared().map(Arc::as_ref)
    }

    /// All of them, to be kept hold of.
    pub(super) fn shared(&self) -> Values<'_, FrameworkName, Arc<Framework>> {
        self.by_name.values()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

/// What [`Frameworks::iter`] returns.
type Iter<'a> = std::iter::Map<
    Values<'a, FrameworkName, Arc<Framework>>,
    fn(&'a Arc<Framework>) -> &'a Framework,
>;

impl<'a> IntoIterator for &'a Frameworks {
    type Item = &'a Framework;
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
