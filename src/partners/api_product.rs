//! An API product: scopes sold together, for one audience (GOV §2.2, §3).

use serde::{Deserialize, Serialize};

use crate::partners::state::states;
use crate::types::{ApiProductId, ResourceUri, Scope, Timestamp};

states! {
    /// Where an API product stands (GOV §2.2).
    ApiProductState of "product" {
        /// Being designed.
        Draft = "draft" => [Published, Retired],
        /// For sale and in use.
        Published = "published" => [Deprecated, Retired],
        /// In use until its sunset.
        Deprecated = "deprecated" => [Published, Retired],
        /// Gone.
        Retired = "retired" => [],
    }
}

/// The risk class of a scope, from public data (T0) to critical changes (T4) (GOV §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tier {
    /// No customer or bank-confidential data.
    T0,
    /// Bank-owned, low sensitivity.
    T1,
    /// One consenting customer's data; a capped payment.
    T2,
    /// Moves value, or bulk data.
    T3,
    /// Changes mandates or limits; never granted automatically.
    T4,
}

impl Tier {
    /// Every tier, the least risky first.
    pub const ALL: [Self; 5] = [Self::T0, Self::T1, Self::T2, Self::T3, Self::T4];

    /// The name, as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::T0 => "T0",
            Self::T1 => "T1",
            Self::T2 => "T2",
            Self::T3 => "T3",
            Self::T4 => "T4",
        }
    }

    /// The tier with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.name() == name)
    }

    /// The longest life of an access token for a scope of this tier, in seconds (GOV §3).
    #[must_use]
    pub const fn longest_token_seconds(self) -> i64 {
        match self {
            Self::T0 => 3600,
            Self::T1 => 1800,
            Self::T2 => 600,
            Self::T3 => 300,
            Self::T4 => 120,
        }
    }

    /// How long an entitlement lasts before it must be renewed, in seconds (GOV §6.2).
    #[must_use]
    pub const fn entitlement_seconds(self) -> i64 {
        const MONTH: i64 = 30 * 86_400;
        match self {
            Self::T0 | Self::T1 => 24 * MONTH,
            Self::T2 => 12 * MONTH,
            Self::T3 => 6 * MONTH,
            Self::T4 => 3 * MONTH,
        }
    }
}

impl std::fmt::Display for Tier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// One scope of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductScope {
    /// The scope; it belongs to one product only.
    pub scope: Scope,
    /// How risky it is.
    pub tier: Tier,
    /// The longest life of a token for it, in seconds; at most what its tier allows.
    pub max_token_seconds: i64,
}

/// Scopes sold together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiProduct {
    /// Our identifier.
    pub id: ApiProductId,
    /// What the bank calls it.
    pub name: String,
    /// The resource server that serves it (RFC 8707): the `aud` of its tokens.
    pub audience: ResourceUri,
    /// What can be asked for.
    pub scopes: Vec<ProductScope>,
    /// Where it stands.
    pub state: ApiProductState,
    /// When a deprecated product ends.
    pub sunset: Option<Timestamp>,
    /// When it was recorded.
    pub created_at: Timestamp,
}

impl ApiProduct {
    /// Published, or deprecated and before its sunset (GOV §2.1).
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        match self.state {
            ApiProductState::Published => true,
            ApiProductState::Deprecated => self.sunset.is_some_and(|sunset| now < sunset),
            ApiProductState::Draft | ApiProductState::Retired => false,
        }
    }

    /// The scope of this product with that name.
    #[must_use]
    pub fn scope(&self, scope: &Scope) -> Option<&ProductScope> {
        self.scopes.iter().find(|offered| offered.scope == *scope)
    }
}
