//! What the server says about itself ([RFC 8414], OpenID Connect Discovery): only what works.
//!
//! [RFC 8414]: https://www.rfc-editor.org/rfc/rfc8414

use serde::Serialize;

use crate::jose::Algorithm;
use crate::jose::HS256;
use crate::jose::{CONTENT_ENCRYPTION, KEY_MANAGEMENT};
use crate::protocol::client_authentication::ClientAuthenticationMethod;
use crate::protocol::dpop;
use crate::protocol::token::client_credentials::CLIENT_CREDENTIALS;
use crate::types::Issuer;

/// Where the endpoints are, below the issuer.
pub mod path {
    /// RFC 8414 §3. For an issuer with a path, this comes between host and path.
    pub const OAUTH_METADATA: &str = "/.well-known/oauth-authorization-server";
    /// OpenID Connect Discovery §4. For an issuer with a path, this comes after the path.
    pub const OPENID_METADATA: &str = "/.well-known/openid-configuration";
    /// The server's public keys.
    pub const JWKS: &str = "/jwks";
    /// RFC 6749 §3.2.
    pub const TOKEN: &str = "/token";
    /// RFC 7662 §2.
    pub const INTROSPECTION: &str = "/introspect";
    /// RFC 7009 §2.
    pub const REVOCATION: &str = "/revoke";
    /// Where proxies ask whether a request may pass; below it, in the manner of Envoy.
    pub const AUTHORIZE_REQUEST: &str = "/authorize-request";
    /// RFC 7591 §3.
    pub const REGISTRATION: &str = "/register";
}

/// What is switched on. Routes, documents and request parsers read the same value; what is off is
/// absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent switch")]
pub struct Features {
    /// `POST /register` and the management of registrations.
    pub registration: bool,
    /// `POST /introspect`.
    pub introspection: bool,
    /// `/authorize-request`.
    pub authorize_requests: bool,
    /// `POST /revoke`.
    pub revocation: bool,
    /// `DPoP` (RFC 9449): the `DPoP` header is read, and tokens may be bound to a key.
    pub dpop: bool,
    /// How a client may authenticate.
    pub authentication_methods: Vec<ClientAuthenticationMethod>,
    /// How a resource server may authenticate.
    pub resource_server_methods: Vec<ClientAuthenticationMethod>,
    /// What introspection answers are signed with, where they are (RFC 9701).
    pub introspection_signing_algorithms: Vec<Algorithm>,
    /// Whether clients can show a certificate (RFC 8705).
    pub mutual_tls: bool,
    /// What a client may sign its assertions with.
    pub assertion_algorithms: Vec<Algorithm>,
}

impl Features {
    /// `token_endpoint_auth_methods_supported`.
    #[must_use]
    pub fn method_names(&self) -> Vec<&'static str> {
        names(&self.authentication_methods)
    }

    /// `introspection_endpoint_auth_methods_supported`.
    #[must_use]
    pub fn resource_server_method_names(&self) -> Vec<&'static str> {
        names(&self.resource_server_methods)
    }

    /// `token_endpoint_auth_signing_alg_values_supported`: what the methods that make a JWT may make
    /// it with.
    #[must_use]
    pub fn assertion_algorithm_names(&self) -> Vec<&'static str> {
        self.algorithm_names(&self.authentication_methods)
    }

    /// `introspection_endpoint_auth_signing_alg_values_supported`: the same for resource servers.
    #[must_use]
    pub fn resource_server_algorithm_names(&self) -> Vec<&'static str> {
        self.algorithm_names(&self.resource_server_methods)
    }

    /// `introspection_signing_alg_values_supported`.
    #[must_use]
    pub fn introspection_algorithm_names(&self) -> Vec<&'static str> {
        self.introspection_signing_algorithms.iter().map(|algorithm| algorithm.name()).collect()
    }

    fn algorithm_names(&self, methods: &[ClientAuthenticationMethod]) -> Vec<&'static str> {
        let on = |method| methods.contains(&method);
        let signed = on(ClientAuthenticationMethod::PrivateKeyJwt);
        let names = self.assertion_algorithms.iter().map(|algorithm| algorithm.name());
        let symmetric = on(ClientAuthenticationMethod::ClientSecretJwt).then_some(HS256);
        names.filter(|_| signed).chain(symmetric).collect()
    }
}

fn names(methods: &[ClientAuthenticationMethod]) -> Vec<&'static str> {
    methods.iter().map(|method| method.name()).collect()
}

/// The document of both well-known addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata {
    issuer: Issuer,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    grant_types_supported: [&'static str; 1],
    /// RFC 8414 §2 requires the member; nothing authorises by redirect here.
    response_types_supported: [&'static str; 0],
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_endpoint_auth_methods_supported: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_endpoint_auth_signing_alg_values_supported: Option<Vec<&'static str>>,
    #[serde(flatten)]
    signed_introspection: Option<SignedIntrospectionMetadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_endpoint_auth_methods_supported: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_endpoint_auth_signing_alg_values_supported: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_signing_alg_values_supported: Option<[&'static str; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_client_certificate_bound_access_tokens: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtls_endpoint_aliases: Option<Aliases>,
    #[serde(flatten)]
    openid: Option<OpenIdMetadata>,
}

/// RFC 9701 §7: how introspection answers may be secured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "RFC 9701 names them")]
struct SignedIntrospectionMetadata {
    introspection_signing_alg_values_supported: Vec<&'static str>,
    introspection_encryption_alg_values_supported: [&'static str; KEY_MANAGEMENT.len()],
    introspection_encryption_enc_values_supported: [&'static str; CONTENT_ENCRYPTION.len()],
}

impl SignedIntrospectionMetadata {
    fn of(features: &Features) -> Option<Self> {
        let algorithms = features.introspection_algorithm_names();
        (features.introspection && !algorithms.is_empty()).then_some(Self {
            introspection_signing_alg_values_supported: algorithms,
            introspection_encryption_alg_values_supported: KEY_MANAGEMENT,
            introspection_encryption_enc_values_supported: CONTENT_ENCRYPTION,
        })
    }
}

/// RFC 8705 §5: where clients that show a certificate find the same endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "RFC 8414 names them")]
struct Aliases {
    token_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_endpoint: Option<String>,
}

impl Aliases {
    fn below(base: &Issuer, features: &Features) -> Self {
        let at = |on: bool, path| on.then(|| base.join(path));
        Self {
            token_endpoint: base.join(path::TOKEN),
            registration_endpoint: at(features.registration, path::REGISTRATION),
            introspection_endpoint: at(features.introspection, path::INTROSPECTION),
            revocation_endpoint: at(features.revocation, path::REVOCATION),
        }
    }
}

/// What OpenID Connect Discovery §3 requires besides. No ID token is issued, so no algorithm is
/// listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct OpenIdMetadata {
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 0],
}

impl Metadata {
    /// The document of RFC 8414.
    #[must_use]
    pub fn oauth(issuer: &Issuer, features: &Features) -> Self {
        let at = |on: bool, path| on.then(|| issuer.join(path));
        let (introspection, revocation) = (features.introspection, features.revocation);
        Self {
            issuer: issuer.clone(),
            token_endpoint: issuer.join(path::TOKEN),
            jwks_uri: issuer.join(path::JWKS),
            registration_endpoint: at(features.registration, path::REGISTRATION),
            grant_types_supported: [CLIENT_CREDENTIALS],
            response_types_supported: [],
            token_endpoint_auth_methods_supported: features.method_names(),
            token_endpoint_auth_signing_alg_values_supported: features.assertion_algorithm_names(),
            introspection_endpoint: at(introspection, path::INTROSPECTION),
            introspection_endpoint_auth_methods_supported: introspection
                .then(|| features.resource_server_method_names()),
            introspection_endpoint_auth_signing_alg_values_supported: introspection
                .then(|| features.resource_server_algorithm_names())
                .filter(|algorithms| !algorithms.is_empty()),
            signed_introspection: SignedIntrospectionMetadata::of(features),
            revocation_endpoint: at(revocation, path::REVOCATION),
            dpop_signing_alg_values_supported: features
                .dpop
                .then(|| dpop::ALGORITHMS.map(Algorithm::name)),
            revocation_endpoint_auth_methods_supported: revocation.then(|| features.method_names()),
            revocation_endpoint_auth_signing_alg_values_supported: revocation
                .then(|| features.assertion_algorithm_names())
                .filter(|algorithms| !algorithms.is_empty()),
            tls_client_certificate_bound_access_tokens: features.mutual_tls.then_some(true),
            mtls_endpoint_aliases: None,
            openid: None,
        }
    }

    /// The same document, with the addresses below `base` of those endpoints that clients show a
    /// certificate to, where they can.
    #[must_use]
    pub fn with_aliases(mut self, base: Option<&Issuer>, features: &Features) -> Self {
        let base = base.filter(|_| features.mutual_tls);
        self.mtls_endpoint_aliases = base.map(|base| Aliases::below(base, features));
        self
    }

    /// The document of OpenID Connect Discovery.
    #[must_use]
    pub fn openid(issuer: &Issuer, features: &Features) -> Self {
        let openid = OpenIdMetadata {
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: [],
        };
        Self { openid: Some(openid), ..Self::oauth(issuer, features) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn features() -> Features {
        Features {
            registration: true,
            introspection: true,
            authorize_requests: true,
            revocation: true,
            dpop: true,
            authentication_methods: vec![ClientAuthenticationMethod::PrivateKeyJwt],
            resource_server_methods: vec![
                ClientAuthenticationMethod::ClientSecretBasic,
                ClientAuthenticationMethod::PrivateKeyJwt,
            ],
            introspection_signing_algorithms: vec![Algorithm::Es256],
            mutual_tls: false,
            assertion_algorithms: vec![Algorithm::Es256, Algorithm::Ps256],
        }
    }

    fn issuer() -> Issuer {
        Issuer::parse("https://as.example").unwrap()
    }

    fn json_of(metadata: &Metadata) -> Value {
        serde_json::to_value(metadata).unwrap()
    }

    #[test]
    fn the_document_lists_what_works() {
        let algorithms = json!(["ES256", "PS256"]);
        assert_eq!(
            json_of(&Metadata::oauth(&issuer(), &features())),
            json!({
                "issuer": "https://as.example",
                "token_endpoint": "https://as.example/token",
                "jwks_uri": "https://as.example/jwks",
                "registration_endpoint": "https://as.example/register",
                "grant_types_supported": ["client_credentials"],
                "response_types_supported": [],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": algorithms,
                "introspection_endpoint": "https://as.example/introspect",
                "introspection_endpoint_auth_methods_supported":
                    ["client_secret_basic", "private_key_jwt"],
                "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
                "introspection_signing_alg_values_supported": ["ES256"],
                "introspection_encryption_alg_values_supported":
                    ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"],
                "introspection_encryption_enc_values_supported":
                    ["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"],
                "revocation_endpoint": "https://as.example/revoke",
                "revocation_endpoint_auth_methods_supported": ["private_key_jwt"],
                "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
                "dpop_signing_alg_values_supported": ["ES256", "PS256", "EdDSA"],
            })
        );
    }

    #[test]
    fn every_method_that_is_on_is_listed_with_what_it_signs_with() {
        let listed = |methods: &[ClientAuthenticationMethod]| {
            let features = Features { authentication_methods: methods.to_vec(), ..features() };
            let document = json_of(&Metadata::oauth(&issuer(), &features));
            let revocation = document.get("revocation_endpoint_auth_methods_supported").cloned();
            assert_eq!(revocation.as_ref(), document.get("token_endpoint_auth_methods_supported"));
            let algorithms =
                document.get("token_endpoint_auth_signing_alg_values_supported").cloned();
            (revocation.unwrap(), algorithms)
        };
        let (methods, algorithms) = listed(&ClientAuthenticationMethod::ALL);
        assert_eq!(methods.as_array().unwrap().len(), 7);
        assert_eq!(algorithms, Some(json!(["ES256", "PS256", "HS256"])));
        let (methods, algorithms) = listed(&[ClientAuthenticationMethod::ClientSecretBasic]);
        assert_eq!((methods, algorithms), (json!(["client_secret_basic"]), None));
        let (_, algorithms) = listed(&[ClientAuthenticationMethod::ClientSecretJwt]);
        assert_eq!(algorithms, Some(json!(["HS256"])));
    }

    #[test]
    fn how_a_resource_server_authenticates_is_told_apart_from_how_a_client_does() {
        let methods = vec![ClientAuthenticationMethod::ClientSecretJwt];
        let features = Features { resource_server_methods: methods, ..features() };
        let document = json_of(&Metadata::oauth(&issuer(), &features));
        let listed = |what: &str| document[format!("introspection_endpoint_auth_{what}")].clone();
        assert_eq!(listed("methods_supported"), json!(["client_secret_jwt"]));
        assert_eq!(listed("signing_alg_values_supported"), json!(["HS256"]));
        assert_eq!(document["token_endpoint_auth_methods_supported"], json!(["private_key_jwt"]));
    }

    #[test]
    fn what_is_off_is_absent() {
        let off = Features {
            registration: false,
            introspection: false,
            revocation: false,
            dpop: false,
            ..features()
        };
        let document = json_of(&Metadata::oauth(&issuer(), &off));
        let members = document.as_object().unwrap();
        for word in ["registration", "introspection", "revocation", "authorization", "dpop"] {
            assert!(!members.keys().any(|name| name.starts_with(word)), "{word}");
        }
    }

    /// RFC 8705 §5, CONF-12.
    #[test]
    fn endpoints_for_certificates_are_listed_where_there_are_any() {
        let base = Issuer::parse("https://mtls.example").unwrap();
        let on = Features { mutual_tls: true, ..features() };
        let document = |base: Option<&Issuer>, features: &Features| {
            json_of(&Metadata::oauth(&issuer(), features).with_aliases(base, features))
        };
        let listed = document(Some(&base), &on);
        let expected = json!({
            "token_endpoint": "https://mtls.example/token",
            "registration_endpoint": "https://mtls.example/register",
            "introspection_endpoint": "https://mtls.example/introspect",
            "revocation_endpoint": "https://mtls.example/revoke",
        });
        assert_eq!(listed["mtls_endpoint_aliases"], expected);
        for name in expected.as_object().unwrap().keys() {
            assert!(listed.get(name).is_some(), "each stands at the top level, too: {name}");
        }
        let fewer = Features { registration: false, revocation: false, ..on.clone() };
        let aliases = &document(Some(&base), &fewer)["mtls_endpoint_aliases"];
        assert_eq!(aliases.as_object().unwrap().len(), 2);
        assert!(document(Some(&base), &features()).get("mtls_endpoint_aliases").is_none());
        assert!(document(None, &on).get("mtls_endpoint_aliases").is_none());
    }

    #[test]
    fn the_openid_document_adds_what_openid_requires() {
        let document = json_of(&Metadata::openid(&issuer(), &features()));
        assert_eq!(document["subject_types_supported"], json!(["public"]));
        assert_eq!(document["id_token_signing_alg_values_supported"], json!([]));
        assert_eq!(document["issuer"], "https://as.example");
    }
}
