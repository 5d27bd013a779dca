//! The rows of software products.

use diesel::prelude::*;

use crate::partners::{SoftwareProduct, SoftwareProductState, State as _};
use crate::storage::error::StorageError;
use crate::storage::reader::{Page, Reader};
use crate::storage::rows::{self, Column};
use crate::storage::schema::software_products;
use crate::storage::writer::{Writer, check_transition};
use crate::types::{FrameworkName, OrganisationId, SoftwareId, SoftwareProductId};

const TABLE: &str = "software_products";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = software_products)]
pub(super) struct SoftwareProductRow {
    id: String,
    organisation_id: String,
    framework: String,
    software_id: String,
    name: String,
    state: String,
    created_at: i64,
}

impl From<&SoftwareProduct> for SoftwareProductRow {
    fn from(product: &SoftwareProduct) -> Self {
        Self {
            id: product.id.to_string(),
            organisation_id: product.organisation_id.to_string(),
            framework: product.framework.to_string(),
            software_id: product.software_id.to_string(),
            name: product.name.clone(),
            state: product.state.to_string(),
            created_at: product.created_at.epoch(),
        }
    }
}

impl TryFrom<SoftwareProductRow> for SoftwareProduct {
    type Error = StorageError;
    fn try_from(row: SoftwareProductRow) -> Result<Self, StorageError> {
        let at = |column| Column(TABLE, column);
        Ok(Self {
            id: at("id").read(SoftwareProductId::parse(row.id))?,
            organisation_id: at("organisation_id")
                .read(OrganisationId::parse(row.organisation_id))?,
            framework: at("framework").read(FrameworkName::parse(row.framework))?,
            software_id: at("software_id").read(SoftwareId::parse(row.software_id))?,
            name: row.name,
            state: at("state").read(SoftwareProductState::parse(&row.state))?,
            created_at: at("created_at").time(row.created_at)?,
        })
    }
}

impl Reader<'_> {
    /// The software product with this identifier.
    pub fn software_product(
        &mut self,
        id: &SoftwareProductId,
    ) -> Result<Option<SoftwareProduct>, StorageError> {
        software_products::table
            .find(id.as_str())
            .select(SoftwareProductRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(SoftwareProduct::try_from)
            .transpose()
    }

    /// The software product that a directory calls by this `software_id`.
    pub fn software_product_in_directory(
        &mut self,
        framework: &FrameworkName,
        software_id: &SoftwareId,
    ) -> Result<Option<SoftwareProduct>, StorageError> {
        software_products::table
            .filter(software_products::framework.eq(framework.as_str()))
            .filter(software_products::software_id.eq(software_id.as_str()))
            .select(SoftwareProductRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(SoftwareProduct::try_from)
            .transpose()
    }

    /// Every software product, a page at a time.
    pub fn software_products(&mut self, page: &Page) -> Result<Vec<SoftwareProduct>, StorageError> {
        rows::all(
            software_products::table
                .filter(software_products::id.gt(page.after()))
                .order(software_products::id)
                .limit(page.limit())
                .select(SoftwareProductRow::as_select())
                .load(self.connection)?,
        )
    }

    /// The software products that a framework's directory knows, a page at a time.
    pub fn software_products_in(
        &mut self,
        framework: &FrameworkName,
        page: &Page,
    ) -> Result<Vec<SoftwareProduct>, StorageError> {
        rows::all(
            software_products::table
                .filter(software_products::framework.eq(framework.as_str()))
                .filter(software_products::id.gt(page.after()))
                .order(software_products::id)
                .limit(page.limit())
                .select(SoftwareProductRow::as_select())
                .load(self.connection)?,
        )
    }

    /// The software products of an organisation, a page at a time.
    pub fn software_products_of(
        &mut self,
        organisation_id: &OrganisationId,
        page: &Page,
    ) -> Result<Vec<SoftwareProduct>, StorageError> {
        rows::all(
            software_products::table
                .filter(software_products::organisation_id.eq(organisation_id.as_str()))
                .filter(software_products::id.gt(page.after()))
                .order(software_products::id)
                .limit(page.limit())
                .select(SoftwareProductRow::as_select())
                .load(self.connection)?,
        )
    }
}

impl Writer<'_> {
    /// Makes every other transaction that calls this for the same software product wait until this
    /// one ends: what is counted afterwards stays true until the commit.
    pub fn lock_software_product(&mut self, id: &SoftwareProductId) -> Result<(), StorageError> {
        self.update_unaudited(TABLE, |connection| {
            diesel::update(software_products::table.find(id.as_str()))
                .set(software_products::state.eq(software_products::state))
                .execute(connection)
        })
    }

    /// Records a software product.
    pub fn insert_software_product(
        &mut self,
        product: &SoftwareProduct,
    ) -> Result<(), StorageError> {
        let row = SoftwareProductRow::from(product);
        self.insert(TABLE, |connection| {
            diesel::insert_into(software_products::table).values(&row).execute(connection)
        })
    }

    /// Passes a software product from one state to another.
    pub fn change_software_product_state(
        &mut self,
        id: &SoftwareProductId,
        from: SoftwareProductState,
        to: SoftwareProductState,
    ) -> Result<(), StorageError> {
        check_transition(from, to)?;
        self.update(TABLE, |connection| {
            diesel::update(
                software_products::table
                    .find(id.as_str())
                    .filter(software_products::state.eq(from.name())),
            )
            .set(software_products::state.eq(to.name()))
            .execute(connection)
        })
    }
}
