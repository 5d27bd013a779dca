//! Resource servers, as the operator API reads and shows them.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::endpoints::operator::body::Members;
use crate::endpoints::operator::schema::shown;
use crate::endpoints::operator::schema::successors;
use crate::partners::ResourceServer;
use crate::partners::State as _;
use crate::partners::credential::StoredSecret;
use crate::protocol::client::Supported;
use crate::protocol::problem::Problems;
use crate::protocol::resource_server::{MEMBERS, ResourceServerMetadata};
use crate::types::{ResourceUri, Timestamp};

const LONGEST_NAME: usize = 100;

/// How a resource server authenticates and how it is answered, in the words of client metadata
/// (RFC 7591, RFC 8705, RFC 9701 §6).
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct ResourceServerMembers {
    /// How it authenticates: one of `introspection_endpoint_auth_methods_supported`, or
    /// `client_secret_basic` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "private_key_jwt")]
    pub token_endpoint_auth_method: Option<String>,
    /// What it makes its assertions with; any that is supported when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// Its public keys (RFC 7517 §5), for signatures and for encryption.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub jwks: Option<Value>,
    /// Where its public keys are; not beside `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// With `tls_client_auth`: the subject of its certificate (RFC 4514).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    /// With `tls_client_auth`: a DNS name in its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    /// With `tls_client_auth`: a URI in its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_uri: Option<String>,
    /// With `tls_client_auth`: an IP address in its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_ip: Option<String>,
    /// With `tls_client_auth`: an e-mail address in its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_email: Option<String>,
    /// How its JWT answers are signed (RFC 9701).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_signed_response_alg: Option<String>,
    /// How the key of its encrypted JWT answers is found; not encrypted when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ECDH-ES+A256KW")]
    pub introspection_encrypted_response_alg: Option<String>,
    /// How its JWT answers are encrypted; `A128CBC-HS256` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_encrypted_response_enc: Option<String>,
}

impl ResourceServerMembers {
    fn of(metadata: &ResourceServerMetadata) -> Self {
        let ResourceServerMetadata { mutual_tls, answers, .. } = metadata.clone();
        Self {
            token_endpoint_auth_method: Some(metadata.token_endpoint_auth_method.to_string()),
            token_endpoint_auth_signing_alg: metadata.token_endpoint_auth_signing_alg.clone(),
            jwks: metadata.jwks.clone(),
            jwks_uri: metadata.jwks_uri.as_ref().map(ToString::to_string),
            tls_client_auth_subject_dn: mutual_tls.tls_client_auth_subject_dn,
            tls_client_auth_san_dns: mutual_tls.tls_client_auth_san_dns,
            tls_client_auth_san_uri: mutual_tls.tls_client_auth_san_uri,
            tls_client_auth_san_ip: mutual_tls.tls_client_auth_san_ip,
            tls_client_auth_san_email: mutual_tls.tls_client_auth_san_email,
            introspection_signed_response_alg: answers.introspection_signed_response_alg,
            introspection_encrypted_response_alg: answers.introspection_encrypted_response_alg,
            introspection_encrypted_response_enc: answers.introspection_encrypted_response_enc,
        }
    }
}

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
    /// How it authenticates and how it is answered.
    #[serde(flatten)]
    pub metadata: ResourceServerMembers,
    /// Whether it has a secret.
    pub has_secret: bool,
    /// When the secret before the present one ends, if it has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub earlier_secret_ends_at: Option<String>,
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
    /// Shows it as it is at `now`.
    #[must_use]
    pub fn at(server: &ResourceServer, now: Timestamp) -> Self {
        let earlier = server.earlier_secret.as_ref().map(|earlier| earlier.ends_at);
        Self {
            id: server.id.to_string(),
            name: server.name.clone(),
            audience: server.audience.to_string(),
            metadata: ResourceServerMembers::of(&server.metadata),
            has_secret: server.secret.is_some(),
            earlier_secret_ends_at: earlier.filter(|ends_at| now < *ends_at).map(shown),
            state: server.state.name(),
            may_become: successors(server.state),
            created_at: shown(server.created_at),
        }
    }
}

/// A resource server and its new secret, if it has one; it is shown this once.
#[derive(Serialize, ToSchema)]
pub struct CreatedResourceServerView {
    /// What is recorded.
    #[serde(flatten)]
    pub server: ResourceServerView,
    /// The secret that it authenticates with. It is never shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl std::fmt::Debug for CreatedResourceServerView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("CreatedResourceServerView").finish_non_exhaustive()
    }
}

/// A resource server to record.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewResourceServer {
    /// What the bank calls it.
    pub name: String,
    /// The `aud` of the tokens that it may ask about (RFC 8707); once.
    #[schema(value_type = String, example = "https://api.bank.example/accounts")]
    pub audience: ResourceUri,
    /// How it authenticates and how it is answered.
    #[serde(flatten)]
    #[schema(value_type = ResourceServerMembers)]
    pub metadata: ResourceServerMetadata,
}

impl NewResourceServer {
    /// Takes the members of a body.
    pub fn read(members: &mut Members<'_>, supported: &Supported) -> Option<Self> {
        let name = members.required("name", |field| field.text(LONGEST_NAME));
        let audience =
            members.required("audience", |field| field.read_with(|text| ResourceUri::parse(text)));
        let metadata = ResourceServerMetadata::parse(&members.raw(&MEMBERS), supported);
        let metadata = metadata.map_err(|problems| refuse_all(members, &problems)).ok();
        Some(Self { name: name?, audience: audience?, metadata: metadata? })
    }
}

fn refuse_all(members: &mut Members<'_>, problems: &Problems) {
    for problem in problems {
        members.refuse_at(&problem.pointer, &problem.message);
    }
}

/// What is different now of a resource server; what is absent stays, and `null` takes away.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResourceServerChange {
    /// What the bank calls it.
    pub name: Option<String>,
    /// How it authenticates and how it is answered.
    #[serde(flatten)]
    #[schema(value_type = ResourceServerMembers)]
    pub metadata: Map<String, Value>,
}

impl ResourceServerChange {
    /// Takes the members of a body.
    pub fn read(members: &mut Members<'_>) -> Option<Self> {
        let name = members.optional("name", |field| field.text(LONGEST_NAME));
        Some(Self { name, metadata: members.raw(&MEMBERS) })
    }

    /// The resource server with these changes. A secret stays where the method can use it.
    ///
    /// # Errors
    ///
    /// All that is wrong with the metadata as a whole.
    pub fn applied_to(
        self,
        old: &ResourceServer,
        supported: &Supported,
    ) -> Result<ResourceServer, Problems> {
        let mut new = old.clone();
        if let Some(name) = self.name {
            new.name = name;
        }
        if self.metadata.is_empty() {
            return Ok(new);
        }
        let mut members = old.metadata.members();
        members.extend(self.metadata);
        new.metadata = ResourceServerMetadata::parse(&members, supported)?;
        let method = new.metadata.token_endpoint_auth_method;
        let suits = |secret: &_| StoredSecret::suits(secret, method);
        new.secret = new.secret.filter(suits);
        new.earlier_secret = new.earlier_secret.filter(|earlier| suits(&earlier.secret));
        Ok(new)
    }
}
