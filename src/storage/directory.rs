//! The rows of the test directory: the organisations and software that it vouches for.
//!
//! They are not the bank's records, so the bank's audit log does not speak of them.

use diesel::prelude::*;
use serde_json::Value;

use crate::storage::error::StorageError;
use crate::storage::reader::{Page, Reader};
use crate::storage::rows::{self, Column};
use crate::storage::schema::{directory_organisations, directory_software};
use crate::storage::writer::Writer;
use crate::types::{DirectoryOrganisationId, HttpsUri, SoftwareId};

const ORGANISATIONS: &str = "directory_organisations";
const SOFTWARE: &str = "directory_software";

/// An organisation of the test directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryOrganisation {
    /// What the directory calls it.
    pub id: DirectoryOrganisationId,
    /// Its name.
    pub name: String,
    /// What the directory says of it, for example `Active`.
    pub status: String,
    /// What else the directory knows.
    pub attributes: Value,
}

/// A software product of the test directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectorySoftware {
    /// What the directory calls it.
    pub id: SoftwareId,
    /// Whose it is.
    pub organisation_id: DirectoryOrganisationId,
    /// What its statements say.
    pub claims: Value,
    /// Its keys, by value.
    pub jwks: Option<Value>,
    /// Its keys, by address.
    pub jwks_uri: Option<HttpsUri>,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = directory_organisations)]
struct OrganisationRow {
    id: String,
    name: String,
    status: String,
    attributes: String,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(
    table_name = directory_software,
    treat_none_as_null = true,
    treat_none_as_default_value = false
)]
struct SoftwareRow {
    id: String,
    organisation_id: String,
    claims: String,
    jwks: Option<String>,
    jwks_uri: Option<String>,
}

impl TryFrom<&DirectoryOrganisation> for OrganisationRow {
    type Error = StorageError;
    fn try_from(organisation: &DirectoryOrganisation) -> Result<Self, StorageError> {
        Ok(Self {
            id: organisation.id.to_string(),
            name: organisation.name.clone(),
            status: organisation.status.clone(),
            attributes: rows::json(&organisation.attributes)?,
        })
    }
}

impl TryFrom<OrganisationRow> for DirectoryOrganisation {
    type Error = StorageError;
    fn try_from(row: OrganisationRow) -> Result<Self, StorageError> {
        let at = |column| Column(ORGANISATIONS, column);
        Ok(Self {
            id: at("id").read(DirectoryOrganisationId::parse(row.id))?,
            name: row.name,
            status: row.status,
            attributes: at("attributes").json(&row.attributes)?,
        })
    }
}

impl TryFrom<&DirectorySoftware> for SoftwareRow {
    type Error = StorageError;
    fn try_from(software: &DirectorySoftware) -> Result<Self, StorageError> {
        Ok(Self {
            id: software.id.to_string(),
            organisation_id: software.organisation_id.to_string(),
            claims: rows::json(&software.claims)?,
            jwks: rows::optional_json(software.jwks.as_ref())?,
            jwks_uri: software.jwks_uri.as_ref().map(ToString::to_string),
        })
    }
}

impl TryFrom<SoftwareRow> for DirectorySoftware {
    type Error = StorageError;
    fn try_from(row: SoftwareRow) -> Result<Self, StorageError> {
        let at = |column| Column(SOFTWARE, column);
        Ok(Self {
            id: at("id").read(SoftwareId::parse(row.id))?,
            organisation_id: at("organisation_id")
                .read(DirectoryOrganisationId::parse(row.organisation_id))?,
            claims: at("claims").json(&row.claims)?,
            jwks: at("jwks").optional_json(row.jwks.as_deref())?,
            jwks_uri: at("jwks_uri").read(row.jwks_uri.map(HttpsUri::parse).transpose())?,
        })
    }
}

impl Reader<'_> {
    /// The directory's organisation with this identifier.
    pub fn directory_organisation(
        &mut self,
        id: &DirectoryOrganisationId,
    ) -> Result<Option<DirectoryOrganisation>, StorageError> {
        directory_organisations::table
            .find(id.as_str())
            .select(OrganisationRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(DirectoryOrganisation::try_from)
            .transpose()
    }

    /// Every organisation of the directory, a page at a time.
    pub fn directory_organisations(
        &mut self,
        page: &Page,
    ) -> Result<Vec<DirectoryOrganisation>, StorageError> {
        rows::all(
            directory_organisations::table
                .filter(directory_organisations::id.gt(page.after()))
                .order(directory_organisations::id)
                .limit(page.limit())
                .select(OrganisationRow::as_select())
                .load(self.connection)?,
        )
    }

    /// The directory's software product with this identifier.
    pub fn directory_software(
        &mut self,
        id: &SoftwareId,
    ) -> Result<Option<DirectorySoftware>, StorageError> {
        directory_software::table
            .find(id.as_str())
            .select(SoftwareRow::as_select())
            .get_result(self.connection)
            .optional()?
            .map(DirectorySoftware::try_from)
            .transpose()
    }

    /// Every software product of the directory, a page at a time.
    pub fn all_directory_software(
        &mut self,
        page: &Page,
    ) -> Result<Vec<DirectorySoftware>, StorageError> {
        rows::all(
            directory_software::table
                .filter(directory_software::id.gt(page.after()))
                .order(directory_software::id)
                .limit(page.limit())
                .select(SoftwareRow::as_select())
                .load(self.connection)?,
        )
    }

    /// The directory's software products of an organisation, a page at a time.
    pub fn directory_software_of(
        &mut self,
        organisation_id: &DirectoryOrganisationId,
        page: &Page,
    ) -> Result<Vec<DirectorySoftware>, StorageError> {
        rows::all(
            directory_software::table
                .filter(directory_software::organisation_id.eq(organisation_id.as_str()))
                .filter(directory_software::id.gt(page.after()))
                .order(directory_software::id)
                .limit(page.limit())
                .select(SoftwareRow::as_select())
                .load(self.connection)?,
        )
    }
}

impl Writer<'_> {
    /// Records an organisation of the directory.
    pub fn insert_directory_organisation(
        &mut self,
        organisation: &DirectoryOrganisation,
    ) -> Result<(), StorageError> {
        let row = OrganisationRow::try_from(organisation)?;
        self.insert_unaudited(ORGANISATIONS, |connection| {
            diesel::insert_into(directory_organisations::table).values(&row).execute(connection)
        })
    }

    /// Replaces an organisation of the directory.
    pub fn update_directory_organisation(
        &mut self,
        organisation: &DirectoryOrganisation,
    ) -> Result<(), StorageError> {
        let row = OrganisationRow::try_from(organisation)?;
        self.update_unaudited(ORGANISATIONS, |connection| {
            diesel::update(directory_organisations::table.find(organisation.id.as_str()))
                .set(&row)
                .execute(connection)
        })
    }

    /// Records a software product of the directory.
    pub fn insert_directory_software(
        &mut self,
        software: &DirectorySoftware,
    ) -> Result<(), StorageError> {
        let row = SoftwareRow::try_from(software)?;
        self.insert_unaudited(SOFTWARE, |connection| {
            diesel::insert_into(directory_software::table).values(&row).execute(connection)
        })
    }

    /// Replaces a software product of the directory.
    pub fn update_directory_software(
        &mut self,
        software: &DirectorySoftware,
    ) -> Result<(), StorageError> {
        let row = SoftwareRow::try_from(software)?;
        self.update_unaudited(SOFTWARE, |connection| {
            diesel::update(directory_software::table.find(software.id.as_str()))
                .set(&row)
                .execute(connection)
        })
    }
}
