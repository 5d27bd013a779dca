//! The rows of resource servers.

use diesel::prelude::*;

use crate::partners::State as _;
use crate::partners::resource_server::{ResourceServer, ResourceServerState};
use crate::storage::error::StorageError;
use crate::storage::reader::{Page, Reader};
use crate::storage::rows::{self, Column};
use crate::storage::schema::resource_servers;
use crate::storage::writer::{Writer, check_transition};
use crate::types::{ResourceServerId, ResourceUri, SecretHash};

const TABLE: &str = "resource_servers";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = resource_servers, treat_none_as_default_value = false)]
struct ResourceServerRow {
    id: String,
    name: String,
    audience: String,
    secret_hash: Option<String>,
    jwks: Option<String>,
    state: String,
    created_at: i64,
}

impl TryFrom<&ResourceServer> for ResourceServerRow {
    type Error = StorageError;
    fn try_from(server: &ResourceServer) -> Result<Self, StorageError> {
        Ok(Self {
            id: server.id.to_string(),
            name: server.name.clone(),
            audience: server.audience.to_string(),
            secret_hash: server.secret_hash.as_ref().map(|hash| hash.as_str().to_owned()),
            jwks: rows::optional_json(server.jwks.as_ref())?,
            state: server.state.to_string(),
            created_at: server.created_at.epoch(),
        })
    }
}

impl TryFrom<ResourceServerRow> for ResourceServer {
    type Error = StorageError;
    fn try_from(row: ResourceServerRow) -> Result<Self, StorageError> {
        let at = |column| Column(TABLE, column);
        Ok(Self {
            id: at("id").read(ResourceServerId::parse(row.id))?,
            name: row.name,
            audience: at("audience").read(ResourceUri::parse(row.audience))?,
            secret_hash: row.secret_hash.map(SecretHash::from_stored),
            jwks: at("jwks").optional_json(row.jwks.as_deref())?,
            state: at("state").read(ResourceServerState::parse(&row.state))?,
            created_at: at("created_at").time(row.created_at)?,
        })
    }
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
