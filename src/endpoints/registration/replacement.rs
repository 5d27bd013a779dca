//! An update of a registration (RFC 7592 §2.2): the client keeps its name, its history and its
//! registration access token; scopes that are no longer granted are taken back.

use std::collections::BTreeMap;

use crate::app::App;
use crate::endpoints::client_key::MOST_KEYS;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::Failure;
use crate::governance::audit::{AuditAction, AuditEvent};
use crate::partners::{Client, Credential, Entitlement, EntitlementState};
use crate::protocol::problem::{Problem, Problems};
use crate::storage::{Change, DecisionRecord, StorageError, Writer};
use crate::types::Scope;

use super::Considered;
use super::entity_tag::EntityTag;
use super::management;
use super::record;
use super::trail;

/// What an update writes.
#[derive(Debug, Clone)]
pub(super) struct Replacement {
    client: Client,
    credentials: Vec<Credential>,
    granted: Vec<Entitlement>,
    decision: DecisionRecord,
    event: AuditEvent,
    expected: Option<EntityTag>,
}

impl Replacement {
    /// Puts it together; nothing is stored yet.
    pub(super) fn new(
        considered: &Considered,
        before: Client,
        expected: Option<EntityTag>,
        incoming: &Incoming,
    ) -> Self {
        let Considered { proof, evidence, partner, decision } = considered;
        let (id, now) = (before.id.clone(), incoming.now);
        let object = record::client_object(&id);
        Self {
            client: Client {
                metadata: record::granted_metadata(evidence, decision),
                software_statement: proof.statement.text().to_owned(),
                provenance: record::provenance(proof),
                policy_digest: decision.policy_digest.clone(),
                ..before
            },
            credentials: record::credentials(proof, &id, now),
            granted: record::entitlements(partner, decision, &id, now),
            decision: record::decision_record(decision, object.clone(), now),
            event: trail::event(AuditAction::ClientUpdated, object, considered, incoming),
            expected,
        }
    }

    /// Writes it all, and returns the client as it is now, and its version.
    pub(super) async fn write(self, app: &App) -> Result<(Client, EntityTag), Failure> {
        let client = self.client.clone();
        let write = move |writer: &mut Writer<'_>| -> Result<Change<EntityTag>, Failure> {
            management::hold(writer, &self.client.id, self.expected)?;
            let updated = writer.update_client(&self.client);
            management::unless_changed(updated, writer, &self.client.id)?;
            self.add_credentials(writer)?;
            self.settle_entitlements(writer)?;
            writer.insert_decision(&self.decision)?;
            let version = EntityTag(writer.client_revision(&self.client.id)?.unwrap_or_default());
            Ok(Change::made(version, vec![self.event]))
        };
        let version = app.database.write(write).await?;
        Ok((client, version))
    }

    /// Keys that are known stay as they are: an update revives none that was revoked.
    fn add_credentials(&self, writer: &mut Writer<'_>) -> Result<(), Failure> {
        let known = writer.credentials_of(&self.client.id)?;
        let is_new = |shown: &&Credential| known.iter().all(|k| k.thumbprint != shown.thumbprint);
        for (credential, before) in self.credentials.iter().filter(is_new).zip(known.len()..) {
            if before >= MOST_KEYS {
                let message = format!("a client may show {MOST_KEYS} keys in all its life");
                return Err(Problems::from(Problem::metadata("jwks_uri", message)).into());
            }
            writer.insert_credential(credential)?;
        }
        Ok(())
    }

    /// Grants what is granted now and takes back the rest (REG-U6). What the bank has revoked stays
    /// revoked, even if that happened while the update was being considered (GOV-RV-7).
    fn settle_entitlements(&self, writer: &mut Writer<'_>) -> Result<(), StorageError> {
        let mut held: BTreeMap<Scope, Entitlement> = writer
            .entitlements_of(&self.client.id)?
            .into_iter()
            .map(|entitlement| (entitlement.scope.clone(), entitlement))
            .collect();
        for granted in &self.granted {
            match held.remove(&granted.scope) {
                None => writer.insert_entitlement(granted)?,
                Some(before) if before.state == EntitlementState::Revoked => {}
                Some(before) if is_kept(&before, granted) => {}
                Some(before) => {
                    let anew = Entitlement { id: before.id, ..granted.clone() };
                    writer.replace_entitlement(&anew, before.state)?;
                }
            }
        }
        for (_, no_longer) in held.into_iter().filter(|(_, held)| held.is_in_use()) {
            let (from, to) = (no_longer.state, EntitlementState::Reduced);
            writer.change_entitlement_state(&no_longer.id, from, to)?;
        }
        Ok(())
    }
}

/// An entitlement that is in use keeps its end: an update is no review (GOV-RC-3).
fn is_kept(before: &Entitlement, granted: &Entitlement) -> bool {
    before.is_in_use() && granted.granted_at < before.expires_at
}
