//! What clients are used for, and what ends with them.

use diesel::prelude::*;

use crate::partners::{ClientState, CredentialState, EntitlementState, State as _};
use crate::storage::error::StorageError;
use crate::storage::reader::{Page, Reader};
use crate::storage::rows::Column;
use crate::storage::schema::{
    clients, credentials, entitlements, registration_retries, software_products,
};
use crate::storage::writer::Writer;
use crate::types::{
    ClientId, FrameworkName, InitialAccessTokenId, OrganisationId, SecretHash, Timestamp,
};

const TABLE: &str = "clients";

/// How long and how lately a client has been there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientActivity {
    /// Which client.
    pub id: ClientId,
    /// The trust framework that it came from.
    pub framework: FrameworkName,
    /// Where it stands.
    pub state: ClientState,
    /// When it was registered.
    pub issued_at: Timestamp,
    /// When it last obtained a token; within a day of it.
    pub last_used_at: Option<Timestamp>,
    /// When its owner was told that it will end unused.
    pub notified_at: Option<Timestamp>,
    /// When somebody must look whether it is used.
    pub check_at: Option<Timestamp>,
}

impl ClientActivity {
    /// When it was last known to be wanted.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.last_used_at.unwrap_or(self.issued_at).max(self.issued_at)
    }
}

type Row = (String, String, String, i64, Option<i64>, Option<i64>, Option<i64>);

fn read(row: Row) -> Result<ClientActivity, StorageError> {
    let (id, framework, state, issued_at, last_used_at, notified_at, check_at) = row;
    let at = |column| Column(TABLE, column);
    Ok(ClientActivity {
        id: at("id").read(ClientId::parse(id))?,
        framework: at("framework").read(FrameworkName::parse(framework))?,
        state: at("state").read(ClientState::parse(&state))?,
        issued_at: at("issued_at").time(issued_at)?,
        last_used_at: at("last_used_at").optional_time(last_used_at)?,
        notified_at: at("unused_notified_at").optional_time(notified_at)?,
        check_at: at("unused_check_at").optional_time(check_at)?,
    })
}

macro_rules! activity {
    () => {
        (
            clients::id,
            software_products::framework,
            clients::state,
            clients::issued_at,
            clients::last_used_at,
            clients::unused_notified_at,
            clients::unused_check_at,
        )
    };
}

impl Reader<'_> {
    /// How lately a client was used.
    pub fn client_activity(
        &mut self,
        id: &ClientId,
    ) -> Result<Option<ClientActivity>, StorageError> {
        let row: Option<Row> = clients::table
            .inner_join(software_products::table)
            .filter(clients::id.eq(id.as_str()))
            .select(activity!())
            .get_result(self.connection)
            .optional()?;
        row.map(read).transpose()
    }

    /// When a client was last used; within a day of it.
    pub fn client_last_used(&mut self, id: &ClientId) -> Result<Option<Timestamp>, StorageError> {
        let found: Option<Option<i64>> = clients::table
            .find(id.as_str())
            .select(clients::last_used_at)
            .get_result(self.connection)
            .optional()?;
        Column(TABLE, "last_used_at").optional_time(found.flatten())
    }

    /// The clients at which somebody must look by now, the most urgent first.
    pub fn clients_to_check(
        &mut self,
        now: Timestamp,
        limit: u16,
    ) -> Result<Vec<ClientActivity>, StorageError> {
        let found: Vec<Row> = clients::table
            .inner_join(software_products::table)
            .filter(clients::unused_check_at.le(now.epoch()))
            .order(clients::unused_check_at)
            .limit(i64::from(limit))
            .select(activity!())
            .load(self.connection)?;
        found.into_iter().map(read).collect()
    }

    /// The clients whose owners were told that they will end unused, a page at a time.
    pub fn clients_notified(&mut self, page: &Page) -> Result<Vec<ClientActivity>, StorageError> {
        let found: Vec<Row> = clients::table
            .inner_join(software_products::table)
            .filter(clients::unused_notified_at.is_not_null())
            .filter(clients::unused_check_at.is_not_null())
            .filter(clients::id.gt(page.after()))
            .order(clients::id)
            .limit(page.limit())
            .select(activity!())
            .load(self.connection)?;
        found.into_iter().map(read).collect()
    }

    /// The initial access token that a client was registered with, if it was.
    pub fn initial_access_token_of(
        &mut self,
        id: &ClientId,
    ) -> Result<Option<InitialAccessTokenId>, StorageError> {
        let found: Option<Option<String>> = clients::table
            .find(id.as_str())
            .select(clients::initial_access_token_id)
            .get_result(self.connection)
            .optional()?;
        let parsed = found.flatten().map(InitialAccessTokenId::parse).transpose();
        Column(TABLE, "initial_access_token_id").read(parsed)
    }

    /// How many clients of an organisation have not ended; counted up to `most`.
    pub fn live_clients_of_organisation(
        &mut self,
        organisation_id: &OrganisationId,
        most: u32,
    ) -> Result<u32, StorageError> {
        let ended = ClientState::ALL.iter().filter(|state| state.is_tombstone());
        let live: Vec<String> = clients::table
            .filter(clients::organisation_id.eq(organisation_id.as_str()))
            .filter(clients::state.ne_all(ended.map(|state| state.name())))
            .limit(i64::from(most))
            .select(clients::id)
            .load(self.connection)?;
        Ok(u32::try_from(live.len()).unwrap_or(u32::MAX))
    }
}

impl Writer<'_> {
    /// Notes that a client was used, unless that was noted after `unless_since`. It is bookkeeping
    /// and alters nobody's standing.
    #[expect(clippy::arithmetic_side_effects, reason = "the database adds; a BIGINT lasts")]
    pub fn note_client_use(
        &mut self,
        id: &ClientId,
        unless_since: Timestamp,
        check_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let told =
            clients::table.find(id.as_str()).filter(clients::unused_notified_at.is_not_null());
        diesel::update(told)
            .set(clients::revision.eq(clients::revision + 1))
            .execute(self.connection)?;
        let stale =
            clients::last_used_at.is_null().or(clients::last_used_at.le(unless_since.epoch()));
        diesel::update(clients::table.find(id.as_str()).filter(stale))
            .set((
                clients::last_used_at.eq(now.epoch()),
                clients::unused_notified_at.eq(None::<i64>),
                clients::unused_check_at.eq(check_at.map(Timestamp::epoch)),
            ))
            .execute(self.connection)?;
        Ok(())
    }

    /// Says when somebody must look at a client again, and when its owner was told that it will end.
    /// Of several nodes that look at once, one succeeds; so does none if the client was used.
    #[expect(clippy::arithmetic_side_effects, reason = "the database adds; a BIGINT lasts")]
    pub fn schedule_client_check(
        &mut self,
        seen: &ClientActivity,
        notified_at: Option<Timestamp>,
        check_at: Option<Timestamp>,
    ) -> Result<(), StorageError> {
        let values = (
            clients::unused_notified_at.eq(notified_at.map(Timestamp::epoch)),
            clients::unused_check_at.eq(check_at.map(Timestamp::epoch)),
        );
        let as_seen = clients::table
            .find(seen.id.as_str())
            .filter(clients::unused_check_at.eq(seen.check_at.map(Timestamp::epoch)));
        let told = notified_at.is_some() && notified_at != seen.notified_at;
        self.update_unaudited(TABLE, |connection| {
            diesel::update(as_seen).set(values).execute(connection)
        })?;
        if told {
            self.note_change();
            diesel::update(clients::table.find(seen.id.as_str()))
                .set(clients::revision.eq(clients::revision + 1))
                .execute(self.connection)?;
        }
        Ok(())
    }

    /// Gives a client another registration access token; the one before is good no longer (REG-R10).
    #[expect(clippy::arithmetic_side_effects, reason = "the database adds; a BIGINT lasts")]
    pub fn replace_registration_access_token(
        &mut self,
        id: &ClientId,
        state: ClientState,
        token: &SecretHash,
    ) -> Result<(), StorageError> {
        self.update(TABLE, |connection| {
            diesel::update(clients::table.find(id.as_str()).filter(clients::state.eq(state.name())))
                .set((
                    clients::registration_access_token.eq(token.as_str()),
                    clients::revision.eq(clients::revision + 1),
                ))
                .execute(connection)
        })
    }

    /// Ends what a client holds: permissions, keys, and the answers that it could ask for again. Its
    /// name stays (REG-U8).
    pub(super) fn end_client_holdings(&mut self, id: &ClientId) -> Result<(), StorageError> {
        let open = |states: &[EntitlementState]| -> Vec<&'static str> {
            let open = states.iter().filter(|state| state.may_become(EntitlementState::Revoked));
            open.map(|state| state.name()).collect()
        };
        let held = entitlements::table
            .filter(entitlements::client_id.eq(id.as_str()))
            .filter(entitlements::state.eq_any(open(EntitlementState::ALL)));
        diesel::update(held)
            .set(entitlements::state.eq(EntitlementState::Revoked.name()))
            .execute(self.connection)?;
        let usable = CredentialState::ALL.iter();
        let usable = usable.filter(|state| state.may_become(CredentialState::Revoked));
        let keys = credentials::table
            .filter(credentials::client_id.eq(id.as_str()))
            .filter(credentials::state.eq_any(usable.map(|state| state.name())));
        diesel::update(keys)
            .set(credentials::state.eq(CredentialState::Revoked.name()))
            .execute(self.connection)?;
        let answers =
            registration_retries::table.filter(registration_retries::client_id.eq(id.as_str()));
        diesel::delete(answers).execute(self.connection)?;
        diesel::update(clients::table.find(id.as_str()))
            .set(clients::unused_check_at.eq(None::<i64>))
            .execute(self.connection)?;
        Ok(())
    }
}
