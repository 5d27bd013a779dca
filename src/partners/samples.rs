//! A partner in good standing, for tests: one product and one scope for each tier.

use std::collections::BTreeSet;

use crate::partners::Agreement;
use crate::partners::AgreementState;
use crate::partners::ApiProduct;
use crate::partners::ApiProductState;
use crate::partners::Attestation;
use crate::partners::Client;
use crate::partners::ClientRecord;
use crate::partners::ClientState;
use crate::partners::Credential;
use crate::partners::CredentialState;
use crate::partners::Entitlement;
use crate::partners::EntitlementState;
use crate::partners::Environment;
use crate::partners::Organisation;
use crate::partners::OrganisationState;
use crate::partners::ProductScope;
use crate::partners::SoftwareProduct;
use crate::partners::SoftwareProductState;
use crate::partners::Tier;
use crate::partners::client::StatementProvenance;
use crate::protocol::client::ClientMetadata;
use crate::types::AgreementId;
use crate::types::ApiProductId;
use crate::types::ClientId;
use crate::types::CredentialId;
use crate::types::DirectoryOrganisationId;
use crate::types::EntitlementId;
use crate::types::FrameworkName;
use crate::types::OrganisationId;
use crate::types::ResourceUri;
use crate::types::Scope;
use crate::types::Secret;
use crate::types::SoftwareId;
use crate::types::SoftwareProductId;
use crate::types::Timestamp;

pub(crate) const DAY: i64 = 86_400;
pub(crate) const THUMBPRINT: &str = "thumbprint-1";

pub(crate) fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T10:00:00Z").unwrap()
}

pub(crate) fn organisation() -> Organisation {
    Organisation {
        id: OrganisationId::parse("org_1").unwrap(),
        framework: FrameworkName::parse("directory").unwrap(),
        directory_id: DirectoryOrganisationId::parse("dir-org-1").unwrap(),
        legal_name: "Acme Budget Ltd".to_owned(),
        jurisdiction: "GB".to_owned(),
        regulatory_roles: ["AISP", "PISP"].map(str::to_owned).into(),
        risk_score: 20,
        sanctions_hit: false,
        attestation: Some(Attestation {
            kind: "iso27001_certificate".to_owned(),
            issued_at: now().plus(-90 * DAY),
        }),
        state: OrganisationState::Active,
        created_at: now().plus(-100 * DAY),
    }
}

/// The scope of the sample product of `tier`, for example `t2:use`.
pub(crate) fn scope(tier: Tier) -> Scope {
    Scope::parse(format!("{}:use", tier.name().to_lowercase())).unwrap()
}

pub(crate) fn product_id(tier: Tier) -> ApiProductId {
    ApiProductId::parse(format!("prd_{tier}")).unwrap()
}

pub(crate) fn product(tier: Tier) -> ApiProduct {
    ApiProduct {
        id: product_id(tier),
        name: format!("Product {tier}"),
        audience: ResourceUri::parse("https://api.bank.example").unwrap(),
        scopes: vec![ProductScope {
            scope: scope(tier),
            tier,
            max_token_seconds: tier.longest_token_seconds(),
        }],
        state: ApiProductState::Published,
        sunset: None,
        created_at: now().plus(-100 * DAY),
    }
}

pub(crate) fn agreement() -> Agreement {
    Agreement {
        id: AgreementId::parse("agr_1").unwrap(),
        organisation_id: organisation().id,
        reference: "2026-17".to_owned(),
        products: Tier::ALL.map(product_id).into(),
        environments: BTreeSet::from([Environment::Sandbox, Environment::Production]),
        valid_from: now().plus(-100 * DAY),
        valid_until: now().plus(100 * DAY),
        state: AgreementState::Active,
        created_at: now().plus(-100 * DAY),
    }
}

pub(crate) fn entitlement(tier: Tier) -> Entitlement {
    Entitlement {
        id: EntitlementId::parse(format!("ent_{tier}")).unwrap(),
        client_id: ClientId::parse("cl_1").unwrap(),
        scope: scope(tier),
        product_id: product_id(tier),
        basis: "policy:sha256:0".to_owned(),
        granted_at: now().plus(-50 * DAY),
        expires_at: now().plus(50 * DAY),
        review_due: now().plus(40 * DAY),
        state: EntitlementState::Active,
    }
}

pub(crate) fn credential() -> Credential {
    Credential {
        id: CredentialId::parse("crd_1").unwrap(),
        client_id: ClientId::parse("cl_1").unwrap(),
        key_id: None,
        thumbprint: THUMBPRINT.to_owned(),
        not_after: now().plus(30 * DAY),
        state: CredentialState::Active,
        created_at: now().plus(-50 * DAY),
        secret: None,
    }
}

/// A client that holds all of it.
pub(crate) fn record() -> ClientRecord {
    let organisation = organisation();
    let software_product = SoftwareProduct {
        id: SoftwareProductId::parse("sfp_1").unwrap(),
        organisation_id: organisation.id.clone(),
        framework: organisation.framework.clone(),
        software_id: SoftwareId::parse("software-1").unwrap(),
        name: "Acme Budget".to_owned(),
        state: SoftwareProductState::Active,
        created_at: now().plus(-60 * DAY),
    };
    let client = Client {
        id: ClientId::parse("cl_1").unwrap(),
        software_product_id: software_product.id.clone(),
        organisation_id: organisation.id.clone(),
        metadata: ClientMetadata::default(),
        software_statement: String::new(),
        provenance: StatementProvenance {
            issuer: "https://directory.example".to_owned(),
            jti: None,
            key_id: None,
            issued_at: now().plus(-50 * DAY),
            expires_at: None,
            digest: String::new(),
        },
        registration_access_token: Secret::new("sample").hash(),
        policy_digest: "sha256:0".to_owned(),
        state: ClientState::Active,
        issued_at: now().plus(-50 * DAY),
    };
    ClientRecord {
        client,
        software_product,
        organisation,
        agreements: vec![agreement()],
        products: Tier::ALL.map(product).into(),
        entitlements: Tier::ALL.map(entitlement).into(),
        credentials: vec![credential()],
    }
}
