//! The audit log and the recorded decisions (GOV §7.3).

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::call::unknown;
use crate::endpoints::operator::schema::List;
use crate::endpoints::operator::schema::audit::AuditEventView;
use crate::endpoints::operator::schema::audit::DecisionView;
use crate::endpoints::operator::store::Ended;
use crate::governance::audit::Object;
use crate::storage::AuditFilter;
use crate::types::AuditEventId;
use crate::types::DecisionId;

/// What the identifiers of a kind of record begin with.
const KINDS: [(&str, &str); 10] = [
    ("org_", "organisation"),
    ("agr_", "agreement"),
    ("prd_", "product"),
    ("sfp_", "software"),
    ("cl_", "client"),
    ("crd_", "credential"),
    ("ent_", "entitlement"),
    ("iat_", "initial_access_token"),
    ("rs_", "resource_server"),
    ("key_", "signing_key"),
];

/// The record with this identifier: of the kind that was named, or that the identifier tells.
fn object(id: String, kind: Option<String>) -> Option<Object> {
    let told = || KINDS.iter().find(|(prefix, _)| id.starts_with(prefix)).map(|(_, kind)| *kind);
    let kind = kind.or_else(|| told().map(str::to_owned))?;
    Some(Object { kind, id })
}

/// Lists audit events, the latest first unless `order=oldest`.
pub async fn list(app: &App, call: &Call<'_>) -> Result<List<AuditEventView>, Failure> {
    let mut query = call.query();
    let page = query.page();
    let (id, kind) = (query.text("object_id"), query.text("object_kind"));
    let newest_first = query.read_with("order", |text| match text {
        "newest" => Ok(true),
        "oldest" => Ok(false),
        _ => Err("it must be `newest` or `oldest`"),
    });
    let (since, until) = (query.time("since"), query.time("until"));
    let named = id.is_some();
    let object = id.and_then(|id| object(id, kind));
    if named && object.is_none() {
        query.refuse("object_kind", "it is missing, and `object_id` does not tell it");
    }
    query.finish()?;
    let filter = AuditFilter { object, since, until, newest_first: newest_first.unwrap_or(true) };
    let asked = page.and_one_more();
    let found =
        app.database.read(move |r| r.audit_events(&filter, &asked).map_err(Ended::from)).await?;
    Ok(List::page(found, &page, |found| found.id.to_string(), AuditEventView::of))
}

/// Shows an audit event.
pub async fn show(app: &App, call: &Call<'_>) -> Result<AuditEventView, Failure> {
    const RECORD: &str = "audit event";
    call.no_query()?;
    let id: AuditEventId = call.id(RECORD)?;
    let found = app
        .database
        .read(move |r| r.audit_event(&id)?.ok_or_else(|| Ended::from(unknown(RECORD, &id))))
        .await?;
    Ok(AuditEventView::of(&found))
}

/// Lists the decisions about one client or software product.
pub async fn list_decisions(app: &App, call: &Call<'_>) -> Result<List<DecisionView>, Failure> {
    let mut query = call.query();
    let page = query.page();
    let (id, kind) = (query.text("subject_id"), query.text("subject_kind"));
    let subject = id.and_then(|id| object(id, kind));
    if subject.is_none() {
        let advice = "name a subject: `subject_id`, and `subject_kind` where that does not tell it";
        query.refuse("subject_id", advice);
    }
    query.finish()?;
    let asked = page.and_one_more();
    let Some(subject) = subject else { return Ok(List { items: Vec::new(), next: None }) };
    let found = app
        .database
        .read(move |r| r.decisions_about(&subject, &asked).map_err(Ended::from))
        .await?;
    Ok(List::page(found, &page, |found| found.id.to_string(), DecisionView::of))
}

/// Shows a decision, with every reason.
pub async fn show_decision(app: &App, call: &Call<'_>) -> Result<DecisionView, Failure> {
    const RECORD: &str = "decision";
    call.no_query()?;
    let id: DecisionId = call.id(RECORD)?;
    let found = app
        .database
        .read(move |r| r.decision(&id)?.ok_or_else(|| Ended::from(unknown(RECORD, &id))))
        .await?;
    Ok(DecisionView::of(&found))
}
