//! `demo.json`: everything another program needs to play along.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::error::CommandError;
use crate::cli::private_file;
use crate::jose::SigningKey;
use crate::types::json;

/// What `countersign demo` leaves in its data folder. It holds secrets: mode 0600.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DemoFile {
    /// The authorization server's issuer.
    pub issuer: String,
    /// Its endpoints.
    pub endpoints: Endpoints,
    /// The certificate authority to trust.
    pub ca_file: PathBuf,
    /// The test directory.
    pub directory: DirectoryAddresses,
    /// The partner.
    pub partner: Partner,
    /// The resource server.
    pub resource_server: ResourceServer,
    /// The API products on offer.
    pub products: Vec<Product>,
    /// The partner's agreement.
    pub agreement_id: String,
    /// The operator.
    pub operator: Operator,
}

/// Where the authorization server answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoints {
    /// RFC 7591.
    pub registration: String,
    /// RFC 6749 §3.2.
    pub token: String,
    /// RFC 7662.
    pub introspection: String,
    /// Whether a request to a resource server may pass.
    pub authorize_request: String,
    /// RFC 7009.
    pub revocation: String,
    /// Its public keys.
    pub jwks: String,
    /// RFC 8414.
    pub oauth_authorization_server: String,
    /// OpenID Connect Discovery.
    pub openid_configuration: String,
}

/// Where the test directory answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DirectoryAddresses {
    /// Itself, and the issuer of its statements.
    pub url: String,
    /// Its organisations.
    pub organisations: String,
    /// Their software.
    pub software: String,
    /// Where statements are issued.
    pub statements: String,
    /// Its public keys.
    pub jwks: String,
}

/// The partner and its client.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Partner {
    /// What the bank calls the organisation.
    pub organisation_id: String,
    /// What the directory calls it.
    pub directory_organisation_id: String,
    /// Its software, as the directory calls it.
    pub software_id: String,
    /// Its private key.
    pub private_jwk_file: PathBuf,
    /// The scopes that it asked for.
    pub scopes: Vec<String>,
    /// The client, once it is registered.
    #[serde(flatten)]
    pub registration: Option<Registration>,
    /// The client whose tokens are bound to a key, once it is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proving: Option<Registration>,
}

/// What the registration handed out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registration {
    /// The client.
    pub client_id: String,
    /// Its management URL (RFC 7592).
    pub registration_client_uri: String,
    /// The token for that URL.
    pub registration_access_token: String,
}

/// The resource server and its credentials.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResourceServer {
    /// Where it answers.
    pub url: String,
    /// What the bank calls it.
    pub id: String,
    /// How it authenticates at introspection.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Whose tokens it takes.
    pub audience: String,
}

/// An API product.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Product {
    /// Our identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its scopes.
    pub scopes: Vec<String>,
}

/// The operator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Operator {
    /// Where the operator API answers.
    pub url: String,
    /// The operator's token.
    pub token: String,
    /// Its description.
    pub openapi: String,
}

impl DemoFile {
    /// The file in a data folder.
    #[must_use]
    pub fn path(data: &Path) -> PathBuf {
        data.join("demo.json")
    }

    /// Reads the file of a data folder.
    ///
    /// # Errors
    ///
    /// There is none, or it holds something else.
    pub fn read(data: &Path) -> Result<Self, CommandError> {
        let path = Self::path(data);
        let text = private_file::read(&path)?.ok_or_else(|| {
            CommandError::failed_with(
                format!("there is no `{}`", path.display()),
                "run `countersign demo` first, or name its folder with `--data DIR`",
            )
        })?;
        serde_json::from_str(&text)
            .map_err(|error| CommandError::failed(format!("`{}`: {error}", path.display())))
    }

    /// Writes it.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, data: &Path) -> Result<(), CommandError> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| CommandError::failed(error.to_string()))?;
        Ok(private_file::write(&Self::path(data), &format!("{text}\n"))?)
    }
}

impl Partner {
    /// Reads the partner's private key.
    ///
    /// # Errors
    ///
    /// There is none, or the file holds something else.
    pub fn key(&self) -> Result<SigningKey, CommandError> {
        let path = self.private_jwk_file.display();
        let text = private_file::read(&self.private_jwk_file)?
            .ok_or_else(|| CommandError::failed(format!("there is no `{path}`")))?;
        let jwk = json::parse(text.as_bytes())
            .map_err(|error| CommandError::failed(format!("`{path}`: {error}")))?;
        SigningKey::from_jwk(&jwk)
            .map_err(|error| CommandError::failed(format!("`{path}`: {error}")))
    }
}
