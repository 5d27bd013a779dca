//! The rows of clients. A deleted client stays as a tombstone: its identifier is never used again.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::partners::client::StatementProvenance;
use crate::partners::{Client, ClientState, State as _};
use crate::storage::error::StorageError;
use crate::storage::limited::Limit as _;
use crate::storage::reader::{Page, Reader};
use crate::storage::rows::{self, Column};
use crate::storage::schema::clients;
use crate::storage::writer::{Writer, check_transition};
use crate::types::{
    ClientId, InitialAccessTokenId, OrganisationId, SecretHash, SoftwareProductId, Timestamp,
};

const TABLE: &str = "clients";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = clients)]
pub(super) struct ClientRow {
    id: String,
    software_product_id: String,
    organisation_id: String,
    metadata: String,
    software_statement: String,
    provenance: String,
    registration_access_token: String,
    policy_digest: String,
    state: String,
    issued_at: i64,
    revision: i64,
}

/// How a client came to be: it stands in the same row and is no part of the client.
#[derive(Insertable)]
#[diesel(table_name = clients, treat_none_as_default_value = false)]
struct OriginRow {
    initial_access_token_id: Option<String>,
    unused_check_at: Option<i64>,
}

/// What an update may replace.
#[derive(AsChangeset)]
#[diesel(table_name = clients)]
struct ClientChanges {
    metadata: String,
    software_statement: String,
    provenance: String,
    registration_access_token: String,
    policy_digest: String,
}

/// The provenance as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredProvenance {
    issuer: String,
    jti: Option<String>,
    key_id: Option<String>,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    digest: String,
}

impl From<StoredProvenance> for StatementProvenance {
    fn from(stored: StoredProvenance) -> Self {
        Self {
            issuer: stored.issuer,
            jti: stored.jti,
            key_id: stored.key_id,
            issued_at: stored.issued_at,
            expires_at: stored.expires_at,
            digest: stored.digest,
        }
    }
}

impl TryFrom<&Client> for ClientRow {
    type Error = StorageError;
    fn try_from(client: &Client) -> Result<Self, StorageError> {
        Ok(Self {
            id: client.id.to_string(),
            software_product_id: client.software_product_id.to_string(),
            organisation_id: client.organisation_id.to_string(),
            metadata: rows::json(&client.metadata)?,
            software_statement: client.software_statement.clone(),
            provenance: rows::json(&client.provenance)?,
            registration_access_token: client.registration_access_token.as_str().to_owned(),
            policy_digest: client.policy_digest.clone(),
            state: client.state.to_string(),
            issued_at: client.issued_at.epoch(),
            revision: 1,
        })
    }
}

impl TryFrom<ClientRow> for Client {
    type Error = StorageError;
    fn try_from(row: ClientRow) -> Result<Self, StorageError> {
        let at = |column| Column(TABLE, column);
        Ok(Self {
            id: at("id").read(ClientId::parse(row.id))?,
            software_product_id: at("software_product_id")
                .read(SoftwareProductId::parse(row.software_product_id))?,
            organisation_id: at("organisation_id")
                .read(OrganisationId::parse(row.organisation_id))?,
            metadata: at("metadata").json(&row.metadata)?,
            software_statement: row.software_statement,
            provenance: at("provenance").json::<StoredProvenance>(&row.provenance)?.into(),
            registration_access_token: SecretHash::from_stored(row.registration_access_token),
            policy_digest: row.policy_digest,
            state: at("state").read(ClientState::parse(&row.state))?,
            issued_at: at("issued_at").time(row.issued_at)?,
        })
    }
}

impl Reader<'_> {
    /// The client with this identifier; a tombstone too.
    pub fn client(&mut self, id: &ClientId) -> Result<Option<Client>, StorageError> {
        clients::table
            .find(id.as_str())
            .select(ClientRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(Client::try_from)
            .transpose()
    }

    /// How often the client has been replaced, counted from 1; for conditional requests.
    pub fn client_revision(&mut self, id: &ClientId) -> Result<Option<i64>, StorageError> {
        let revision =
            clients::table.find(id.as_str()).select(clients::revision).get_result(self.connection);
        Ok(revision.optional()?)
    }

    /// Every client, a page at a time.
    pub fn clients(&mut self, page: &Page) -> Result<Vec<Client>, StorageError> {
        rows::all(
            clients::table
                .filter(clients::id.gt(page.after()))
                .order(clients::id)
                .limit(page.limit())
                .select(ClientRow::as_select())
                .load(self.connection)?,
        )
    }

    /// The clients of an organisation, a page at a time.
    pub fn clients_of(
        &mut self,
        organisation_id: &OrganisationId,
        page: &Page,
    ) -> Result<Vec<Client>, StorageError> {
        rows::all(
            clients::table
                .filter(clients::organisation_id.eq(organisation_id.as_str()))
                .filter(clients::id.gt(page.after()))
                .order(clients::id)
                .limit(page.limit())
                .select(ClientRow::as_select())
                .load(self.connection)?,
        )
    }

    /// The clients of a software product, a page at a time.
    pub fn clients_of_software(
        &mut self,
        software_product_id: &SoftwareProductId,
        page: &Page,
    ) -> Result<Vec<Client>, StorageError> {
        rows::all(
            clients::table
                .filter(clients::software_product_id.eq(software_product_id.as_str()))
                .filter(clients::id.gt(page.after()))
                .order(clients::id)
                .limit(page.limit())
                .select(ClientRow::as_select())
                .load(self.connection)?,
        )
    }

    /// A client of a software product that has not ended, if there is one.
    pub fn live_client_of_software(
        &mut self,
        software_product_id: &SoftwareProductId,
    ) -> Result<Option<ClientId>, StorageError> {
        let ended = ClientState::ALL.iter().filter(|state| state.is_tombstone());
        let found: Option<String> = clients::table
            .filter(clients::software_product_id.eq(software_product_id.as_str()))
            .filter(clients::state.ne_all(ended.map(|state| state.name())))
            .order(clients::id)
            .select(clients::id)
            .only_first()
            .get_result(self.connection)
            .optional()?;
        Column(TABLE, "id").read(found.map(ClientId::parse).transpose())
    }

    /// How many clients of a software product have not ended.
    pub fn live_clients_of_software(
        &mut self,
        software_product_id: &SoftwareProductId,
    ) -> Result<u32, StorageError> {
        let ended = ClientState::ALL.iter().filter(|state| state.is_tombstone());
        let live: i64 = clients::table
            .filter(clients::software_product_id.eq(software_product_id.as_str()))
            .filter(clients::state.ne_all(ended.map(|state| state.name())))
            .count()
            .get_result(self.connection)?;
        Ok(u32::try_from(live).unwrap_or(u32::MAX))
    }
}

impl Writer<'_> {
    /// Records a client.
    pub fn insert_client(&mut self, client: &Client) -> Result<(), StorageError> {
        self.insert_client_with(client, None, None)
    }

    /// Records a client, with which initial access token it was registered, and when somebody must
    /// look whether it is used.
    pub fn insert_client_with(
        &mut self,
        client: &Client,
        token: Option<&InitialAccessTokenId>,
        check_at: Option<Timestamp>,
    ) -> Result<(), StorageError> {
        let row = ClientRow::try_from(client)?;
        let origin = OriginRow {
            initial_access_token_id: token.map(ToString::to_string),
            unused_check_at: check_at.map(Timestamp::epoch),
        };
        self.insert(TABLE, |connection| {
            diesel::insert_into(clients::table).values((&row, &origin)).execute(connection)
        })
    }

    /// Replaces a client's metadata, statement, provenance, registration access token and policy
    /// digest. Whose client it is never changes, nor does its state.
    #[expect(clippy::arithmetic_side_effects, reason = "the database adds; a BIGINT lasts")]
    pub fn update_client(&mut self, client: &Client) -> Result<(), StorageError> {
        let row = ClientRow::try_from(client)?;
        let changes = ClientChanges {
            metadata: row.metadata,
            software_statement: row.software_statement,
            provenance: row.provenance,
            registration_access_token: row.registration_access_token,
            policy_digest: row.policy_digest,
        };
        self.update(TABLE, |connection| {
            diesel::update(
                clients::table
                    .find(client.id.as_str())
                    .filter(clients::state.eq(client.state.name())),
            )
            .set((changes, clients::revision.eq(clients::revision + 1)))
            .execute(connection)
        })
    }

    /// Lets no other write change a client until this one is committed, if it is at this revision.
    pub fn hold_client_at(&mut self, id: &ClientId, revision: i64) -> Result<(), StorageError> {
        self.update_unaudited(TABLE, |connection| {
            diesel::update(clients::table.find(id.as_str()).filter(clients::revision.eq(revision)))
                .set(clients::revision.eq(revision))
                .execute(connection)
        })
    }

    /// Passes a client from one state to another. What it holds ends with it.
    #[expect(clippy::arithmetic_side_effects, reason = "the database adds; a BIGINT lasts")]
    pub fn change_client_state(
        &mut self,
        id: &ClientId,
        from: ClientState,
        to: ClientState,
    ) -> Result<(), StorageError> {
        check_transition(from, to)?;
        self.update(TABLE, |connection| {
            diesel::update(clients::table.find(id.as_str()).filter(clients::state.eq(from.name())))
                .set((clients::state.eq(to.name()), clients::revision.eq(clients::revision + 1)))
                .execute(connection)
        })?;
        if to.is_tombstone() { self.end_client_holdings(id) } else { Ok(()) }
    }
}
