//! `POST /introspect` (RFC 7662): does this token hold, here and now, for whoever asks?

use std::borrow::Cow;

use crate::app::App;
use crate::endpoints::client_authentication;
use crate::endpoints::exchange::{Answer, Incoming};
use crate::endpoints::failure::{Failure, check_fresh};
use crate::endpoints::json_answer;
use crate::endpoints::token_decision;
use crate::partners::ClientRecord;
use crate::policy::ItemDecision;
use crate::protocol::introspection::{Introspection, IntrospectionRequest};
use crate::protocol::parameters::Parameters;
use crate::protocol::token::AccessTokenClaims;
use crate::types::{ResourceUri, ScopeSet, Timestamp};

/// Answers an introspection request from current standing.
///
/// # Errors
///
/// Whoever asks is not a resource server of ours; or what we know may be out of date, and then
/// nothing is said (SEC-57).
pub async fn introspect(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    let parameters = Parameters::parse(incoming.content_type.as_deref(), &incoming.body, &[])?;
    let asking = client_authentication::resource_server(app, incoming, &parameters).await?;
    check_fresh(&app.database)?;
    let request = IntrospectionRequest::parse(&parameters)?;
    let token = app.access_tokens.find(&request.token, &app.token_source(), incoming.now).await?;
    let Some(token) = token.filter(|token| token.claims().aud.contains(asking.audience())) else {
        return Ok(json_answer(200, &Introspection::Inactive)?);
    };
    let good = in_good_standing(app, token.claims(), asking.audience(), incoming.now).await?;
    let shown = good.as_deref().map_or(Introspection::Inactive, Introspection::Active);
    Ok(json_answer(200, &shown)?)
}

/// The token as far as it holds now for this resource server: the scopes of its own that would be
/// granted again (GOV-AX-1, RFC 7662 §2.2); nothing if none would.
async fn in_good_standing<'a>(
    app: &App,
    claims: &'a AccessTokenClaims,
    audience: &ResourceUri,
    now: Timestamp,
) -> Result<Option<Cow<'a, AccessTokenClaims>>, Failure> {
    let Some(known) = app.clients.find(&app.database, &claims.client_id).await? else {
        return Ok(None);
    };
    let (scope, key, bound) = (&claims.scope, claims.client_key.as_deref(), claims.cnf.as_ref());
    let items = token_decision::decide(app, &known, scope, key, bound, now);
    let scope = still_good(known.record(), &items, audience);
    if scope.is_empty() {
        return Ok(None);
    }
    if scope == claims.scope {
        return Ok(Some(Cow::Borrowed(claims)));
    }
    Ok(Some(Cow::Owned(AccessTokenClaims { scope, ..claims.clone() })))
}

fn still_good(record: &ClientRecord, items: &[ItemDecision], audience: &ResourceUri) -> ScopeSet {
    let approved = items.iter().filter(|decided| decided.is_approved());
    approved
        .map(|decided| decided.item.scope())
        .filter(|scope| record.product(scope).is_some_and(|sold| sold.audience == *audience))
        .cloned()
        .collect()
}
