//! Which version of a registration somebody has seen (RFC 9110 §8.8.3, §13.1): a PUT that was written
//! for another version is refused, so that of two at once neither is lost unseen (REG-U7).

use crate::endpoints::failure::Failure;
use crate::protocol::{ErrorCode, OAuthError};

/// The strong entity tag of a registration: its revision, which every change of it raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EntityTag(pub(super) i64);

impl std::fmt::Display for EntityTag {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "\"{}\"", self.0)
    }
}

impl EntityTag {
    /// RFC 9110 §13.1.1 `If-Match`: by strong comparison, so that a weak tag matches nothing.
    ///
    /// # Errors
    ///
    /// The registration is at another version.
    fn check(self, if_match: Option<&str>) -> Result<(), Failure> {
        let Some(wanted) = if_match else { return Ok(()) };
        if wanted.trim() == "*" || listed(wanted).any(|tag| tag == self.to_string()) {
            return Ok(());
        }
        Err(changed().into())
    }

    /// The version that must still be there when a change is written: this one, if `If-Match` asks
    /// for it.
    ///
    /// # Errors
    ///
    /// As [`EntityTag::check`].
    pub(super) fn expected(self, if_match: Option<&str>) -> Result<Option<Self>, Failure> {
        self.check(if_match)?;
        Ok(if_match.map(|_| self))
    }

    /// RFC 9110 §13.1.2 `If-None-Match`: whether the caller has this version, by weak comparison.
    pub(super) fn is_known(self, if_none_match: Option<&str>) -> bool {
        let Some(known) = if_none_match else { return false };
        let strong = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag) == self.to_string();
        known.trim() == "*" || listed(known).any(strong)
    }
}

/// What somebody is told whose version is not the present one.
pub(super) fn changed() -> OAuthError {
    let description = "the registration is not at the version of `If-Match`; read it again";
    OAuthError::new(ErrorCode::PreconditionFailed, description)
}

/// The tags of a list. Ours hold no comma, so that splitting at each finds ours.
fn listed(header: &str) -> impl Iterator<Item = &str> {
    header.split(',').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_compares_strongly_rfc_9110_13_1_1() {
        let tag = EntityTag(3);
        for good in ["\"3\"", "*", " * ", "\"1\", \"3\"", "\"3\" ,\"a,b\""] {
            assert_eq!(tag.check(Some(good)), Ok(()), "{good}");
        }
        assert_eq!(tag.check(None), Ok(()));
        for bad in ["", "3", "\"33\"", "\"2\"", "W/\"3\"", "\"3", ",", "\"1\", \"2\""] {
            let refused = tag.check(Some(bad)).unwrap_err().into_error();
            assert_eq!(refused.code, ErrorCode::PreconditionFailed, "{bad}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly_rfc_9110_13_1_2() {
        let tag = EntityTag(3);
        for known in ["\"3\"", "W/\"3\"", "*", "\"1\", W/\"3\""] {
            assert!(tag.is_known(Some(known)), "{known}");
        }
        for other in ["", "3", "\"4\"", "w/\"3\""] {
            assert!(!tag.is_known(Some(other)), "{other}");
        }
        assert!(!tag.is_known(None));
    }
}
