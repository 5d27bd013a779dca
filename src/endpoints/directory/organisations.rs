//! The organisations that the directory vouches for.

use serde_json::{Value, json};

use crate::endpoints::Failure;
use crate::endpoints::directory::{
    Directory, MOST_LISTED, check_path_safe, input::Input, not_found, taken,
};
use crate::random;
use crate::storage::Change;
use crate::storage::DirectoryOrganisation;
use crate::storage::Page;
use crate::types::DirectoryOrganisationId;

const ACTIVE: &str = "Active";

impl Directory {
    /// `POST /organisations`.
    ///
    /// # Errors
    ///
    /// The input is bad, the identifier is taken, or the database fails.
    pub async fn create_organisation(&self, body: &[u8]) -> Result<Value, Failure> {
        let organisation = read(body)?;
        let answer = shown(&organisation);
        self.database
            .write(move |tx| {
                if tx.directory_organisation(&organisation.id)?.is_some() {
                    return Err(taken(organisation.id.as_str()));
                }
                tx.insert_directory_organisation(&organisation)?;
                Ok(Change::nothing(()))
            })
            .await?;
        Ok(answer)
    }

    /// `GET /organisations`.
    ///
    /// # Errors
    ///
    /// The database fails.
    pub async fn list_organisations(&self, after: Option<String>) -> Result<Value, Failure> {
        let page = Page { after, limit: MOST_LISTED };
        let found = self.database.read(move |r| r.directory_organisations(&page)).await?;
        Ok(json!({ "items": found.iter().map(shown).collect::<Vec<_>>() }))
    }

    /// `GET /organisations/{id}`.
    ///
    /// # Errors
    ///
    /// There is none, or the database fails.
    pub async fn organisation(&self, id: &str) -> Result<Value, Failure> {
        Ok(shown(&self.find_organisation(id).await?))
    }

    /// `PATCH /organisations/{id}`.
    ///
    /// # Errors
    ///
    /// The input is bad, there is no such organisation, or the database fails.
    pub async fn change_organisation(&self, id: &str, body: &[u8]) -> Result<Value, Failure> {
        let mut input = Input::parse(body)?;
        let (name, status) = (input.text("name"), input.text("status"));
        let claims = input.value("claims");
        if claims.as_ref().is_some_and(|claims| !claims.is_object()) {
            input.problem("`claims` is not an object");
        }
        input.finish(Some(()))?;
        let mut organisation = self.find_organisation(id).await?;
        organisation.name = name.unwrap_or(organisation.name);
        organisation.status = status.unwrap_or(organisation.status);
        organisation.attributes = claims.unwrap_or(organisation.attributes);
        let answer = shown(&organisation);
        self.database
            .write(move |tx| {
                tx.update_directory_organisation(&organisation)?;
                Ok::<_, Failure>(Change::nothing(()))
            })
            .await?;
        Ok(answer)
    }

    pub(super) async fn find_organisation(
        &self,
        id: &str,
    ) -> Result<DirectoryOrganisation, Failure> {
        let absent = || not_found("organisation", id, "create it with `POST /organisations`");
        let known = DirectoryOrganisationId::parse(id).map_err(|_| absent())?;
        self.database.read(move |r| r.directory_organisation(&known)).await?.ok_or_else(absent)
    }
}

fn read(body: &[u8]) -> Result<DirectoryOrganisation, Failure> {
    let mut input = Input::parse(body)?;
    let name = input.text("name");
    let name = input.require("name", name);
    let id = input.parsed::<DirectoryOrganisationId>("org_id");
    check_path_safe(&mut input, "org_id", id.as_ref().map(DirectoryOrganisationId::as_str));
    let status = input.text("status").unwrap_or_else(|| ACTIVE.to_owned());
    let attributes = Value::Object(input.object("claims"));
    let name = input.finish(name)?;
    let id = id.unwrap_or_else(|| DirectoryOrganisationId::from_random(&random::identifier()));
    Ok(DirectoryOrganisation { id, name, status, attributes })
}

fn shown(organisation: &DirectoryOrganisation) -> Value {
    json!({
        "org_id": organisation.id,
        "name": organisation.name,
        "status": organisation.status,
        "claims": organisation.attributes,
    })
}
