//! `POST /introspect` (RFC 7662): does this token hold, here and now, for whoever asks?

use std::sync::Arc;

use crate::app::App;
use crate::app::KnownClient;
use crate::app::KnownToken;
use crate::endpoints::client_authentication;
use crate::endpoints::exchange::{Answer, Incoming};
use crate::endpoints::failure::{Failure, check_fresh};
use crate::endpoints::json_answer;
use crate::endpoints::token_decision;
use crate::partners::{ClientRecord, Environment};
use crate::policy::ItemDecision;
use crate::protocol::introspection::{
    ActiveToken, EntitlementBasis, Introspection, IntrospectionRequest,
};
use crate::protocol::parameters::Parameters;
use crate::protocol::token::AccessTokenClaims;
use crate::types::{ResourceUri, Scope, ScopeSet, Secret, Timestamp};

/// Answers an introspection request from current standing.
///
/// # Errors
///
/// Whoever asks is not a resource server of ours; or what we know may be out of date, and then
/// nothing is said (SEC-57).
pub async fn introspect(app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
    let parameters = Parameters::parse(incoming.content_type.as_deref(), &incoming.body, &[])?;
    let asking = client_authentication::resource_server(app, incoming, &parameters).await?;
    let request = IntrospectionRequest::parse(&parameters)?;
    let good = good_token(app, &request.token, asking.audience(), incoming.now).await?;
    let environment = app.settings.server.environment;
    let shown = good.as_ref().map_or(Introspection::Inactive, |good| {
        Introspection::Active(good.shown_to(asking.audience(), environment, incoming.now))
    });
    Ok(json_answer(200, &shown)?)
}

/// An access token that holds now for one resource server.
#[derive(Debug)]
pub struct GoodToken {
    token: Arc<KnownToken>,
    client: Arc<KnownClient>,
    scope: ScopeSet,
}

impl GoodToken {
    /// What the token says.
    #[must_use]
    pub fn claims(&self) -> &AccessTokenClaims {
        self.token.claims()
    }

    /// Those of its scopes that are the resource server's and hold now.
    #[must_use]
    pub const fn scope(&self) -> &ScopeSet {
        &self.scope
    }

    /// What the resource server of this audience is told.
    #[must_use]
    pub fn shown_to<'a>(
        &'a self,
        audience: &'a ResourceUri,
        environment: Environment,
        now: Timestamp,
    ) -> ActiveToken<'a> {
        let record = self.client.record();
        let bases = self.scope.iter().filter_map(|scope| basis(record, scope, environment, now));
        ActiveToken {
            claims: self.claims(),
            audience,
            scope: &self.scope,
            entitlements: bases.collect(),
        }
    }
}

/// What the scope rests on.
fn basis<'a>(
    record: &'a ClientRecord,
    scope: &'a Scope,
    environment: Environment,
    now: Timestamp,
) -> Option<EntitlementBasis<'a>> {
    let held = record.entitlement(scope)?;
    let agreement = record.agreement(&held.product_id, environment, now);
    Some(EntitlementBasis {
        id: &held.id,
        scope,
        agreement: agreement.map(|agreement| &agreement.id),
        exp: held.expires_at,
    })
}

/// The token, if it holds now for the resource server of this audience: with the scopes of its own
/// that would be granted again (GOV-AX-1, RFC 7662 §2.2), of which there is at least one.
///
/// # Errors
///
/// What we know may be out of date, or the store fails.
pub async fn good_token(
    app: &App,
    token: &Secret,
    audience: &ResourceUri,
    now: Timestamp,
) -> Result<Option<GoodToken>, Failure> {
    check_fresh(&app.database)?;
    let token = app.access_tokens.find(token, &app.token_source(), now).await?;
    let Some(token) = token.filter(|token| token.claims().aud.contains(audience)) else {
        return Ok(None);
    };
    let claims = token.claims();
    let Some(client) = app.clients.find(&app.database, &claims.client_id).await? else {
        return Ok(None);
    };
    let (key, bound) = (claims.client_key.as_deref(), claims.cnf.as_ref());
    let items = token_decision::decide(app, &client, &claims.scope, key, bound, now);
    let scope = still_good(client.record(), &items, audience);
    Ok((!scope.is_empty()).then_some(GoodToken { token, client, scope }))
}

fn still_good(record: &ClientRecord, items: &[ItemDecision], audience: &ResourceUri) -> ScopeSet {
    let approved = items.iter().filter(|decided| decided.is_approved());
    approved
        .map(|decided| decided.item.scope())
        .filter(|scope| record.product(scope).is_some_and(|sold| sold.audience == *audience))
        .cloned()
        .collect()
}
