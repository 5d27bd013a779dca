//! The metadata of a resource server: what a client's metadata says of authentication and of the
//! answers that it gets ([RFC 9701 §6], RFC 7591 §2, RFC 8705 §2.1.2).
//!
//! [RFC 9701 §6]: https://www.rfc-editor.org/rfc/rfc9701#section-6

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::protocol::client::metadata;
use crate::protocol::client::{MutualTlsMetadata, SignedIntrospectionMetadata, Supported};
use crate::protocol::client_authentication::ClientAuthenticationMethod;
use crate::protocol::problem::{Problem, Problems};
use crate::protocol::token::client_credentials::CLIENT_CREDENTIALS;
use crate::types::HttpsUri;

/// What may be said of a resource server.
pub const MEMBERS: [&str; 12] = [
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "jwks",
    "jwks_uri",
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
    "introspection_signed_response_alg",
    "introspection_encrypted_response_alg",
    "introspection_encrypted_response_enc",
];

/// How a resource server authenticates, and how it is answered. An unset member is omitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceServerMetadata {
    /// How it authenticates.
    pub token_endpoint_auth_method: ClientAuthenticationMethod,
    /// What it makes its assertions with; any that we offer, if it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// Its keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where its keys are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<HttpsUri>,
    /// Whose certificate it shows.
    #[serde(flatten)]
    pub mutual_tls: MutualTlsMetadata,
    /// How it is answered.
    #[serde(flatten)]
    pub answers: SignedIntrospectionMetadata,
}

impl ResourceServerMetadata {
    /// The metadata of a resource server of which no more is known than how it authenticates.
    #[must_use]
    pub fn of(method: ClientAuthenticationMethod) -> Self {
        Self {
            token_endpoint_auth_method: method,
            token_endpoint_auth_signing_alg: None,
            jwks: None,
            jwks_uri: None,
            mutual_tls: MutualTlsMetadata::default(),
            answers: SignedIntrospectionMetadata::default(),
        }
    }

    /// Reads the metadata of a resource server, some of [`MEMBERS`], by the rules for clients.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(members: &Map<String, Value>, supported: &Supported) -> Result<Self, Problems> {
        let mut members = members.clone();
        // No member of a resource server's, and the default is for clients with users.
        members.insert("grant_types".to_owned(), json!([CLIENT_CREDENTIALS]));
        let client = metadata::parse(&members, supported)?;
        let name = &client.token_endpoint_auth_method;
        let Some(method) = ClientAuthenticationMethod::parse(name) else {
            let mut problems = Problems::default();
            problems.push(Problem::metadata("token_endpoint_auth_method", "it is unknown"));
            return Err(problems);
        };
        Ok(Self {
            token_endpoint_auth_method: method,
            token_endpoint_auth_signing_alg: client.token_endpoint_auth_signing_alg,
            jwks: client.jwks,
            jwks_uri: client.jwks_uri,
            mutual_tls: *client.mutual_tls,
            answers: client.signed_introspection,
        })
    }

    /// The members that are set.
    #[must_use]
    pub fn members(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            Ok(_) | Err(_) => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{Algorithm, SigningKey};
    use crate::protocol::discovery::Features;

    fn parse(members: &Value) -> Result<ResourceServerMetadata, Problems> {
        let features = Features {
            resource_server_methods: ClientAuthenticationMethod::ALL.to_vec(),
            assertion_algorithms: vec![Algorithm::Es256, Algorithm::EdDsa],
            introspection_signing_algorithms: vec![Algorithm::Es256],
            ..Features::default()
        };
        let supported = Supported::of_resource_servers(&features);
        ResourceServerMetadata::parse(members.as_object().unwrap(), &supported)
    }

    fn pointers(members: &Value) -> Vec<String> {
        let problems = parse(members).unwrap_err();
        problems.iter().map(|problem| problem.pointer.clone()).collect()
    }

    fn jwks() -> Value {
        json!({ "keys": [SigningKey::generate(Algorithm::Es256).unwrap().public_jwk()] })
    }

    #[test]
    fn whoever_says_nothing_has_a_secret_for_the_header() {
        let read = parse(&json!({})).unwrap();
        assert_eq!(read, ResourceServerMetadata::of(ClientAuthenticationMethod::ClientSecretBasic));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for members in [
            json!({ "token_endpoint_auth_method": "client_secret_post" }),
            json!({
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_signing_alg": "ES256",
                "jwks": jwks(),
            }),
            json!({
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks_uri": "https://api.bank.example/jwks",
            }),
            json!({
                "token_endpoint_auth_method": "tls_client_auth",
                "tls_client_auth_san_dns": "api.bank.example",
            }),
        ] {
            let read = parse(&members).unwrap();
            assert_eq!(Value::Object(read.members()), members);
            assert_eq!(serde_json::from_value::<ResourceServerMetadata>(members).unwrap(), read);
        }
    }

    /// RFC 9701 §6.
    #[test]
    fn encrypted_answers_need_a_key_to_encrypt_for() {
        let mut key = jwks()["keys"][0].clone();
        key["use"] = json!("enc");
        key.as_object_mut().unwrap().remove("alg");
        let encrypted = json!({ "introspection_encrypted_response_alg": "ECDH-ES" });
        let with = |more: Value| {
            let mut members = encrypted.clone();
            members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            members
        };
        let good = with(json!({ "jwks": { "keys": [key] } }));
        let read = parse(&good).unwrap().answers;
        // §6: the default.
        assert_eq!(read.introspection_encrypted_response_enc.as_deref(), Some("A128CBC-HS256"));
        assert_eq!(pointers(&encrypted), ["/jwks_uri"]);
        assert_eq!(pointers(&with(json!({ "jwks": jwks() }))), ["/jwks"]);
        let rsa = json!({
            "jwks": { "keys": [key] },
            "introspection_encrypted_response_alg": "RSA-OAEP",
        });
        assert_eq!(pointers(&rsa), ["/jwks"]);
        let alone = json!({ "introspection_encrypted_response_enc": "A128GCM" });
        assert_eq!(pointers(&alone), ["/introspection_encrypted_response_enc"]);
        for (member, bad) in [
            ("introspection_signed_response_alg", "RS256"),
            ("introspection_signed_response_alg", "none"),
            ("introspection_encrypted_response_alg", "RSA1_5"),
            ("introspection_encrypted_response_alg", "dir"),
        ] {
            let found = pointers(&json!({ (member): bad }));
            assert_eq!(found, [format!("/{member}")], "{bad}");
        }
    }

    #[test]
    fn each_method_needs_what_it_works_with() {
        let with = |method: &str, more: Value| {
            let mut members = more;
            members["token_endpoint_auth_method"] = json!(method);
            pointers(&members)
        };
        assert_eq!(with("private_key_jwt", json!({})), ["/jwks_uri"]);
        assert_eq!(with("self_signed_tls_client_auth", json!({})), ["/jwks_uri"]);
        let without_certificate = json!({ "jwks": jwks() });
        assert_eq!(with("self_signed_tls_client_auth", without_certificate), ["/jwks"]);
        assert_eq!(with("tls_client_auth", json!({})), ["/tls_client_auth_subject_dn"]);
        let two = json!({
            "tls_client_auth_subject_dn": "CN=api",
            "tls_client_auth_san_dns": "api.bank.example",
        });
        assert_eq!(with("tls_client_auth", two), ["/tls_client_auth_san_dns"]);
        let secret = json!({ "tls_client_auth_san_dns": "api.bank.example" });
        assert_eq!(with("client_secret_basic", secret), ["/tls_client_auth_san_dns"]);
        let both = json!({ "jwks": jwks(), "jwks_uri": "https://api.bank.example/jwks" });
        assert_eq!(with("private_key_jwt", both), ["/jwks"]);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let found = pointers(&json!({
            "token_endpoint_auth_method": "none of these",
            "token_endpoint_auth_signing_alg": "none",
            "jwks": { "keys": [{ "kty": "oct", "k": "AQ" }] },
            "jwks_uri": "http://api.bank.example/jwks",
            "tls_client_auth_san_ip": "localhost",
        }));
        for pointer in [
            "/token_endpoint_auth_method",
            "/token_endpoint_auth_signing_alg",
            "/jwks/keys/0",
            "/jwks_uri",
            "/tls_client_auth_san_ip",
        ] {
            assert!(found.iter().any(|found| found == pointer), "{pointer}: {found:?}");
        }
    }
}
