//! `POST /register` (RFC 7591 §3): evidence, partner, decision, one write, answer.

mod evidence;
mod management;
mod partner;
mod record;
mod replacement;
mod trail;
mod view;

pub use management::manage;

use serde_json::{Value, json};

use crate::app::App;
use crate::endpoints::exchange::{Answer, Incoming};
use crate::endpoints::failure::Failure;
use crate::partners::Organisation;
use crate::policy::Decision;
use crate::protocol::{ErrorCode, OAuthError};
use crate::random;
use crate::types::ScopeSet;

use evidence::{Evidence, Proof};
use partner::Partner;
use record::Registration;

/// Registers a software product.
///
/// # Errors
///
/// The request is refused, with everything that is wrong with it; or something of ours is broken.
pub async fn register(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    check_enabled(app)?;
    let proof = Proof::gather(app, incoming).await?;
    let considered = consider(app, incoming, proof, &ScopeSet::default()).await?;
    let Some(owner) = considered.admits() else {
        return Err(refuse(app, &considered, incoming).await);
    };
    let token = random::secret();
    let inserted = Registration::new(&considered, owner, &token, incoming).insert(app).await;
    let client = trail::noted(app, incoming, &considered.proof, inserted).await?;
    let echo = considered.proof.echo();
    Ok(view::answer(app, 201, &client, &echo, &token, Some(considered.shown())))
}

/// A registration that has been proved, looked up and decided, and of which nothing is stored yet.
#[derive(Debug)]
struct Considered {
    proof: Proof,
    evidence: Evidence,
    partner: Partner,
    decision: Decision,
}

/// Considers a registration. What the bank has `withdrawn` from the client is not granted anew.
async fn consider(
    app: &App,
    incoming: &Incoming,
    proof: Proof,
    withdrawn: &ScopeSet,
) -> Result<Considered, Failure> {
    let now = incoming.now;
    let weighed = Evidence::weigh(app, &proof, now).await;
    let evidence = trail::noted(app, incoming, &proof, weighed).await?;
    let partner = Partner::look_up(app, &proof, &evidence).await?;
    trail::noted(app, incoming, &proof, partner.check_software()).await?;
    let mut decision = partner.decide(app, &proof, &evidence, now);
    partner::withhold(&mut decision, withdrawn);
    Ok(Considered { proof, evidence, partner, decision })
}

impl Considered {
    /// The organisation, if something is granted to it or waits for a person (GOV §1.2).
    fn admits(&self) -> Option<&Organisation> {
        let refused = self.decision.approved().is_empty() && self.decision.referred().is_empty();
        self.partner.organisation.as_ref().filter(|_| !refused)
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
    let decision = &considered.decision;
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
        .into()
}
