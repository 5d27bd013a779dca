//! What the `[client]` table of a framework's file may say, and what comes of it.

use crate::protocol::client::Supported;
use crate::trust::framework::tests::{refused, with};
use crate::trust::{Framework, SHIPPED_DIRECTORY};

#[test]
fn what_a_framework_names_replaces_what_the_server_serves() {
    let text = with(
        "[client.defaults]",
        "[client]\ngrant_types = [\"authorization_code\"]\n\
         token_endpoint_auth_signing_algs = [\"PS256\"]\nacr_values = [\"urn:openbanking:psd2:sca\"]\n\
         dpop = false\nrequest_uris = true\nforced = [\"dpop_bound_access_tokens\"]\n[client.defaults]",
    );
    let server = Supported {
        grant_types: vec!["client_credentials"],
        token_endpoint_auth_signing_algs: vec!["ES256", "PS256"],
        subject_types: vec!["public"],
        dpop: true,
        ..Supported::default()
    };
    let framework = Framework::parse("f.toml", &text).unwrap();
    let supported = framework.supported(&server);
    assert_eq!(supported.grant_types, ["authorization_code"]);
    assert_eq!(supported.token_endpoint_auth_signing_algs, ["PS256"]);
    assert_eq!(supported.subject_types, ["public"], "what is not named is as the server has it");
    assert_eq!(supported.acr_values, ["urn:openbanking:psd2:sca"]);
    assert!(!supported.dpop && supported.request_uris);
    assert!(supported.forced.contains("dpop_bound_access_tokens"));
    let unserved = framework.unserved(&server);
    let fields: Vec<_> = unserved.iter().map(|one| one.field).collect();
    assert_eq!(fields, ["grant_types", "acr_values", "request_uris"]);
    assert_eq!(unserved[0].values, ["authorization_code"]);
}

#[test]
fn what_cannot_even_be_stored_does_not_load() {
    for (named, field) in [
        ("grant_types = [\"password\"]", "client.grant_types"),
        (
            "token_endpoint_auth_signing_algs = [\"HS256\"]",
            "client.token_endpoint_auth_signing_algs",
        ),
        ("grant_types = [\"implicit\", \"implicit\"]", "client.grant_types"),
        ("members = [\"client_secret\"]", "client.members"),
        ("members = [\"org_id\"]", "client.members"),
        ("forced = [\"client_name\"]", "client.forced"),
    ] {
        let client = format!("[client]\n{named}\n[client.defaults]");
        refused("[client.defaults]", &client, field);
    }
}

/// A certificate that can be an anchor.
fn authority() -> String {
    rcgen::generate_simple_self_signed(["authority.example".to_owned()]).unwrap().cert.pem()
}

/// RFC 8705 §2.1: whose certificates no authority vouches for could never authenticate with one.
#[test]
fn without_authorities_nobody_registers_for_certificates() {
    let server = Supported {
        token_endpoint_auth_methods: vec![
            "private_key_jwt",
            "tls_client_auth",
            "self_signed_tls_client_auth",
        ],
        ..Supported::default()
    };
    let methods = |file: &str, text: &str| {
        let read = Framework::parse_with(file, text, &|_| Ok(authority()));
        read.unwrap().supported(&server).token_endpoint_auth_methods
    };
    let without = ["private_key_jwt", "self_signed_tls_client_auth"];
    assert_eq!(methods("directory.toml", SHIPPED_DIRECTORY), without);
    let certified = with("\"request_jws\"", "[\"request_jws\", \"certificate\"]").replace(
        "[management]",
        "[certificate]\nanchors = [\"a.pem\"]\n\
         require = [{ any_of = [{ subject = \"UID\", equals = \"{software_id}\" }] }]\n[management]",
    );
    assert_eq!(methods("directory.toml", &certified), server.token_endpoint_auth_methods);
    // Those who certify statements (REG-UD1) say nothing of the certificates of connections.
    let udap = include_str!("../../../frameworks/udap.toml");
    let udap = udap.replace("token_endpoint_auth_methods = [\"private_key_jwt\"]\n", "");
    assert_eq!(methods("udap.toml", &udap), without);
    let named = "[client]\ntoken_endpoint_auth_methods = [\"tls_client_auth\"]\n[client.defaults]";
    let problem = refused("[client.defaults]", named, "client.token_endpoint_auth_methods");
    assert!(problem.message.contains("[certificate]"), "{problem}");
}
