//! The operator HTTP API, from the side of the command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use crate::cli::error::CommandError;
use crate::endpoints::operator::BASE;
use crate::types::Secret;

/// Where `countersign demo` leaves what another program needs.
const DEMO_FILE: &str = "data/demo.json";
const PATIENCE: Duration = Duration::from_secs(30);

/// Which server to speak to, and as whom.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Operator API")]
pub struct Connection {
    /// Address of the operator API, for example `https://localhost:8444`
    #[arg(long, value_name = "URL", env = "COUNTERSIGN_OPERATOR_URL", global = true)]
    operator_url: Option<String>,

    /// File that holds the operator token
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,

    /// The operator token; better given by the environment than on the command line
    #[arg(
        long,
        value_name = "TOKEN",
        env = "COUNTERSIGN_OPERATOR_TOKEN",
        hide_env_values = true,
        hide = true,
        global = true
    )]
    operator_token: Option<String>,

    /// PEM file of the certificate authority that the server's certificate comes from
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CA_FILE", global = true)]
    ca_file: Option<PathBuf>,

    /// Where `countersign demo` wrote address, token and authority; data/demo.json is looked for
    /// when no address is given
    #[arg(long, value_name = "FILE", global = true)]
    demo_file: Option<PathBuf>,
}

/// Address, token and authority, from whatever names them.
struct Whereabouts {
    url: String,
    token: Secret,
    ca_file: Option<PathBuf>,
}

impl Connection {
    /// Finds out where the server is and prepares to speak to it. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// No address or token was given, or a file cannot be read.
    pub fn open(&self) -> Result<OperatorApi, CommandError> {
        let found = self.whereabouts()?;
        let url = reqwest::Url::parse(&found.url)
            .ok()
            .filter(|url| url.scheme() == "https" && url.host().is_some())
            .ok_or_else(|| {
                CommandError::usage(
                    format!("`{}` is not the address of an operator API", found.url),
                    "it begins with https://, for example https://localhost:8444",
                )
            })?;
        let address = url.as_str().trim_end_matches('/').trim_end_matches(BASE);
        let base = format!("{address}{BASE}");
        Ok(OperatorApi { http: http_client(found.ca_file.as_deref())?, base, token: found.token })
    }

    fn whereabouts(&self) -> Result<Whereabouts, CommandError> {
        let demo = self.demo()?;
        let from_demo = |pointer| {
            let text = demo.as_ref()?.pointer(pointer)?.as_str()?;
            Some(text.to_owned())
        };
        let url = self.operator_url.clone().or_else(|| from_demo("/operator/url"));
        let url = url.ok_or_else(|| {
            CommandError::usage(
                "which server?",
                "give `--operator-url https://…:8444` (or COUNTERSIGN_OPERATOR_URL), \
                 or run `countersign demo` here first",
            )
        })?;
        let token = match self.token()? {
            Some(token) => token,
            None => from_demo("/operator/token").map(Secret::new).ok_or_else(|| {
                CommandError::usage(
                    "as whom?",
                    "give `--token-file FILE` or set COUNTERSIGN_OPERATOR_TOKEN; \
                     `countersign keys init` makes a token",
                )
            })?,
        };
        let ca_file = self.ca_file.clone().or_else(|| from_demo("/ca_file").map(PathBuf::from));
        Ok(Whereabouts { url, token, ca_file })
    }

    fn token(&self) -> Result<Option<Secret>, CommandError> {
        if let Some(file) = &self.token_file {
            let token = read(file)?;
            return Ok(Some(Secret::new(String::from_utf8_lossy(&token).trim())));
        }
        Ok(self.operator_token.as_deref().map(Secret::new))
    }

    /// The file that the demo wrote: the one that was named, or, where no server was named, the
    /// usual one if it is there. A demo's token is never sent to another server.
    fn demo(&self) -> Result<Option<Value>, CommandError> {
        let file = match &self.demo_file {
            Some(file) => file.as_path(),
            None if self.operator_url.is_none() && Path::new(DEMO_FILE).is_file() => {
                Path::new(DEMO_FILE)
            }
            None => return Ok(None),
        };
        let not_json = |error| CommandError::failed(format!("{}: {error}", file.display()));
        serde_json::from_slice(&read(file)?).map(Some).map_err(not_json)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(file).map_err(|error| {
        CommandError::failed_with(
            format!("cannot read {}: {error}", file.display()),
            "check the path and who may read it",
        )
    })
}

fn http_client(ca_file: Option<&Path>) -> Result<reqwest::Client, CommandError> {
    install_crypto();
    let builder = reqwest::Client::builder()
        .https_only(true)
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none());
    let builder = match ca_file {
        Some(file) => {
            let authorities = reqwest::Certificate::from_pem_bundle(&read(file)?)
                .map_err(|error| CommandError::failed(format!("{}: {error}", file.display())))?;
            builder.tls_certs_only(authorities)
        }
        None => builder,
    };
    builder.build().map_err(|error| CommandError::failed(causes(&error)))
}

/// rustls asks for its cryptography once per process; whoever is second finds it installed.
fn install_crypto() {
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A server, and who we are to it.
#[derive(Debug)]
pub struct OperatorApi {
    http: reqwest::Client,
    base: String,
    token: Secret,
}

impl OperatorApi {
    /// `GET`.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the server refuses.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, CommandError> {
        let mut url = format!("{}{path}", self.base);
        if !query.is_empty() {
            let query =
                url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
            url = format!("{url}?{query}");
        }
        self.send(Method::GET, url, None).await
    }

    /// `POST`.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the server refuses.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, CommandError> {
        self.send(Method::POST, format!("{}{path}", self.base), Some(body)).await
    }

    /// `PATCH`.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the server refuses.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, CommandError> {
        self.send(Method::PATCH, format!("{}{path}", self.base), Some(body)).await
    }

    async fn send(
        &self,
        method: Method,
        url: String,
        body: Option<&Value>,
    ) -> Result<Value, CommandError> {
        let mut request = self.http.request(method, url).bearer_auth(self.token.reveal());
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        Err(CommandError::Refused { status: status.as_u16(), body })
    }

    fn unreachable(&self, error: &reqwest::Error) -> CommandError {
        let cause = causes(error);
        let hint = if cause.contains("certificate") || cause.contains("UnknownIssuer") {
            "the server's certificate is not trusted here: name its authority with `--ca-file FILE`"
        } else {
            "is the server running, and is this its operator listener? `countersign doctor` looks"
        };
        CommandError::Unreachable { address: self.base.clone(), cause, hint: hint.to_owned() }
    }
}

/// An error and everything beneath it, in one line, without the address that is named anyway.
fn causes(error: &dyn std::error::Error) -> String {
    let deeper = std::iter::successors(error.source(), |error| error.source());
    deeper.last().map_or_else(|| error.to_string(), ToString::to_string)
}

/// A value of a path, escaped, so that an identifier cannot lead elsewhere.
#[must_use]
pub fn segment(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_cannot_lead_to_another_address() {
        assert_eq!(segment("org_a-1"), "org_a-1");
        assert_eq!(segment("../x?y#z%"), "%2E%2E%2Fx%3Fy%23z%25");
    }
}
