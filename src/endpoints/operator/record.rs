//! What all records have in common for an operator: they are found by their identifier, and they
//! step from state to state.

use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value;

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::call::check_step;
use crate::endpoints::operator::call::stepped_detail;
use crate::endpoints::operator::call::unknown;
use crate::endpoints::operator::error::OperatorError;
use crate::endpoints::operator::schema::state_change::Step;
use crate::endpoints::operator::store::Ended;
use crate::governance::audit::AuditAction;
use crate::partners;
use crate::partners::State;
use crate::storage::Change;
use crate::storage::Reader;
use crate::storage::StorageError;
use crate::storage::Writer;
use crate::types;
use crate::types::Timestamp;

/// A record with an identifier and a state.
pub trait Record: Sized + Send + 'static {
    /// Its identifier.
    type Id: FromStr + Display + Send + 'static;
    /// Where it may stand.
    type State: State + Send;
    /// What a step is called in the audit log.
    const STEPPED: AuditAction;

    /// Looks it up.
    fn find(reader: &mut Reader<'_>, id: &Self::Id) -> Result<Option<Self>, StorageError>;
    /// Where it stands.
    fn state(&self) -> Self::State;
    /// Lets it step, if it still stands at `from`.
    fn step(
        writer: &mut Writer<'_>,
        id: &Self::Id,
        from: Self::State,
        to: Self::State,
    ) -> Result<(), StorageError>;
    /// The record after the step.
    #[must_use]
    fn stepped(self, to: Self::State) -> Self;
}

macro_rules! records {
    ($($record:ident, $id:ident, $state:ident, $stepped:ident, $find:ident, $step:ident;)+) => {$(
        impl Record for partners::$record {
            type Id = types::$id;
            type State = partners::$state;
            const STEPPED: AuditAction = AuditAction::$stepped;

            fn find(reader: &mut Reader<'_>, id: &Self::Id) -> Result<Option<Self>, StorageError> {
                reader.$find(id)
            }
            fn state(&self) -> Self::State {
                self.state
            }
            fn step(
                writer: &mut Writer<'_>,
                id: &Self::Id,
                from: Self::State,
                to: Self::State,
            ) -> Result<(), StorageError> {
                writer.$step(id, from, to)
            }
            fn stepped(self, to: Self::State) -> Self {
                Self { state: to, ..self }
            }
        }
    )+};
}

records! {
    Organisation, OrganisationId, OrganisationState,
        OrganisationStateChanged, organisation, change_organisation_state;
    Agreement, AgreementId, AgreementState,
        AgreementStateChanged, agreement, change_agreement_state;
    ApiProduct, ApiProductId, ApiProductState,
        ApiProductStateChanged, api_product, change_api_product_state;
    SoftwareProduct, SoftwareProductId, SoftwareProductState,
        SoftwareProductStateChanged, software_product, change_software_product_state;
    Client, ClientId, ClientState,
        ClientStateChanged, client, change_client_state;
    Credential, CredentialId, CredentialState,
        CredentialStateChanged, credential, change_credential_state;
    Entitlement, EntitlementId, EntitlementState,
        EntitlementStateChanged, entitlement, change_entitlement_state;
    InitialAccessToken, InitialAccessTokenId, InitialAccessTokenState,
        InitialAccessTokenStateChanged, initial_access_token, change_initial_access_token_state;
    ResourceServer, ResourceServerId, ResourceServerState,
        ResourceServerStateChanged, resource_server, change_resource_server_state;
}

/// Looks up the record that the path names.
///
/// # Errors
///
/// There is none, or the store fails.
pub async fn find<R: Record>(app: &App, call: &Call<'_>) -> Result<R, Failure> {
    call.no_query()?;
    let id: R::Id = call.id(R::State::RECORD)?;
    let job = move |reader: &mut Reader<'_>| present(R::find(reader, &id)?, &id);
    Ok(app.database.read(job).await?)
}

/// The record, or the refusal that it is not there.
///
/// # Errors
///
/// There is none.
pub fn present<R: Record>(found: Option<R>, id: &R::Id) -> Result<R, Ended> {
    found.ok_or_else(|| unknown(R::State::RECORD, id).into())
}

/// Lets the record that the path names step to the state that the body names.
///
/// # Errors
///
/// There is no such record or no such step, or the store fails.
pub async fn step<R: Record>(app: &App, call: &Call<'_>) -> Result<R, Failure> {
    step_if(app, call, |_: &R, _, _| Ok(())).await
}

/// As [`step`], where `allowed` knows a further condition.
///
/// # Errors
///
/// As [`step`], or the condition does not hold.
pub async fn step_if<R: Record>(
    app: &App,
    call: &Call<'_>,
    allowed: fn(&R, R::State, Timestamp) -> Result<(), OperatorError>,
) -> Result<R, Failure> {
    let id: R::Id = call.id(R::State::RECORD)?;
    let Step { to, reason } = call.read(Step::<R::State>::read)?;
    let mut event = call.event(R::STEPPED, &id, Value::Null);
    let now = call.now();
    let job = move |writer: &mut Writer<'_>| {
        let found = present(R::find(writer, &id)?, &id)?;
        let from = found.state();
        check_step(from, to)?;
        allowed(&found, to, now)?;
        R::step(writer, &id, from, to)?;
        event.detail = stepped_detail(from, to, &reason);
        Ok::<_, Ended>(Change::made(found.stepped(to), vec![event]))
    };
    Ok(app.database.write(job).await?)
}
