//! The rows of clients' permissions.

use diesel::prelude::*;

use crate::partners::{Entitlement, EntitlementState, State as _};
use crate::storage::error::StorageError;
use crate::storage::limited::Limit as _;
use crate::storage::reader::Reader;
use crate::storage::rows::{self, Column};
use crate::storage::schema::entitlements;
use crate::storage::writer::{Writer, check_transition};
use crate::types::{ApiProductId, ClientId, EntitlementId, Scope};

const TABLE: &str = "entitlements";

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = entitlements)]
struct EntitlementRow {
    id: String,
    client_id: String,
    scope: String,
    product_id: String,
    basis: String,
    granted_at: i64,
    expires_at: i64,
    review_due: i64,
    state: String,
}

impl From<&Entitlement> for EntitlementRow {
    fn from(entitlement: &Entitlement) -> Self {
        Self {
            id: entitlement.id.to_string(),
            client_id: entitlement.client_id.to_string(),
            scope: entitlement.scope.to_string(),
            product_id: entitlement.product_id.to_string(),
            basis: entitlement.basis.clone(),
            granted_at: entitlement.granted_at.epoch(),
            expires_at: entitlement.expires_at.epoch(),
            review_due: entitlement.review_due.epoch(),
            state: entitlement.state.to_string(),
        }
    }
}

impl TryFrom<EntitlementRow> for Entitlement {
    type Error = StorageError;
    fn try_from(row: EntitlementRow) -> Result<Self, StorageError> {
        let at = |column| Column(TABLE, column);
        Ok(Self {
            id: at("id").read(EntitlementId::parse(row.id))?,
            client_id: at("client_id").read(ClientId::parse(row.client_id))?,
            scope: at("scope").read(Scope::parse(row.scope))?,
            product_id: at("product_id").read(ApiProductId::parse(row.product_id))?,
            basis: row.basis,
            granted_at: at("granted_at").time(row.granted_at)?,
            expires_at: at("expires_at").time(row.expires_at)?,
            review_due: at("review_due").time(row.review_due)?,
            state: at("state").read(EntitlementState::parse(&row.state))?,
        })
    }
}

impl Reader<'_> {
    /// The entitlement with this identifier.
    pub fn entitlement(&mut self, id: &EntitlementId) -> Result<Option<Entitlement>, StorageError> {
        entitlements::table
            .find(id.as_str())
            .select(EntitlementRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(Entitlement::try_from)
            .transpose()
    }

    /// A client's permission for one scope, whatever its state.
    pub fn entitlement_for(
        &mut self,
        client_id: &ClientId,
        scope: &Scope,
    ) -> Result<Option<Entitlement>, StorageError> {
        entitlements::table
            .filter(entitlements::client_id.eq(client_id.as_str()))
            .filter(entitlements::scope.eq(scope.as_str()))
            .select(EntitlementRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(Entitlement::try_from)
            .transpose()
    }

    /// A client's permissions, whatever their state.
    pub fn entitlements_of(
        &mut self,
        client_id: &ClientId,
    ) -> Result<Vec<Entitlement>, StorageError> {
        rows::all(
            entitlements::table
                .filter(entitlements::client_id.eq(client_id.as_str()))
                .order(entitlements::scope)
                .select(EntitlementRow::as_select())
                .bounded()
                .load(self.connection)?,
        )
    }
}

impl Writer<'_> {
    /// Records a permission.
    pub fn insert_entitlement(&mut self, entitlement: &Entitlement) -> Result<(), StorageError> {
        let row = EntitlementRow::from(entitlement);
        self.insert(TABLE, |connection| {
            diesel::insert_into(entitlements::table).values(&row).execute(connection)
        })
    }

    /// Replaces a permission that is still in the state `from`: a scope that was withdrawn and is
    /// granted anew keeps its row, because a client has one per scope.
    pub fn replace_entitlement(
        &mut self,
        entitlement: &Entitlement,
        from: EntitlementState,
    ) -> Result<(), StorageError> {
        let row = EntitlementRow::from(entitlement);
        self.update(TABLE, |connection| {
            diesel::update(
                entitlements::table
                    .find(entitlement.id.as_str())
                    .filter(entitlements::client_id.eq(entitlement.client_id.as_str()))
                    .filter(entitlements::scope.eq(entitlement.scope.as_str()))
                    .filter(entitlements::state.eq(from.name())),
            )
            .set(&row)
            .execute(connection)
        })
    }

    /// Passes a permission from one state to another.
    pub fn change_entitlement_state(
        &mut self,
        id: &EntitlementId,
        from: EntitlementState,
        to: EntitlementState,
    ) -> Result<(), StorageError> {
        check_transition(from, to)?;
        self.update(TABLE, |connection| {
            diesel::update(
                entitlements::table.find(id.as_str()).filter(entitlements::state.eq(from.name())),
            )
            .set(entitlements::state.eq(to.name()))
            .execute(connection)
        })
    }
}
