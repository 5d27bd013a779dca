//! Texts of a framework's file with one place to fill in, such as `OFBBR-{org_id}`.

use serde_json::{Map, Value};

use crate::protocol::registration::ClaimPath;

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` must name one claim of the statement in braces, such as `OFBBR-{{org_id}}`")]
pub(super) struct InvalidTemplate(String);

/// A text around one claim of the statement. A text without a claim would bind nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    before: String,
    claim: ClaimPath,
    after: String,
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let invalid = || InvalidTemplate(text.chars().take(60).collect());
        let (before, rest) = text.split_once('{').ok_or_else(invalid)?;
        let (claim, after) = rest.split_once('}').ok_or_else(invalid)?;
        if [before, after].iter().any(|literal| literal.contains(['{', '}'])) {
            return Err(invalid());
        }
        let claim = ClaimPath::parse(claim).map_err(|_| invalid())?;
        Ok(Self { before: before.to_owned(), claim, after: after.to_owned() })
    }

    /// The text for this statement; `None` if the claim is absent or no text.
    pub(super) fn fill(&self, claims: &Map<String, Value>) -> Option<String> {
        let value = self.claim.value(claims)?.as_str()?;
        Some(format!("{}{value}{}", self.before, self.after))
    }
}

impl std::fmt::Display for Template {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}{{{}}}{}", self.before, self.claim.as_str(), self.after)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_is_filled_from_the_statement_reg_br5() {
        let claims = json!({ "org_id": "67c57882", "empty": "", "number": 7, "a": { "b": "c" } });
        let claims = claims.as_object().unwrap();
        for (text, filled) in [
            ("OFBBR-{org_id}", Some("OFBBR-67c57882")),
            ("{org_id}", Some("67c57882")),
            ("{a.b}!", Some("c!")),
            ("{empty}", None),
            ("{number}", None),
            ("{missing}", None),
        ] {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.fill(claims).as_deref(), filled, "{text}");
            assert_eq!(template.to_string(), text);
        }
    }

    #[test]
    fn what_names_no_claim_or_several_is_refused() {
        for bad in ["", "constant", "{}", "{a", "a}", "{a}{b}", "{a b}", "{{a}}", "}{"] {
            assert!(Template::parse(bad).is_err(), "{bad}");
        }
    }
}
