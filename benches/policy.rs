//! What a policy decision costs, with facts built natively, and what a bundle costs to load
//! (GOV §4.1).

#![expect(clippy::unwrap_used, reason = "a benchmark that fails may panic")]

use std::collections::BTreeSet;

use countersign::partners::Agreement;
use countersign::partners::AgreementState;
use countersign::partners::ApiProduct;
use countersign::partners::ApiProductState;
use countersign::partners::Attestation;
use countersign::partners::Client;
use countersign::partners::ClientRecord;
use countersign::partners::ClientState;
use countersign::partners::Entitlement;
use countersign::partners::EntitlementState;
use countersign::partners::Environment;
use countersign::partners::Organisation;
use countersign::partners::OrganisationState;
use countersign::partners::ProductScope;
use countersign::partners::SoftwareProduct;
use countersign::partners::SoftwareProductState;
use countersign::partners::Tier;
use countersign::partners::client::StatementProvenance;
use countersign::partners::standing;
use countersign::policy::GrantFacts;
use countersign::policy::GrantInput;
use countersign::policy::PolicyEngine;
use countersign::policy::SenderConstraint;
use countersign::policy::StatementFacts;
use countersign::policy::TokenFacts;
use countersign::policy::TokenInput;
use countersign::protocol::client::ClientMetadata;
use countersign::types::AgreementId;
use countersign::types::ApiProductId;
use countersign::types::ClientId;
use countersign::types::DirectoryOrganisationId;
use countersign::types::EntitlementId;
use countersign::types::FrameworkName;
use countersign::types::OrganisationId;
use countersign::types::ReasonCode;
use countersign::types::ResourceUri;
use countersign::types::Scope;
use countersign::types::Secret;
use countersign::types::SoftwareId;
use countersign::types::SoftwareProductId;
use countersign::types::Timestamp;
use divan::Bencher;
use divan::black_box;

const DAY: i64 = 86_400;
const PRODUCTION: Environment = Environment::Production;

fn main() {
    divan::main();
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-22T10:00:00Z").unwrap()
}

fn scope() -> Scope {
    Scope::parse("accounts:read").unwrap()
}

fn organisation() -> Organisation {
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
        created_at: now(),
    }
}

fn product() -> ApiProduct {
    ApiProduct {
        id: ApiProductId::parse("prd_1").unwrap(),
        name: "Accounts".to_owned(),
        audience: ResourceUri::parse("https://api.bank.example").unwrap(),
        scopes: vec![ProductScope { scope: scope(), tier: Tier::T2, max_token_seconds: 600 }],
        state: ApiProductState::Published,
        sunset: None,
        created_at: now(),
    }
}

fn agreement() -> Agreement {
    Agreement {
        id: AgreementId::parse("agr_1").unwrap(),
        organisation_id: organisation().id,
        reference: "2026-17".to_owned(),
        products: [product().id].into(),
        environments: [PRODUCTION].into(),
        valid_from: now().plus(-DAY),
        valid_until: now().plus(DAY),
        state: AgreementState::Active,
        created_at: now(),
    }
}

fn software_product() -> SoftwareProduct {
    SoftwareProduct {
        id: SoftwareProductId::parse("sfp_1").unwrap(),
        organisation_id: organisation().id,
        framework: organisation().framework,
        software_id: SoftwareId::parse("software-1").unwrap(),
        name: "Acme Budget".to_owned(),
        state: SoftwareProductState::Active,
        created_at: now(),
    }
}

fn client() -> Client {
    Client {
        id: ClientId::parse("cl_1").unwrap(),
        software_product_id: software_product().id,
        organisation_id: organisation().id,
        metadata: ClientMetadata::default(),
        software_statement: String::new(),
        provenance: StatementProvenance {
            issuer: "https://directory.example".to_owned(),
            jti: None,
            key_id: None,
            issued_at: now(),
            expires_at: None,
            digest: String::new(),
        },
        registration_access_token: Secret::new("sample").hash(),
        policy_digest: "sha256:0".to_owned(),
        state: ClientState::Active,
        issued_at: now(),
    }
}

fn record() -> ClientRecord {
    ClientRecord {
        client: client(),
        software_product: software_product(),
        organisation: organisation(),
        agreements: vec![agreement()],
        products: vec![product()],
        entitlements: vec![Entitlement {
            id: EntitlementId::parse("ent_1").unwrap(),
            client_id: client().id,
            scope: scope(),
            product_id: product().id,
            basis: "policy:sha256:0".to_owned(),
            granted_at: now(),
            expires_at: now().plus(DAY),
            review_due: now().plus(DAY),
            state: EntitlementState::Active,
        }],
        credentials: Vec::new(),
    }
}

fn decide_grant_with(bencher: Bencher<'_, '_>, waivers: &BTreeSet<ReasonCode>, method: &str) {
    let engine = PolicyEngine::default_bundle().unwrap();
    let (organisation, agreements, products) = (organisation(), [agreement()], [product()]);
    let (software_id, scope) = (software_product().software_id, scope());
    bencher.bench_local(|| {
        let input = GrantInput {
            software_id: &software_id,
            organisation: Some(&organisation),
            agreements: &agreements,
            products: &products,
            statement: StatementFacts {
                verified: true,
                jti_fresh: true,
                issued_at: now(),
                longest_age_seconds: 300,
                skew_seconds: 30,
                environment: Some(PRODUCTION),
            },
            role_scopes: None,
            client_auth_method: method,
            sender_constraint: SenderConstraint::Mtls,
            environment: PRODUCTION,
            waivers,
            overdue_conditions: &BTreeSet::new(),
        };
        black_box(engine.decide_grant(&GrantFacts::new(input, now()), &scope))
    });
}

#[divan::bench]
fn decide_grant(bencher: Bencher<'_, '_>) {
    decide_grant_with(bencher, &BTreeSet::new(), "private_key_jwt");
}

/// A refusal asks twice: the second time for permits alone.
#[divan::bench]
fn decide_grant_refused(bencher: Bencher<'_, '_>) {
    decide_grant_with(bencher, &BTreeSet::new(), "client_secret_basic");
}

#[divan::bench]
fn decide_token(bencher: Bencher<'_, '_>) {
    let engine = PolicyEngine::default_bundle().unwrap();
    let (record, scope) = (record(), scope());
    let (waivers, overdue_conditions) = (BTreeSet::new(), BTreeSet::new());
    bencher.bench_local(|| {
        let input = TokenInput {
            record: &record,
            scope: &scope,
            thumbprint: None,
            sender_constraint: SenderConstraint::Dpop,
            requested_ttl_seconds: 600,
            environment: PRODUCTION,
            waivers: &waivers,
            overdue_conditions: &overdue_conditions,
        };
        black_box(engine.decide_token(&TokenFacts::new(input, now())))
    });
}

/// The same question put to native code alone.
#[divan::bench]
fn standing_lapses(bencher: Bencher<'_, '_>) {
    let (record, scope) = (record(), scope());
    bencher.bench_local(|| standing::lapses(black_box(&record), &scope, PRODUCTION, now()));
}

#[divan::bench]
fn load_the_default_bundle(bencher: Bencher<'_, '_>) {
    bencher.bench_local(PolicyEngine::default_bundle);
}
