//! The rows of agreements and of the products that they name.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use crate::partners::{Agreement, AgreementState, State as _};
use crate::storage::connection::AnyConnection;
use crate::storage::error::StorageError;
use crate::storage::limited::Limit as _;
use crate::storage::reader::{Page, Reader};
use crate::storage::rows::{self, Column};
use crate::storage::schema::{agreement_products, agreements};
use crate::storage::writer::{Writer, check_transition};
use crate::types::{AgreementId, ApiProductId, OrganisationId};

const TABLE: &str = "agreements";
const PRODUCTS: &str = "agreement_products";

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = agreements)]
struct AgreementRow {
    id: String,
    organisation_id: String,
    reference: String,
    environments: String,
    valid_from: i64,
    valid_until: i64,
    state: String,
    created_at: i64,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = agreement_products)]
struct AgreementProductRow {
    agreement_id: String,
    product_id: String,
}

impl TryFrom<&Agreement> for AgreementRow {
    type Error = StorageError;
    fn try_from(agreement: &Agreement) -> Result<Self, StorageError> {
        Ok(Self {
            id: agreement.id.to_string(),
            organisation_id: agreement.organisation_id.to_string(),
            reference: agreement.reference.clone(),
            environments: rows::json(&agreement.environments)?,
            valid_from: agreement.valid_from.epoch(),
            valid_until: agreement.valid_until.epoch(),
            state: agreement.state.to_string(),
            created_at: agreement.created_at.epoch(),
        })
    }
}

/// An agreement and its products, which stand in a table of their own.
impl TryFrom<(AgreementRow, BTreeSet<ApiProductId>)> for Agreement {
    type Error = StorageError;
    fn try_from(
        (row, products): (AgreementRow, BTreeSet<ApiProductId>),
    ) -> Result<Self, StorageError> {
        let at = |column| Column(TABLE, column);
        Ok(Self {
            id: at("id").read(AgreementId::parse(row.id))?,
            organisation_id: at("organisation_id")
                .read(OrganisationId::parse(row.organisation_id))?,
            reference: row.reference,
            products,
            environments: at("environments").json(&row.environments)?,
            valid_from: at("valid_from").time(row.valid_from)?,
            valid_until: at("valid_until").time(row.valid_until)?,
            state: at("state").read(AgreementState::parse(&row.state))?,
            created_at: at("created_at").time(row.created_at)?,
        })
    }
}

/// Adds the products to agreements, in one query for all.
fn with_products(
    connection: &mut AnyConnection,
    agreements: Vec<AgreementRow>,
) -> Result<Vec<Agreement>, StorageError> {
    let ids: Vec<&str> = agreements.iter().map(|row| row.id.as_str()).collect();
    let mut products: BTreeMap<String, BTreeSet<ApiProductId>> = BTreeMap::new();
    if !ids.is_empty() {
        let named: Vec<AgreementProductRow> = agreement_products::table
            .filter(agreement_products::agreement_id.eq_any(ids))
            .select(AgreementProductRow::as_select())
            .load(connection)?;
        for row in named {
            let product =
                Column(PRODUCTS, "product_id").read(ApiProductId::parse(row.product_id))?;
            products.entry(row.agreement_id).or_default().insert(product);
        }
    }
    agreements
        .into_iter()
        .map(|row| {
            let products = products.remove(&row.id).unwrap_or_default();
            Agreement::try_from((row, products))
        })
        .collect()
}

impl Reader<'_> {
    /// The agreement with this identifier.
    pub fn agreement(&mut self, id: &AgreementId) -> Result<Option<Agreement>, StorageError> {
        let rows = agreements::table
            .find(id.as_str())
            .select(AgreementRow::as_select())
            .load(self.connection)?;
        Ok(with_products(self.connection, rows)?.pop())
    }

    /// Every agreement, a page at a time.
    pub fn agreements(&mut self, page: &Page) -> Result<Vec<Agreement>, StorageError> {
        let rows = agreements::table
            .filter(agreements::id.gt(page.after()))
            .order(agreements::id)
            .limit(page.limit())
            .select(AgreementRow::as_select())
            .load(self.connection)?;
        with_products(self.connection, rows)
    }

    /// The agreements with an organisation, whatever their state.
    pub fn agreements_of(
        &mut self,
        organisation_id: &OrganisationId,
    ) -> Result<Vec<Agreement>, StorageError> {
        let rows = agreements::table
            .filter(agreements::organisation_id.eq(organisation_id.as_str()))
            .order(agreements::id)
            .select(AgreementRow::as_select())
            .bounded()
            .load(self.connection)?;
        with_products(self.connection, rows)
    }
}

impl Writer<'_> {
    /// Records an agreement.
    pub fn insert_agreement(&mut self, agreement: &Agreement) -> Result<(), StorageError> {
        let row = AgreementRow::try_from(agreement)?;
        self.insert(TABLE, |connection| {
            diesel::insert_into(agreements::table).values(&row).execute(connection)
        })?;
        self.insert_agreement_products(agreement)
    }

    /// Replaces what is recorded of an agreement, its products included, except its state.
    pub fn update_agreement(&mut self, agreement: &Agreement) -> Result<(), StorageError> {
        let row = AgreementRow::try_from(agreement)?;
        self.update(TABLE, |connection| {
            diesel::update(
                agreements::table
                    .find(agreement.id.as_str())
                    .filter(agreements::state.eq(agreement.state.name())),
            )
            .set(&row)
            .execute(connection)
        })?;
        diesel::delete(
            agreement_products::table
                .filter(agreement_products::agreement_id.eq(agreement.id.as_str())),
        )
        .execute(self.connection)?;
        self.insert_agreement_products(agreement)
    }

    fn insert_agreement_products(&mut self, agreement: &Agreement) -> Result<(), StorageError> {
        for product in &agreement.products {
            let row = AgreementProductRow {
                agreement_id: agreement.id.to_string(),
                product_id: product.to_string(),
            };
            self.insert(PRODUCTS, |connection| {
                diesel::insert_into(agreement_products::table).values(&row).execute(connection)
            })?;
        }
        Ok(())
    }

    /// Passes an agreement from one state to another.
    pub fn change_agreement_state(
        &mut self,
        id: &AgreementId,
        from: AgreementState,
        to: AgreementState,
    ) -> Result<(), StorageError> {
        check_transition(from, to)?;
        self.update(TABLE, |connection| {
            diesel::update(
                agreements::table.find(id.as_str()).filter(agreements::state.eq(from.name())),
            )
            .set(agreements::state.eq(to.name()))
            .execute(connection)
        })
    }
}
