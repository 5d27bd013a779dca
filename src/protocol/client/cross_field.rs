//! What members of the metadata demand of each other (REG-X1 to X6).

use std::collections::BTreeSet;

use crate::protocol::client::ClientMetadata;
use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::member_reader::element_pointer;
use crate::protocol::client::redirect_uri::RedirectKind;
use crate::protocol::client::supported::Supported;
use crate::protocol::error::ErrorCode;
use crate::protocol::problem::Problem;

/// Checks a client whose members are each well-formed; members that are not have been named already
/// and are absent here, so `reader` says what was sent.
pub(super) fn check(client: &ClientMetadata, supported: &Supported, reader: &mut MemberReader<'_>) {
    grants_match_responses(client, supported, reader);
    redirects_are_there(client, reader);
    redirects_fit_the_application(client, supported, reader);
    keys_are_there(client, reader);
    keys_are_given_once(reader);
    one_sender_constraint(client, reader);
    public_clients_act_for_users(client, reader);
    signing_algorithm_fits_the_method(client, reader);
    certificate_subject_fits_the_method(client, reader);
}

/// X1, RFC 7591 §2.1.
fn grants_match_responses(
    client: &ClientMetadata,
    supported: &Supported,
    reader: &mut MemberReader<'_>,
) {
    let words: BTreeSet<&str> =
        client.response_types.iter().flat_map(|response_type| response_type.split(' ')).collect();
    let hybrid = words.contains("code") && supported.hybrid_without_implicit;
    if words.contains("code") && !client.allows_grant("authorization_code") {
        reader.refuse("grant_types", "response type `code` needs grant type `authorization_code`");
    }
    let implicit = words.contains("token") || (words.contains("id_token") && !hybrid);
    if implicit && !client.allows_grant("implicit") {
        reader.refuse(
            "grant_types",
            "response types `token` and `id_token` need grant type `implicit`",
        );
    }
    if client.allows_grant("authorization_code") && !words.contains("code") {
        reader
            .refuse("response_types", "grant type `authorization_code` needs response type `code`");
    }
}

/// X2.
fn redirects_are_there(client: &ClientMetadata, reader: &mut MemberReader<'_>) {
    let redirects = !client.response_types.is_empty()
        || client.allows_grant("authorization_code")
        || client.allows_grant("implicit");
    let sent = reader.value("redirect_uris").and_then(|value| value.as_array());
    if redirects && sent.is_none_or(Vec::is_empty) {
        reader.problems.push(Problem::new(
            ErrorCode::InvalidRedirectUri,
            "/redirect_uris",
            "`redirect_uris` is required for grants that send the user back",
        ));
    }
}

/// M1 and M14: a web client is sent back to a server, a native one to itself.
fn redirects_fit_the_application(
    client: &ClientMetadata,
    supported: &Supported,
    reader: &mut MemberReader<'_>,
) {
    let native = client.openid.application_type.as_deref() == Some("native");
    let sent = reader.value("redirect_uris").and_then(|value| value.as_array());
    for uri in &client.redirect_uris {
        let fits = match uri.kind() {
            RedirectKind::Https => true,
            RedirectKind::LocalHttps => supported.local_redirects,
            RedirectKind::Loopback => native || supported.local_redirects,
            RedirectKind::PrivateUse => native,
        };
        if !fits {
            let place = sent.and_then(|sent| sent.iter().position(|it| it == uri.as_str()));
            reader.problems.push(Problem::new(
                ErrorCode::InvalidRedirectUri,
                element_pointer("redirect_uris", place.unwrap_or_default()),
                format!("`{uri}` is not acceptable for this application type"),
            ));
        }
    }
}

/// X3.
fn keys_are_there(client: &ClientMetadata, reader: &mut MemberReader<'_>) {
    let method = client.token_endpoint_auth_method.as_str();
    let signs_requests =
        client.openid.request_object_signing_alg.as_deref().is_some_and(|alg| alg != "none");
    let needed = signs_requests
        || matches!(method, "private_key_jwt" | "self_signed_tls_client_auth")
        || client.openid.id_token_encrypted_response_alg.is_some()
        || client.openid.userinfo_encrypted_response_alg.is_some()
        || client.extension.authorization_encrypted_response_alg.is_some();
    if needed && reader.value("jwks").is_none() && reader.value("jwks_uri").is_none() {
        reader.refuse("jwks_uri", "`jwks_uri` or `jwks` is required: the client's keys are needed");
    }
}

/// X4, RFC 7591 §2.
fn keys_are_given_once(reader: &mut MemberReader<'_>) {
    if reader.value("jwks").is_some() && reader.value("jwks_uri").is_some() {
        reader.refuse("jwks", "`jwks` and `jwks_uri` exclude each other");
    }
}

/// X5.
fn one_sender_constraint(client: &ClientMetadata, reader: &mut MemberReader<'_>) {
    let dpop = client.extension.dpop_bound_access_tokens;
    let certificate = client.extension.tls_client_certificate_bound_access_tokens;
    if dpop && certificate {
        reader.refuse(
            "dpop_bound_access_tokens",
            "access tokens are bound to a DPoP key or to a certificate, not to both",
        );
    }
    let front_channel =
        client.response_types.iter().any(|text| text.split(' ').any(|word| word == "token"));
    if front_channel && (dpop || certificate) {
        reader.refuse("response_types", "response type `token` cannot give bound access tokens");
    }
}

/// X6.
fn public_clients_act_for_users(client: &ClientMetadata, reader: &mut MemberReader<'_>) {
    if client.token_endpoint_auth_method == "none" && client.allows_grant("client_credentials") {
        reader.refuse(
            "token_endpoint_auth_method",
            "a client without authentication may not use grant type `client_credentials`",
        );
    }
}

/// M22.
fn signing_algorithm_fits_the_method(client: &ClientMetadata, reader: &mut MemberReader<'_>) {
    let signs = matches!(
        client.token_endpoint_auth_method.as_str(),
        "private_key_jwt" | "client_secret_jwt" | ""
    );
    if client.token_endpoint_auth_signing_alg.is_some() && !signs {
        reader.refuse(
            "token_endpoint_auth_signing_alg",
            "`token_endpoint_auth_signing_alg` needs a method that signs, such as `private_key_jwt`",
        );
    }
}

/// M29, RFC 8705 §2.1.2.
fn certificate_subject_fits_the_method(client: &ClientMetadata, reader: &mut MemberReader<'_>) {
    let due = usize::from(client.token_endpoint_auth_method == "tls_client_auth");
    if client.extension.certificate_subjects() != due {
        reader.refuse(
            "tls_client_auth_subject_dn",
            "exactly one `tls_client_auth_` subject goes with `tls_client_auth`, and none without it",
        );
    }
}
