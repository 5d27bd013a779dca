//! One of each record, told apart by a tag.

use std::collections::BTreeSet;

use countersign::governance::audit::{Actor, ActorKind, AuditAction, AuditEvent, Object};
use countersign::partners::client::StatementProvenance;
use countersign::partners::credential::StoredSecret;
use countersign::partners::{
    Agreement, AgreementState, ApiProduct, ApiProductState, Attestation, Client, ClientState,
    Credential, CredentialState, Entitlement, EntitlementState, Environment, Organisation,
    OrganisationState, ProductScope, ResourceServer, ResourceServerState, SoftwareProduct,
    SoftwareProductState, Tier,
};
use countersign::protocol::client_authentication::ClientAuthenticationMethod;
use countersign::protocol::resource_server::ResourceServerMetadata;
use countersign::random;
use countersign::storage::{StorageError, Writer};
use countersign::types::{
    AgreementId, ApiProductId, ClientId, CredentialId, DirectoryOrganisationId, EntitlementId,
    FrameworkName, OrganisationId, ReasonCode, RequestId, ResourceServerId, ResourceUri, Scope,
    Secret, SoftwareId, SoftwareProductId, Timestamp,
};
use serde_json::json;

/// When everything in these tests happens.
pub(crate) fn now() -> Timestamp {
    at(0)
}

/// So many seconds after [`now`].
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_epoch(1_795_000_000).unwrap().plus(seconds)
}

pub(crate) fn framework() -> FrameworkName {
    FrameworkName::parse("directory").unwrap()
}

pub(crate) fn scope(tag: &str) -> Scope {
    Scope::parse(format!("scope:{tag}")).unwrap()
}

pub(crate) fn organisation(tag: &str) -> Organisation {
    Organisation {
        id: OrganisationId::from_random(tag),
        framework: framework(),
        directory_id: DirectoryOrganisationId::parse(format!("dir-{tag}")).unwrap(),
        legal_name: format!("Grüße & 'Söhne' \"{tag}\""),
        jurisdiction: "NL".to_owned(),
        regulatory_roles: BTreeSet::from(["AISP".to_owned(), "PISP".to_owned()]),
        risk_score: 40,
        sanctions_hit: false,
        attestation: Some(Attestation { kind: "iso27001_certificate".into(), issued_at: at(-9) }),
        state: OrganisationState::Active,
        created_at: now(),
    }
}

pub(crate) fn product(tag: &str) -> ApiProduct {
    ApiProduct {
        id: ApiProductId::from_random(tag),
        name: format!("product {tag}"),
        audience: ResourceUri::parse(format!("https://api.example/{tag}")).unwrap(),
        scopes: vec![
            ProductScope { scope: scope(tag), tier: Tier::T1, max_token_seconds: 600 },
            ProductScope {
                scope: scope(&format!("{tag}:write")),
                tier: Tier::T3,
                max_token_seconds: 300,
            },
        ],
        state: ApiProductState::Published,
        sunset: Some(at(1000)),
        created_at: now(),
    }
}

pub(crate) fn agreement(tag: &str) -> Agreement {
    Agreement {
        id: AgreementId::from_random(tag),
        organisation_id: organisation(tag).id,
        reference: format!("C-{tag}"),
        products: BTreeSet::from([product(tag).id]),
        environments: BTreeSet::from([Environment::Sandbox, Environment::Production]),
        valid_from: at(-100),
        valid_until: at(100),
        state: AgreementState::Active,
        created_at: now(),
    }
}

pub(crate) fn software(tag: &str) -> SoftwareProduct {
    SoftwareProduct {
        id: SoftwareProductId::from_random(tag),
        organisation_id: organisation(tag).id,
        framework: framework(),
        software_id: SoftwareId::parse(format!("software-{tag}")).unwrap(),
        name: format!("software {tag}"),
        state: SoftwareProductState::Active,
        created_at: now(),
    }
}

pub(crate) fn client(tag: &str) -> Client {
    Client {
        id: ClientId::from_random(tag),
        software_product_id: software(tag).id,
        organisation_id: organisation(tag).id,
        metadata: serde_json::from_value(json!({
            "redirect_uris": ["https://app.example/callback?a=1"],
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256",
            "grant_types": ["client_credentials"],
            "response_types": [],
            "scope": scope(tag).as_str(),
            "contacts": ["a@app.example"],
            "jwks_uri": "https://app.example/jwks",
            "software_id": format!("software-{tag}"),
            "client_name": "Überblick",
            "client_name#nl": "Overzicht",
        }))
        .unwrap(),
        software_statement: "e30.e30.c2ln".to_owned(),
        provenance: StatementProvenance {
            issuer: "https://directory.example".to_owned(),
            jti: None,
            key_id: Some("k1".to_owned()),
            issued_at: at(-5),
            expires_at: Some(at(300)),
            digest: "digest".to_owned(),
        },
        registration_access_token: Secret::new(tag).hash(),
        policy_digest: "policy".to_owned(),
        state: ClientState::Active,
        issued_at: now(),
    }
}

pub(crate) fn credential(tag: &str) -> Credential {
    Credential {
        id: CredentialId::from_random(tag),
        client_id: client(tag).id,
        key_id: None,
        thumbprint: format!("thumbprint-{tag}"),
        not_after: at(500),
        state: CredentialState::Active,
        created_at: now(),
        secret: None,
    }
}

pub(crate) fn entitlement(tag: &str) -> Entitlement {
    Entitlement {
        id: EntitlementId::from_random(tag),
        client_id: client(tag).id,
        scope: scope(tag),
        product_id: product(tag).id,
        basis: "policy:abc".to_owned(),
        granted_at: now(),
        expires_at: at(1000),
        review_due: at(900),
        state: EntitlementState::Active,
    }
}

pub(crate) fn resource_server(tag: &str) -> ResourceServer {
    ResourceServer {
        id: ResourceServerId::from_random(tag),
        name: format!("server {tag}"),
        audience: ResourceUri::parse(format!("https://api.example/{tag}")).unwrap(),
        metadata: ResourceServerMetadata::of(ClientAuthenticationMethod::ClientSecretBasic),
        secret: Some(StoredSecret::Hashed(Secret::new(tag).hash())),
        earlier_secret: None,
        state: ResourceServerState::Active,
        created_at: now(),
    }
}

/// An event about some record, with every field filled in.
pub(crate) fn event(action: AuditAction, id: impl std::fmt::Display) -> AuditEvent {
    AuditEvent {
        id: random::event_id(now()),
        time: now(),
        actor: Actor { kind: ActorKind::Operator, id: "ada".to_owned() },
        action,
        object: Object { kind: "record".to_owned(), id: id.to_string() },
        reasons: vec![ReasonCode::AgreementLapsed, ReasonCode::ScopeUnknown],
        policy_digest: Some("policy".to_owned()),
        request_id: Some(RequestId::from_random("1")),
        detail: json!({"from": "active", "to": "suspended"}),
    }
}

/// Inserts a client and everything that it stands on.
pub(crate) fn insert_everything(tx: &mut Writer<'_>, tag: &str) -> Result<(), StorageError> {
    tx.insert_organisation(&organisation(tag))?;
    tx.insert_api_product(&product(tag))?;
    tx.insert_agreement(&agreement(tag))?;
    tx.insert_software_product(&software(tag))?;
    tx.insert_client(&client(tag))?;
    tx.insert_credential(&credential(tag))?;
    tx.insert_entitlement(&entitlement(tag))
}
