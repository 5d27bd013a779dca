//! `POST /register` (RFC 7591 §3): evidence, partner, decision, one write, answer.

mod access;
pub mod directory_standing;
mod entity_tag;
mod evidence;
mod existing;
mod initial_access;
mod lost_secret;
mod management;
mod management_token;
mod partner;
mod plan;
mod quota;
mod record;
mod recovery;
mod replacement;
mod retry;
mod trail;
pub mod unused;
mod view;

pub use management::manage;
pub use plan::plan;
pub use recovery::recover;

use serde_json::{Value, json};

use crate::app::App;
use crate::endpoints::client_secret;
use crate::endpoints::exchange::{Answer, Incoming};
use crate::endpoints::failure::Failure;
use crate::partners::{Client, Organisation};
use crate::policy::Decision;
use crate::protocol::{ErrorCode, OAuthError};
use crate::storage::StorageError;
use crate::trust::Duplicates;
use crate::types::{ScopeSet, Timestamp};

use entity_tag::EntityTag;
use evidence::{Evidence, Proof};
use existing::{Because, Living};
use initial_access::Leave;
use partner::Partner;
use record::{Registration, Stopped};
use retry::Retry;
use view::View;

/// Registers a software product.
///
/// # Errors
///
/// The request is refused, with everything that is wrong with it; or something of ours is broken.
pub async fn register(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    check_enabled(app)?;
    let leave = Leave::present(app, incoming).await?;
    let mut proof = Proof::verify(app, incoming).await?;
    let known = Known { ceiling: leave.ceiling(), ..Known::default() };
    let merged = leave.check_framework(&proof.framework).and_then(|()| merge(app, &proof, &known));
    if merged.as_ref().is_ok_and(|evidence| goes_straight(incoming, &proof, evidence)) {
        proof.burn_both(app, incoming.now).await?;
    } else {
        proof.burn_request(app, incoming.now).await?;
    }
    let evidence = trail::noted(app, incoming, &proof, merged).await?;
    let checked = evidence.check_sector(app, &proof).await;
    trail::noted(app, incoming, &proof, checked).await?;
    let retry = Retry::of(incoming, &proof, &evidence)?;
    if let Some(id) = first_time(app, incoming, &proof, retry.as_ref()).await? {
        return Box::pin(existing::again(app, incoming, &proof, (id, Because::Retry))).await;
    }
    let paced = quota::pace(app, &proof, incoming.now).await;
    trail::noted(app, incoming, &proof, paced).await?;
    let living = match proof.framework.duplicates() {
        Duplicates::Update => Living::of_software(app, &proof).await?,
        Duplicates::Reject | Duplicates::IdempotentReturn | Duplicates::AllowMany { .. } => None,
    };
    match living {
        Some(living) => Box::pin(update(app, incoming, (proof, evidence), living)).await,
        None => Box::pin(create(app, incoming, (proof, evidence), (leave, retry))).await,
    }
}

/// Whether nothing can stop a registration between the use of its request and that of its statement: no
/// document to fetch, no rate, no repetition of an earlier request and no client to replace.
fn goes_straight(incoming: &Incoming, proof: &Proof, evidence: &Evidence) -> bool {
    incoming.idempotency_key.is_none()
        && !evidence.refers_elsewhere()
        && !quota::is_counted(proof)
        && proof.framework.duplicates() != Duplicates::Update
}

/// The client that an earlier request with the same `Idempotency-Key` made.
async fn first_time(
    app: &App,
    incoming: &Incoming,
    proof: &Proof,
    retry: Option<&Retry>,
) -> Result<Option<crate::types::ClientId>, Failure> {
    let Some(retry) = retry else { return Ok(None) };
    let found = retry.find(app, incoming.now).await;
    trail::noted(app, incoming, proof, found).await
}

/// REG-UD3: software that has a client replaces its registration, or cancels it.
async fn update(
    app: &App,
    incoming: &Incoming,
    (proof, evidence): (Proof, Evidence),
    living: Living,
) -> Result<Answer, Failure> {
    let whose = (&living.client.id, &living.software);
    let checked = match management::check_presenter(app, whose, &proof, incoming.now).await {
        Ok(()) => management::check_in_use(&living.client),
        refused => refused,
    };
    trail::noted(app, incoming, &proof, checked).await?;
    let known = Known::of(app, &living.client, living.withdrawn.clone()).await?;
    let cancels = evidence.metadata.grant_types.is_empty();
    if cancels {
        let burnt = proof.burn_statement(app, incoming.now).await;
        trail::noted(app, incoming, &proof, burnt).await?;
        return existing::cancel(app, incoming, &living).await;
    }
    let considered = settle(app, incoming, (proof, evidence), &known).await?;
    if considered.admits().is_none() {
        return Err(refuse(app, &considered, incoming).await);
    }
    existing::update(app, incoming, &considered, living).await
}

/// A new client, unless the software has one and may not have another.
async fn create(
    app: &App,
    incoming: &Incoming,
    (proof, evidence): (Proof, Evidence),
    (leave, retry): (Leave, Option<Retry>),
) -> Result<Answer, Failure> {
    let burnt = proof.burn_statement(app, incoming.now).await;
    if burnt.as_ref().is_err_and(retry::may_be_a_race)
        && let Some(id) = first_time(app, incoming, &proof, retry.as_ref()).await?
    {
        return Box::pin(existing::again(app, incoming, &proof, (id, Because::Retry))).await;
    }
    trail::noted(app, incoming, &proof, burnt).await?;
    let known = Known { ceiling: leave.ceiling(), ..Known::default() };
    let considered = judge(app, incoming, (proof, evidence), &known).await?;
    let organisation = considered.partner.organisation();
    let allowed = leave.check_use(organisation, incoming.now);
    trail::noted(app, incoming, &considered.proof, allowed).await?;
    let Some(owner) = considered.admits() else {
        return Err(refuse(app, &considered, incoming).await);
    };
    let token = management_token::new(Some(&considered.proof.framework), incoming.now);
    let mut registration = Registration::new(&considered, owner, &token, incoming);
    let secret = client_secret::make(app, &registration.client, incoming.now)?;
    registration.credentials.extend(secret.iter().map(|new| new.credential.clone()));
    match registration.insert(app, leave, retry.clone()).await {
        Ok(client) => Ok(View {
            client: &client,
            framework: Some(&considered.proof.framework),
            echo: &considered.proof.echo(),
            token: Some(&token),
            secret: secret.as_ref(),
            version: EntityTag(1),
            activity: None,
            decisions: Some(considered.shown()),
        }
        .answer(app, 201)),
        Err(Stopped::Taken(id)) => {
            Box::pin(existing::again(app, incoming, &considered.proof, (id, Because::Duplicate)))
                .await
        }
        Err(Stopped::Retried) => {
            let id = first_time(app, incoming, &considered.proof, retry.as_ref()).await?;
            let id = id.ok_or_else(existing::meanwhile)?;
            Box::pin(existing::again(app, incoming, &considered.proof, (id, Because::Retry))).await
        }
        Err(Stopped::Failed(failure)) => {
            trail::noted(app, incoming, &considered.proof, Err(failure)).await
        }
    }
}

/// A registration that has been proved, looked up and decided, and of which nothing is stored yet.
#[derive(Debug)]
struct Considered {
    proof: Proof,
    evidence: Evidence,
    partner: Partner,
    decision: Decision,
}

/// What binds a registration beside its evidence.
#[derive(Debug, Clone, Default)]
struct Known {
    /// What the bank has withdrawn from the client is not granted anew.
    withdrawn: ScopeSet,
    /// What the initial access token that let it in allows.
    ceiling: Option<ScopeSet>,
    /// The digest of the statement that the client was registered with.
    statement: Option<String>,
}

impl Known {
    /// What binds an update of a client.
    async fn of(app: &App, client: &Client, withdrawn: ScopeSet) -> Result<Self, Failure> {
        let id = client.id.clone();
        let token = app.database.read(move |reader| -> Result<_, StorageError> {
            match reader.initial_access_token_of(&id)? {
                Some(token) => reader.initial_access_token(&token),
                None => Ok(None),
            }
        });
        let ceiling = token.await?.and_then(|token| token.scope);
        Ok(Self { withdrawn, ceiling, statement: Some(client.provenance.digest.clone()) })
    }
}

/// Statement and request as one, within what binds them. Nothing is used up by it.
async fn weigh(app: &App, proof: &Proof, known: &Known) -> Result<Evidence, Failure> {
    let evidence = merge(app, proof, known)?;
    evidence.check_sector(app, proof).await?;
    Ok(evidence)
}

/// The same without what has to be fetched for it.
fn merge(app: &App, proof: &Proof, known: &Known) -> Result<Evidence, Failure> {
    let mut evidence = Evidence::merge(app, proof)?;
    initial_access::narrow(&mut evidence, known.ceiling.as_ref())?;
    Ok(evidence)
}

/// Considers an update.
async fn consider(
    app: &App,
    incoming: &Incoming,
    proof: Proof,
    known: &Known,
) -> Result<Considered, Failure> {
    let evidence = trail::noted(app, incoming, &proof, weigh(app, &proof, known).await).await?;
    settle(app, incoming, (proof, evidence), known).await
}

/// Uses the statement up, and decides. Where the framework has it so, the statement that a client was
/// registered with may be shown again (REG-U5, DCR-008).
async fn settle(
    app: &App,
    incoming: &Incoming,
    (proof, evidence): (Proof, Evidence),
    known: &Known,
) -> Result<Considered, Failure> {
    let same = known.statement.as_deref() == Some(proof.statement.digest());
    if !proof.stands && (!same || proof.framework.statement_on_update()) {
        let burnt = proof.burn_statement(app, incoming.now).await;
        trail::noted(app, incoming, &proof, burnt).await?;
    }
    judge(app, incoming, (proof, evidence), known).await
}

/// Looks the partner up and decides, and writes a refusal down.
async fn judge(
    app: &App,
    incoming: &Incoming,
    (proof, evidence): (Proof, Evidence),
    known: &Known,
) -> Result<Considered, Failure> {
    let judged = opinion(app, (&proof, &evidence), known, incoming.now).await;
    let (partner, decision) = trail::noted(app, incoming, &proof, judged).await?;
    Ok(Considered { proof, evidence, partner, decision })
}

/// What the bank makes of a registration.
async fn opinion(
    app: &App,
    (proof, evidence): (&Proof, &Evidence),
    known: &Known,
    now: Timestamp,
) -> Result<(Partner, Decision), Failure> {
    let partner = Partner::look_up(app, proof, evidence).await?;
    partner.check_software()?;
    let mut decision = partner.decide(app, proof, evidence, now);
    partner::withhold(&mut decision, &known.withdrawn);
    Ok((partner, decision))
}

impl Considered {
    /// The organisation, if something is granted to it or waits for a person (GOV §1.2).
    fn admits(&self) -> Option<&Organisation> {
        let refused = self.decision.approved().is_empty() && self.decision.referred().is_empty();
        self.partner.organisation().filter(|_| !refused)
    }

    /// What was decided, for the answer.
    fn shown(&self) -> Value {
        json!(self.decision.items)
    }
}

/// REG-E12: where registration is off, there is nothing at its address.
fn check_enabled(app: &App) -> Result<(), Failure> {
    if app.features.registration {
        return Ok(());
    }
    Err(OAuthError::new(ErrorCode::NotFound, "there is nothing at this address").into())
}

/// The refusal, every reason in it, after it has been written down.
async fn refuse(app: &App, considered: &Considered, incoming: &Incoming) -> Failure {
    if let Err(broken) = trail::refusal(app, considered, incoming).await {
        return broken;
    }
    refusal(&considered.decision).into()
}

/// What somebody is told to whom nothing is granted.
fn refusal(decision: &Decision) -> OAuthError {
    let description = match decision.items.len() {
        0 => {
            "no scope is asked for, so there is nothing to grant: name scopes in `scope`".to_owned()
        }
        1 => "the requested scope cannot be granted; see `decisions` for the reasons".to_owned(),
        count => format!(
            "none of the {count} requested scopes can be granted; see `decisions` for the reasons"
        ),
    };
    let codes = decision.codes();
    let errors = decision.items.iter().filter_map(|item| item.error.as_deref());
    let detail: Vec<_> = codes.iter().map(|code| code.as_str()).chain(errors).collect();
    OAuthError::new(ErrorCode::UnapprovedSoftwareStatement, description)
        .with_member("decisions", json!(decision.items))
        .with_member("policy_digest", decision.policy_digest.as_str())
        .with_detail(detail.join(", "))
}
