//! What members of the metadata demand of each other (REG-X1 to X6).

use std::collections::BTreeSet;

use crate::jose::HS256;
use crate::protocol::client::ClientMetadata;
use crate::protocol::client::MutualTlsMetadata;
use crate::protocol::client::RedirectUri;
use crate::protocol::client::backchannel;
use crate::protocol::client::keys;
use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::member_reader::element_pointer;
use crate::protocol::client::redirect_uri::RedirectKind;
use crate::protocol::client::supported::Supported;
use crate::protocol::client::udap;
use crate::protocol::error::ErrorCode;
use crate::protocol::problem::Problem;
use crate::protocol::problem::pointer;

/// Checks a client whose members are each well-formed; members that are not have been named already
/// and are absent here, so `reader` says what was sent.
pub(super) fn check(client: &ClientMetadata, supported: &Supported, reader: &mut MemberReader<'_>) {
    grants_match_responses(client, supported, reader);
    redirects_are_there(client, reader);
    redirects_fit_the_application("redirect_uris", client, supported, reader);
    redirects_fit_the_application("post_logout_redirect_uris", client, supported, reader);
    keys::check(client, reader);
    one_sender_constraint(client, reader);
    public_clients_act_for_users(client, reader);
    signing_algorithm_fits_the_method(client, reader);
    MutualTlsMetadata::check(&client.token_endpoint_auth_method, reader);
    sector_is_known(client, reader);
    unsigned_tokens_stay_behind(client, reader);
    client.backchannel.check(client.allows_grant(backchannel::GRANT), supported, reader);
    client.logout.check(&client.redirect_uris, reader);
    udap::check(client, supported, reader);
    nothing_required_is_missing(supported, reader);
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
    member: &str,
    client: &ClientMetadata,
    supported: &Supported,
    reader: &mut MemberReader<'_>,
) {
    let native = client.openid.application_type.as_deref() == Some("native");
    let sent = reader.value(member).and_then(|value| value.as_array());
    let uris = match member {
        "redirect_uris" => &client.redirect_uris,
        _ => &client.logout.post_logout_redirect_uris,
    };
    for uri in uris {
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
                element_pointer(member, place.unwrap_or_default()),
                format!("`{uri}` is not acceptable for this application type"),
            ));
        }
    }
}

/// X5.
fn one_sender_constraint(client: &ClientMetadata, reader: &mut MemberReader<'_>) {
    let dpop = client.extension.dpop_bound_access_tokens;
    let certificate = client.mutual_tls.tls_client_certificate_bound_access_tokens;
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
    // SEC-10: a key is no secret, and a secret is no key.
    let algorithm = client.token_endpoint_auth_signing_alg.as_deref().unwrap_or_default();
    match (client.token_endpoint_auth_method.as_str(), algorithm == HS256) {
        ("private_key_jwt", true) => reader.refuse(
            "token_endpoint_auth_signing_alg",
            format!("`private_key_jwt` signs with a key, and `{HS256}` needs a secret"),
        ),
        ("client_secret_jwt", false) if !algorithm.is_empty() => reader.refuse(
            "token_endpoint_auth_signing_alg",
            format!("`client_secret_jwt` is made with a secret, by `{HS256}`"),
        ),
        _ => {}
    }
}

/// M15: one host is its own sector; several need a list that joins them (OpenID Connect Core §8.1).
fn sector_is_known(client: &ClientMetadata, reader: &mut MemberReader<'_>) {
    let mut hosts: Vec<String> =
        client.redirect_uris.iter().filter_map(RedirectUri::https_host).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let pairwise = client.openid.subject_type.as_deref() == Some("pairwise");
    if pairwise && hosts.len() > 1 && reader.value("sector_identifier_uri").is_none() {
        let message = "`subject_type` `pairwise` with redirect URIs on several hosts needs \
                       `sector_identifier_uri`";
        reader.refuse("sector_identifier_uri", message);
    }
}

/// M17: what travels through the browser is signed.
fn unsigned_tokens_stay_behind(client: &ClientMetadata, reader: &mut MemberReader<'_>) {
    let unsigned = client.openid.id_token_signed_response_alg.as_deref() == Some("none");
    let in_front =
        client.response_types.iter().any(|text| text.split(' ').any(|word| word == "id_token"));
    if unsigned && in_front {
        let message = "`none` is possible only where no ID token comes through the browser";
        reader.refuse("id_token_signed_response_alg", message);
    }
}

/// What the framework wants to be there; a member that is malformed has been named already.
fn nothing_required_is_missing(supported: &Supported, reader: &mut MemberReader<'_>) {
    for member in &supported.required {
        let at = pointer(member);
        if reader.value(member).is_some() || reader.problems.iter().any(|it| it.pointer == at) {
            continue;
        }
        let code = if member == "redirect_uris" {
            ErrorCode::InvalidRedirectUri
        } else {
            ErrorCode::InvalidClientMetadata
        };
        let message = format!("`{member}` is required by this trust framework");
        reader.problems.push(Problem::new(code, at, message));
    }
}
