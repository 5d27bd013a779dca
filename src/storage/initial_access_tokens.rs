//! The rows of initial access tokens. A use is counted by the statement that allows it.

use diesel::prelude::*;

use crate::partners::{InitialAccessToken, InitialAccessTokenState, State as _};
use crate::storage::error::StorageError;
use crate::storage::reader::{Page, Reader};
use crate::storage::rows::{self, Column};
use crate::storage::schema::initial_access_tokens;
use crate::storage::writer::{Writer, check_transition};
use crate::types::{
    FrameworkName, InitialAccessTokenId, OrganisationId, ScopeSet, SecretHash, Timestamp,
};

const TABLE: &str = "initial_access_tokens";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = initial_access_tokens, treat_none_as_default_value = false)]
struct TokenRow {
    id: String,
    secret_hash: String,
    purpose: String,
    organisation_id: String,
    framework: Option<String>,
    scope: Option<String>,
    most_uses: i64,
    uses: i64,
    expires_at: i64,
    state: String,
    created_at: i64,
}

impl From<&InitialAccessToken> for TokenRow {
    fn from(token: &InitialAccessToken) -> Self {
        Self {
            id: token.id.to_string(),
            secret_hash: token.secret_hash.as_str().to_owned(),
            purpose: token.purpose.clone(),
            organisation_id: token.organisation_id.to_string(),
            framework: token.framework.as_ref().map(ToString::to_string),
            scope: token.scope.as_ref().map(ToString::to_string),
            most_uses: i64::from(token.most_uses),
            uses: i64::from(token.uses),
            expires_at: token.expires_at.epoch(),
            state: token.state.to_string(),
            created_at: token.created_at.epoch(),
        }
    }
}

impl TryFrom<TokenRow> for InitialAccessToken {
    type Error = StorageError;
    fn try_from(row: TokenRow) -> Result<Self, StorageError> {
        let at = |column| Column(TABLE, column);
        let framework = row.framework.map(FrameworkName::parse).transpose();
        let scope = row.scope.as_deref().map(ScopeSet::parse).transpose();
        Ok(Self {
            id: at("id").read(InitialAccessTokenId::parse(row.id))?,
            secret_hash: SecretHash::from_stored(row.secret_hash),
            purpose: row.purpose,
            organisation_id: at("organisation_id")
                .read(OrganisationId::parse(row.organisation_id))?,
            framework: at("framework").read(framework)?,
            scope: at("scope").read(scope)?,
            most_uses: at("most_uses").read(u32::try_from(row.most_uses))?,
            uses: at("uses").read(u32::try_from(row.uses))?,
            expires_at: at("expires_at").time(row.expires_at)?,
            state: at("state").read(InitialAccessTokenState::parse(&row.state))?,
            created_at: at("created_at").time(row.created_at)?,
        })
    }
}

impl Reader<'_> {
    /// The initial access token with this identifier.
    pub fn initial_access_token(
        &mut self,
        id: &InitialAccessTokenId,
    ) -> Result<Option<InitialAccessToken>, StorageError> {
        initial_access_tokens::table
            .find(id.as_str())
            .select(TokenRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(InitialAccessToken::try_from)
            .transpose()
    }

    /// The initial access token with this hash.
    pub fn initial_access_token_with(
        &mut self,
        secret_hash: &SecretHash,
    ) -> Result<Option<InitialAccessToken>, StorageError> {
        initial_access_tokens::table
            .filter(initial_access_tokens::secret_hash.eq(secret_hash.as_str()))
            .select(TokenRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(InitialAccessToken::try_from)
            .transpose()
    }

    /// Initial access tokens, of one organisation or all, a page at a time.
    pub fn initial_access_tokens(
        &mut self,
        organisation_id: Option<&OrganisationId>,
        page: &Page,
    ) -> Result<Vec<InitialAccessToken>, StorageError> {
        let mut query = initial_access_tokens::table
            .filter(initial_access_tokens::id.gt(page.after()))
            .order(initial_access_tokens::id)
            .limit(page.limit())
            .select(TokenRow::as_select())
            .into_boxed();
        if let Some(id) = organisation_id {
            query = query.filter(initial_access_tokens::organisation_id.eq(id.as_str()));
        }
        rows::all(query.load(self.connection)?)
    }
}

impl Writer<'_> {
    /// Records an initial access token.
    pub fn insert_initial_access_token(
        &mut self,
        token: &InitialAccessToken,
    ) -> Result<(), StorageError> {
        let row = TokenRow::from(token);
        self.insert(TABLE, |connection| {
            diesel::insert_into(initial_access_tokens::table).values(&row).execute(connection)
        })
    }

    /// Counts one use, if there is one left. Of two at once that want the last one, one finds the
    /// row stale (REG-I2).
    #[expect(clippy::arithmetic_side_effects, reason = "the database adds, and not beyond a limit")]
    pub fn use_initial_access_token(
        &mut self,
        id: &InitialAccessTokenId,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.update(TABLE, |connection| {
            diesel::update(
                initial_access_tokens::table
                    .find(id.as_str())
                    .filter(initial_access_tokens::state.eq(InitialAccessTokenState::Active.name()))
                    .filter(initial_access_tokens::uses.lt(initial_access_tokens::most_uses))
                    .filter(initial_access_tokens::expires_at.gt(now.epoch())),
            )
            .set(initial_access_tokens::uses.eq(initial_access_tokens::uses + 1))
            .execute(connection)
        })
    }

    /// Passes an initial access token from one state to another.
    pub fn change_initial_access_token_state(
        &mut self,
        id: &InitialAccessTokenId,
        from: InitialAccessTokenState,
        to: InitialAccessTokenState,
    ) -> Result<(), StorageError> {
        check_transition(from, to)?;
        self.update(TABLE, |connection| {
            diesel::update(
                initial_access_tokens::table
                    .find(id.as_str())
                    .filter(initial_access_tokens::state.eq(from.name())),
            )
            .set(initial_access_tokens::state.eq(to.name()))
            .execute(connection)
        })
    }
}
