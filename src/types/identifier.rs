//! Identifiers, one type each, so that a client is never taken for an organisation.

use serde::{Deserialize, Deserializer, Serialize};

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{shown}` is not a valid {kind}: {rule}")]
pub struct InvalidIdentifier {
    kind: &'static str,
    rule: &'static str,
    shown: String,
}

/// The visible ASCII characters without space (RFC 6749 Appendix A, VSCHAR less SP).
fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn check(kind: &'static str, most: usize, text: &str) -> Result<(), InvalidIdentifier> {
    let rule = if text.is_empty() {
        "it is empty"
    } else if text.len() > most {
        "it is too long"
    } else if !is_visible(text) {
        "it may hold visible ASCII characters only"
    } else {
        return Ok(());
    };
    Err(InvalidIdentifier {
        kind,
        rule,
        shown: text.chars().take(40).flat_map(char::escape_default).collect(),
    })
}

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident($prefix:literal, $most:literal, $kind:literal);)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// What the identifiers that we make ourselves begin with; empty for foreign ones.
            pub const PREFIX: &'static str = $prefix;

            #[doc = concat!("Reads a ", $kind, ".\n\n# Errors\n\nEmpty, too long, or not visible ASCII.")]
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidIdentifier> {
                let text = text.into();
                check($kind, $most, &text)?;
                Ok(Self(text))
            }

            /// A new identifier from a random text drawn by `random`.
            #[must_use]
            pub fn from_random(random: &str) -> Self {
                Self(format!("{}{random}", $prefix))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidIdentifier;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    )+};
}

identifiers! {
    /// A partner organisation, as this bank keeps it.
    OrganisationId("org_", 36, "organisation id");
    /// A contract with a partner.
    AgreementId("agr_", 36, "agreement id");
    /// An API product: scopes sold together.
    ApiProductId("prd_", 36, "API product id");
    /// A software product, as this bank keeps it.
    SoftwareProductId("sfp_", 36, "software product id");
    /// A client: one registration (RFC 7591 `client_id`); never reused, at most 36 characters (REG-E9).
    ClientId("cl_", 36, "client_id");
    /// A key of a client.
    CredentialId("crd_", 36, "credential id");
    /// A client's permission for one scope.
    EntitlementId("ent_", 36, "entitlement id");
    /// A resource server that introspects tokens.
    ResourceServerId("rs_", 36, "resource server id");
    /// An initial access token, which is not its secret.
    InitialAccessTokenId("iat_", 36, "initial access token id");
    /// One line of the audit log.
    AuditEventId("evt_", 64, "audit event id");
    /// One recorded decision.
    DecisionId("dec_", 36, "decision id");
    /// One HTTP request, for logs and audit.
    RequestId("req_", 64, "request id");
    /// A trust framework, by the name in its file.
    FrameworkName("", 64, "trust framework name");
    /// What the directory calls an organisation (`org_id` in a statement).
    DirectoryOrganisationId("", 255, "directory organisation id");
    /// What the directory calls a software product (RFC 7591 `software_id`).
    SoftwareId("", 255, "software_id");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_visible_ascii_and_bounded() {
        for bad in ["", "a b", "a\u{e9}", "a\nb", &"x".repeat(37)] {
            assert!(ClientId::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(ClientId::parse("cl_1").unwrap().as_str(), "cl_1");
    }

    #[test]
    fn an_error_never_prints_control_characters() {
        let shown = ClientId::parse("a\u{1b}[31m\n").unwrap_err().to_string();
        assert!(shown.chars().all(|c| !c.is_control()), "{shown:?}");
    }
}
