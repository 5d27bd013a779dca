//! A client with everything that its access depends on, in a bounded number of queries.

use std::collections::BTreeSet;

use diesel::prelude::*;

use crate::partners::standing::ClientRecord;
use crate::partners::{Client, Organisation, SoftwareProduct};
use crate::storage::clients::ClientRow;
use crate::storage::error::StorageError;
use crate::storage::organisations::OrganisationRow;
use crate::storage::reader::Reader;
use crate::storage::schema::{clients, organisations, software_products};
use crate::storage::software_products::SoftwareProductRow;
use crate::types::ClientId;

type Joined = (ClientRow, SoftwareProductRow, OrganisationRow);

impl Reader<'_> {
    /// A client with its software product, organisation, agreements, products, entitlements and
    /// credentials, all as of one moment.
    pub fn client_record(&mut self, id: &ClientId) -> Result<Option<ClientRecord>, StorageError> {
        self.snapshot(|reader| reader.assemble_client_record(id))
    }

    fn assemble_client_record(
        &mut self,
        id: &ClientId,
    ) -> Result<Option<ClientRecord>, StorageError> {
        let joined: Option<Joined> = clients::table
            .inner_join(software_products::table)
            .inner_join(organisations::table)
            .filter(clients::id.eq(id.as_str()))
            .select((
                ClientRow::as_select(),
                SoftwareProductRow::as_select(),
                OrganisationRow::as_select(),
            ))
            .get_result(self.connection)
            .optional()?;
        let Some((client, software_product, organisation)) = joined else { return Ok(None) };
        let organisation = Organisation::try_from(organisation)?;
        let entitlements = self.entitlements_of(id)?;
        let products: BTreeSet<&str> =
            entitlements.iter().map(|entitlement| entitlement.product_id.as_str()).collect();
        Ok(Some(ClientRecord {
            client: Client::try_from(client)?,
            software_product: SoftwareProduct::try_from(software_product)?,
            agreements: self.agreements_of(&organisation.id)?,
            products: self.api_products_with_ids(&products.into_iter().collect::<Vec<_>>())?,
            credentials: self.credentials_of(id)?,
            organisation,
            entitlements,
        }))
    }
}
