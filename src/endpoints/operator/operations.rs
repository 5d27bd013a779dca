//! Everything that the operator API offers, once: from this table requests are routed, answered
//! and described.

use crate::app::App;
use crate::endpoints::exchange::Answer;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::exchange::Method;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator;
use crate::endpoints::operator::authentication::authenticate;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::document::Described;
use crate::endpoints::operator::document::Description;
use crate::endpoints::operator::document::Nothing;
use crate::endpoints::operator::document::Parameter;
use crate::endpoints::operator::document::Schemas;
use crate::endpoints::operator::initial_access_token;
use crate::endpoints::operator::resource_metadata;
use crate::endpoints::operator::schema::List;
use crate::endpoints::operator::schema::agreement::{AgreementChange, AgreementView, NewAgreement};
use crate::endpoints::operator::schema::api_product::{NewProduct, ProductChange, ProductView};
use crate::endpoints::operator::schema::audit::{AuditEventView, DecisionView};
use crate::endpoints::operator::schema::client::{ClientView, CredentialView, EntitlementView};
use crate::endpoints::operator::schema::client::{ExpiringClientView, ExplanationView};
use crate::endpoints::operator::schema::initial_access_token::InitialAccessTokenView;
use crate::endpoints::operator::schema::initial_access_token::IssuedInitialAccessTokenView;
use crate::endpoints::operator::schema::initial_access_token::NewInitialAccessToken;
use crate::endpoints::operator::schema::new_secret::{NewClientSecretView, NewSecretRequest};
use crate::endpoints::operator::schema::organisation::NewOrganisation;
use crate::endpoints::operator::schema::organisation::{OrganisationChange, OrganisationView};
use crate::endpoints::operator::schema::resource_server::CreatedResourceServerView;
use crate::endpoints::operator::schema::resource_server::NewResourceServer;
use crate::endpoints::operator::schema::resource_server::ResourceServerChange;
use crate::endpoints::operator::schema::resource_server::ResourceServerView;
use crate::endpoints::operator::schema::signing_key::{NewRotation, SigningKeyView};
use crate::endpoints::operator::schema::software::{NewSoftware, SoftwareView};
use crate::endpoints::operator::schema::state_change::StateChange;
use crate::endpoints::operator::schema::status::StatusView;
use crate::endpoints::operator::{agreement, api_product, audit, client, client_secret};
use crate::endpoints::operator::{credential, entitlement};
use crate::endpoints::operator::{organisation, resource_server, signing_key, software, status};

/// What every path of the operator API begins with.
pub const BASE: &str = "/admin/v1";

const AFTER: Parameter = Parameter("after", "the `next` of the page before");
const LIMIT: Parameter = Parameter("limit", "how many records at most, 1 to 200; 50 when absent");
const ORGANISATION: Parameter = Parameter("organisation_id", "only those of this organisation");
const SOFTWARE: Parameter = Parameter("software_product_id", "only those of this software product");
const OBJECT: Parameter = Parameter("object_id", "only what was done to this record");
const OBJECT_KIND: Parameter =
    Parameter("object_kind", "its kind, where the identifier does not tell it");
const SINCE: Parameter = Parameter("since", "not before this time");
const UNTIL: Parameter = Parameter("until", "before this time");
const ORDER: Parameter = Parameter("order", "`newest` (first, the default) or `oldest`");
const SUBJECT: Parameter =
    Parameter("subject_id", "the client or software decided about; required");
const SUBJECT_KIND: Parameter =
    Parameter("subject_kind", "its kind, where the identifier does not tell it");

macro_rules! operations {
    ($($name:ident, $summary:literal: $method:ident $path:literal [$($parameter:ident),*],
        $reads:ty => $status:literal $shows:ty, $story:path;)+) => {
        /// Something that an operator can do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Operation { $(#[doc = $summary] $name,)+ }

        impl Operation {
            /// Everything there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The method.
            #[must_use]
            pub const fn method(self) -> Method {
                match self { $(Self::$name => Method::$method,)+ }
            }

            /// The path below [`BASE`]; `{id}` stands for an identifier.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self { $(Self::$name => $path,)+ }
            }

            /// What the document says about it.
            pub(super) fn description(self, schemas: &mut Schemas) -> Description {
                match self {
                    $(Self::$name => Description {
                        name: stringify!($name),
                        summary: $summary,
                        parameters: &[$($parameter),*],
                        status: $status,
                        reads: <$reads>::described(schemas),
                        shows: <$shows>::described(schemas),
                    },)+
                }
            }

            async fn perform(self, app: &App, call: &Call<'_>) -> Result<Answer, Failure> {
                match self {
                    $(Self::$name => {
                        let shown: $shows = Box::pin($story(app, call)).await?;
                        answer($status, self.path(), &shown)
                    })+
                }
            }
        }
    };
}

operations! {
    ListOrganisations, "List partners":
        Get "/organisations" [AFTER, LIMIT],
        Nothing => 200 List<OrganisationView>, organisation::list;
    CreateOrganisation, "Record a partner; it gives no access until it is active":
        Post "/organisations" [],
        NewOrganisation => 201 OrganisationView, organisation::create;
    ShowOrganisation, "Show a partner":
        Get "/organisations/{id}" [],
        Nothing => 200 OrganisationView, organisation::show;
    UpdateOrganisation, "Change facts about a partner":
        Patch "/organisations/{id}" [],
        OrganisationChange => 200 OrganisationView, organisation::update;
    ChangeOrganisationState, "Vet, suspend, restore or end a partner":
        Post "/organisations/{id}/state" [],
        StateChange => 200 OrganisationView, organisation::change_state;

    ListAgreements, "List agreements":
        Get "/agreements" [AFTER, LIMIT, ORGANISATION],
        Nothing => 200 List<AgreementView>, agreement::list;
    CreateAgreement, "Record an agreement; it gives no access until it is active":
        Post "/agreements" [],
        NewAgreement => 201 AgreementView, agreement::create;
    ShowAgreement, "Show an agreement":
        Get "/agreements/{id}" [],
        Nothing => 200 AgreementView, agreement::show;
    UpdateAgreement, "Change products, environments or the window of an agreement":
        Patch "/agreements/{id}" [],
        AgreementChange => 200 AgreementView, agreement::update;
    ChangeAgreementState, "Sign, put into force, give notice of or end an agreement":
        Post "/agreements/{id}/state" [],
        StateChange => 200 AgreementView, agreement::change_state;

    ListProducts, "List API products":
        Get "/products" [AFTER, LIMIT],
        Nothing => 200 List<ProductView>, api_product::list;
    CreateProduct, "Record an API product; it cannot be used until it is published":
        Post "/products" [],
        NewProduct => 201 ProductView, api_product::create;
    ShowProduct, "Show an API product":
        Get "/products/{id}" [],
        Nothing => 200 ProductView, api_product::show;
    UpdateProduct, "Change name, scopes or sunset of an API product":
        Patch "/products/{id}" [],
        ProductChange => 200 ProductView, api_product::update;
    ChangeProductState, "Publish, deprecate or retire an API product":
        Post "/products/{id}/state" [],
        StateChange => 200 ProductView, api_product::change_state;

    ListSoftware, "List software products":
        Get "/software" [AFTER, LIMIT, ORGANISATION],
        Nothing => 200 List<SoftwareView>, software::list;
    CreateSoftware, "Record a software product before it registers":
        Post "/software" [],
        NewSoftware => 201 SoftwareView, software::create;
    ShowSoftware, "Show a software product":
        Get "/software/{id}" [],
        Nothing => 200 SoftwareView, software::show;
    ChangeSoftwareState, "Activate, deactivate or remove a software product":
        Post "/software/{id}/state" [],
        StateChange => 200 SoftwareView, software::change_state;

    ListClients, "List clients":
        Get "/clients" [AFTER, LIMIT, ORGANISATION, SOFTWARE],
        Nothing => 200 List<ClientView>, client::list;
    ShowClient, "Show a client":
        Get "/clients/{id}" [],
        Nothing => 200 ClientView, client::show;
    ExplainClient, "Say, scope by scope, why a client has access now or has none":
        Get "/clients/{id}/standing" [],
        Nothing => 200 ExplanationView, client::standing;
    ListCredentials, "List a client's keys":
        Get "/clients/{id}/credentials" [],
        Nothing => 200 List<CredentialView>, client::credentials;
    ListEntitlements, "List a client's permissions":
        Get "/clients/{id}/entitlements" [],
        Nothing => 200 List<EntitlementView>, client::entitlements;
    ChangeClientState, "Quarantine, suspend, restore or end a client":
        Post "/clients/{id}/state" [],
        StateChange => 200 ClientView, client::change_state;

    RotateClientSecret, "Give a client a new secret; it is shown this once":
        Post "/clients/{id}/secret" [],
        NewSecretRequest => 200 NewClientSecretView, client_secret::rotate;

    ListExpiringClients, "List the clients that end soon because nobody uses them":
        Get "/clients/expiring" [AFTER, LIMIT],
        Nothing => 200 List<ExpiringClientView>, client::expiring;

    ListInitialAccessTokens, "List the tokens that let partners register":
        Get "/initial-access-tokens" [AFTER, LIMIT, ORGANISATION],
        Nothing => 200 List<InitialAccessTokenView>, initial_access_token::list;
    IssueInitialAccessToken, "Issue a token that lets a partner register; it is shown this once":
        Post "/initial-access-tokens" [],
        NewInitialAccessToken => 201 IssuedInitialAccessTokenView, initial_access_token::issue;
    ShowInitialAccessToken, "Show a token that lets a partner register, not its secret":
        Get "/initial-access-tokens/{id}" [],
        Nothing => 200 InitialAccessTokenView, initial_access_token::show;
    ChangeInitialAccessTokenState, "Withdraw a token that lets a partner register":
        Post "/initial-access-tokens/{id}/state" [],
        StateChange => 200 InitialAccessTokenView, initial_access_token::change_state;

    ShowCredential, "Show a client's key":
        Get "/credentials/{id}" [],
        Nothing => 200 CredentialView, credential::show;
    ChangeCredentialState, "Retire or withdraw a client's key":
        Post "/credentials/{id}/state" [],
        StateChange => 200 CredentialView, credential::change_state;
    ShowEntitlement, "Show a client's permission":
        Get "/entitlements/{id}" [],
        Nothing => 200 EntitlementView, entitlement::show;
    ChangeEntitlementState, "Review or withdraw a client's permission":
        Post "/entitlements/{id}/state" [],
        StateChange => 200 EntitlementView, entitlement::change_state;

    ListResourceServers, "List resource servers":
        Get "/resource-servers" [AFTER, LIMIT],
        Nothing => 200 List<ResourceServerView>, resource_server::list;
    CreateResourceServer, "Record a resource server; its secret, if it has one, is shown this once":
        Post "/resource-servers" [],
        NewResourceServer => 201 CreatedResourceServerView, resource_server::create;
    ShowResourceServer, "Show a resource server":
        Get "/resource-servers/{id}" [],
        Nothing => 200 ResourceServerView, resource_server::show;
    UpdateResourceServer, "Change name, keys, certificate or answers of a resource server":
        Patch "/resource-servers/{id}" [],
        ResourceServerChange => 200 ResourceServerView, resource_server::update;
    RotateResourceServerSecret, "Give a resource server a new secret; it is shown this once":
        Post "/resource-servers/{id}/secret" [],
        NewSecretRequest => 200 CreatedResourceServerView, resource_server::rotate_secret;
    ShowResourceServerMetadata, "Show the document that a resource server serves (RFC 9728)":
        Get "/resource-servers/{id}/metadata" [],
        Nothing => 200 serde_json::Value, resource_metadata::show;
    ChangeResourceServerState, "Suspend or restore a resource server":
        Post "/resource-servers/{id}/state" [],
        StateChange => 200 ResourceServerView, resource_server::change_state;

    ListSigningKeys, "List the keys that this server signs with":
        Get "/signing-keys" [],
        Nothing => 200 List<SigningKeyView>, signing_key::list;
    RotateSigningKeys, "Change the signing key, orderly or in an emergency":
        Post "/signing-keys/rotate" [],
        NewRotation => 200 List<SigningKeyView>, signing_key::rotate;

    ListAuditEvents, "List what was done, by whom, when and why":
        Get "/audit-events" [AFTER, LIMIT, OBJECT, OBJECT_KIND, SINCE, UNTIL, ORDER],
        Nothing => 200 List<AuditEventView>, audit::list;
    ShowAuditEvent, "Show one line of the audit log":
        Get "/audit-events/{id}" [],
        Nothing => 200 AuditEventView, audit::show;
    ListDecisions, "List the decisions about one client or software product":
        Get "/decisions" [AFTER, LIMIT, SUBJECT, SUBJECT_KIND],
        Nothing => 200 List<DecisionView>, audit::list_decisions;
    ShowDecision, "Show a decision, with every reason":
        Get "/decisions/{id}" [],
        Nothing => 200 DecisionView, audit::show_decision;

    ShowStatus, "Show how the server is":
        Get "/status" [],
        Nothing => 200 StatusView, status::show;
    ShowDocument, "Describe this API (OpenAPI 3.1)":
        Get "/openapi.json" [],
        Nothing => 200 serde_json::Value, operator::document::show;
}

impl Operation {
    /// Authenticates the operator, looks whether the role may do this, does it and answers.
    ///
    /// # Errors
    ///
    /// The request is refused, or the server fails.
    pub async fn answer(self, app: &App, incoming: &Incoming) -> Result<Answer, Failure> {
        let operator = authenticate(&app.settings.operator.accounts, incoming)?;
        operator.require(self.method())?;
        self.perform(app, &Call { operator, incoming }).await
    }
}

fn answer(status: u16, path: &str, shown: &impl serde::Serialize) -> Result<Answer, Failure> {
    let body = serde_json::to_value(shown)
        .map_err(|error| crate::storage::StorageError::Broken(error.to_string()))?;
    let answer = Answer::json(status, &body);
    match body.get("id").and_then(serde_json::Value::as_str) {
        Some(id) if status == 201 => {
            Ok(answer.with_header("location", format!("{BASE}{path}/{id}")))
        }
        Some(_) | None => Ok(answer),
    }
}
