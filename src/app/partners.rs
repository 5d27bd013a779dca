//! The bank's side of the partners that registered lately: who they are to the bank, their agreements,
//! and the products whose scopes they asked for.

use std::sync::Arc;

use crate::partners::{Agreement, ApiProduct, Organisation};
use crate::storage::{Database, Reader, StorageError};
use crate::types::{DirectoryOrganisationId, FrameworkName, ScopeSet};

/// How many partners are kept, counted once for each set of scopes that they asked for.
const MOST_PARTNERS: u64 = 1024;

/// What the bank has agreed with a partner, as it was read at one generation of the database.
#[derive(Debug)]
pub struct KnownPartner {
    generation: u64,
    organisation: Option<Organisation>,
    agreements: Vec<Agreement>,
    products: Vec<ApiProduct>,
}

impl KnownPartner {
    /// The organisation; none if the bank does not know it.
    #[must_use]
    pub const fn organisation(&self) -> Option<&Organisation> {
        self.organisation.as_ref()
    }

    /// Its agreements, ended ones too.
    #[must_use]
    pub fn agreements(&self) -> &[Agreement] {
        &self.agreements
    }

    /// The products that offer the scopes that were asked for.
    #[must_use]
    pub fn products(&self) -> &[ApiProduct] {
        &self.products
    }

    fn read(
        reader: &mut Reader<'_>,
        generation: u64,
        (framework, id, scope): &Key,
    ) -> Result<Self, StorageError> {
        let organisation = reader.organisation_in_directory(framework, id)?;
        let agreements = match &organisation {
            Some(organisation) => reader.agreements_of(&organisation.id)?,
            None => Vec::new(),
        };
        let products = reader.products_offering(scope)?;
        Ok(Self { generation, organisation, agreements, products })
    }
}

type Key = (FrameworkName, DirectoryOrganisationId, ScopeSet);

/// The cache. An entry counts only at the generation at which it was read, and not while nobody knows
/// how old that generation is. Strangers are not kept: that the bank records one raises no generation.
#[derive(Debug, Clone)]
pub struct Partners(moka::sync::Cache<Key, Arc<KnownPartner>>);

impl Default for Partners {
    fn default() -> Self {
        Self(moka::sync::Cache::new(MOST_PARTNERS))
    }
}

impl Partners {
    /// The partner as it is now, and what `further` reads in the same visit to the database.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn find<T: Send + 'static>(
        &self,
        database: &Database,
        key: Key,
        further: impl FnOnce(&mut Reader<'_>) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<(Arc<KnownPartner>, T), StorageError> {
        let generation = database.generation();
        let good = |known: &Arc<KnownPartner>| {
            known.generation == generation && database.generation_is_fresh()
        };
        if let Some(known) = self.0.get(&key).filter(good) {
            return Ok((known, database.read(further).await?));
        }
        let wanted = key.clone();
        let read = move |reader: &mut Reader<'_>| -> Result<_, StorageError> {
            Ok((KnownPartner::read(reader, generation, &wanted)?, further(reader)?))
        };
        let (known, read) = database.read(read).await?;
        let known = Arc::new(known);
        if known.organisation.is_some() {
            self.0.insert(key, Arc::clone(&known));
        } else {
            self.0.invalidate(&key);
        }
        Ok((known, read))
    }
}
