//! The resource servers that asked lately, with their keys imported.

use std::sync::Arc;

use crate::jose::JwkSet;
use crate::partners::ResourceServer;
use crate::storage::Database;
use crate::storage::StorageError;
use crate::types::ResourceServerId;

/// How many resource servers are kept.
const MOST_RESOURCE_SERVERS: u64 = 1024;

/// A resource server as it was read at one generation of the database.
#[derive(Debug)]
pub struct KnownResourceServer {
    generation: u64,
    record: ResourceServer,
    keys: Option<JwkSet>,
}

impl KnownResourceServer {
    /// The resource server.
    #[must_use]
    pub const fn record(&self) -> &ResourceServer {
        &self.record
    }

    /// The keys for signatures that it registered by value, imported once (FLR-2).
    #[must_use]
    pub const fn keys(&self) -> Option<&JwkSet> {
        self.keys.as_ref()
    }
}

/// The cache. An entry counts only at the generation at which it was read.
#[derive(Debug, Clone)]
pub struct ResourceServers(moka::sync::Cache<ResourceServerId, Arc<KnownResourceServer>>);

impl Default for ResourceServers {
    fn default() -> Self {
        Self(moka::sync::Cache::new(MOST_RESOURCE_SERVERS))
    }
}

impl ResourceServers {
    /// The resource server as it is now, or nothing if there is none.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn find(
        &self,
        database: &Database,
        id: &ResourceServerId,
    ) -> Result<Option<Arc<KnownResourceServer>>, StorageError> {
        let generation = database.generation();
        if let Some(known) = self.0.get(id).filter(|known| known.generation == generation) {
            return Ok(Some(known));
        }
        let wanted = id.clone();
        let Some(record) = database.read(move |reader| reader.resource_server(&wanted)).await?
        else {
            self.0.invalidate(id);
            return Ok(None);
        };
        let jwks = record.metadata.jwks.as_ref();
        let keys = jwks.and_then(|jwks| JwkSet::parse_fetched(jwks).ok());
        let known = Arc::new(KnownResourceServer { generation, record, keys });
        self.0.insert(id.clone(), Arc::clone(&known));
        Ok(Some(known))
    }
}
