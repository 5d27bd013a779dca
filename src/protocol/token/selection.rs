//! Which scopes, which resources and how long: what a token request comes to ([RFC 8707 §2],
//! RFC 9068 §3).
//!
//! [RFC 8707 §2]: https://www.rfc-editor.org/rfc/rfc8707#section-2

use std::collections::BTreeSet;

use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::problem::shown;
use crate::protocol::token::client_credentials::ClientCredentialsRequest;
use crate::types::{ResourceUri, Scope, ScopeSet};

/// A scope that the client holds, and where it is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The scope.
    pub scope: Scope,
    /// The resource server that serves it.
    pub audience: ResourceUri,
    /// The longest life of a token for it, in seconds.
    pub max_token_seconds: i64,
    /// Whether it is meant when a request names no scope.
    pub by_default: bool,
}

/// What the token would be for, if every scope is then decided in its favour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    offers: Vec<Offer>,
}

/// Why a request comes to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSelection {
    /// The client does not hold a scope that it asks for.
    #[error("the client is not registered for the scope `{0}`")]
    Scope(ScopeSet),
    /// The client holds nothing at all, or nothing of what it asks for at these resources.
    #[error("the client holds no scope that this request could be granted")]
    Nothing,
    /// A resource is unknown, or not one that the client may use.
    #[error("the client holds no scope at the resource `{}`", shown(.0.as_str()))]
    Resource(ResourceUri),
    /// A scope that is asked for belongs to none of the resources named.
    #[error("the scope `{0}` belongs to none of the resources that the request names")]
    ElsewhereThanNamed(ScopeSet),
    /// The scopes asked for belong to several resources (RFC 9068 §3).
    #[error(
        "the scopes belong to several resources; name them with `resource`, or ask for the scopes \
         of one: {}", list(.0)
    )]
    ScopesOfSeveral(BTreeSet<ResourceUri>),
    /// Nothing is asked for, and the client may use several resources.
    #[error("name with `resource` which of these the token is for: {}", list(.0))]
    SeveralResources(BTreeSet<ResourceUri>),
}

fn list(resources: &BTreeSet<ResourceUri>) -> String {
    resources.iter().map(ResourceUri::as_str).collect::<Vec<_>>().join(", ")
}

impl From<NoSelection> for OAuthError {
    fn from(none: NoSelection) -> Self {
        let code = match none {
            NoSelection::Scope(_)
            | NoSelection::Nothing
            | NoSelection::ElsewhereThanNamed(_)
            | NoSelection::ScopesOfSeveral(_) => ErrorCode::InvalidScope,
            NoSelection::Resource(_) | NoSelection::SeveralResources(_) => ErrorCode::InvalidTarget,
        };
        Self::new(code, none.to_string())
    }
}

impl Selection {
    /// What `request` asks of the offers that its client holds.
    ///
    /// # Errors
    ///
    /// A scope or resource that the client does not hold, or one that remains unclear.
    pub fn of(
        request: &ClientCredentialsRequest,
        offers: impl IntoIterator<Item = Offer>,
    ) -> Result<Self, NoSelection> {
        let mut offers = offers.into_iter().collect::<Vec<_>>();
        check_scopes(request, &offers)?;
        check_resources(request, &offers)?;
        if !request.resources.is_empty() {
            offers.retain(|offer| request.resources.contains(&offer.audience));
        }
        match &request.scope {
            Some(scope) => {
                offers.retain(|offer| scope.contains(&offer.scope));
                let found = offers.iter().map(|offer| offer.scope.clone()).collect();
                let elsewhere = scope.difference(&found);
                if !elsewhere.is_empty() {
                    return Err(NoSelection::ElsewhereThanNamed(elsewhere));
                }
            }
            None => keep_defaults(&mut offers),
        }
        let selection = Self { offers };
        selection.check_clear(request)?;
        Ok(selection)
    }

    fn check_clear(&self, request: &ClientCredentialsRequest) -> Result<(), NoSelection> {
        if self.offers.is_empty() {
            return Err(NoSelection::Nothing);
        }
        let audiences = self.audiences();
        if !request.resources.is_empty() || audiences.len() == 1 {
            return Ok(());
        }
        Err(match request.scope {
            Some(_) => NoSelection::ScopesOfSeveral(audiences),
            None => NoSelection::SeveralResources(audiences),
        })
    }

    /// The scopes.
    #[must_use]
    pub fn scope(&self) -> ScopeSet {
        self.offers.iter().map(|offer| offer.scope.clone()).collect()
    }

    /// The resource servers.
    #[must_use]
    pub fn audiences(&self) -> BTreeSet<ResourceUri> {
        self.offers.iter().map(|offer| offer.audience.clone()).collect()
    }

    /// The life of the token in seconds: the shortest that its scopes allow, at most `cap`.
    #[must_use]
    pub fn lifetime(&self, cap: i64) -> i64 {
        self.offers.iter().map(|offer| offer.max_token_seconds).fold(cap, i64::min)
    }

    /// What is left when only some scopes are granted; `None` if that is nothing.
    #[must_use]
    pub fn granted(&self, approved: &ScopeSet) -> Option<Self> {
        let kept = |offer: &&Offer| approved.contains(&offer.scope);
        let offers = self.offers.iter().filter(kept).cloned().collect::<Vec<_>>();
        (!offers.is_empty()).then_some(Self { offers })
    }
}

fn check_scopes(request: &ClientCredentialsRequest, offers: &[Offer]) -> Result<(), NoSelection> {
    let held = offers.iter().map(|offer| offer.scope.clone()).collect();
    match request.scope.as_ref().map(|scope| scope.difference(&held)) {
        Some(missing) if !missing.is_empty() => Err(NoSelection::Scope(missing)),
        _ => Ok(()),
    }
}

fn check_resources(
    request: &ClientCredentialsRequest,
    offers: &[Offer],
) -> Result<(), NoSelection> {
    let serves = |resource: &ResourceUri| offers.iter().any(|offer| offer.audience == *resource);
    match request.resources.iter().find(|resource| !serves(resource)) {
        Some(unknown) => Err(NoSelection::Resource(unknown.clone())),
        None => Ok(()),
    }
}

/// Keeps what is meant by default. If that is nothing, everything stays, so that the decision can
/// say what is wrong with it.
fn keep_defaults(offers: &mut Vec<Offer>) {
    if offers.iter().any(|offer| offer.by_default) {
        offers.retain(|offer| offer.by_default);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers() -> Vec<Offer> {
        let offer = |scope: &str, audience: &str, seconds, by_default| Offer {
            scope: Scope::parse(scope).unwrap(),
            audience: ResourceUri::parse(audience).unwrap(),
            max_token_seconds: seconds,
            by_default,
        };
        vec![
            offer("accounts", "urn:bank:accounts", 600, true),
            offer("balances", "urn:bank:accounts", 300, true),
            offer("branches", "urn:bank:public", 3600, true),
            offer("payments", "urn:bank:payments", 120, false),
        ]
    }

    fn select(scope: Option<&str>, resources: &[&str]) -> Result<Selection, NoSelection> {
        let request = ClientCredentialsRequest {
            scope: scope.map(|scope| ScopeSet::parse(scope).unwrap()),
            resources: resources.iter().map(|uri| ResourceUri::parse(*uri).unwrap()).collect(),
        };
        Selection::of(&request, offers())
    }

    fn code(scope: Option<&str>, resources: &[&str]) -> ErrorCode {
        OAuthError::from(select(scope, resources).unwrap_err()).code
    }

    #[test]
    fn scopes_of_one_resource_need_no_resource() {
        let selection = select(Some("accounts balances"), &[]).unwrap();
        assert_eq!(list(&selection.audiences()), "urn:bank:accounts");
        assert_eq!(selection.lifetime(900), 300);
        assert_eq!(selection.lifetime(60), 60);
    }

    #[test]
    fn scopes_of_several_resources_need_them_named() {
        assert_eq!(code(Some("accounts branches"), &[]), ErrorCode::InvalidScope);
        let named = &["urn:bank:accounts", "urn:bank:public"];
        let selection = select(Some("accounts branches"), named).unwrap();
        assert_eq!(list(&selection.audiences()), "urn:bank:accounts, urn:bank:public");
    }

    #[test]
    fn without_scope_and_resource_several_resources_are_a_question() {
        let refused = select(None, &[]).unwrap_err();
        assert!(refused.to_string().contains("urn:bank:accounts, urn:bank:public"), "{refused}");
        assert!(!refused.to_string().contains("payments"), "{refused}");
        assert_eq!(code(None, &[]), ErrorCode::InvalidTarget);
    }

    #[test]
    fn a_resource_alone_brings_its_scopes() {
        let selection = select(None, &["urn:bank:accounts"]).unwrap();
        assert_eq!(selection.scope().to_string(), "accounts balances");
        assert_eq!(select(None, &["urn:bank:payments"]).unwrap().scope().to_string(), "payments");
    }

    #[test]
    fn unknown_scopes_and_resources_are_refused() {
        assert_eq!(code(Some("admin"), &[]), ErrorCode::InvalidScope);
        assert_eq!(code(Some("accounts"), &["urn:bank:other"]), ErrorCode::InvalidTarget);
        assert_eq!(code(Some("branches"), &["urn:bank:accounts"]), ErrorCode::InvalidScope);
        let nothing = ClientCredentialsRequest { scope: None, resources: Vec::new() };
        assert_eq!(Selection::of(&nothing, []), Err(NoSelection::Nothing));
    }

    #[test]
    fn what_is_not_approved_is_neither_in_the_token_nor_shortens_it() {
        let selection = select(Some("accounts balances"), &[]).unwrap();
        let granted = selection.granted(&ScopeSet::parse("accounts").unwrap()).unwrap();
        assert_eq!(granted.scope().to_string(), "accounts");
        assert_eq!(granted.lifetime(900), 600);
        assert_eq!(selection.granted(&ScopeSet::default()), None);
    }
}
