//! What the commands for every kind of record have in common: list, show, create, change, and step
//! to another state.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::cli::error::CommandError;
use crate::cli::operator_api::Connection;
use crate::cli::operator_api::OperatorApi;
use crate::cli::operator_api::segment;
use crate::cli::print;
use crate::cli::print::Column;
use crate::cli::print::Output;

const LARGEST_PAGE: u64 = 200;
/// What is said beside a secret.
const KEEP_SECRET: &str = "keep the secret now: it is not shown again";

/// Which part of a list.
#[derive(Debug, Clone, Args)]
pub struct Paging {
    /// How many records at most, 1 to 200
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=LARGEST_PAGE))]
    limit: u64,
    /// Go on behind this cursor, which the list before ended with
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Every record, however many there are
    #[arg(long, conflicts_with = "after")]
    all: bool,
}

/// A step that stops, starts or ends something.
#[derive(Debug, Clone, Args)]
pub struct Step {
    /// The record's identifier
    id: String,
    /// Why; it is kept in the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// A new secret in the place of the one there is.
#[derive(Debug, Clone, Args)]
pub struct NewSecret {
    /// The record's identifier
    id: String,
    /// Why; it is kept in the audit log
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// For how many seconds the earlier secret stays good beside the new one, at most a week; it ends
    /// at once when absent
    #[arg(long, value_name = "SECONDS")]
    overlap: Option<u32>,
}

/// Which record.
#[derive(Debug, Clone, Args)]
pub struct Which {
    /// The record's identifier
    pub id: String,
}

/// Something to do with the records of one kind, and the server to do it at.
#[derive(Debug, Clone, Args)]
pub struct Operator<A: Subcommand> {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: A,
}

/// Something to do by the operator API.
pub trait Action {
    /// Does it.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the server refuses.
    fn run(self, session: &Session) -> impl Future<Output = Result<(), CommandError>>;
}

impl<A: Action + Subcommand> Operator<A> {
    /// Speaks to the server.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the server refuses.
    pub fn run(self, output: Output) -> Result<(), CommandError> {
        let session = Session { api: self.connection.open()?, output };
        wait_for(self.action.run(&session))
    }
}

/// Runs one conversation with a server to its end.
///
/// # Errors
///
/// As the conversation.
pub fn wait_for(
    conversation: impl Future<Output = Result<(), CommandError>>,
) -> Result<(), CommandError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(conversation)
}

/// A server, and how its answers are to be written.
#[derive(Debug)]
pub struct Session {
    /// The server.
    pub api: OperatorApi,
    /// How results are written.
    pub output: Output,
}

/// One kind of record.
#[derive(Debug, Clone, Copy)]
pub struct Resource {
    /// Where it lives below `/admin/v1`.
    pub path: &'static str,
    /// What a table shows of it.
    pub columns: &'static [Column],
}

impl Resource {
    /// Where one record lives below `/admin/v1`.
    #[must_use]
    pub fn path_of(&self, id: &str) -> String {
        format!("{}/{}", self.path, segment(id))
    }

    /// Lists records.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the server refuses.
    pub async fn list(
        &self,
        session: &Session,
        paging: &Paging,
        filters: &[(&'static str, Option<String>)],
    ) -> Result<(), CommandError> {
        let page = session.pages(self.path, paging, filters).await?;
        print::list(session.output, &page, self.columns)
    }

    /// Shows one record.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the server refuses.
    pub async fn show(&self, session: &Session, which: &Which) -> Result<(), CommandError> {
        session.show(&self.path_of(&which.id)).await
    }

    /// Creates a record and shows it.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the server refuses.
    pub async fn create(&self, session: &Session, body: &Value) -> Result<(), CommandError> {
        shown_once(session, &session.api.post(self.path, body).await?)
    }

    /// Gives a record a new secret and shows it.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the server refuses.
    pub async fn rotate_secret(
        &self,
        session: &Session,
        new: &NewSecret,
    ) -> Result<(), CommandError> {
        let overlap = new.overlap.map(|seconds| json!(seconds));
        let body = body([("reason", Some(json!(new.reason))), ("overlap_seconds", overlap)]);
        let path = format!("{}/secret", self.path_of(&new.id));
        shown_once(session, &session.api.post(&path, &body).await?)
    }

    /// Changes a record and shows it.
    ///
    /// # Errors
    ///
    /// Nothing is to be changed, nobody answers, or the server refuses.
    pub async fn update(
        &self,
        session: &Session,
        id: &str,
        body: &Value,
    ) -> Result<(), CommandError> {
        if body.as_object().is_none_or(Map::is_empty) {
            return Err(CommandError::usage("what shall change?", "`--help` lists the options"));
        }
        print::record(session.output, &session.api.patch(&self.path_of(id), body).await?)
    }

    /// Steps to another state and shows the record.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the server refuses.
    pub async fn step(
        &self,
        session: &Session,
        step: &Step,
        state: &str,
    ) -> Result<(), CommandError> {
        let body = json!({ "state": state, "reason": step.reason });
        let path = format!("{}/state", self.path_of(&step.id));
        print::record(session.output, &session.api.post(&path, &body).await?)
    }
}

/// Shows a record, and says of a secret in it that it will not be seen again.
fn shown_once(session: &Session, record: &Value) -> Result<(), CommandError> {
    print::record(session.output, record)?;
    if session.output == Output::Table && record.get("secret").is_some() {
        print::note(KEEP_SECRET);
    }
    Ok(())
}

impl Session {
    /// Shows what stands at `path`.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the server refuses.
    pub async fn show(&self, path: &str) -> Result<(), CommandError> {
        print::record(self.output, &self.api.get(path, &[]).await?)
    }

    /// Lists what stands at `path`, all of it.
    ///
    /// # Errors
    ///
    /// Nobody answers, or the server refuses.
    pub async fn show_list(&self, path: &str, columns: &[Column]) -> Result<(), CommandError> {
        print::list(self.output, &self.api.get(path, &[]).await?, columns)
    }

    async fn pages(
        &self,
        path: &str,
        paging: &Paging,
        filters: &[(&'static str, Option<String>)],
    ) -> Result<Value, CommandError> {
        let limit = if paging.all { LARGEST_PAGE } else { paging.limit };
        let given = |(name, value): &(&'static str, Option<String>)| Some((*name, value.clone()?));
        let filters: Vec<_> = filters.iter().filter_map(given).collect();
        let mut after = paging.after.clone();
        let mut items = Vec::new();
        loop {
            let mut query = filters.clone();
            query.push(("limit", limit.to_string()));
            query.extend(after.take().map(|after| ("after", after)));
            let mut page = self.api.get(path, &query).await?;
            after = page.get("next").and_then(Value::as_str).map(str::to_owned);
            if let Some(Value::Array(found)) = page.get_mut("items").map(Value::take) {
                items.extend(found);
            }
            if !paging.all || after.is_none() {
                return Ok(json!({ "items": items, "next": after }));
            }
        }
    }
}

/// A body of the members that were given.
#[must_use]
pub fn body<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let given = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect())
}

/// A list as a body carries it, if it was given.
#[must_use]
pub fn list_value(values: &[String]) -> Option<Value> {
    (!values.is_empty()).then(|| values.into())
}
