//! What a framework settles of a registration's life: who may manage it, how often software may
//! register, and when an unused client ends (REG-S18, R1, U2 to U5, L8, W5).

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::trust::framework::Framework;
use crate::types::Scope;

/// What happens when a software product registers again (REG-S18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// It is refused while a registration is live.
    Reject,
    /// It gets the client that it has, unchanged (REG-E10, R10).
    IdempotentReturn,
    /// It replaces the registration that it has; the client keeps its name (REG-UD3).
    Update,
    /// It gets another client, up to a number.
    AllowMany {
        /// How many live clients a software product may have.
        most: u32,
    },
}

/// Whose word opens the management URL (REG-R1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Management {
    /// The registration access token of RFC 7592.
    RegistrationAccessToken,
    /// An access token that the client has obtained for itself.
    ClientCredentials {
        /// The scope that such a token must have; none where any token of the client will do.
        scope: Option<Scope>,
    },
}

/// Whether a registration comes with an initial access token (REG-I1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InitialAccess {
    /// It must.
    Required,
    /// It may; then the token's ceiling binds it.
    #[default]
    Accepted,
    /// It must not.
    Refused,
}

/// A verb of the management URL (RFC 7592 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ManagementMethod {
    /// Reading.
    Get,
    /// Replacing.
    Put,
    /// Deleting.
    Delete,
}

impl ManagementMethod {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Get, Self::Put, Self::Delete];

    /// The verb.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// What the body of an update looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateBody {
    /// It names its client, as RFC 7592 §2.2 has it (REG-U2).
    NamesClient,
    /// It is written like a registration; the address says whose it is (REG-U4).
    LikeRegistration,
}

/// All of it.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) duplicates: Duplicates,
    pub(super) management: ManagementTerms,
    pub(super) initial_access: InitialAccess,
    pub(super) quotas: Quotas,
    pub(super) unused: Option<UnusedRule>,
    pub(super) assertions: AssertionTerms,
}

/// How registrations are managed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ManagementTerms {
    pub(super) authorisation: Management,
    pub(super) methods: BTreeSet<ManagementMethod>,
    pub(super) statement_on_update: bool,
    pub(super) certificate: bool,
    pub(super) token_seconds: Option<i64>,
    pub(super) update_body: UpdateBody,
}

/// How much of this server a partner of the framework may use (REG-S16, T12). What is absent is
/// not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Live clients of one organisation.
    pub clients_per_organisation: Option<u32>,
    /// Registrations of one organisation within an hour.
    pub registrations_per_organisation_per_hour: Option<u32>,
    /// Registrations of one software product within an hour.
    pub registrations_per_software_per_hour: Option<u32>,
    /// Registrations with one client certificate within an hour.
    pub registrations_per_certificate_per_hour: Option<u32>,
}

/// When a client that nobody uses ends (REG-L8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnusedRule {
    /// How long after its last use.
    pub expire_after_seconds: i64,
    /// How long before that its owner is told.
    pub notice_seconds: i64,
}

/// What the assertions of the framework's clients may be (REG-C5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssertionTerms {
    /// Whom they may be made for.
    pub audience: AssertionAudience,
    /// How far `exp` may be away.
    pub longest_life_seconds: i64,
}

/// Whom a client assertion may be made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionAudience {
    /// Our issuer alone (FAPI 2.0).
    Issuer,
    /// Our issuer or the address of the endpoint called.
    IssuerOrEndpoint,
}

impl Framework {
    /// What happens when a software product registers again.
    #[must_use]
    pub const fn duplicates(&self) -> Duplicates {
        self.terms.duplicates
    }

    /// Whether a registration comes with an initial access token.
    #[must_use]
    pub const fn initial_access_token(&self) -> InitialAccess {
        self.terms.initial_access
    }

    /// Whose word opens the management URL.
    #[must_use]
    pub const fn management(&self) -> &Management {
        &self.terms.management.authorisation
    }

    /// Whether this verb of the management URL is on; one that is off is answered 405, after
    /// authentication (REG-R8, H7).
    #[must_use]
    pub fn may_manage_by(&self, method: ManagementMethod) -> bool {
        self.terms.management.methods.contains(&method)
    }

    /// The verbs that are on.
    #[must_use]
    pub const fn management_methods(&self) -> &BTreeSet<ManagementMethod> {
        &self.terms.management.methods
    }

    /// Whether an update needs a statement (REG-U5).
    #[must_use]
    pub const fn statement_on_update(&self) -> bool {
        self.terms.management.statement_on_update
    }

    /// Whether the presenter's certificate is checked on the management URL as well (REG-R7).
    #[must_use]
    pub const fn certificate_on_management(&self) -> bool {
        self.terms.management.certificate
    }

    /// How long a registration access token lasts, if it ends (PEER-25).
    #[must_use]
    pub const fn management_token_seconds(&self) -> Option<i64> {
        self.terms.management.token_seconds
    }

    /// What the body of an update looks like.
    #[must_use]
    pub const fn update_body(&self) -> UpdateBody {
        self.terms.management.update_body
    }

    /// How much a partner may use.
    #[must_use]
    pub const fn quotas(&self) -> &Quotas {
        &self.terms.quotas
    }

    /// When a client that nobody uses ends, if it does.
    #[must_use]
    pub const fn unused(&self) -> Option<UnusedRule> {
        self.terms.unused
    }

    /// What the assertions of its clients may be.
    #[must_use]
    pub const fn authentication_audiences(&self) -> AssertionTerms {
        self.terms.assertions
    }
}
