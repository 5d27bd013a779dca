//! Where the directory's work is done: on its own files, or by one that is running.

use std::path::Path;

use reqwest::Method;
use serde_json::Value;

use crate::cli::demo::exchange;
use crate::cli::demo::exchange::{Body, Request};
use crate::cli::development_keys;
use crate::cli::error::CommandError;
use crate::cli::folders::Folders;
use crate::cli::operator_api::segment;
use crate::cli::private_file;
use crate::clock::Clock;
use crate::endpoints::Failure;
use crate::endpoints::directory::Directory;
use crate::storage::Database;
use crate::storage::DatabaseOptions;
use crate::storage::StorageError;
use crate::types::Issuer;

/// Where the directory answers unless it is told otherwise.
pub const USUAL_URL: &str = "https://localhost:8445";

/// A directory to work at.
#[derive(Debug)]
pub enum Desk {
    /// Its files are in this folder.
    Here(Box<Directory>),
    /// It is running elsewhere.
    There {
        /// How to speak to it.
        client: reqwest::Client,
        /// Its address.
        url: String,
    },
}

impl Desk {
    /// A directory that is running.
    ///
    /// # Errors
    ///
    /// The authority's file cannot be read.
    pub fn there(url: &str, authority: &Path) -> Result<Self, CommandError> {
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self::There { client: exchange::client(authority)?, url })
    }

    /// Records an organisation.
    ///
    /// # Errors
    ///
    /// The directory refuses, or does not answer.
    pub async fn create_organisation(&self, body: &Value) -> Result<Value, CommandError> {
        match self {
            Self::Here(directory) => {
                directory.create_organisation(body.to_string().as_bytes()).await.map_err(refused)
            }
            Self::There { .. } => self.ask(Method::POST, "/organisations", Some(body)).await,
        }
    }

    /// Lists organisations.
    ///
    /// # Errors
    ///
    /// The directory does not answer.
    pub async fn list_organisations(&self) -> Result<Value, CommandError> {
        match self {
            Self::Here(directory) => directory.list_organisations(None).await.map_err(refused),
            Self::There { .. } => self.ask(Method::GET, "/organisations", None).await,
        }
    }

    /// Changes an organisation.
    ///
    /// # Errors
    ///
    /// The directory refuses, or does not answer.
    pub async fn change_organisation(&self, id: &str, body: &Value) -> Result<Value, CommandError> {
        match self {
            Self::Here(directory) => {
                let body = body.to_string();
                directory.change_organisation(id, body.as_bytes()).await.map_err(refused)
            }
            Self::There { .. } => {
                let path = format!("/organisations/{}", segment(id));
                self.ask(Method::PATCH, &path, Some(body)).await
            }
        }
    }

    /// Records software.
    ///
    /// # Errors
    ///
    /// The directory refuses, or does not answer.
    pub async fn create_software(&self, body: &Value) -> Result<Value, CommandError> {
        match self {
            Self::Here(directory) => {
                directory.create_software(body.to_string().as_bytes()).await.map_err(refused)
            }
            Self::There { .. } => self.ask(Method::POST, "/software", Some(body)).await,
        }
    }

    /// Lists the software of an organisation.
    ///
    /// # Errors
    ///
    /// The directory refuses, or does not answer.
    pub async fn list_software(&self, organisation: &str) -> Result<Value, CommandError> {
        match self {
            Self::Here(directory) => directory.list_software(organisation).await.map_err(refused),
            Self::There { .. } => {
                let path = format!("/organisations/{}/software", segment(organisation));
                self.ask(Method::GET, &path, None).await
            }
        }
    }

    /// Issues a statement.
    ///
    /// # Errors
    ///
    /// The directory refuses, or does not answer.
    pub async fn issue_statement(&self, body: &Value) -> Result<Value, CommandError> {
        match self {
            Self::Here(directory) => {
                let body = body.to_string();
                let now = directory.clock.now();
                directory.issue_statement(body.as_bytes(), now).await.map_err(refused)
            }
            Self::There { .. } => self.ask(Method::POST, "/statements", Some(body)).await,
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, CommandError> {
        let Self::There { client, url } = self else { return Ok(Value::Null) };
        let mut request = Request::new(method, format!("{url}{path}"));
        if let Some(body) = body {
            request.body = Body::Json(body.clone());
        }
        let answer = request.send(client).await?;
        if (200..300).contains(&answer.status) {
            return Ok(answer.body);
        }
        Err(CommandError::Refused { status: answer.status, body: answer.body })
    }
}

/// Opens the directory's files, and makes them if they are not there. Where it answers is remembered
/// beside them, because it is the issuer of its statements.
///
/// # Errors
///
/// A file cannot be read or written, or holds something else.
pub fn open(folders: &Folders, url: Option<&str>) -> Result<Directory, CommandError> {
    private_file::make_folder(&folders.data)?;
    private_file::make_folder(&folders.keys)?;
    let remembered = folders.data.join("directory.url");
    let url = match url {
        Some(url) => {
            private_file::write(&remembered, url)?;
            url.to_owned()
        }
        None => private_file::read(&remembered)?.unwrap_or_else(|| USUAL_URL.to_owned()),
    };
    let url = Issuer::parse(url.trim()).map_err(|error| {
        CommandError::usage(format!("`{url}` is no address for a directory: {error}"), USUAL_URL)
    })?;
    let file = folders.data.join("directory.sqlite");
    let failed = |error: StorageError| CommandError::failed(format!("{}: {error}", file.display()));
    let options = DatabaseOptions {
        readers: 1,
        ..DatabaseOptions::new(format!("sqlite:{}", file.display()))
    };
    Database::migrate(&options.url).map_err(failed)?;
    Ok(Directory {
        database: Database::open(&options).map_err(failed)?,
        key: development_keys::signing_key(&folders.keys.join("directory.jwk.json"))?,
        url,
        clock: Clock::System,
    })
}

/// A refusal of a directory that works in this very process.
fn refused(failure: Failure) -> CommandError {
    let error = failure.into_error();
    match error.detail {
        Some(detail) => CommandError::failed(detail),
        None => CommandError::Refused { status: 400, body: error.body() },
    }
}
