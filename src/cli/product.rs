//! `countersign product`: API products.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::error::CommandError;
use crate::cli::resource::Action;
use crate::cli::resource::Paging;
use crate::cli::resource::Resource;
use crate::cli::resource::Session;
use crate::cli::resource::Step;
use crate::cli::resource::Which;
use crate::cli::resource::body;

const PRODUCTS: Resource = Resource {
    path: "/products",
    columns: &[
        ("ID", "/id"),
        ("STATE", "/state"),
        ("LIVE", "/live_now"),
        ("NAME", "/name"),
        ("AUDIENCE", "/audience"),
        ("SCOPES", "/scopes/*/scope"),
    ],
};

/// What to do with API products.
#[derive(Debug, Subcommand)]
pub enum ProductCommand {
    /// List API products
    List {
        /// Which part of the list.
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one API product
    Show(Which),
    /// Record an API product; it begins as `draft`, and cannot be used
    #[command(after_help = "Example:\n  countersign product create --name 'Accounts v1' \
        --audience https://api.bank.example/accounts --scope accounts:read=T2 \
        --scope balances:read=T2:300 --publish\n\n\
        A scope is written as NAME=TIER or NAME=TIER:SECONDS (the longest life of a token).")]
    Create(NewProduct),
    /// Change name, scopes or sunset
    #[command(after_help = "Example:\n  countersign product update prd_… --sunset 2027-06-30")]
    Update(Changes),
    /// Offer it: draft → published, or take back a deprecation
    Publish(Step),
    /// Announce its end: it lives until its sunset, which must be set first
    Deprecate(Step),
    /// End it now; this cannot be undone
    Retire(Step),
}

/// An API product to record.
#[derive(Debug, Args)]
pub struct NewProduct {
    /// What the bank calls it
    #[arg(long)]
    name: String,
    /// The resource server that serves it: an absolute URI (RFC 8707)
    #[arg(long, value_name = "URI")]
    audience: String,
    /// A scope that can be asked for; may be repeated
    #[arg(long = "scope", value_name = "NAME=TIER[:SECONDS]", required = true, value_parser = scope)]
    scopes: Vec<Value>,
    /// Publish it at once
    #[arg(long)]
    publish: bool,
}

/// What is different now.
#[derive(Debug, Args)]
pub struct Changes {
    /// The product's identifier
    id: String,
    /// What the bank calls it
    #[arg(long)]
    name: Option<String>,
    /// A scope that can be asked for; may be repeated, and replaces those there are
    #[arg(long = "scope", value_name = "NAME=TIER[:SECONDS]", value_parser = scope)]
    scopes: Vec<Value>,
    /// When it ends once it is deprecated
    #[arg(long, value_name = "TIME")]
    sunset: Option<String>,
    /// It has no end
    #[arg(long, conflicts_with = "sunset")]
    no_sunset: bool,
}

fn scope(text: &str) -> Result<Value, String> {
    let form = "it is written as NAME=TIER or NAME=TIER:SECONDS, for example accounts:read=T2:300";
    let (name, risk) = text.rsplit_once('=').ok_or(form)?;
    let Some((tier, seconds)) = risk.split_once(':') else {
        return Ok(json!({ "scope": name, "tier": risk }));
    };
    let seconds: i64 = seconds.parse().map_err(|_| form)?;
    Ok(json!({ "scope": name, "tier": tier, "max_token_seconds": seconds }))
}

impl Action for ProductCommand {
    async fn run(self, session: &Session) -> Result<(), CommandError> {
        let (step, state) = match self {
            Self::List { paging } => return PRODUCTS.list(session, &paging, &[]).await,
            Self::Show(which) => return PRODUCTS.show(session, &which).await,
            Self::Create(new) => return PRODUCTS.create(session, &new.body()).await,
            Self::Update(changes) => {
                return PRODUCTS.update(session, &changes.id, &changes.body()).await;
            }
            Self::Publish(step) => (step, "published"),
            Self::Deprecate(step) => (step, "deprecated"),
            Self::Retire(step) => (step, "retired"),
        };
        PRODUCTS.step(session, &step, state).await
    }
}

impl NewProduct {
    fn body(&self) -> Value {
        body([
            ("name", Some(self.name.as_str().into())),
            ("audience", Some(self.audience.as_str().into())),
            ("scopes", Some(self.scopes.clone().into())),
            ("publish", Some(self.publish.into())),
        ])
    }
}

impl Changes {
    fn body(&self) -> Value {
        let sunset =
            if self.no_sunset { Some(Value::Null) } else { self.sunset.clone().map(Value::from) };
        body([
            ("name", self.name.clone().map(Value::from)),
            ("scopes", (!self.scopes.is_empty()).then(|| self.scopes.clone().into())),
            ("sunset", sunset),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_written_with_its_tier_and_perhaps_its_seconds() {
        assert_eq!(scope("a:b=T2").unwrap(), json!({"scope": "a:b", "tier": "T2"}));
        assert_eq!(
            scope("a:b=T2:300").unwrap(),
            json!({"scope": "a:b", "tier": "T2", "max_token_seconds": 300})
        );
        for bad in ["a:b", "a=T2:", "a=T2:x", ""] {
            assert!(scope(bad).is_err(), "{bad}");
        }
    }
}
