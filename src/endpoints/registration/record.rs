//! What is remembered of a registration: client, keys, entitlements, decision and audit event, in
//! one transaction or not at all.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::app::App;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::Failure;
use crate::governance::audit::{AuditAction, AuditEvent, Object};
use crate::jose::PublicKey;
use crate::partners::client::StatementProvenance;
use crate::partners::credential::KEY_SECONDS;
use crate::partners::{
    Client, ClientState, Credential, CredentialState, Entitlement, EntitlementState, Organisation,
    SoftwareProduct, SoftwareProductState,
};
use crate::policy::Decision;
use crate::protocol::client::ClientMetadata;
use crate::protocol::{ErrorCode, OAuthError};
use crate::random;
use crate::storage::{Change, DecisionRecord, StorageError, Writer};
use crate::trust::Duplicates;
use crate::types::{
    ClientId, CredentialId, EntitlementId, Scope, Secret, SoftwareProductId, Timestamp,
};

use super::Considered;
use super::evidence::{Evidence, Proof};
use super::initial_access::Leave;
use super::partner::{Partner, belongs_to_another};
use super::retry::Retry;
use super::trail::event;
use super::{existing, quota, unused};

/// Everything that a registration leaves behind.
#[derive(Debug, Clone)]
pub(super) struct Registration {
    software: SoftwareProduct,
    software_is_new: bool,
    duplicates: Duplicates,
    pub(super) client: Client,
    pub(super) credentials: Vec<Credential>,
    pub(super) entitlements: Vec<Entitlement>,
    pub(super) decision: DecisionRecord,
    pub(super) event: AuditEvent,
    owner: Organisation,
    most_of_owner: Option<u32>,
    check_at: Option<Timestamp>,
    now: Timestamp,
}

/// Why nothing was stored.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The registration is refused, or the store fails.
    Failed(Failure),
    /// The software has this client, and the framework returns it.
    Taken(ClientId),
    /// Another request with the same `Idempotency-Key` was faster.
    Retried,
}

impl From<StorageError> for Stopped {
    fn from(error: StorageError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Registration {
    /// Puts it together; nothing is stored yet.
    pub(super) fn new(
        considered: &Considered,
        owner: &Organisation,
        token: &Secret,
        incoming: &Incoming,
    ) -> Self {
        let Considered { proof, evidence, partner, decision } = considered;
        let now = incoming.now;
        let software = partner.software.clone().unwrap_or_else(|| new_software(proof, owner, now));
        let id = ClientId::from_random(&random::ordered_identifier(now));
        let client = Client {
            id: id.clone(),
            software_product_id: software.id.clone(),
            organisation_id: software.organisation_id.clone(),
            metadata: granted_metadata(evidence, decision),
            software_statement: proof.statement.text().to_owned(),
            provenance: provenance(proof),
            registration_access_token: token.hash(),
            policy_digest: decision.policy_digest.clone(),
            state: ClientState::Active,
            issued_at: now,
        };
        Self {
            software,
            software_is_new: partner.software.is_none(),
            duplicates: proof.framework.duplicates(),
            credentials: credentials(proof, &id, now),
            entitlements: entitlements(partner, decision, &id, now),
            decision: decision_record(decision, client_object(&id), now),
            event: event(AuditAction::ClientRegistered, client_object(&id), considered, incoming),
            owner: owner.clone(),
            most_of_owner: proof.framework.quotas().clients_per_organisation,
            check_at: unused::next_check(Some(&proof.framework), now),
            now,
            client,
        }
    }

    /// Writes it all, and returns the client.
    pub(super) async fn insert(
        self,
        app: &App,
        leave: Leave,
        retry: Option<Retry>,
    ) -> Result<Client, Stopped> {
        let client = self.client.clone();
        let write = move |writer: &mut Writer<'_>| self.write(writer, &leave, retry);
        let software_product_id = app.database.write(write).await?;
        Ok(Client { software_product_id, ..client })
    }

    fn write(
        mut self,
        writer: &mut Writer<'_>,
        leave: &Leave,
        retry: Option<Retry>,
    ) -> Result<Change<SoftwareProductId>, Stopped> {
        if self.software_is_new {
            self.settle_software(writer)?;
        }
        self.check_duplicates(writer)?;
        quota::check_organisation(writer, &self.owner, self.most_of_owner)?;
        leave.consume(writer, self.now)?;
        writer.insert_client_with(&self.client, leave.id(), self.check_at)?;
        for credential in &self.credentials {
            writer.insert_credential(credential)?;
        }
        for entitlement in &self.entitlements {
            writer.insert_entitlement(entitlement)?;
        }
        writer.insert_decision(&self.decision)?;
        if let Some(retry) = retry {
            let record = retry.record(&self.client.id, self.now);
            match writer.insert_registration_retry(&record, self.now) {
                Err(StorageError::Exists { .. }) => return Err(Stopped::Retried),
                remembered => remembered?,
            }
        }
        if let (Some(id), Value::Object(detail)) = (leave.id(), &mut self.event.detail) {
            detail.insert("initial_access_token".to_owned(), json!(id));
        }
        Ok(Change::made(self.software.id, vec![self.event]))
    }

    /// Records the software, unless another registration has done so in the meantime.
    fn settle_software(&mut self, writer: &mut Writer<'_>) -> Result<(), Failure> {
        match writer.insert_software_product(&self.software) {
            Ok(()) => return Ok(()),
            Err(StorageError::Exists { .. }) => self.software_is_new = false,
            Err(error) => return Err(error.into()),
        }
        let (framework, software_id) = (&self.software.framework, &self.software.software_id);
        let there = writer.software_product_in_directory(framework, software_id)?;
        let there = there
            .filter(|there| there.organisation_id == self.software.organisation_id)
            .ok_or_else(belongs_to_another)?;
        self.client.software_product_id = there.id.clone();
        self.software = there;
        Ok(())
    }

    /// S15, S18: how many live clients one software product may have, counted in the transaction
    /// that adds one. Software that this transaction has added has none, and nobody else knows it.
    fn check_duplicates(&self, writer: &mut Writer<'_>) -> Result<(), Stopped> {
        if self.software_is_new {
            return Ok(());
        }
        writer.lock_software_product(&self.software.id)?;
        if let Duplicates::AllowMany { most } = self.duplicates {
            if writer.live_clients_of_software(&self.software.id)? < most {
                return Ok(());
            }
            let description = format!(
                "this software has {most} clients already: delete one at its \
                 registration_client_uri first"
            );
            return Err(Failure::from(quota::too_many(description, None)).into());
        }
        let Some(id) = writer.live_client_of_software(&self.software.id)? else { return Ok(()) };
        match self.duplicates {
            Duplicates::IdempotentReturn => Err(Stopped::Taken(id)),
            // It was not there when this request began.
            Duplicates::Update => Err(Failure::from(existing::meanwhile()).into()),
            // REG-AU5 names this code; Brazil takes any.
            Duplicates::Reject | Duplicates::AllowMany { .. } => {
                let description = "this software is registered already: manage it at its \
                                   registration_client_uri, or delete it there first";
                let refusal = OAuthError::new(ErrorCode::InvalidSoftwareStatement, description)
                    .with_member("client_id", id.as_str());
                Err(Failure::from(refusal).into())
            }
        }
    }
}

fn new_software(proof: &Proof, owner: &Organisation, now: Timestamp) -> SoftwareProduct {
    SoftwareProduct {
        id: SoftwareProductId::from_random(&random::ordered_identifier(now)),
        organisation_id: owner.id.clone(),
        framework: proof.framework.name().clone(),
        software_id: proof.facts.software_id.clone(),
        name: proof.facts.software_name.clone(),
        state: SoftwareProductState::Active,
        created_at: now,
    }
}

/// What is registered: the scope is what was granted, and the answer says so (GOV §1.2).
pub(super) fn granted_metadata(evidence: &Evidence, decision: &Decision) -> ClientMetadata {
    ClientMetadata { scope: decision.approved(), ..evidence.metadata.clone() }
}

pub(super) fn provenance(proof: &Proof) -> StatementProvenance {
    let statement = &proof.statement;
    StatementProvenance {
        issuer: statement.issuer().to_owned(),
        jti: statement.jti().map(str::to_owned),
        key_id: statement.key_id().map(str::to_owned),
        issued_at: statement.issued_at(),
        expires_at: statement.expires_at(),
        digest: statement.digest().to_owned(),
    }
}

/// The keys that the software showed. The request was signed by one of them, and the directory
/// vouches for the others.
pub(super) fn credentials(proof: &Proof, id: &ClientId, now: Timestamp) -> Vec<Credential> {
    let credential = |key: &PublicKey| Credential {
        id: CredentialId::from_random(&random::ordered_identifier(now)),
        client_id: id.clone(),
        key_id: key.key_id().map(str::to_owned),
        thumbprint: key.thumbprint().to_owned(),
        not_after: now.plus(KEY_SECONDS),
        state: CredentialState::Active,
        created_at: now,
        secret: None,
    };
    let mut seen = BTreeSet::new();
    let distinct = proof.keys.keys().iter().filter(|key| seen.insert(key.thumbprint()));
    distinct.map(credential).collect()
}

/// One for each scope that was approved.
pub(super) fn entitlements(
    partner: &Partner,
    decision: &Decision,
    id: &ClientId,
    now: Timestamp,
) -> Vec<Entitlement> {
    let entitlement = |scope: &Scope| {
        let product = partner.reachable().find(|product| product.scope(scope).is_some())?;
        let lasts = product.scope(scope)?.tier.entitlement_seconds();
        Some(Entitlement {
            id: EntitlementId::from_random(&random::ordered_identifier(now)),
            client_id: id.clone(),
            scope: scope.clone(),
            product_id: product.id.clone(),
            basis: format!("policy:{}", decision.policy_digest),
            granted_at: now,
            expires_at: now.plus(lasts),
            review_due: now.plus(lasts),
            state: EntitlementState::Active,
        })
    };
    decision.approved().iter().filter_map(entitlement).collect()
}

pub(super) fn client_object(id: &ClientId) -> Object {
    Object { kind: "client".to_owned(), id: id.to_string() }
}

pub(super) fn decision_record(
    decision: &Decision,
    subject: Object,
    now: Timestamp,
) -> DecisionRecord {
    DecisionRecord {
        id: random::decision_id(now),
        time: now,
        subject,
        items: json!(decision.items),
        facts_digest: decision.facts_digest.clone(),
        policy_digest: decision.policy_digest.clone(),
    }
}
