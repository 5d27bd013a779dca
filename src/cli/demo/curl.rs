//! The `curl` that repeats a request.

use std::path::{Path, PathBuf};

use reqwest::Method;

use crate::cli::demo::exchange::{Body, Given, Request};

/// How files and this program are called by a reader who pastes a command.
#[derive(Debug, Clone)]
pub struct Style {
    /// The certificate authority, as `curl` is told.
    pub authority: String,
    /// This program.
    pub program: String,
    /// Its `partner` command, with the option that names the demo's data folder.
    pub partner: String,
    /// The option by which operators' commands find the demo; empty where they find it themselves.
    pub demo_option: String,
    /// The authorization server's settings.
    pub settings: String,
}

impl Style {
    /// Paths as short as they can be written in the current folder.
    #[must_use]
    pub fn new(authority: &Path, data: &Path) -> Self {
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("countersign"));
        let program = quoted(&relative(&program));
        let settings = quoted(&relative(&data.join("countersign.toml")));
        let data = relative(data);
        let (option, demo_option) = if data == "data" {
            Default::default()
        } else {
            let file = Path::new(&data).join("demo.json").display().to_string();
            (format!(" --data {}", quoted(&data)), format!(" --demo-file {}", quoted(&file)))
        };
        Self {
            authority: quoted(&relative(authority)),
            partner: format!("{program} partner{option}"),
            program,
            demo_option,
            settings,
        }
    }

    /// Shell words that make a fresh value: a statement, a registration, an assertion, a token.
    #[must_use]
    pub fn fresh(&self, what: &str) -> String {
        format!("$({} {what})", self.partner)
    }

    /// The command that repeats a request.
    #[must_use]
    pub fn repeat(&self, request: &Request) -> String {
        let mut words = vec![format!("curl --cacert {}", self.authority)];
        let implied = if matches!(request.body, Body::Empty) { Method::GET } else { Method::POST };
        if request.method != implied {
            words.push(format!("-X {}", request.method));
        }
        words.extend(request.authorization.as_ref().map(credentials));
        words.extend(
            request.proof.as_ref().map(|proof| format!("-H {}", argument("DPoP: ", proof))),
        );
        match &request.body {
            Body::Empty => {}
            Body::Json(document) => {
                words.push("-H 'Content-Type: application/json'".to_owned());
                words.push(format!("-d {}", quoted(&document.to_string())));
            }
            Body::Signed(jws) => {
                words.push("-H 'Content-Type: application/jose'".to_owned());
                words.push(format!("-d {}", argument("", jws)));
            }
            Body::Form(parameters) => words.extend(parameters.iter().map(|(name, given)| {
                format!("--data-urlencode {}", argument(&format!("{name}="), given))
            })),
        }
        words.push(quoted(&request.url));
        words.join(" \\\n    ")
    }
}

/// The `Authorization` header; a name and password are told as such.
fn credentials(given: &Given) -> String {
    match &given.again {
        Some(words) if given.value.starts_with("Basic ") => format!("-u \"{words}\""),
        Some(_) | None => format!("-H {}", argument("Authorization: ", given)),
    }
}

fn argument(prefix: &str, given: &Given) -> String {
    match &given.again {
        Some(words) => format!("\"{prefix}{words}\""),
        None => quoted(&format!("{prefix}{}", given.value)),
    }
}

/// Shell words that read a file.
#[must_use]
pub fn reading(file: &Path) -> String {
    format!("$(cat {})", quoted(&relative(file)))
}

/// A path, relative to the current folder where it lies below it.
#[must_use]
pub fn relative(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

/// A word as a shell reads it.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn style() -> Style {
        Style {
            authority: "keys/ca.pem".to_owned(),
            program: "countersign".to_owned(),
            partner: "countersign partner".to_owned(),
            demo_option: String::new(),
            settings: "data/countersign.toml".to_owned(),
        }
    }

    #[test]
    fn a_value_that_serves_once_is_made_anew() {
        let style = style();
        let assertion = Given::once("eyJ", style.fresh("assertion"));
        let request = Request::post(
            "https://localhost:8443/token",
            Body::Form(vec![
                ("grant_type", Given::lasting("client_credentials")),
                ("client_assertion", assertion),
            ]),
        );
        assert_eq!(
            style.repeat(&request),
            "curl --cacert keys/ca.pem \\\n    \
             --data-urlencode grant_type=client_credentials \\\n    \
             --data-urlencode \"client_assertion=$(countersign partner assertion)\" \\\n    \
             https://localhost:8443/token"
        );
    }

    #[test]
    fn a_shell_reads_back_what_was_written() {
        let request = Request::post("https://localhost/", Body::Json(json!({ "name": "O'Neill" })));
        assert!(style().repeat(&request).contains(r#"-d '{"name":"O'\''Neill"}'"#));
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("a b"), "'a b'");
    }
}
