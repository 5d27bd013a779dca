//! Where a fact stands in a statement: each directory has its own names (REG-G4).

use serde_json::{Map, Value};

const LONGEST: usize = 200;

/// Why a text is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a claim path; write `claim`, `claim.member` or `claims[].member`")]
pub struct InvalidClaimPath(String);

/// A claim, a member of one, or a member of each element of a list, such as
/// `software_statement_roles[].status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    member: String,
    each: bool,
}

impl ClaimPath {
    /// Reads a path.
    ///
    /// # Errors
    ///
    /// Empty, too long, or with characters that no claim name in use has.
    pub fn parse(text: &str) -> Result<Self, InvalidClaimPath> {
        let invalid = || InvalidClaimPath(text.chars().take(60).collect());
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"_-:/#".contains(&byte);
        let mut steps = Vec::new();
        for part in text.split('.') {
            let (member, each) = match part.strip_suffix("[]") {
                Some(member) => (member, true),
                None => (part, false),
            };
            if member.is_empty() || !member.bytes().all(named) {
                return Err(invalid());
            }
            steps.push(Step { member: member.to_owned(), each });
        }
        if text.len() > LONGEST {
            return Err(invalid());
        }
        Ok(Self { text: text.to_owned(), steps })
    }

    /// The path as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name of the claim that the path begins at.
    #[must_use]
    pub fn claim(&self) -> &str {
        self.steps.first().map_or("", |step| step.member.as_str())
    }

    /// What stands there. `null` and `""` count as nothing.
    #[must_use]
    pub fn values<'a>(&self, claims: &'a Map<String, Value>) -> Vec<&'a Value> {
        let mut objects = vec![claims];
        let mut found: Vec<&Value> = Vec::new();
        for step in &self.steps {
            let members = objects.iter().filter_map(|object| object.get(&step.member));
            found = if step.each {
                members.filter_map(Value::as_array).flatten().collect()
            } else {
                members.collect()
            };
            objects = found.iter().filter_map(|value| value.as_object()).collect();
        }
        found.retain(|value| !value.is_null() && value.as_str() != Some(""));
        found
    }

    /// The first value that stands there.
    #[must_use]
    pub fn value<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        self.values(claims).into_iter().next()
    }
}

impl std::fmt::Display for ClaimPath {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_to_claims_members_and_each_element_reg_g4() {
        let claims = json!({
            "org_status": "Active", "empty": "", "nothing": null, "org": {"id": 7},
            "roles": [{"role": "AISP", "status": "Active"}, {"role": "PISP"}, 3, {"status": ["x"]}],
        });
        let claims = claims.as_object().unwrap();
        let at = |path: &str| ClaimPath::parse(path).unwrap().values(claims).len();
        assert_eq!(at("org_status"), 1);
        assert_eq!((at("empty"), at("nothing"), at("absent"), at("org_status.x")), (0, 0, 0, 0));
        assert_eq!(
            (at("org.id"), at("roles[].role"), at("roles[].status"), at("roles[]")),
            (1, 2, 2, 4)
        );
        assert_eq!((at("org_status[]"), at("roles.role")), (0, 0));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in ["", ".", "a.", "[]", "a[]b", "a[0]", "a b", "a..b", "\u{e9}", &"x".repeat(201)]
        {
            assert!(ClaimPath::parse(bad).is_err(), "{bad}");
        }
    }
}
