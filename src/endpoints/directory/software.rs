//! The software that the directory vouches for, and its keys.

use serde_json::{Value, json};

use crate::endpoints::Failure;
use crate::endpoints::directory::claims::jwks_uri;
use crate::endpoints::directory::{
    Directory, MOST_LISTED, check_path_safe, input::Input, not_found, taken,
};
use crate::jose::JwkSet;
use crate::random;
use crate::storage::Change;
use crate::storage::DirectorySoftware;
use crate::storage::Page;
use crate::types::DirectoryOrganisationId;
use crate::types::HttpsUri;
use crate::types::SoftwareId;

const HOW: &str = "create it with `POST /software`";

impl Directory {
    /// `POST /software`.
    ///
    /// # Errors
    ///
    /// The input is bad, the organisation is unknown, the identifier is taken, or the database
    /// fails.
    pub async fn create_software(&self, body: &[u8]) -> Result<Value, Failure> {
        let software = read(body)?;
        self.find_organisation(software.organisation_id.as_str()).await?;
        let answer = self.shown_software(&software);
        self.database
            .write(move |tx| {
                if tx.directory_software(&software.id)?.is_some() {
                    return Err(taken(software.id.as_str()));
                }
                tx.insert_directory_software(&software)?;
                Ok(Change::nothing(()))
            })
            .await?;
        Ok(answer)
    }

    /// `GET /organisations/{id}/software`.
    ///
    /// # Errors
    ///
    /// The organisation is unknown, or the database fails.
    pub async fn list_software(&self, organisation: &str) -> Result<Value, Failure> {
        let organisation = self.find_organisation(organisation).await?;
        let page = Page::first(MOST_LISTED);
        let found =
            self.database.read(move |r| r.directory_software_of(&organisation.id, &page)).await?;
        let items: Vec<Value> =
            found.iter().map(|software| self.shown_software(software)).collect();
        Ok(json!({ "items": items }))
    }

    /// `GET /software/{id}`.
    ///
    /// # Errors
    ///
    /// There is none, or the database fails.
    pub async fn software(&self, id: &str) -> Result<Value, Failure> {
        Ok(self.shown_software(&self.find_software(id).await?))
    }

    /// `GET /software/{id}/jwks`: the keys that were given by value.
    ///
    /// # Errors
    ///
    /// There are none, or the database fails.
    pub async fn software_jwks(&self, id: &str) -> Result<Value, Failure> {
        let absent = || not_found("key set of software", id, "it publishes its keys itself");
        self.find_software(id).await?.jwks.ok_or_else(absent)
    }

    pub(super) async fn find_software(&self, id: &str) -> Result<DirectorySoftware, Failure> {
        let absent = || not_found("software", id, HOW);
        let known = SoftwareId::parse(id).map_err(|_| absent())?;
        self.database.read(move |r| r.directory_software(&known)).await?.ok_or_else(absent)
    }

    fn shown_software(&self, software: &DirectorySoftware) -> Value {
        json!({
            "software_id": software.id,
            "org_id": software.organisation_id,
            "claims": software.claims,
            "jwks_uri": jwks_uri(&self.url, software),
        })
    }
}

fn read(body: &[u8]) -> Result<DirectorySoftware, Failure> {
    let mut input = Input::parse(body)?;
    let organisation_id = organisation(&mut input);
    let id = input.parsed::<SoftwareId>("software_id");
    check_path_safe(&mut input, "software_id", id.as_ref().map(SoftwareId::as_str));
    let claims = Value::Object(input.object("claims"));
    let (jwks, jwks_uri) = keys(&mut input);
    let organisation_id = input.finish(organisation_id)?;
    let id = id.unwrap_or_else(|| SoftwareId::from_random(&random::identifier()));
    Ok(DirectorySoftware { id, organisation_id, claims, jwks, jwks_uri })
}

/// `org_id`, which may also be called `organisation`.
fn organisation(input: &mut Input) -> Option<DirectoryOrganisationId> {
    let id = input.parsed::<DirectoryOrganisationId>("org_id");
    let alias = input.parsed::<DirectoryOrganisationId>("organisation");
    if id.is_some() && alias.is_some() && id != alias {
        input.problem("`org_id` and `organisation` name two organisations");
    }
    input.require("org_id", id.or(alias))
}

/// The keys, by value or by address.
fn keys(input: &mut Input) -> (Option<Value>, Option<HttpsUri>) {
    let address = input.text("jwks_uri");
    let address = address.and_then(|text| match HttpsUri::parse(text) {
        Ok(address) => Some(address),
        Err(error) => {
            input.problem(format!("`jwks_uri`: {error}"));
            None
        }
    });
    let Some(value) = input.value("jwks") else {
        input.require("jwks` or `jwks_uri", address.as_ref());
        return (None, address);
    };
    if address.is_some() {
        input.problem("`jwks` and `jwks_uri` exclude each other");
    }
    match JwkSet::parse(&value) {
        Ok(keys) => (Some(keys.to_value()), address),
        Err(problems) => {
            for problem in problems {
                input.problem(format!("`jwks`: {problem}"));
            }
            (None, address)
        }
    }
}
