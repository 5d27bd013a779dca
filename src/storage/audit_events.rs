//! The rows of the audit log. They are only ever appended.

use diesel::prelude::*;

use crate::governance::audit::{Actor, AuditAction, AuditEvent, Object};
use crate::storage::error::{self, StorageError};
use crate::storage::reader::{Page, Reader};
use crate::storage::rows::{self, Column};
use crate::storage::schema::audit_events;
use crate::storage::writer::Writer;
use crate::types::{AuditEventId, RequestId, Timestamp};

const TABLE: &str = "audit_events";

/// Which lines of the audit log are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// About this record only.
    pub object: Option<Object>,
    /// From this instant on.
    pub since: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
    /// The latest first, instead of the earliest.
    pub newest_first: bool,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_events, treat_none_as_default_value = false)]
struct AuditEventRow {
    id: String,
    time: i64,
    actor_kind: String,
    actor_id: String,
    action: String,
    object_kind: String,
    object_id: String,
    reasons: String,
    policy_digest: Option<String>,
    request_id: Option<String>,
    detail: String,
}

impl TryFrom<&AuditEvent> for AuditEventRow {
    type Error = StorageError;
    fn try_from(event: &AuditEvent) -> Result<Self, StorageError> {
        Ok(Self {
            id: event.id.to_string(),
            time: event.time.epoch(),
            actor_kind: rows::name(&event.actor.kind)?,
            actor_id: event.actor.id.clone(),
            action: event.action.name().to_owned(),
            object_kind: event.object.kind.clone(),
            object_id: event.object.id.clone(),
            reasons: rows::json(&event.reasons)?,
            policy_digest: event.policy_digest.clone(),
            request_id: event.request_id.as_ref().map(ToString::to_string),
            detail: rows::json(&event.detail)?,
        })
    }
}

impl TryFrom<AuditEventRow> for AuditEvent {
    type Error = StorageError;
    fn try_from(row: AuditEventRow) -> Result<Self, StorageError> {
        let at = |column| Column(TABLE, column);
        let action = AuditAction::parse(&row.action);
        let request_id = row.request_id.map(RequestId::parse).transpose();
        Ok(Self {
            id: at("id").read(AuditEventId::parse(row.id))?,
            time: at("time").time(row.time)?,
            actor: Actor { kind: at("actor_kind").name(row.actor_kind)?, id: row.actor_id },
            action: action.ok_or_else(|| at("action").unreadable("no such action"))?,
            object: Object { kind: row.object_kind, id: row.object_id },
            reasons: at("reasons").json(&row.reasons)?,
            policy_digest: row.policy_digest,
            request_id: at("request_id").read(request_id)?,
            detail: at("detail").json(&row.detail)?,
        })
    }
}

impl Reader<'_> {
    /// The event with this identifier.
    pub fn audit_event(&mut self, id: &AuditEventId) -> Result<Option<AuditEvent>, StorageError> {
        audit_events::table
            .find(id.as_str())
            .select(AuditEventRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(AuditEvent::try_from)
            .transpose()
    }

    /// The events that a filter lets pass, in the order of time, a page at a time. A page that
    /// follows an unknown event is empty.
    pub fn audit_events(
        &mut self,
        filter: &AuditFilter,
        page: &Page,
    ) -> Result<Vec<AuditEvent>, StorageError> {
        let mut query =
            audit_events::table.select(AuditEventRow::as_select()).limit(page.limit()).into_boxed();
        if let Some(object) = &filter.object {
            query = query
                .filter(audit_events::object_kind.eq(&object.kind))
                .filter(audit_events::object_id.eq(&object.id));
        }
        if let Some(since) = filter.since {
            query = query.filter(audit_events::time.ge(since.epoch()));
        }
        if let Some(until) = filter.until {
            query = query.filter(audit_events::time.lt(until.epoch()));
        }
        if let Some(after) = &page.after {
            let Some(time) = self.time_of_event(after)? else { return Ok(Vec::new()) };
            // The first condition is implied by the second, but it is the one an index can use.
            let (at, id) = (audit_events::time, audit_events::id);
            query = if filter.newest_first {
                query.filter(at.le(time)).filter(at.lt(time).or(id.lt(after)))
            } else {
                query.filter(at.ge(time)).filter(at.gt(time).or(id.gt(after)))
            };
        }
        query = if filter.newest_first {
            query.order((audit_events::time.desc(), audit_events::id.desc()))
        } else {
            query.order((audit_events::time, audit_events::id))
        };
        rows::all(query.load(self.connection)?)
    }

    fn time_of_event(&mut self, id: &str) -> Result<Option<i64>, StorageError> {
        let time =
            audit_events::table.find(id).select(audit_events::time).get_result(self.connection);
        Ok(time.optional()?)
    }
}

impl Writer<'_> {
    /// Appends events, in the transaction of what they tell of.
    pub(super) fn append_events(&mut self, events: &[AuditEvent]) -> Result<(), StorageError> {
        for event in events {
            let row = AuditEventRow::try_from(event)?;
            diesel::insert_into(audit_events::table)
                .values(&row)
                .execute(self.connection)
                .map_err(|error| error::named(TABLE, error))?;
        }
        Ok(())
    }
}
