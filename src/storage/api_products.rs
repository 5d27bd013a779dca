//! The rows of API products and of their scopes.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::partners::{ApiProduct, ApiProductState, ProductScope, State as _, Tier};
use crate::storage::connection::AnyConnection;
use crate::storage::error::StorageError;
use crate::storage::reader::{Page, Reader};
use crate::storage::rows::Column;
use crate::storage::schema::{api_products, product_scopes};
use crate::storage::writer::{Writer, check_transition};
use crate::types::{ApiProductId, ResourceUri, Scope, ScopeSet, Timestamp};

const TABLE: &str = "api_products";
const SCOPES: &str = "product_scopes";

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = api_products, treat_none_as_null = true, treat_none_as_default_value = false)]
struct ApiProductRow {
    id: String,
    name: String,
    audience: String,
    state: String,
    sunset: Option<i64>,
    created_at: i64,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = product_scopes)]
struct ProductScopeRow {
    scope: String,
    product_id: String,
    tier: String,
    max_token_seconds: i64,
}

impl From<&ApiProduct> for ApiProductRow {
    fn from(product: &ApiProduct) -> Self {
        Self {
            id: product.id.to_string(),
            name: product.name.clone(),
            audience: product.audience.to_string(),
            state: product.state.to_string(),
            sunset: product.sunset.map(Timestamp::epoch),
            created_at: product.created_at.epoch(),
        }
    }
}

/// A product and its scopes, which stand in a table of their own.
impl TryFrom<(ApiProductRow, Vec<ProductScope>)> for ApiProduct {
    type Error = StorageError;
    fn try_from((row, scopes): (ApiProductRow, Vec<ProductScope>)) -> Result<Self, StorageError> {
        let at = |column| Column(TABLE, column);
        Ok(Self {
            id: at("id").read(ApiProductId::parse(row.id))?,
            name: row.name,
            audience: at("audience").read(ResourceUri::parse(row.audience))?,
            scopes,
            state: at("state").read(ApiProductState::parse(&row.state))?,
            sunset: at("sunset").optional_time(row.sunset)?,
            created_at: at("created_at").time(row.created_at)?,
        })
    }
}

impl TryFrom<ProductScopeRow> for ProductScope {
    type Error = StorageError;
    fn try_from(row: ProductScopeRow) -> Result<Self, StorageError> {
        let at = |column| Column(SCOPES, column);
        Ok(Self {
            scope: at("scope").read(Scope::parse(row.scope))?,
            tier: Tier::parse(&row.tier).ok_or_else(|| at("tier").unreadable("no such tier"))?,
            max_token_seconds: row.max_token_seconds,
        })
    }
}

/// Adds the scopes to products, in one query for all.
fn with_scopes(
    connection: &mut AnyConnection,
    products: Vec<ApiProductRow>,
) -> Result<Vec<ApiProduct>, StorageError> {
    let ids: Vec<&str> = products.iter().map(|row| row.id.as_str()).collect();
    let mut scopes: BTreeMap<String, Vec<ProductScope>> = BTreeMap::new();
    if !ids.is_empty() {
        let offered: Vec<ProductScopeRow> = product_scopes::table
            .filter(product_scopes::product_id.eq_any(ids))
            .order(product_scopes::scope)
            .select(ProductScopeRow::as_select())
            .load(connection)?;
        for row in offered {
            let product_id = row.product_id.clone();
            scopes.entry(product_id).or_default().push(ProductScope::try_from(row)?);
        }
    }
    products
        .into_iter()
        .map(|row| {
            let scopes = scopes.remove(&row.id).unwrap_or_default();
            ApiProduct::try_from((row, scopes))
        })
        .collect()
}

impl Reader<'_> {
    /// The API product with this identifier.
    pub fn api_product(&mut self, id: &ApiProductId) -> Result<Option<ApiProduct>, StorageError> {
        Ok(self.api_products_with_ids(&[id.as_str()])?.pop())
    }

    /// Every API product, a page at a time.
    pub fn api_products(&mut self, page: &Page) -> Result<Vec<ApiProduct>, StorageError> {
        let rows = api_products::table
            .filter(api_products::id.gt(page.after()))
            .order(api_products::id)
            .limit(page.limit())
            .select(ApiProductRow::as_select())
            .load(self.connection)?;
        with_scopes(self.connection, rows)
    }

    /// The API products that offer at least one of these scopes.
    pub fn products_offering(
        &mut self,
        scopes: &ScopeSet,
    ) -> Result<Vec<ApiProduct>, StorageError> {
        let names: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = product_scopes::table
            .filter(product_scopes::scope.eq_any(names))
            .select(product_scopes::product_id)
            .distinct()
            .load(self.connection)?;
        self.api_products_with_ids(&ids.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The API products that are sold for this audience.
    pub fn products_at(&mut self, audience: &ResourceUri) -> Result<Vec<ApiProduct>, StorageError> {
        let rows = api_products::table
            .filter(api_products::audience.eq(audience.as_str()))
            .order(api_products::id)
            .select(ApiProductRow::as_select())
            .load(self.connection)?;
        with_scopes(self.connection, rows)
    }

    /// The API products with these identifiers.
    pub(super) fn api_products_with_ids(
        &mut self,
        ids: &[&str],
    ) -> Result<Vec<ApiProduct>, StorageError> {
        let rows = api_products::table
            .filter(api_products::id.eq_any(ids.iter().copied()))
            .order(api_products::id)
            .select(ApiProductRow::as_select())
            .load(self.connection)?;
        with_scopes(self.connection, rows)
    }
}

impl Writer<'_> {
    /// Records an API product. A scope that another product offers is refused.
    pub fn insert_api_product(&mut self, product: &ApiProduct) -> Result<(), StorageError> {
        let row = ApiProductRow::from(product);
        self.insert(TABLE, |connection| {
            diesel::insert_into(api_products::table).values(&row).execute(connection)
        })?;
        self.insert_product_scopes(product)
    }

    /// Replaces what is recorded of an API product, its scopes included, except its state.
    pub fn update_api_product(&mut self, product: &ApiProduct) -> Result<(), StorageError> {
        let row = ApiProductRow::from(product);
        self.update(TABLE, |connection| {
            diesel::update(
                api_products::table
                    .find(product.id.as_str())
                    .filter(api_products::state.eq(product.state.name())),
            )
            .set(&row)
            .execute(connection)
        })?;
        diesel::delete(
            product_scopes::table.filter(product_scopes::product_id.eq(product.id.as_str())),
        )
        .execute(self.connection)?;
        self.insert_product_scopes(product)
    }

    fn insert_product_scopes(&mut self, product: &ApiProduct) -> Result<(), StorageError> {
        for offered in &product.scopes {
            let row = ProductScopeRow {
                scope: offered.scope.to_string(),
                product_id: product.id.to_string(),
                tier: offered.tier.name().to_owned(),
                max_token_seconds: offered.max_token_seconds,
            };
            self.insert(SCOPES, |connection| {
                diesel::insert_into(product_scopes::table).values(&row).execute(connection)
            })?;
        }
        Ok(())
    }

    /// Passes an API product from one state to another.
    pub fn change_api_product_state(
        &mut self,
        id: &ApiProductId,
        from: ApiProductState,
        to: ApiProductState,
    ) -> Result<(), StorageError> {
        check_transition(from, to)?;
        self.update(TABLE, |connection| {
            diesel::update(
                api_products::table.find(id.as_str()).filter(api_products::state.eq(from.name())),
            )
            .set(api_products::state.eq(to.name()))
            .execute(connection)
        })
    }
}
