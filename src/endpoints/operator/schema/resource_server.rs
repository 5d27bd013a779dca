//! Resource servers, as the operator API reads and shows them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::endpoints::operator::body::Members;
use crate::endpoints::operator::schema::shown;
use crate::endpoints::operator::schema::successors;
use crate::partners::ResourceServer;
use crate::partners::State as _;
use crate::types::ResourceUri;

const LONGEST_NAME: usize = 100;

/// An API of the bank that asks whether a token is good (RFC 7662).
#[derive(Debug, Serialize, ToSchema)]
pub struct ResourceServerView {
    /// Our identifier; it is the server's `client_id`.
    #[schema(example = "rs_4f9kz2")]
    pub id: String,
    /// What the bank calls it.
    pub name: String,
    /// The `aud` of the tokens that it may ask about.
    pub audience: String,
    /// Where it stands.
    #[schema(example = "active")]
    pub state: &'static str,
    /// The states that may follow.
    pub may_become: Vec<&'static str>,
    /// When it was recorded.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl ResourceServerView {
    /// Shows it.
    #[must_use]
    pub fn of(server: &ResourceServer) -> Self {
        Self {
            id: server.id.to_string(),
            name: server.name.clone(),
            audience: server.audience.to_string(),
            state: server.state.name(),
            may_become: successors(server.state),
            created_at: shown(server.created_at),
        }
    }
}

/// A resource server and its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub struct CreatedResourceServerView {
    /// What is recorded.
    #[serde(flatten)]
    pub server: ResourceServerView,
    /// The password for `client_secret_basic` at the introspection endpoint. It is not kept.
    pub secret: String,
}

impl std::fmt::Debug for CreatedResourceServerView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("CreatedResourceServerView").finish_non_exhaustive()
    }
}

/// A resource server to record.
#[derive(Debug, ToSchema)]
pub struct NewResourceServer {
    /// What the bank calls it.
    pub name: String,
    /// The `aud` of the tokens that it may ask about (RFC 8707); once.
    #[schema(value_type = String, example = "https://api.bank.example/accounts")]
    pub audience: ResourceUri,
}

impl NewResourceServer {
    /// Takes the members of a body.
    pub fn read(members: &mut Members<'_>) -> Option<Self> {
        let name = members.required("name", |field| field.text(LONGEST_NAME));
        let audience =
            members.required("audience", |field| field.read_with(|text| ResourceUri::parse(text)));
        Some(Self { name: name?, audience: audience? })
    }
}
