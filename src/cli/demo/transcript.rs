//! How the demo prints what happens: each request and answer so that a person can follow them, and
//! the `curl` that repeats them.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::cli::demo::curl;
use crate::cli::demo::exchange::{Answer, Body, Request};
use crate::cli::error::CommandError;

/// Longer texts are cut: a signature says nothing to a reader.
const LONGEST_SHOWN: usize = 72;

/// Where the demo prints, and what has been checked so far.
pub struct Transcript {
    out: Box<dyn Write + Send>,
    colours: bool,
    brief: bool,
    steps: usize,
    /// The signed values whose meaning has been shown.
    explained: BTreeSet<String>,
    /// What differs from what it should be.
    differences: Vec<String>,
    /// How `curl` finds the certificate authority, and how a reader calls this program.
    pub curl: curl::Style,
}

impl std::fmt::Debug for Transcript {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Transcript").field("steps", &self.steps).finish_non_exhaustive()
    }
}

/// Who says something: it decides the colour.
#[derive(Clone, Copy)]
enum Voice {
    Plain,
    Title,
    Aside,
    Good,
    Bad,
}

impl Voice {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Title => "\u{1b}[1m",
            Self::Aside => "\u{1b}[2m",
            Self::Good => "\u{1b}[32m",
            Self::Bad => "\u{1b}[31m",
        }
    }
}

impl Transcript {
    /// A transcript on standard output; brief ones show titles and checks only.
    #[must_use]
    pub fn new(brief: bool, curl: curl::Style) -> Self {
        let out = std::io::stdout();
        let colours = out.is_terminal();
        let (explained, differences) = Default::default();
        Self { out: Box::new(out), colours, brief, steps: 0, explained, differences, curl }
    }

    /// What differed from what it should be.
    #[must_use]
    pub fn differences(&self) -> &[String] {
        &self.differences
    }

    /// A line outside the steps.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub fn line(&mut self, text: &str) -> Result<(), CommandError> {
        self.say(Voice::Plain, text)
    }

    /// Begins a step: what happens, and why.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub fn step(&mut self, title: &str, why: &str) -> Result<(), CommandError> {
        self.steps = self.steps.saturating_add(1);
        let title = format!("\n{}. {title}", self.steps);
        self.say(Voice::Title, &title)?;
        if self.brief { Ok(()) } else { self.say(Voice::Aside, &indented(why, "   ")) }
    }

    /// Shows a request, the `curl` that repeats it, and its answer.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub fn exchange(&mut self, request: &Request, answer: &Answer) -> Result<(), CommandError> {
        if self.brief {
            return Ok(());
        }
        let request_text = indented(&self.request_text(request), "   > ");
        self.say(Voice::Plain, &format!("\n{request_text}"))?;
        let curl = indented(&self.curl.repeat(request), "   ");
        self.say(Voice::Aside, &format!("\n{curl}"))?;
        let answer_text = indented(&self.answer_text(answer), "   < ");
        self.say(Voice::Plain, &format!("\n{answer_text}\n"))
    }

    /// Notes that something is as it should be, or how it differs.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub fn check(&mut self, what: &str, difference: Option<String>) -> Result<(), CommandError> {
        let Some(difference) = difference else {
            return self.say(Voice::Good, &format!("   \u{2713} {what}"));
        };
        let text = format!("{what}: {difference}");
        self.say(Voice::Bad, &format!("   \u{2717} {text}"))?;
        self.differences.push(format!("step {}, {text}", self.steps));
        Ok(())
    }

    /// Checks that a value is what it should be.
    ///
    /// # Errors
    ///
    /// Standard output cannot be written.
    pub fn check_equal(
        &mut self,
        what: &str,
        found: &Value,
        wanted: &Value,
    ) -> Result<(), CommandError> {
        let difference = (found != wanted)
            .then(|| format!("expected {wanted}, found {}", shortened(&found.to_string())));
        self.check(what, difference)
    }

    fn request_text(&mut self, request: &Request) -> String {
        let mut lines = vec![format!("{} {}", request.method, request.url)];
        if let Some(authorization) = &request.authorization {
            lines.push(format!("Authorization: {}", shortened_credentials(&authorization.value)));
        }
        if let Some(proof) = &request.proof {
            lines.push(format!("DPoP: {}", shortened(&proof.value)));
            lines.extend(self.meaning(&proof.value));
        }
        if let Some(content_type) = request.content_type() {
            lines.push(format!("Content-Type: {content_type}"));
            lines.push(String::new());
        }
        match &request.body {
            Body::Empty => {}
            Body::Json(document) => lines.push(pretty(document)),
            Body::Signed(jws) => {
                lines.push(shortened(&jws.value));
                lines.extend(self.meaning(&jws.value));
            }
            Body::Form(parameters) => {
                for (name, given) in parameters {
                    lines.push(format!("{name}={}", shortened(&given.value)));
                    lines.extend(self.meaning(&given.value));
                }
            }
        }
        lines.join("\n")
    }

    fn answer_text(&mut self, answer: &Answer) -> String {
        let status = reqwest::StatusCode::from_u16(answer.status).unwrap_or_default();
        let mut lines = vec![status.to_string()];
        if let Some(challenge) = &answer.challenge {
            lines.push(format!("WWW-Authenticate: {challenge}"));
        }
        if answer.body.is_null() {
            return lines.join("\n");
        }
        lines.push(pretty(&answer.body));
        for name in ["software_statement", "access_token"] {
            let token = answer.body.get(name).and_then(Value::as_str);
            let meaning = token.map(|token| self.meaning(token)).unwrap_or_default();
            if !meaning.is_empty() {
                lines.push(format!("{name} says:"));
                lines.extend(meaning);
            }
        }
        lines.join("\n")
    }

    /// What a signed value says, the first time that it is seen.
    fn meaning(&mut self, value: &str) -> Vec<String> {
        let lines = meaning(value);
        if lines.is_empty() || self.explained.insert(value.to_owned()) { lines } else { Vec::new() }
    }

    fn say(&mut self, voice: Voice, text: &str) -> Result<(), CommandError> {
        let plain = !self.colours || voice.code().is_empty();
        if plain {
            writeln!(self.out, "{text}")?;
        } else {
            writeln!(self.out, "{}{text}\u{1b}[0m", voice.code())?;
        }
        Ok(self.out.flush()?)
    }
}

fn indented(text: &str, margin: &str) -> String {
    text.lines()
        .map(|line| format!("{margin}{line}").trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// What a signed value says; nothing, if it is not signed.
fn meaning(value: &str) -> Vec<String> {
    let part = |text: Option<&str>| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text?).ok()?).ok()
    };
    let mut parts = value.split('.');
    match (part(parts.next()), part(parts.next())) {
        (Some(header), Some(claims)) => vec![
            indented(&format!("header {header}"), "    "),
            indented(&format!("claims {}", pretty(&claims)), "    "),
        ],
        (Some(_) | None, _) => Vec::new(),
    }
}

/// A document, indented, its long texts shortened.
fn pretty(document: &Value) -> String {
    format!("{:#}", shortened_texts(document.clone()))
}

fn shortened_texts(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("eyJ") => Value::String(shortened(&text)),
        Value::Array(elements) => elements.into_iter().map(shortened_texts).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, shortened_texts(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

fn shortened(text: &str) -> String {
    cut(text, LONGEST_SHOWN, 32)
}

/// Credentials are for the wire, not for the eye.
fn shortened_credentials(header: &str) -> String {
    match header.split_once(' ') {
        Some((scheme, credentials)) => format!("{scheme} {}", cut(credentials, 12, 8)),
        None => cut(header, 12, 8),
    }
}

fn cut(text: &str, most: usize, kept: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(kept).collect();
    format!("{beginning}\u{2026} ({length} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_value_is_shown_with_what_it_says() {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let jws =
            format!("{}.{}.{}", part(r#"{"alg":"ES256"}"#), part(r#"{"iss":"x"}"#), "s".repeat(86));
        let lines = meaning(&jws);
        assert!(lines[0].contains("ES256") && lines[1].contains("\"iss\": \"x\""), "{lines:?}");
        assert!(shortened(&jws).contains("characters)"));
        assert!(meaning("branches:read").is_empty());
    }

    #[test]
    fn tokens_inside_a_document_are_shortened() {
        let document = serde_json::json!({ "a": [format!("eyJ{}", "x".repeat(200))], "b": 1 });
        let shown = pretty(&document);
        assert!(shown.contains("203 characters") && shown.len() < 120, "{shown}");
    }
}
