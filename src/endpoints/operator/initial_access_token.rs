//! Initial access tokens: the bank's leave to register (RFC 7591 §3, REG-I).

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::call::unknown;
use crate::endpoints::operator::error::OperatorError;
use crate::endpoints::operator::error::Problem;
use crate::endpoints::operator::record;
use crate::endpoints::operator::schema::List;
use crate::endpoints::operator::schema::initial_access_token::InitialAccessTokenView;
use crate::endpoints::operator::schema::initial_access_token::IssuedInitialAccessTokenView;
use crate::endpoints::operator::schema::initial_access_token::NewInitialAccessToken;
use crate::endpoints::operator::store::Ended;
use crate::governance::audit::AuditAction;
use crate::partners::InitialAccessToken;
use crate::partners::InitialAccessTokenState;
use crate::random;
use crate::storage::Change;
use crate::types::InitialAccessTokenId;
use crate::types::OrganisationId;
use crate::types::Timestamp;

/// The longest that a token may be good for, in seconds.
const LONGEST_LIFE: i64 = 366 * 86_400;

/// Lists initial access tokens: all, or those of an organisation.
pub async fn list(app: &App, call: &Call<'_>) -> Result<List<InitialAccessTokenView>, Failure> {
    let mut query = call.query();
    let page = query.page();
    let organisation: Option<OrganisationId> = query.parsed("organisation_id");
    query.finish()?;
    let asked = page.and_one_more();
    let found = app
        .database
        .read(move |r| r.initial_access_tokens(organisation.as_ref(), &asked).map_err(Ended::from))
        .await?;
    let now = call.now();
    let view = |found: &InitialAccessToken| InitialAccessTokenView::at(found, now);
    Ok(List::page(found, &page, |found| found.id.to_string(), view))
}

/// Shows an initial access token, not its secret.
pub async fn show(app: &App, call: &Call<'_>) -> Result<InitialAccessTokenView, Failure> {
    let found: InitialAccessToken = record::find(app, call).await?;
    Ok(InitialAccessTokenView::at(&found, call.now()))
}

/// Issues an initial access token. It is in this answer and nowhere else.
pub async fn issue(app: &App, call: &Call<'_>) -> Result<IssuedInitialAccessTokenView, Failure> {
    let new = call.read(NewInitialAccessToken::read)?;
    check(app, &new, call.now())?;
    let secret = random::secret();
    let token = InitialAccessToken {
        id: InitialAccessTokenId::from_random(&random::identifier()),
        secret_hash: secret.hash(),
        purpose: new.purpose,
        organisation_id: new.organisation_id,
        framework: new.framework,
        scope: new.scope,
        most_uses: new.most_uses,
        uses: 0,
        expires_at: new.expires_at,
        state: InitialAccessTokenState::Active,
        created_at: call.now(),
    };
    let actions =
        (AuditAction::InitialAccessTokenIssued, AuditAction::InitialAccessTokenStateChanged);
    let events = call.creation(actions, &token.id, &token, &[InitialAccessTokenState::Active]);
    let issued = app
        .database
        .write(move |w| {
            if w.organisation(&token.organisation_id)?.is_none() {
                return Err(Ended::from(unknown("organisation", &token.organisation_id)));
            }
            w.insert_initial_access_token(&token)?;
            Ok(Change::made(token, events))
        })
        .await?;
    Ok(IssuedInitialAccessTokenView {
        record: InitialAccessTokenView::at(&issued, call.now()),
        token: secret.reveal().to_owned(),
    })
}

/// What only this server and this moment know. A token that names what is not there would let nobody
/// in, and its owner would not know why (PEER-23).
fn check(app: &App, new: &NewInitialAccessToken, now: Timestamp) -> Result<(), OperatorError> {
    let mut problems = Vec::new();
    if let Some(name) = new.framework.as_ref().filter(|name| app.frameworks.named(name).is_none()) {
        let message = format!("no trust framework is called `{name}` here");
        problems.push(Problem::new("/framework", message));
    }
    if new.expires_at <= now || new.expires_at > now.plus(LONGEST_LIFE) {
        problems.push(Problem::new("/expires_at", "it must be in the future, at most a year away"));
    }
    if problems.is_empty() { Ok(()) } else { Err(OperatorError::Invalid(problems)) }
}

/// Steps to another state.
pub async fn change_state(app: &App, call: &Call<'_>) -> Result<InitialAccessTokenView, Failure> {
    let stepped: InitialAccessToken = record::step(app, call).await?;
    Ok(InitialAccessTokenView::at(&stepped, call.now()))
}
