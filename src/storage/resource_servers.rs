//! The rows of resource servers.

use diesel::prelude::*;

use crate::partners::credential::StoredSecret;
use crate::partners::{EarlierSecret, ResourceServer, ResourceServerState, State as _};
use crate::storage::error::StorageError;
use crate::storage::reader::{Page, Reader};
use crate::storage::rows::{self, Column};
use crate::storage::schema::resource_servers;
use crate::storage::writer::{Writer, check_transition};
use crate::types::{ResourceServerId, ResourceUri, SecretHash};

const TABLE: &str = "resource_servers";

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(
    table_name = resource_servers,
    treat_none_as_default_value = false,
    treat_none_as_null = true
)]
struct ResourceServerRow {
    id: String,
    name: String,
    audience: String,
    secret_hash: Option<String>,
    state: String,
    created_at: i64,
    metadata: String,
    sealed_secret: Option<String>,
    earlier_secret_hash: Option<String>,
    earlier_sealed_secret: Option<String>,
    earlier_secret_ends_at: Option<i64>,
}

impl TryFrom<&ResourceServer> for ResourceServerRow {
    type Error = StorageError;
    fn try_from(server: &ResourceServer) -> Result<Self, StorageError> {
        let (secret_hash, sealed_secret) = columns(server.secret.as_ref());
        let earlier = server.earlier_secret.as_ref();
        let (earlier_secret_hash, earlier_sealed_secret) =
            columns(earlier.map(|earlier| &earlier.secret));
        Ok(Self {
            id: server.id.to_string(),
            name: server.name.clone(),
            audience: server.audience.to_string(),
            secret_hash,
            state: server.state.to_string(),
            created_at: server.created_at.epoch(),
            metadata: rows::json(&server.metadata)?,
            sealed_secret,
            earlier_secret_hash,
            earlier_sealed_secret,
            earlier_secret_ends_at: earlier.map(|earlier| earlier.ends_at.epoch()),
        })
    }
}

impl TryFrom<ResourceServerRow> for ResourceServer {
    type Error = StorageError;
    fn try_from(row: ResourceServerRow) -> Result<Self, StorageError> {
        let at = |column| Column(TABLE, column);
        let earlier = secret(row.earlier_secret_hash, row.earlier_sealed_secret);
        let ends_at = at("earlier_secret_ends_at").optional_time(row.earlier_secret_ends_at)?;
        let earlier = earlier.zip(ends_at);
        Ok(Self {
            id: at("id").read(ResourceServerId::parse(row.id))?,
            name: row.name,
            audience: at("audience").read(ResourceUri::parse(row.audience))?,
            metadata: at("metadata").json(&row.metadata)?,
            secret: secret(row.secret_hash, row.sealed_secret),
            earlier_secret: earlier.map(|(secret, ends_at)| EarlierSecret { secret, ends_at }),
            state: at("state").read(ResourceServerState::parse(&row.state))?,
            created_at: at("created_at").time(row.created_at)?,
        })
    }
}

/// The hash and the sealed text, of which one at most is there.
fn columns(secret: Option<&StoredSecret>) -> (Option<String>, Option<String>) {
    match secret {
        Some(StoredSecret::Hashed(hash)) => (Some(hash.as_str().to_owned()), None),
        Some(StoredSecret::Sealed(sealed)) => (None, Some(sealed.clone())),
        None => (None, None),
    }
}

fn secret(hash: Option<String>, sealed: Option<String>) -> Option<StoredSecret> {
    let hashed = hash.map(SecretHash::from_stored).map(StoredSecret::Hashed);
    sealed.map(StoredSecret::Sealed).or(hashed)
}

impl Reader<'_> {
    /// The resource server with this identifier.
    pub fn resource_server(
        &mut self,
        id: &ResourceServerId,
    ) -> Result<Option<ResourceServer>, StorageError> {
        resource_servers::table
            .find(id.as_str())
            .select(ResourceServerRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(ResourceServer::try_from)
            .transpose()
    }

    /// The resource server that is this audience.
    pub fn resource_server_for(
        &mut self,
        audience: &ResourceUri,
    ) -> Result<Option<ResourceServer>, StorageError> {
        resource_servers::table
            .filter(resource_servers::audience.eq(audience.as_str()))
            .select(ResourceServerRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(ResourceServer::try_from)
            .transpose()
    }

    /// Every resource server, a page at a time.
    pub fn resource_servers(&mut self, page: &Page) -> Result<Vec<ResourceServer>, StorageError> {
        rows::all(
            resource_servers::table
                .filter(resource_servers::id.gt(page.after()))
                .order(resource_servers::id)
                .limit(page.limit())
                .select(ResourceServerRow::as_select())
                .load(self.connection)?,
        )
    }
}

impl Writer<'_> {
    /// Records a resource server.
    pub fn insert_resource_server(&mut self, server: &ResourceServer) -> Result<(), StorageError> {
        let row = ResourceServerRow::try_from(server)?;
        self.insert(TABLE, |connection| {
            diesel::insert_into(resource_servers::table).values(&row).execute(connection)
        })
    }

    /// Changes what is known of a resource server, but for its state.
    pub fn update_resource_server(&mut self, server: &ResourceServer) -> Result<(), StorageError> {
        let row = ResourceServerRow::try_from(server)?;
        self.update(TABLE, |connection| {
            diesel::update(
                resource_servers::table
                    .find(server.id.as_str())
                    .filter(resource_servers::state.eq(server.state.name())),
            )
            .set(&row)
            .execute(connection)
        })
    }

    /// Passes a resource server from one state to another.
    pub fn change_resource_server_state(
        &mut self,
        id: &ResourceServerId,
        from: ResourceServerState,
        to: ResourceServerState,
    ) -> Result<(), StorageError> {
        check_transition(from, to)?;
        self.update(TABLE, |connection| {
            diesel::update(
                resource_servers::table
                    .find(id.as_str())
                    .filter(resource_servers::state.eq(from.name())),
            )
            .set(resource_servers::state.eq(to.name()))
            .execute(connection)
        })
    }
}
