//! Resources that demand a stronger or a more recent login than a token shows ([RFC 9470]).
//!
//! [RFC 9470]: https://www.rfc-editor.org/rfc/rfc9470

use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::token::AccessTokenClaims;
use crate::types::Timestamp;

/// What a resource demands of the login behind a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginDemand {
    /// The authentication context classes of which one must be met, the best liked first; none where
    /// each will do.
    pub acr_values: Vec<String>,
    /// The most seconds since the login.
    pub max_age: Option<u32>,
}

/// Why a token's login does not suffice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InsufficientLogin {
    /// It was not done as the resource demands, or the token does not say how.
    #[error("a different authentication level is required")]
    Level,
    /// It is too long ago, or the token does not say when it was.
    #[error("more recent authentication is required")]
    Age,
}

impl From<InsufficientLogin> for OAuthError {
    fn from(insufficient: InsufficientLogin) -> Self {
        Self::new(ErrorCode::InsufficientUserAuthentication, insufficient.to_string())
    }
}

impl LoginDemand {
    /// `acr_values` as a challenge carries them (§3).
    #[must_use]
    pub fn shown_acr_values(&self) -> Option<String> {
        (!self.acr_values.is_empty()).then(|| self.acr_values.join(" "))
    }

    /// Whether the login behind a token suffices now (§5).
    ///
    /// # Errors
    ///
    /// It does not, or the token does not tell.
    pub fn check(
        &self,
        claims: &AccessTokenClaims,
        now: Timestamp,
    ) -> Result<(), InsufficientLogin> {
        let level = claims.acr.as_ref();
        if !self.acr_values.is_empty() && !level.is_some_and(|acr| self.acr_values.contains(acr)) {
            return Err(InsufficientLogin::Level);
        }
        let Some(most) = self.max_age else { return Ok(()) };
        let recent = |login: Timestamp| now <= login.plus(i64::from(most));
        if claims.auth_time.is_some_and(recent) { Ok(()) } else { Err(InsufficientLogin::Age) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::token::access_token::tests::claims;

    fn logged_in(acr: Option<&str>, ago: Option<i64>) -> AccessTokenClaims {
        let claims = claims();
        let auth_time = ago.map(|seconds| claims.iat.plus(0_i64.saturating_sub(seconds)));
        AccessTokenClaims { acr: acr.map(str::to_owned), auth_time, ..claims }
    }

    fn checked(
        acr_values: &[&str],
        max_age: Option<u32>,
        claims: &AccessTokenClaims,
    ) -> Result<(), InsufficientLogin> {
        let acr_values = acr_values.iter().map(|&acr| acr.to_owned()).collect();
        LoginDemand { acr_values, max_age }.check(claims, claims.iat)
    }

    #[test]
    fn one_of_the_levels_must_be_met() {
        for (acr, expected) in [
            (Some("silver"), Ok(())),
            (Some("gold"), Ok(())),
            (Some("Gold"), Err(InsufficientLogin::Level)),
            (Some("gold silver"), Err(InsufficientLogin::Level)),
            (None, Err(InsufficientLogin::Level)),
        ] {
            assert_eq!(checked(&["gold", "silver"], None, &logged_in(acr, None)), expected);
        }
    }

    #[test]
    fn a_login_is_recent_to_the_second() {
        for (ago, expected) in [
            (Some(0), Ok(())),
            (Some(300), Ok(())),
            (Some(301), Err(InsufficientLogin::Age)),
            (None, Err(InsufficientLogin::Age)),
        ] {
            assert_eq!(checked(&[], Some(300), &logged_in(None, ago)), expected, "{ago:?}");
        }
        assert_eq!(checked(&[], Some(0), &logged_in(None, Some(1))), Err(InsufficientLogin::Age));
    }

    #[test]
    fn what_demands_nothing_takes_a_token_without_a_login() {
        assert_eq!(checked(&[], None, &logged_in(None, None)), Ok(()));
    }
}
