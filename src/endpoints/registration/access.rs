//! Who may manage a registration (REG-R): whoever shows the registration access token of the client at
//! this address or, where the framework has it so, an access token that this client has obtained for
//! itself. Everybody else is 401, whoever they are and whatever they ask (REG-H4, H5, R8).

use serde_json::json;

use crate::app::{App, KnownToken};
use crate::endpoints::dpop;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::failure::{Failure, check_fresh};
use crate::endpoints::token_decision;
use crate::governance::audit::{Actor, ActorKind, AuditAction, AuditEvent, Object};
use crate::jose::{HeaderRules, UnverifiedJws};
use crate::partners::{Client, EntitlementState, SoftwareProduct, standing};
use crate::protocol::bearer::{self, Scheme};
use crate::protocol::token::AccessTokenClaims;
use crate::protocol::{ErrorCode, OAuthError};
use crate::random;
use crate::storage::{Change, ClientActivity, StorageError};
use crate::trust::{Framework, Management};
use crate::types::{ClientId, Scope, ScopeSet, Secret};

use super::entity_tag::EntityTag;
use super::management_token;

/// A client whose registration may be managed by whoever is asking.
#[derive(Debug)]
pub(super) struct Managed {
    pub(super) client: Client,
    pub(super) software: SoftwareProduct,
    pub(super) activity: ClientActivity,
    /// The version that was read together with it.
    pub(super) version: EntityTag,
    /// The scopes that the bank has withdrawn from it.
    pub(super) withdrawn: ScopeSet,
    /// Its registration access token, if that is what was shown.
    pub(super) token: Option<Secret>,
}

/// What the database has at an address.
struct Found {
    client: Client,
    software: SoftwareProduct,
    activity: ClientActivity,
    version: EntityTag,
    withdrawn: ScopeSet,
}

/// What everybody is told who may not know more.
pub(super) fn unauthorized() -> OAuthError {
    let description = "the token does not belong to a client at this address";
    OAuthError::new(ErrorCode::InvalidToken, description)
}

/// R3: token **and** URL must name the same living client.
pub(super) async fn authenticate(app: &App, incoming: &Incoming) -> Result<Managed, Failure> {
    let token = bearer::access_token(incoming.authorization.as_ref().map(Secret::reveal));
    // An empty or malformed one is no token, which is 401 here, whatever it is elsewhere (DCR-007).
    let (scheme, token) = token.map_err(|invalid| unauthorized().with_detail(invalid))?;
    let id = ClientId::parse(incoming.segment("client_id")).map_err(|_| unauthorized())?;
    let Some(found) = find(app, &id).await? else {
        revoke_of_the_dead(app, incoming, &token).await?;
        return Err(unauthorized().into());
    };
    let framework = app.frameworks.named(&found.software.framework);
    let shown = match framework.map_or(&Management::RegistrationAccessToken, Framework::management)
    {
        Management::RegistrationAccessToken => {
            let matches = found.client.registration_access_token.matches(&token);
            let ended = management_token::has_ended(framework, &found.client, &token, incoming.now);
            if scheme != Scheme::Bearer || !matches || ended {
                return Err(unauthorized().into());
            }
            Some(token)
        }
        Management::ClientCredentials { scope } => {
            let access = own_token(app, incoming, &id, &token).await?;
            dpop::check_holder(app, incoming, scheme, &token, access.claims()).await?;
            check_scope(app, incoming, access.claims(), scope.as_ref()).await?;
            None
        }
    };
    check_certificate(framework, &found.client, incoming)?;
    let Found { client, software, activity, version, withdrawn } = found;
    Ok(Managed { client, software, activity, version, withdrawn, token: shown })
}

/// The statement that a client was registered with; it was verified when it was presented.
pub(super) fn stored_statement(client: &Client) -> Option<UnverifiedJws> {
    let rules = HeaderRules { certificates: true, embedded_key: false };
    UnverifiedJws::parse_with(&client.software_statement, rules).ok()
}

/// REG-R7, B9, B10: where the framework looks at the presenter's certificate, it does so here as well. The
/// names that are due stand in the statement that the client was registered with.
pub(super) fn check_certificate(
    framework: Option<&Framework>,
    client: &Client,
    incoming: &Incoming,
) -> Result<(), Failure> {
    let Some(framework) = framework.filter(|framework| framework.certificate_on_management())
    else {
        return Ok(());
    };
    let checked = framework.check_certificate(incoming.presented.as_ref(), incoming.now)?;
    let statement = stored_statement(client).ok_or_else(unauthorized)?;
    Ok(framework.check_holder(checked.as_ref(), statement.unverified_claims())?)
}

/// The client at an address, unless there is none or only its tombstone.
async fn find(app: &App, id: &ClientId) -> Result<Option<Found>, Failure> {
    let id = id.clone();
    let found = app.database.read(move |reader| {
        reader.snapshot(|reader| -> Result<_, StorageError> {
            let Some(client) = reader.client(&id)? else { return Ok(None) };
            let software = reader.software_product(&client.software_product_id)?;
            let activity = reader.client_activity(&id)?;
            let version = reader.client_revision(&id)?.map(EntityTag);
            let held = reader.entitlements_of(&id)?.into_iter();
            let revoked = held.filter(|one| one.state == EntitlementState::Revoked);
            let withdrawn = revoked.map(|one| one.scope).collect();
            let found = software.zip(activity).zip(version);
            Ok(found.map(|((software, activity), version)| Found {
                client,
                software,
                activity,
                version,
                withdrawn,
            }))
        })
    });
    Ok(found.await?.filter(|found: &Found| !found.client.state.is_tombstone()))
}

/// An access token of this very client that holds now. Another client's is refused and stays good: a
/// mistyped path must not end it (REG-H5).
async fn own_token(
    app: &App,
    incoming: &Incoming,
    id: &ClientId,
    token: &Secret,
) -> Result<std::sync::Arc<KnownToken>, Failure> {
    check_fresh(&app.database)?;
    let found = app.access_tokens.find(token, &app.token_source(), incoming.now).await?;
    let found = found.filter(|found| found.claims().client_id == *id).ok_or_else(unauthorized)?;
    let known = app.clients.find(&app.database, id).await?.ok_or_else(unauthorized)?;
    let claims = found.claims();
    // What a key obtained ends with the key.
    let credential = claims.client_key.as_deref();
    let lapses =
        credential.map(|name| standing::credential_lapses(known.record(), name, incoming.now));
    if lapses.is_some_and(|lapses| !lapses.is_empty()) {
        return Err(unauthorized().into());
    }
    Ok(found)
}

/// REG-R9, H6: the scope must be in the token, and must be one that the client would get again.
async fn check_scope(
    app: &App,
    incoming: &Incoming,
    claims: &AccessTokenClaims,
    scope: Option<&Scope>,
) -> Result<(), Failure> {
    let Some(scope) = scope else { return Ok(()) };
    let wanted: ScopeSet = [scope.clone()].into_iter().collect();
    let known = app.clients.find(&app.database, &claims.client_id).await?;
    let known = known.ok_or_else(unauthorized)?;
    let (key, bound) = (claims.client_key.as_deref(), claims.cnf.as_ref());
    let decide = || token_decision::decide(app, &known, &wanted, key, bound, incoming.now);
    if claims.scope.contains(scope) && token_decision::approved(&decide()).contains(scope) {
        return Ok(());
    }
    let description = format!("managing a registration here needs the scope `{scope}`");
    Err(OAuthError::new(ErrorCode::InsufficientScope, description).into())
}

/// REG-H4: a token of a client that is there no longer ends for good.
async fn revoke_of_the_dead(app: &App, incoming: &Incoming, token: &Secret) -> Result<(), Failure> {
    let Some(found) = app.access_tokens.find(token, &app.token_source(), incoming.now).await?
    else {
        return Ok(());
    };
    let (id, jti, end) =
        (found.claims().client_id.clone(), found.claims().jti.clone(), found.claims().exp);
    let event = AuditEvent {
        id: random::event_id(incoming.now),
        time: incoming.now,
        actor: Actor { kind: ActorKind::Client, id: id.to_string() },
        action: AuditAction::TokenRevoked,
        object: Object { kind: "token".to_owned(), id: jti.clone() },
        reasons: Vec::new(),
        policy_digest: None,
        request_id: Some(incoming.request_id.clone()),
        detail: json!({ "client_id": id, "because": "its client is there no longer" }),
    };
    let write = app.database.write(move |writer| -> Result<Change<()>, StorageError> {
        let living = writer.client(&id)?.is_some_and(|client| !client.state.is_tombstone());
        if living {
            return Ok(Change::nothing(()));
        }
        writer.revoke_token(&jti, &id, end)?;
        Ok(Change::made((), vec![event]))
    });
    Ok(write.await?)
}
