//! The rows of clients' keys.

use diesel::prelude::*;

use crate::partners::credential::StoredSecret;
use crate::partners::{Credential, CredentialState, State as _};
use crate::storage::error::StorageError;
use crate::storage::limited::Limit as _;
use crate::storage::reader::Reader;
use crate::storage::rows::{self, Column};
use crate::storage::schema::credentials;
use crate::storage::writer::{Writer, check_transition};
use crate::types::{ClientId, CredentialId, SecretHash, Timestamp};

const TABLE: &str = "credentials";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = credentials, treat_none_as_default_value = false)]
struct CredentialRow {
    id: String,
    client_id: String,
    key_id: Option<String>,
    thumbprint: String,
    not_after: i64,
    state: String,
    created_at: i64,
    secret_hash: Option<String>,
    sealed_secret: Option<String>,
}

impl From<&Credential> for CredentialRow {
    fn from(credential: &Credential) -> Self {
        let (secret_hash, sealed_secret) = match &credential.secret {
            Some(StoredSecret::Hashed(hash)) => (Some(hash.as_str().to_owned()), None),
            Some(StoredSecret::Sealed(sealed)) => (None, Some(sealed.clone())),
            None => (None, None),
        };
        Self {
            id: credential.id.to_string(),
            client_id: credential.client_id.to_string(),
            key_id: credential.key_id.clone(),
            thumbprint: credential.thumbprint.clone(),
            not_after: credential.not_after.epoch(),
            state: credential.state.to_string(),
            created_at: credential.created_at.epoch(),
            secret_hash,
            sealed_secret,
        }
    }
}

impl TryFrom<CredentialRow> for Credential {
    type Error = StorageError;
    fn try_from(row: CredentialRow) -> Result<Self, StorageError> {
        let at = |column| Column(TABLE, column);
        let sealed = row.sealed_secret.map(StoredSecret::Sealed);
        let hashed = row.secret_hash.map(SecretHash::from_stored).map(StoredSecret::Hashed);
        Ok(Self {
            id: at("id").read(CredentialId::parse(row.id))?,
            client_id: at("client_id").read(ClientId::parse(row.client_id))?,
            key_id: row.key_id,
            thumbprint: row.thumbprint,
            not_after: at("not_after").time(row.not_after)?,
            state: at("state").read(CredentialState::parse(&row.state))?,
            created_at: at("created_at").time(row.created_at)?,
            secret: sealed.or(hashed),
        })
    }
}

impl Reader<'_> {
    /// The credential with this identifier.
    pub fn credential(&mut self, id: &CredentialId) -> Result<Option<Credential>, StorageError> {
        credentials::table
            .find(id.as_str())
            .select(CredentialRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(Credential::try_from)
            .transpose()
    }

    /// A client's key by its thumbprint.
    pub fn credential_by_thumbprint(
        &mut self,
        client_id: &ClientId,
        thumbprint: &str,
    ) -> Result<Option<Credential>, StorageError> {
        credentials::table
            .filter(credentials::client_id.eq(client_id.as_str()))
            .filter(credentials::thumbprint.eq(thumbprint))
            .select(CredentialRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(Credential::try_from)
            .transpose()
    }

    /// A client's keys, whatever their state.
    pub fn credentials_of(
        &mut self,
        client_id: &ClientId,
    ) -> Result<Vec<Credential>, StorageError> {
        rows::all(
            credentials::table
                .filter(credentials::client_id.eq(client_id.as_str()))
                .order(credentials::thumbprint)
                .select(CredentialRow::as_select())
                .bounded()
                .load(self.connection)?,
        )
    }
}

impl Writer<'_> {
    /// Records a client's key.
    pub fn insert_credential(&mut self, credential: &Credential) -> Result<(), StorageError> {
        let row = CredentialRow::from(credential);
        self.insert(TABLE, |connection| {
            diesel::insert_into(credentials::table).values(&row).execute(connection)
        })
    }

    /// Passes a client's key from one state to another.
    pub fn change_credential_state(
        &mut self,
        id: &CredentialId,
        from: CredentialState,
        to: CredentialState,
    ) -> Result<(), StorageError> {
        check_transition(from, to)?;
        self.update(TABLE, |connection| {
            diesel::update(
                credentials::table.find(id.as_str()).filter(credentials::state.eq(from.name())),
            )
            .set(credentials::state.eq(to.name()))
            .execute(connection)
        })
    }

    /// Passes a client's key to `retiring`, with an end.
    pub fn retire_credential(
        &mut self,
        id: &CredentialId,
        from: CredentialState,
        not_after: Timestamp,
    ) -> Result<(), StorageError> {
        if from != CredentialState::Retiring {
            check_transition(from, CredentialState::Retiring)?;
        }
        self.update(TABLE, |connection| {
            diesel::update(
                credentials::table.find(id.as_str()).filter(credentials::state.eq(from.name())),
            )
            .set((
                credentials::state.eq(CredentialState::Retiring.name()),
                credentials::not_after.eq(not_after.epoch()),
            ))
            .execute(connection)
        })
    }
}
