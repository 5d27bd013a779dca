//! The rows of decisions: what was asked, what was decided, and from what (GOV-PO-6).

use diesel::prelude::*;
use serde_json::Value;

use crate::governance::audit::Object;
use crate::storage::error::StorageError;
use crate::storage::limited::Limit as _;
use crate::storage::reader::{Page, Reader};
use crate::storage::rows::{self, Column};
use crate::storage::schema::decisions;
use crate::storage::writer::Writer;
use crate::types::{DecisionId, Timestamp};

const TABLE: &str = "decisions";

/// A decision as it is stored. It is never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRecord {
    /// Its identifier.
    pub id: DecisionId,
    /// When.
    pub time: Timestamp,
    /// About whom.
    pub subject: Object,
    /// The outcome of each item, with its reasons.
    pub items: Value,
    /// The digest of the facts.
    pub facts_digest: String,
    /// The policy bundle that decided.
    pub policy_digest: String,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = decisions)]
struct DecisionRow {
    id: String,
    time: i64,
    subject_kind: String,
    subject_id: String,
    items: String,
    facts_digest: String,
    policy_digest: String,
}

impl TryFrom<&DecisionRecord> for DecisionRow {
    type Error = StorageError;
    fn try_from(decision: &DecisionRecord) -> Result<Self, StorageError> {
        Ok(Self {
            id: decision.id.to_string(),
            time: decision.time.epoch(),
            subject_kind: decision.subject.kind.clone(),
            subject_id: decision.subject.id.clone(),
            items: rows::json(&decision.items)?,
            facts_digest: decision.facts_digest.clone(),
            policy_digest: decision.policy_digest.clone(),
        })
    }
}

impl TryFrom<DecisionRow> for DecisionRecord {
    type Error = StorageError;
    fn try_from(row: DecisionRow) -> Result<Self, StorageError> {
        let at = |column| Column(TABLE, column);
        Ok(Self {
            id: at("id").read(DecisionId::parse(row.id))?,
            time: at("time").time(row.time)?,
            subject: Object { kind: row.subject_kind, id: row.subject_id },
            items: at("items").json(&row.items)?,
            facts_digest: row.facts_digest,
            policy_digest: row.policy_digest,
        })
    }
}

impl Reader<'_> {
    /// The decision with this identifier.
    pub fn decision(&mut self, id: &DecisionId) -> Result<Option<DecisionRecord>, StorageError> {
        decisions::table
            .find(id.as_str())
            .select(DecisionRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(DecisionRecord::try_from)
            .transpose()
    }

    /// The decisions about a subject, a page at a time.
    pub fn decisions_about(
        &mut self,
        subject: &Object,
        page: &Page,
    ) -> Result<Vec<DecisionRecord>, StorageError> {
        rows::all(
            decisions::table
                .filter(decisions::subject_kind.eq(&subject.kind))
                .filter(decisions::subject_id.eq(&subject.id))
                .filter(decisions::id.gt(page.after()))
                .order(decisions::id)
                .limit(page.limit())
                .select(DecisionRow::as_select())
                .load(self.connection)?,
        )
    }

    /// The newest decision about a subject.
    pub fn last_decision_about(
        &mut self,
        subject: &Object,
    ) -> Result<Option<DecisionRecord>, StorageError> {
        decisions::table
            .filter(decisions::subject_kind.eq(&subject.kind))
            .filter(decisions::subject_id.eq(&subject.id))
            .order(decisions::id.desc())
            .select(DecisionRow::as_select())
            .only_first()
            .get_result(self.connection)
            .optional()?
            .map(DecisionRecord::try_from)
            .transpose()
    }
}

impl Writer<'_> {
    /// Records a decision. It changes nobody's standing, so it needs no event of its own.
    pub fn insert_decision(&mut self, decision: &DecisionRecord) -> Result<(), StorageError> {
        let row = DecisionRow::try_from(decision)?;
        self.insert_unaudited(TABLE, |connection| {
            diesel::insert_into(decisions::table).values(&row).execute(connection)
        })
    }
}
