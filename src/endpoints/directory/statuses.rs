//! How the organisations and the software of the directory stand, in one list each: what a server asks
//! that learns standing from its directory (REG-S10, L4).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::endpoints::Failure;
use crate::endpoints::directory::input::Input;
use crate::endpoints::directory::{Directory, MOST_LISTED};
use crate::storage::{Change, Page, Reader, StorageError};

/// The claim of a statement that says how its software stands.
const STATUS: &str = "software_statement_status";
const ACTIVE: &str = "Active";

impl Directory {
    /// `GET /statuses/organisations`.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn organisation_statuses(&self) -> Result<Value, Failure> {
        let statuses = self.database.read(organisations).await?;
        let listed = statuses.iter().map(|(id, status)| json!({ "org_id": id, "status": status }));
        Ok(json!({ "organisations": listed.collect::<Vec<_>>() }))
    }

    /// `GET /statuses/software`. Software stands no better than its organisation (REG-L3).
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn software_statuses(&self) -> Result<Value, Failure> {
        let read = |reader: &mut Reader<'_>| {
            Ok::<_, StorageError>((organisations(reader)?, software(reader)?))
        };
        let (owners, software) = self.database.read(read).await?;
        let listed = software.iter().map(|(id, (owner, status))| {
            let owner = owners.get(owner).map_or("Removed", String::as_str);
            let status = if owner.eq_ignore_ascii_case(ACTIVE) { status } else { owner };
            json!({ "software_id": id, "status": status })
        });
        Ok(json!({ "software": listed.collect::<Vec<_>>() }))
    }

    /// `PATCH /software/{id}`: its `status`.
    ///
    /// # Errors
    ///
    /// The input is bad, there is no such software, or the database fails.
    pub async fn change_software(&self, id: &str, body: &[u8]) -> Result<Value, Failure> {
        let mut input = Input::parse(body)?;
        let status = input.text("status");
        let status = input.require("status", status);
        let status = input.finish(status)?;
        let mut software = self.find_software(id).await?;
        if let Value::Object(claims) = &mut software.claims {
            claims.insert(STATUS.to_owned(), status.into());
        }
        self.database
            .write(move |tx| {
                tx.update_directory_software(&software)?;
                Ok::<_, Failure>(Change::nothing(()))
            })
            .await?;
        self.software(id).await
    }
}

fn organisations(reader: &mut Reader<'_>) -> Result<BTreeMap<String, String>, StorageError> {
    let mut statuses = BTreeMap::new();
    let mut page = Page::first(MOST_LISTED);
    loop {
        let found = reader.directory_organisations(&page)?;
        let Some(last) = found.last() else { return Ok(statuses) };
        page = Page::following(&last.id, MOST_LISTED);
        statuses.extend(found.into_iter().map(|one| (one.id.to_string(), one.status)));
    }
}

/// By identifier: whose it is, and how it stands.
fn software(reader: &mut Reader<'_>) -> Result<BTreeMap<String, (String, String)>, StorageError> {
    let mut statuses = BTreeMap::new();
    let mut page = Page::first(MOST_LISTED);
    loop {
        let found = reader.all_directory_software(&page)?;
        let Some(last) = found.last() else { return Ok(statuses) };
        page = Page::following(&last.id, MOST_LISTED);
        for one in found {
            let status = one.claims.get(STATUS).and_then(Value::as_str).unwrap_or(ACTIVE);
            let stands = (one.organisation_id.to_string(), status.to_owned());
            statuses.insert(one.id.to_string(), stands);
        }
    }
}
