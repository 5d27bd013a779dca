//! The rows of partner organisations.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use crate::partners::{Organisation, OrganisationState, State as _};
use crate::storage::error::StorageError;
use crate::storage::reader::{Page, Reader};
use crate::storage::rows::{self, Column};
use crate::storage::schema::organisations;
use crate::storage::writer::{Writer, check_transition};
use crate::types::{DirectoryOrganisationId, FrameworkName, OrganisationId};

const TABLE: &str = "organisations";

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = organisations, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(super) struct OrganisationRow {
    id: String,
    framework: String,
    directory_id: String,
    legal_name: String,
    jurisdiction: String,
    regulatory_roles: String,
    risk_score: i64,
    sanctions_hit: bool,
    attestation: Option<String>,
    state: String,
    created_at: i64,
}

impl TryFrom<&Organisation> for OrganisationRow {
    type Error = StorageError;
    fn try_from(organisation: &Organisation) -> Result<Self, StorageError> {
        Ok(Self {
            id: organisation.id.to_string(),
            framework: organisation.framework.to_string(),
            directory_id: organisation.directory_id.to_string(),
            legal_name: organisation.legal_name.clone(),
            jurisdiction: organisation.jurisdiction.clone(),
            regulatory_roles: rows::json(&organisation.regulatory_roles)?,
            risk_score: organisation.risk_score,
            sanctions_hit: organisation.sanctions_hit,
            attestation: rows::optional_json(organisation.attestation.as_ref())?,
            state: organisation.state.to_string(),
            created_at: organisation.created_at.epoch(),
        })
    }
}

impl TryFrom<OrganisationRow> for Organisation {
    type Error = StorageError;
    fn try_from(row: OrganisationRow) -> Result<Self, StorageError> {
        let at = |column| Column(TABLE, column);
        Ok(Self {
            id: at("id").read(OrganisationId::parse(row.id))?,
            framework: at("framework").read(FrameworkName::parse(row.framework))?,
            directory_id: at("directory_id")
                .read(DirectoryOrganisationId::parse(row.directory_id))?,
            legal_name: row.legal_name,
            jurisdiction: row.jurisdiction,
            regulatory_roles: at("regulatory_roles").json(&row.regulatory_roles)?,
            risk_score: row.risk_score,
            sanctions_hit: row.sanctions_hit,
            attestation: at("attestation").optional_json(row.attestation.as_deref())?,
            state: at("state").read(OrganisationState::parse(&row.state))?,
            created_at: at("created_at").time(row.created_at)?,
        })
    }
}

impl Reader<'_> {
    /// The organisation with this identifier.
    pub fn organisation(
        &mut self,
        id: &OrganisationId,
    ) -> Result<Option<Organisation>, StorageError> {
        organisations::table
            .find(id.as_str())
            .select(OrganisationRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(Organisation::try_from)
            .transpose()
    }

    /// What directories call these organisations.
    pub fn directory_ids(
        &mut self,
        ids: &BTreeSet<OrganisationId>,
    ) -> Result<BTreeMap<OrganisationId, DirectoryOrganisationId>, StorageError> {
        let named: Vec<(String, String)> = organisations::table
            .filter(organisations::id.eq_any(ids.iter().map(OrganisationId::as_str)))
            .select((organisations::id, organisations::directory_id))
            .load(self.connection)?;
        let at = |column| Column(TABLE, column);
        let read = |(id, directory_id): (String, String)| {
            let id = at("id").read(OrganisationId::parse(id))?;
            Ok((id, at("directory_id").read(DirectoryOrganisationId::parse(directory_id))?))
        };
        named.into_iter().map(read).collect()
    }

    /// The organisation that a directory calls by this name.
    pub fn organisation_in_directory(
        &mut self,
        framework: &FrameworkName,
        directory_id: &DirectoryOrganisationId,
    ) -> Result<Option<Organisation>, StorageError> {
        organisations::table
            .filter(organisations::framework.eq(framework.as_str()))
            .filter(organisations::directory_id.eq(directory_id.as_str()))
            .select(OrganisationRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(Organisation::try_from)
            .transpose()
    }

    /// Every organisation, a page at a time.
    pub fn organisations(&mut self, page: &Page) -> Result<Vec<Organisation>, StorageError> {
        rows::all(
            organisations::table
                .filter(organisations::id.gt(page.after()))
                .order(organisations::id)
                .limit(page.limit())
                .select(OrganisationRow::as_select())
                .load(self.connection)?,
        )
    }
}

impl Writer<'_> {
    /// Lets no other write count the clients of an organisation until this one is committed.
    pub fn lock_organisation(&mut self, id: &OrganisationId) -> Result<(), StorageError> {
        self.update_unaudited(TABLE, |connection| {
            diesel::update(organisations::table.find(id.as_str()))
                .set(organisations::state.eq(organisations::state))
                .execute(connection)
        })
    }

    /// Records an organisation.
    pub fn insert_organisation(&mut self, organisation: &Organisation) -> Result<(), StorageError> {
        let row = OrganisationRow::try_from(organisation)?;
        self.insert(TABLE, |connection| {
            diesel::insert_into(organisations::table).values(&row).execute(connection)
        })
    }

    /// Replaces what is recorded of an organisation, except its state.
    pub fn update_organisation(&mut self, organisation: &Organisation) -> Result<(), StorageError> {
        let row = OrganisationRow::try_from(organisation)?;
        self.update(TABLE, |connection| {
            diesel::update(
                organisations::table
                    .find(organisation.id.as_str())
                    .filter(organisations::state.eq(organisation.state.name())),
            )
            .set(&row)
            .execute(connection)
        })
    }

    /// Passes an organisation from one state to another.
    pub fn change_organisation_state(
        &mut self,
        id: &OrganisationId,
        from: OrganisationState,
        to: OrganisationState,
    ) -> Result<(), StorageError> {
        check_transition(from, to)?;
        self.update(TABLE, |connection| {
            diesel::update(
                organisations::table.find(id.as_str()).filter(organisations::state.eq(from.name())),
            )
            .set(organisations::state.eq(to.name()))
            .execute(connection)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> OrganisationRow {
        OrganisationRow {
            id: "org_1".to_owned(),
            framework: "directory".to_owned(),
            directory_id: "1".to_owned(),
            legal_name: "Acme".to_owned(),
            jurisdiction: "NL".to_owned(),
            regulatory_roles: "[]".to_owned(),
            risk_score: 0,
            sanctions_hit: false,
            attestation: None,
            state: "active".to_owned(),
            created_at: 0,
        }
    }

    #[test]
    fn a_row_that_does_not_read_back_names_its_table_and_column() {
        assert!(Organisation::try_from(row()).is_ok());
        let spoilt = [
            ("id", OrganisationRow { id: String::new(), ..row() }),
            ("regulatory_roles", OrganisationRow { regulatory_roles: "{".to_owned(), ..row() }),
            ("attestation", OrganisationRow { attestation: Some("1".to_owned()), ..row() }),
            ("state", OrganisationRow { state: "unheard-of".to_owned(), ..row() }),
            ("created_at", OrganisationRow { created_at: -1, ..row() }),
        ];
        for (expected, row) in spoilt {
            let error = Organisation::try_from(row).unwrap_err();
            let StorageError::Unreadable { table, column, .. } = &error else { panic!("{error}") };
            assert_eq!((*table, *column), ("organisations", expected));
            assert!(error.to_string().starts_with(&format!("organisations.{expected} ")));
        }
    }
}
