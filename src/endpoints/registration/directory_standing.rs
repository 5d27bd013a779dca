//! How software stands with its directory, where the framework asks it (REG-S10, S21, L3, L4).
//!
//! Nobody registers whom the directory does not hold active, and whoever it holds so no longer loses
//! access at the next look. What the bank has stopped itself is never touched. The job changes each software product only as it
//! has seen it: several nodes may do it at once.

use std::collections::BTreeMap;

use serde_json::json;

use crate::app::App;
use crate::endpoints::failure::{Broken, Failure};
use crate::governance::audit::{Actor, ActorKind, AuditAction, AuditEvent, Object};
use crate::partners::{SoftwareProduct, SoftwareProductState};
use crate::random;
use crate::remote::{Heard, RemoteError};
use crate::storage::{Change, Page, StorageError, Writer};
use crate::trust::{Framework, Listed, OnOutage, StatementFacts, StatusDirectory, Unlisted};
use crate::types::{DirectoryOrganisationId, OrganisationId, ReasonCode, Timestamp};

use super::partner::unapproved;

/// How many software products are looked at in one read.
const AT_ONCE: u16 = 500;

/// What the lists of a directory say, and how long they have been silent.
struct Lists<'a> {
    directory: &'a StatusDirectory,
    software: Option<(Heard, Unlisted)>,
    organisations: Option<(Heard, Unlisted)>,
}

/// What the directory makes of a software product.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// It vouches for it.
    Active,
    /// It does not.
    Withdrawn(String),
    /// It has not been heard, or does not name it: what was known stays.
    Unknown,
}

impl<'a> Lists<'a> {
    async fn ask(app: &App, directory: &'a StatusDirectory, now: Timestamp) -> Self {
        let rules = app.status_rules(directory);
        let ask = async |list: &Option<crate::trust::StatusList>| {
            let list = list.as_ref()?;
            let heard = app.status_source.ask(list, &rules, directory.refresh_seconds, now).await;
            Some((heard, list.unlisted))
        };
        Self {
            directory,
            software: ask(&directory.software).await,
            organisations: ask(&directory.organisations).await,
        }
    }

    /// Since when one of the lists has been silent for longer than anything that it said counts.
    fn silent_since(&self, now: Timestamp) -> Option<Timestamp> {
        let heard = [&self.software, &self.organisations].into_iter().flatten();
        let silent =
            heard.filter(|(heard, _)| heard.silence.is_some()).map(|(heard, _)| heard.since);
        silent.min().filter(|since| now >= since.plus(self.directory.fail_closed_after_seconds))
    }

    /// Why one of the lists has no news, if it has none.
    fn silence(&self) -> Option<&RemoteError> {
        let mut heard = [&self.software, &self.organisations].into_iter().flatten();
        heard.find_map(|(heard, _)| heard.silence.as_ref())
    }

    /// Whether something has been heard of every list.
    fn all_heard(&self) -> bool {
        let heard = [&self.software, &self.organisations].into_iter().flatten();
        heard.into_iter().all(|(heard, _)| heard.statuses.is_some())
    }

    /// How somebody stands, by what the lists said last.
    fn verdict(&self, software: &str, organisation: &str) -> Verdict {
        let one = |list: &Option<(Heard, Unlisted)>, what: &str, id: &str| {
            let Some((heard, unlisted)) = list else { return Verdict::Active };
            let Some(statuses) = &heard.statuses else { return Verdict::Unknown };
            match (statuses.of(id), unlisted) {
                (Listed::Active, _) => Verdict::Active,
                (Listed::Other(status), _) => {
                    Verdict::Withdrawn(format!("the directory holds the {what} as `{status}`"))
                }
                (Listed::Nowhere, Unlisted::Withdrawn) => {
                    Verdict::Withdrawn(format!("the directory does not name the {what}"))
                }
                (Listed::Nowhere, Unlisted::LastKnown) => Verdict::Unknown,
            }
        };
        let software = one(&self.software, "software", software);
        match (software, one(&self.organisations, "organisation", organisation)) {
            (Verdict::Withdrawn(why), _) | (_, Verdict::Withdrawn(why)) => Verdict::Withdrawn(why),
            (Verdict::Active, Verdict::Active) => Verdict::Active,
            _ => Verdict::Unknown,
        }
    }
}

/// S10: whom the directory does not hold active registers nothing. That it cannot be asked is not the
/// caller's fault.
pub(super) async fn check(
    app: &App,
    framework: &Framework,
    facts: &StatementFacts,
    now: Timestamp,
) -> Result<(), Failure> {
    let Some(directory) = framework.status_directory() else { return Ok(()) };
    let lists = Lists::ask(app, directory, now).await;
    let refuses = directory.on_outage == OnOutage::Refuse || !lists.all_heard();
    if let Some(silence) = lists.silence()
        && (refuses || lists.silent_since(now).is_some())
    {
        return Err(Broken::Remote(silence.to_string()).into());
    }
    let why = match lists.verdict(facts.software_id.as_str(), facts.organisation_id.as_str()) {
        Verdict::Active => return Ok(()),
        Verdict::Withdrawn(why) => why,
        Verdict::Unknown => "the directory does not say how the software stands".to_owned(),
    };
    Err(unapproved(ReasonCode::SoftwareProductNotActive, why).into())
}

/// Brings the standing of every software product up to what its directory says. Returns how many have
/// changed.
///
/// # Errors
///
/// The database cannot be reached, or did not answer in time.
pub async fn look_after(app: &App, now: Timestamp) -> Result<usize, StorageError> {
    let mut changed: usize = 0;
    for framework in &app.frameworks {
        if let Some(directory) = framework.status_directory() {
            let lists = Lists::ask(app, directory, now).await;
            changed = changed.saturating_add(walk(app, framework, &lists, now).await?);
        }
    }
    Ok(changed)
}

/// How often somebody must look, in seconds, if any framework asks its directory.
#[must_use]
pub fn every_seconds(app: &App) -> Option<u64> {
    let directories = app.frameworks.iter().filter_map(Framework::status_directory);
    let shortest = directories.map(|directory| directory.refresh_seconds).min()?;
    u64::try_from(shortest).ok()
}

async fn walk(
    app: &App,
    framework: &Framework,
    lists: &Lists<'_>,
    now: Timestamp,
) -> Result<usize, StorageError> {
    let mut changed: usize = 0;
    let mut page = Page::first(AT_ONCE);
    loop {
        let (name, wanted) = (framework.name().clone(), page.clone());
        let read = move |reader: &mut crate::storage::Reader<'_>| -> Result<_, StorageError> {
            let products = reader.software_products_in(&name, &wanted)?;
            let owners = products.iter().map(|product| product.organisation_id.clone()).collect();
            let owners = reader.directory_ids(&owners)?;
            Ok((products, owners))
        };
        let (products, owners) = app.database.read(read).await?;
        for product in &products {
            if settle(app, lists, product, &owners, now).await? {
                changed = changed.saturating_add(1);
            }
        }
        match products.last() {
            Some(last) if products.len() >= usize::from(AT_ONCE) => {
                page = Page::following(&last.id, AT_ONCE);
            }
            Some(_) | None => return Ok(changed),
        }
    }
}

/// Changes one software product, if the directory's word calls for it.
async fn settle(
    app: &App,
    lists: &Lists<'_>,
    product: &SoftwareProduct,
    owners: &BTreeMap<OrganisationId, DirectoryOrganisationId>,
    now: Timestamp,
) -> Result<bool, StorageError> {
    let owner = owners.get(&product.organisation_id);
    let organisation = owner.map(DirectoryOrganisationId::as_str).unwrap_or_default();
    let verdict = match lists.silent_since(now) {
        Some(since) => {
            Verdict::Withdrawn(format!("the directory has not been heard since {since}"))
        }
        None => lists.verdict(product.software_id.as_str(), organisation),
    };
    let (to, why) = match (product.state, verdict) {
        (SoftwareProductState::Active, Verdict::Withdrawn(why)) => {
            (SoftwareProductState::Withdrawn, why)
        }
        (SoftwareProductState::Withdrawn, Verdict::Active) => {
            (SoftwareProductState::Active, "the directory vouches for it".to_owned())
        }
        _ => return Ok(false),
    };
    let (id, from, event) = (product.id.clone(), product.state, event(product, to, &why, now));
    let write = move |writer: &mut Writer<'_>| -> Result<Change<()>, StorageError> {
        writer.change_software_product_state(&id, from, to)?;
        Ok(Change::made((), vec![event]))
    };
    match app.database.write(write).await {
        Ok(()) => Ok(true),
        // Another node was faster, or the bank has decided otherwise.
        Err(StorageError::Stale { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn event(
    product: &SoftwareProduct,
    to: SoftwareProductState,
    why: &str,
    now: Timestamp,
) -> AuditEvent {
    let withdrawn =
        (to == SoftwareProductState::Withdrawn).then_some(ReasonCode::SoftwareProductNotActive);
    AuditEvent {
        id: random::event_id(now),
        time: now,
        actor: Actor { kind: ActorKind::System, id: "directory_standing".to_owned() },
        action: AuditAction::SoftwareProductStateChanged,
        object: Object { kind: "software".to_owned(), id: product.id.to_string() },
        reasons: withdrawn.into_iter().collect(),
        policy_digest: None,
        request_id: None,
        detail: json!({
            "from": product.state, "to": to, "because": why, "framework": product.framework,
            "software_id": product.software_id,
        }),
    }
}
