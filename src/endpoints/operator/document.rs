//! The description of the operator API ([OpenAPI 3.1]), made from the table of operations.
//!
//! [OpenAPI 3.1]: https://spec.openapis.org/oas/v3.1.0

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use crate::app::App;
use crate::endpoints::exchange::Method;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::error::Refusal;
use crate::endpoints::operator::operations::BASE;
use crate::endpoints::operator::operations::Operation;
use crate::endpoints::operator::schema;
use crate::endpoints::operator::schema::List;

/// A parameter of a query: its name, and what it does.
#[derive(Debug, Clone, Copy)]
pub struct Parameter(pub &'static str, pub &'static str);

/// What the document says about one operation.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) status: u16,
    pub(super) reads: Value,
    pub(super) shows: Value,
}

/// The schemas that have been named so far.
#[derive(Default)]
pub(super) struct Schemas(BTreeMap<String, RefOr<Schema>>);

/// What a body can be.
pub(super) trait Described {
    /// The schema of the body, or null; what it refers to is added to `schemas`.
    fn described(schemas: &mut Schemas) -> Value;
}

/// No body.
#[derive(Debug)]
pub struct Nothing;

impl Described for Nothing {
    fn described(_: &mut Schemas) -> Value {
        Value::Null
    }
}

impl Described for Value {
    fn described(_: &mut Schemas) -> Value {
        json!({ "type": "object" })
    }
}

impl<V: ToSchema> Described for List<V> {
    fn described(schemas: &mut Schemas) -> Value {
        json!({
            "type": "object",
            "required": ["items", "next"],
            "properties": {
                "items": { "type": "array", "items": schemas.reference::<V>() },
                "next": { "type": ["string", "null"], "description": "the cursor for `after`" },
            },
        })
    }
}

macro_rules! described {
    ($($name:path),+ $(,)?) => {$(
        impl Described for $name {
            fn described(schemas: &mut Schemas) -> Value {
                schemas.reference::<Self>()
            }
        }
    )+};
}

described!(
    schema::agreement::AgreementChange,
    schema::agreement::AgreementView,
    schema::agreement::NewAgreement,
    schema::api_product::NewProduct,
    schema::api_product::ProductChange,
    schema::api_product::ProductView,
    schema::audit::AuditEventView,
    schema::audit::DecisionView,
    schema::client::ClientView,
    schema::client::CredentialView,
    schema::client::EntitlementView,
    schema::client::ExplanationView,
    schema::initial_access_token::InitialAccessTokenView,
    schema::initial_access_token::IssuedInitialAccessTokenView,
    schema::initial_access_token::NewInitialAccessToken,
    schema::new_secret::NewClientSecretView,
    schema::new_secret::NewSecretRequest,
    schema::organisation::NewOrganisation,
    schema::organisation::OrganisationChange,
    schema::organisation::OrganisationView,
    schema::resource_server::CreatedResourceServerView,
    schema::resource_server::NewResourceServer,
    schema::resource_server::ResourceServerChange,
    schema::resource_server::ResourceServerView,
    schema::signing_key::NewRotation,
    schema::software::NewSoftware,
    schema::software::SoftwareView,
    schema::state_change::StateChange,
    schema::status::StatusView,
);

impl Schemas {
    /// Names a schema, and those that it refers to, and refers to it.
    fn reference<T: ToSchema>(&mut self) -> Value {
        let mut further = Vec::new();
        T::schemas(&mut further);
        let name = T::name().into_owned();
        let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
        self.0.extend(further);
        self.0.insert(name, T::schema());
        reference
    }
}

/// Shows the document.
pub async fn show(_: &App, call: &Call<'_>) -> Result<Value, Failure> {
    call.no_query()?;
    Ok(document())
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut schemas = Schemas::default();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let refusal = schemas.reference::<Refusal>();
    for operation in Operation::ALL {
        let description = operation.description(&mut schemas);
        let method = method_name(operation.method());
        let described = described(*operation, &description, &refusal);
        let path = paths.entry(format!("{BASE}{}", operation.path())).or_default();
        path.insert(method.to_owned(), described);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Countersign operator API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What a bank's operators do: partners, agreements, products, clients, \
                keys and the audit log. Times are RFC 3339; a date is midnight UTC. A body may \
                hold no member twice and none that is not described; all that is wrong with it \
                is reported at once.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "security": [{ "operator_token": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas.0,
            "securitySchemes": {
                "operator_token": {
                    "type": "http", "scheme": "bearer",
                    "description": "A token whose SHA-256 stands with an account in the settings. \
                        The role `auditor` reads only.",
                },
            },
        },
    })
}

/// The name of a method in the document.
#[must_use]
pub const fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Put => "put",
        Method::Patch => "patch",
        Method::Delete => "delete",
        Method::Other => "trace",
    }
}

fn described(operation: Operation, description: &Description, refusal: &Value) -> Value {
    let content = |schema: &Value| json!({ "application/json": { "schema": schema } });
    let mut responses = Map::new();
    let shown = json!({ "description": "Done", "content": content(&description.shows) });
    responses.insert(description.status.to_string(), shown);
    for (status, meaning) in refusals(operation) {
        let refused = json!({ "description": meaning, "content": content(refusal) });
        responses.insert((*status).to_owned(), refused);
    }
    let mut described = json!({
        "operationId": description.name,
        "summary": description.summary,
        "parameters": parameters(operation, description.parameters),
        "responses": responses,
    });
    if let (Some(members), false) = (described.as_object_mut(), description.reads.is_null()) {
        let body = json!({ "required": true, "content": content(&description.reads) });
        members.insert("requestBody".to_owned(), body);
    }
    described
}

/// How an operation may be refused.
fn refusals(operation: Operation) -> &'static [(&'static str, &'static str)] {
    const READING: &[(&str, &str)] = &[
        ("400", "The request is wrong in these places"),
        ("401", "No operator token, or nobody's"),
        ("404", "There is no such record"),
        ("503", "A store cannot be reached; try again"),
    ];
    const WRITING: &[(&str, &str)] = &[
        ("400", "The request is wrong in these places"),
        ("401", "No operator token, or nobody's"),
        ("403", "The role may read only"),
        ("404", "There is no such record"),
        ("409", "It exists already, has changed, or may not step there"),
        ("503", "A store cannot be reached; try again"),
    ];
    if operation.method() == Method::Get { READING } else { WRITING }
}

fn parameters(operation: Operation, query: &[Parameter]) -> Vec<Value> {
    let in_query = query.iter().map(|Parameter(name, meaning)| {
        json!({ "name": name, "in": "query", "description": meaning, "schema": { "type": "string" } })
    });
    let in_path = operation.path().contains("{id}").then(
        || json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }),
    );
    in_path.into_iter().chain(in_query).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::endpoints::operator::body;
    use crate::protocol::client::Supported;

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    found.insert(reference.clone());
                }
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(elements) => elements.iter().for_each(|e| references(e, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_operation_is_described_once() {
        let document = document();
        let described: usize = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .map(|path| path.as_object().unwrap().len())
            .sum();
        assert_eq!(described, Operation::ALL.len());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }

    /// The members of a schema, and of those that it is made of.
    fn properties(document: &Value, schema: &Value) -> Vec<String> {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return properties(
                document,
                document.pointer(reference.trim_start_matches('#')).unwrap(),
            );
        }
        let own = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let parts = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
        let names = own.map(|(name, _)| name.clone());
        let names: Vec<String> =
            names.chain(parts.flat_map(|part| properties(document, part))).collect();
        assert!(!names.is_empty(), "{schema}");
        names
    }

    /// Sends an empty body's worth of every described member and sees that each is known.
    fn told_apart(name: &str, read: impl Fn(&mut body::Members<'_>) -> Option<()>) {
        let document = document();
        let names = properties(&document, &document["components"]["schemas"][name]);
        let body: Value =
            names.into_iter().map(|name| (name, Value::Null)).collect::<Map<_, _>>().into();
        let refused = match body::read(body.to_string().as_bytes(), read) {
            Err(error) => crate::protocol::OAuthError::from(error).body().to_string(),
            Ok(()) => String::new(),
        };
        assert!(!refused.contains("there is no such member"), "{name}: {refused}");
    }

    #[test]
    fn what_is_described_is_what_is_read() {
        use schema::{
            agreement, api_product, initial_access_token, new_secret, organisation,
            resource_server, signing_key, software,
        };
        told_apart("NewOrganisation", |m| organisation::NewOrganisation::read(m).map(drop));
        told_apart("OrganisationChange", |m| organisation::OrganisationChange::read(m).map(drop));
        told_apart("NewAgreement", |m| agreement::NewAgreement::read(m).map(drop));
        told_apart("AgreementChange", |m| agreement::AgreementChange::read(m).map(drop));
        told_apart("NewProduct", |m| api_product::NewProduct::read(m).map(drop));
        told_apart("ProductChange", |m| api_product::ProductChange::read(m).map(drop));
        told_apart("NewSoftware", |m| software::NewSoftware::read(m).map(drop));
        told_apart("NewResourceServer", |m| {
            resource_server::NewResourceServer::read(m, &Supported::default()).map(drop)
        });
        told_apart("ResourceServerChange", |m| {
            resource_server::ResourceServerChange::read(m).map(drop)
        });
        told_apart("NewSecretRequest", |m| new_secret::NewSecretRequest::read(m).map(drop));
        told_apart("NewInitialAccessToken", |m| {
            initial_access_token::NewInitialAccessToken::read(m).map(drop)
        });
        told_apart("NewRotation", |m| signing_key::NewRotation::read(m).map(drop));
    }
}
