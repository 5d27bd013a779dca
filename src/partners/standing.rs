//! Standing: the conjunction of risk, commercial, platform and governance that is access now
//! (GOV §2.1, §2.3). It is computed when asked and stored nowhere (GOV-AX-1).

use crate::partners::Agreement;
use crate::partners::AgreementState;
use crate::partners::ApiProduct;
use crate::partners::Client;
use crate::partners::ClientState;
use crate::partners::Credential;
use crate::partners::CredentialState;
use crate::partners::Entitlement;
use crate::partners::EntitlementState;
use crate::partners::Environment;
use crate::partners::Organisation;
use crate::partners::OrganisationState;
use crate::partners::SoftwareProduct;
use crate::partners::SoftwareProductState;
use crate::partners::Tier;
use crate::types::ApiProductId;
use crate::types::ReasonCode;
use crate::types::Scope;
use crate::types::Timestamp;

/// How long an entitlement outlives the date of its review (GOV-RC-3).
pub const REVIEW_GRACE_SECONDS: i64 = 14 * 86_400;

/// A client and everything that its standing depends on.
#[derive(Debug, Clone)]
pub struct ClientRecord {
    /// The registration.
    pub client: Client,
    /// What it is an instance of.
    pub software_product: SoftwareProduct,
    /// Whose it is.
    pub organisation: Organisation,
    /// The organisation's agreements, ended ones too.
    pub agreements: Vec<Agreement>,
    /// The products that its entitlements belong to.
    pub products: Vec<ApiProduct>,
    /// What it has been granted.
    pub entitlements: Vec<Entitlement>,
    /// Its keys, as far as they have been seen.
    pub credentials: Vec<Credential>,
}

impl ClientRecord {
    /// The entitlement for `scope`.
    #[must_use]
    pub fn entitlement(&self, scope: &Scope) -> Option<&Entitlement> {
        self.entitlements.iter().find(|held| held.scope == *scope)
    }

    /// The product that offers `scope`; the one that was granted, if there is a choice.
    #[must_use]
    pub fn product(&self, scope: &Scope) -> Option<&ApiProduct> {
        let granted = self.entitlement(scope).map(|held| &held.product_id);
        let offering = || self.products.iter().filter(|product| product.scope(scope).is_some());
        offering().find(|product| Some(&product.id) == granted).or_else(|| offering().next())
    }

    /// The agreement under which `product` may be used now: the one that stands best.
    #[must_use]
    pub fn agreement(
        &self,
        product: &ApiProductId,
        environment: Environment,
        now: Timestamp,
    ) -> Option<&Agreement> {
        let stands = |agreement: &Agreement| {
            let status = AgreementStatus::of_one(agreement, product, environment, now);
            status.lapse().is_none().then_some(status)
        };
        let in_force = self.agreements.iter().filter_map(|one| Some((stands(one)?, one)));
        in_force.max_by_key(|(status, _)| *status).map(|(_, agreement)| agreement)
    }

    /// The key with this RFC 7638 thumbprint.
    #[must_use]
    pub fn credential(&self, thumbprint: &str) -> Option<&Credential> {
        self.credentials.iter().find(|key| key.thumbprint == thumbprint)
    }
}

/// How the agreements of an organisation stand towards one product, the best one counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgreementStatus {
    /// There is no agreement, or only drafts.
    Missing,
    /// There are agreements, and none includes the product in this environment.
    NotContracted,
    /// The one that included it has ended.
    Lapsed,
    /// The one that includes it is not in force yet.
    NotStarted,
    /// In force, and ending.
    InNotice,
    /// In force.
    Current,
}

impl AgreementStatus {
    /// Every status, the worst first.
    pub const ALL: [Self; 6] = [
        Self::Missing,
        Self::NotContracted,
        Self::Lapsed,
        Self::NotStarted,
        Self::InNotice,
        Self::Current,
    ];

    /// How `agreements` stand towards `product` in `environment`.
    #[must_use]
    pub fn of(
        agreements: &[Agreement],
        product: &ApiProductId,
        environment: Environment,
        now: Timestamp,
    ) -> Self {
        let standing = |agreement| Self::of_one(agreement, product, environment, now);
        agreements.iter().map(standing).max().unwrap_or(Self::Missing)
    }

    fn of_one(
        agreement: &Agreement,
        product: &ApiProductId,
        environment: Environment,
        now: Timestamp,
    ) -> Self {
        let covers =
            agreement.products.contains(product) && agreement.environments.contains(&environment);
        match agreement.state {
            AgreementState::Draft => Self::Missing,
            _ if !covers => Self::NotContracted,
            AgreementState::Expired | AgreementState::Terminated => Self::Lapsed,
            _ if now >= agreement.valid_until => Self::Lapsed,
            AgreementState::Signed => Self::NotStarted,
            _ if now < agreement.valid_from => Self::NotStarted,
            AgreementState::InNotice => Self::InNotice,
            AgreementState::Active => Self::Current,
        }
    }

    /// The name, as policy reads it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NotContracted => "not_contracted",
            Self::Lapsed => "lapsed",
            Self::NotStarted => "not_started",
            Self::InNotice => "in_notice",
            Self::Current => "current",
        }
    }

    /// Why there are no tokens, if there are none (GOV §2.3): notice does not stop them.
    #[must_use]
    pub const fn lapse(self) -> Option<ReasonCode> {
        match self {
            Self::Missing => Some(ReasonCode::AgreementMissing),
            Self::NotContracted => Some(ReasonCode::ProductNotContracted),
            Self::Lapsed => Some(ReasonCode::AgreementLapsed),
            Self::NotStarted => Some(ReasonCode::AgreementNotStarted),
            Self::InNotice | Self::Current => None,
        }
    }
}

/// Why the client may not use `scope` now: every reason, in the order of the catalogue. Empty means
/// in good standing.
#[must_use]
pub fn lapses(
    record: &ClientRecord,
    scope: &Scope,
    environment: Environment,
    now: Timestamp,
) -> Vec<ReasonCode> {
    let product = record.product(scope);
    let tier = product.and_then(|product| product.scope(scope)).map(|offered| offered.tier);
    let mut found = Vec::new();
    found.extend(organisation_lapses(&record.organisation, tier, environment));
    found.extend(software_product_lapse(&record.software_product));
    found.extend(client_state_lapse(record.client.state, tier));
    found.extend(product_lapse(product, now));
    if let Some(product) = product.filter(|_| tier != Some(Tier::T0)) {
        let status = AgreementStatus::of(&record.agreements, &product.id, environment, now);
        found.extend(status.lapse());
    }
    found.extend(entitlement_lapses(record.entitlement(scope), now));
    in_catalogue_order(found)
}

/// Why the client may use nothing at all, whatever the scope: organisation, software product and
/// the client's own state. A quarantined client is not among them: it keeps T0 (GOV-RV-5).
#[must_use]
pub fn client_lapses(record: &ClientRecord, _now: Timestamp) -> Vec<ReasonCode> {
    let mut found = Vec::new();
    found.extend(organisation_lapses(&record.organisation, None, Environment::Production));
    found.extend(software_product_lapse(&record.software_product));
    found.extend(client_state_lapse(record.client.state, Some(Tier::T0)));
    in_catalogue_order(found)
}

/// Why the key with this thumbprint may not be used. A key that was never seen has no history to
/// hold against it: whether it is the client's is for its key set to say.
#[must_use]
pub fn credential_lapses(
    record: &ClientRecord,
    thumbprint: &str,
    now: Timestamp,
) -> Vec<ReasonCode> {
    record.credential(thumbprint).map(|key| credential_reasons(key, now)).unwrap_or_default()
}

/// Whether an organisation in this state may take part at this tier: once it is active; while it is
/// vetted, with public data in the sandbox (GOV §3).
#[must_use]
pub fn takes_part(state: OrganisationState, tier: Option<Tier>, environment: Environment) -> bool {
    match state {
        OrganisationState::Active => true,
        OrganisationState::Proposed | OrganisationState::Verifying => {
            tier == Some(Tier::T0) && environment == Environment::Sandbox
        }
        OrganisationState::Suspended
        | OrganisationState::Withdrawn
        | OrganisationState::Revoked
        | OrganisationState::Rejected
        | OrganisationState::Archived => false,
    }
}

fn organisation_lapses(
    organisation: &Organisation,
    tier: Option<Tier>,
    environment: Environment,
) -> impl Iterator<Item = ReasonCode> {
    let stopped = !takes_part(organisation.state, tier, environment);
    let stopped = stopped.then_some(ReasonCode::OrganisationNotActive);
    let sanctions = organisation.sanctions_hit.then_some(ReasonCode::SanctionsMatch);
    stopped.into_iter().chain(sanctions)
}

fn software_product_lapse(software_product: &SoftwareProduct) -> Option<ReasonCode> {
    let active = software_product.state == SoftwareProductState::Active;
    (!active).then_some(ReasonCode::SoftwareProductNotActive)
}

/// A scope whose tier is unknown counts as above T0.
fn client_state_lapse(state: ClientState, tier: Option<Tier>) -> Option<ReasonCode> {
    match state {
        ClientState::Active => None,
        ClientState::Quarantined if tier == Some(Tier::T0) => None,
        ClientState::Quarantined => Some(ReasonCode::ClientQuarantined),
        ClientState::Provisioned
        | ClientState::Suspended
        | ClientState::Retired
        | ClientState::Revoked => Some(ReasonCode::ClientNotActive),
    }
}

fn product_lapse(product: Option<&ApiProduct>, now: Timestamp) -> Option<ReasonCode> {
    match product {
        None => Some(ReasonCode::ScopeUnknown),
        Some(product) => (!product.is_live(now)).then_some(ReasonCode::ProductNotLive),
    }
}

fn entitlement_lapses(held: Option<&Entitlement>, now: Timestamp) -> Vec<ReasonCode> {
    let Some(held) = held else {
        return vec![ReasonCode::EntitlementNotActive];
    };
    let mut found = Vec::new();
    if !held.is_in_use() && held.state != EntitlementState::Expired {
        found.push(ReasonCode::EntitlementNotActive);
    }
    if held.state == EntitlementState::Expired || now >= held.expires_at {
        found.push(ReasonCode::EntitlementExpired);
    }
    if now.since(held.review_due) > REVIEW_GRACE_SECONDS {
        found.push(ReasonCode::AccessReviewOverdue);
    }
    found
}

fn credential_reasons(key: &Credential, now: Timestamp) -> Vec<ReasonCode> {
    let withdrawn = matches!(
        key.state,
        CredentialState::PendingProof | CredentialState::Revoked | CredentialState::Compromised
    );
    let expired = key.state == CredentialState::Expired || now >= key.not_after;
    let expired = expired.then_some(ReasonCode::CredentialExpired);
    let withdrawn = withdrawn.then_some(ReasonCode::CredentialNotActive);
    expired.into_iter().chain(withdrawn).collect()
}

fn in_catalogue_order(mut found: Vec<ReasonCode>) -> Vec<ReasonCode> {
    found.sort_unstable();
    found.dedup();
    found
}
