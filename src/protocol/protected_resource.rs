//! What a resource server says about itself ([RFC 9728]), so that clients find us through it.
//!
//! [RFC 9728]: https://www.rfc-editor.org/rfc/rfc9728

use serde::Serialize;
use url::Url;

use crate::jose::Algorithm;
use crate::protocol::discovery::Features;
use crate::protocol::dpop;
use crate::types::{Issuer, ResourceUri, ScopeSet};

/// What comes between host and path (§3.1).
pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The document, as far as it is true of a resource server that has us check its tokens. It does not
/// sign, and does not take tokens anywhere but in the header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProtectedResourceMetadata {
    resource: ResourceUri,
    resource_name: String,
    authorization_servers: [Issuer; 1],
    #[serde(skip_serializing_if = "ScopeSet::is_empty", serialize_with = "scope_list")]
    scopes_supported: ScopeSet,
    bearer_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_client_certificate_bound_access_tokens: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_signing_alg_values_supported: Option<[&'static str; 3]>,
}

/// A list, where a token has one text.
fn scope_list<S: serde::Serializer>(scopes: &ScopeSet, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(scopes.iter())
}

/// The resource is no `https` address, and so there is no place for its document (§1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the resource is not an `https` address, so that it has no metadata")]
pub struct NotHttps;

impl ProtectedResourceMetadata {
    /// The document of a resource server with this name.
    ///
    /// # Errors
    ///
    /// Its audience is no `https` address.
    pub fn new(
        resource: &ResourceUri,
        name: &str,
        scopes: ScopeSet,
        issuer: &Issuer,
        features: &Features,
    ) -> Result<Self, NotHttps> {
        address(resource).ok_or(NotHttps)?;
        Ok(Self {
            resource: resource.clone(),
            resource_name: name.to_owned(),
            authorization_servers: [issuer.clone()],
            scopes_supported: scopes,
            bearer_methods_supported: ["header"],
            tls_client_certificate_bound_access_tokens: features.mutual_tls.then_some(true),
            dpop_signing_alg_values_supported: features
                .dpop
                .then(|| dpop::ALGORITHMS.map(Algorithm::name)),
        })
    }
}

/// Where the document of a resource is (§3.1); nothing, if the resource is no `https` address.
#[must_use]
pub fn address(resource: &ResourceUri) -> Option<String> {
    let origin = origin(resource)?;
    let rest = resource.as_str().get("https://".len()..)?;
    let rest = rest.find(['/', '?']).and_then(|at| rest.get(at..)).unwrap_or_default();
    // A slash that ends the host is not part of the path.
    let rest = if rest == "/" { "" } else { rest };
    Some(format!("{origin}{WELL_KNOWN}{rest}"))
}

/// Scheme, host and port of a resource that is an `https` address.
#[must_use]
pub fn origin(resource: &ResourceUri) -> Option<String> {
    let url = Url::parse(resource.as_str()).ok().filter(|url| url.scheme() == "https")?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    let plain = resource.as_str().starts_with("https://") && is_plain;
    plain.then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resource(text: &str) -> ResourceUri {
        ResourceUri::parse(text).unwrap()
    }

    /// RFC 9728 §3.1 and its examples.
    #[test]
    fn the_document_stands_between_host_and_path() {
        for (of, expected) in [
            (
                "https://resource.example.com",
                Some("https://resource.example.com/.well-known/oauth-protected-resource"),
            ),
            (
                "https://resource.example.com/",
                Some("https://resource.example.com/.well-known/oauth-protected-resource"),
            ),
            (
                "https://resource.example.com/resource1",
                Some("https://resource.example.com/.well-known/oauth-protected-resource/resource1"),
            ),
            (
                "https://resource.example.com:8443/a/b",
                Some("https://resource.example.com:8443/.well-known/oauth-protected-resource/a/b"),
            ),
            (
                "https://resource.example.com/a?b=c",
                Some("https://resource.example.com/.well-known/oauth-protected-resource/a?b=c"),
            ),
            ("urn:bank:accounts", None),
            ("http://resource.example.com/", None),
            ("https://user@resource.example.com/", None),
        ] {
            assert_eq!(address(&resource(of)).as_deref(), expected, "{of}");
        }
    }

    #[test]
    fn it_says_what_is_true_and_nothing_else() {
        let issuer = Issuer::parse("https://as.example").unwrap();
        let of = |scopes: &str, features: &Features| {
            let scopes = ScopeSet::parse(scopes).unwrap();
            let resource = resource("https://api.example/a");
            let made =
                ProtectedResourceMetadata::new(&resource, "Accounts", scopes, &issuer, features);
            serde_json::to_value(made.unwrap()).unwrap()
        };
        assert_eq!(
            of("", &Features::default()),
            json!({
                "resource": "https://api.example/a",
                "resource_name": "Accounts",
                "authorization_servers": ["https://as.example"],
                "bearer_methods_supported": ["header"],
            })
        );
        let on = Features { dpop: true, mutual_tls: true, ..Features::default() };
        let all = of("b a", &on);
        assert_eq!(all["scopes_supported"], json!(["a", "b"]));
        assert_eq!(all["tls_client_certificate_bound_access_tokens"], true);
        assert_eq!(all["dpop_signing_alg_values_supported"], json!(["ES256", "PS256", "EdDSA"]));
    }
}
