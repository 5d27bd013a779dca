//! What a verified statement says of its software, in our words (REG-G4).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::jose::JwkSet;
use crate::protocol::problem::Problem;
use crate::protocol::problem::Problems;
use crate::protocol::registration::ClaimPath;
use crate::protocol::registration::SoftwareStatement;
use crate::protocol::registration::StatementError;
use crate::protocol::registration::StatementProblem;
use crate::trust::framework::Framework;
use crate::types::DirectoryOrganisationId;
use crate::types::HttpsUri;
use crate::types::SoftwareId;
use crate::types::misleads;

/// The longest name that is taken from a statement, in characters.
const LONGEST_NAME: usize = 200;

/// Whose software a statement speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementFacts {
    /// What the directory calls the software.
    pub software_id: SoftwareId,
    /// Its name, for people.
    pub software_name: String,
    /// What the directory calls the organisation.
    pub organisation_id: DirectoryOrganisationId,
    /// Its name, for people, if the statement says it.
    pub organisation_name: Option<String>,
    /// The environment that the statement is for, as written.
    pub environment: Option<String>,
    /// The roles in effect.
    pub roles: BTreeSet<String>,
}

/// Where the keys of the software are, on the directory's word. Only a verified statement says it:
/// nothing is fetched for a forged one (SEC-17, PEER-6).
#[derive(Debug, Clone)]
pub enum PresenterKeys {
    /// At this address, whose host the framework allows.
    Address(HttpsUri),
    /// In the statement itself, or in the certificate that signed it.
    Value(JwkSet),
}

impl Framework {
    /// What the statement says of its software.
    ///
    /// # Errors
    ///
    /// Every fact that is missing or malformed: the statement is bad.
    pub fn facts(&self, statement: &SoftwareStatement) -> Result<StatementFacts, StatementError> {
        let mut reader = FactReader { claims: statement.claims(), problems: Vec::new() };
        let paths = &self.facts;
        let software_id = reader.required(&paths.software_id, |text| SoftwareId::parse(text).ok());
        let organisation_id = reader
            .required(&paths.organisation_id, |text| DirectoryOrganisationId::parse(text).ok());
        let software_name = reader.required(&paths.software_name, name);
        let organisation_name = reader.optional(paths.organisation_name.as_ref());
        let environment = reader.optional(paths.environment.as_ref());
        let roles = self.roles.as_ref().map(|roles| roles.active(statement.claims()));
        match (software_id, organisation_id, software_name) {
            (Some(software_id), Some(organisation_id), Some(software_name))
                if reader.problems.is_empty() =>
            {
                Ok(StatementFacts {
                    software_id,
                    software_name,
                    organisation_id,
                    organisation_name,
                    environment,
                    roles: roles.unwrap_or_default(),
                })
            }
            _ => Err(StatementError(reader.problems)),
        }
    }

    /// Where the keys are that the presenter must prove to hold.
    ///
    /// # Errors
    ///
    /// The statement names none, or names them on a host that the framework does not allow.
    pub fn presenter_keys(&self, statement: &SoftwareStatement) -> Result<PresenterKeys, Problems> {
        if let Some(own) = statement.own_keys() {
            let claim = "x5c".to_owned();
            return JwkSet::parse(&own)
                .map(PresenterKeys::Value)
                .map_err(|_| problem(StatementProblem::ClaimMalformed { claim }));
        }
        let claims = statement.claims();
        let at = |member: &str| {
            let rule = self.claims.get(member)?;
            Some((rule.claim.as_str(), rule.claim.value(claims)?))
        };
        if let Some((claim, value)) = at("jwks_uri") {
            let claim = claim.to_owned();
            let uri = value.as_str().and_then(|text| HttpsUri::parse(text).ok());
            let Some(uri) = uri else {
                return Err(problem(StatementProblem::ClaimMalformed { claim }));
            };
            if !self.client_keys.hosts.iter().any(|host| host.covers(uri.host())) {
                return Err(problem(StatementProblem::HostNotAllowed { claim }));
            }
            return Ok(PresenterKeys::Address(uri));
        }
        if let Some((claim, value)) = at("jwks") {
            let claim = claim.to_owned();
            return JwkSet::parse(value)
                .map(PresenterKeys::Value)
                .map_err(|_| problem(StatementProblem::ClaimMalformed { claim }));
        }
        let named = ["jwks_uri", "jwks"].into_iter().find_map(|member| self.claims.get(member));
        let claim = named.map_or_else(String::new, |rule| rule.claim.as_str().to_owned());
        Err(problem(StatementProblem::ClaimMissing { claim }))
    }
}

fn problem(problem: StatementProblem) -> Problems {
    Problem::from(problem).into()
}

struct FactReader<'a> {
    claims: &'a Map<String, Value>,
    problems: Vec<StatementProblem>,
}

impl FactReader<'_> {
    fn required<T>(&mut self, path: &ClaimPath, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let claim = path.as_str().to_owned();
        let Some(value) = path.value(self.claims) else {
            self.problems.push(StatementProblem::ClaimMissing { claim });
            return None;
        };
        let fact = value.as_str().and_then(read);
        if fact.is_none() {
            self.problems.push(StatementProblem::ClaimMalformed { claim });
        }
        fact
    }

    fn optional(&mut self, path: Option<&ClaimPath>) -> Option<String> {
        let path = path?;
        let value = path.value(self.claims)?;
        let fact = value.as_str().and_then(name);
        if fact.is_none() {
            let claim = path.as_str().to_owned();
            self.problems.push(StatementProblem::ClaimMalformed { claim });
        }
        fact
    }
}

/// A name that can be shown: bounded, and without characters that hide or turn it (REG-T7). The directory
/// has signed it, but its owner chose it.
fn name(text: &str) -> Option<String> {
    let fits = text.chars().count() <= LONGEST_NAME && !text.chars().any(misleads);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_reads_otherwise_than_it_is_written_is_no_name_reg_t7() {
        for bad in ["a\u{0}b", "\u{202e}knab", "a\u{200b}b", &"x".repeat(201)] {
            assert_eq!(name(bad), None, "{bad:?}");
        }
        for good in ["Acme Budget", "Lučić & Söhne", "アクメ"] {
            assert_eq!(name(good).as_deref(), Some(good));
        }
    }
}
