//! What a client may register: what this server serves, and what a trust framework names besides.
//! Everything else is refused, never accepted in silence.

use std::collections::BTreeSet;

use crate::jose::Algorithm;
use crate::jose::{CONTENT_ENCRYPTION, KEY_MANAGEMENT};
use crate::protocol::discovery::Features;
use crate::protocol::token::client_credentials::CLIENT_CREDENTIALS;

/// Members that belong to one ecosystem; they are ignored unless its framework names them in
/// [`Supported::members`] (REG-M42, M52 to M55).
pub const ECOSYSTEM_MEMBERS: [&str; 14] = [
    "backchannel_user_code_parameter_supported",
    "webhook_uris",
    "introspection_endpoint_auth_method",
    "revocation_endpoint_auth_method",
    "legal_entity_id",
    "legal_entity_name",
    "org_id",
    "org_name",
    "client_description",
    "revocation_uri",
    "recipient_base_uri",
    "software_roles",
    "udap",
    "certifications",
];

/// The members of RFC 8705 §2.1.2 that name the subject of a client's certificate (REG-M29).
pub const CERTIFICATE_SUBJECTS: [&str; 5] = [
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
];

/// The flags that a framework may set for all its clients, in [`Supported::forced`].
pub const FORCIBLE_FLAGS: [&str; 4] = [
    "tls_client_certificate_bound_access_tokens",
    "dpop_bound_access_tokens",
    "require_signed_request_object",
    "require_pushed_authorization_requests",
];

const GRANT_TYPES: [&str; 8] = [
    "authorization_code",
    "implicit",
    "refresh_token",
    CLIENT_CREDENTIALS,
    "urn:openid:params:grant-type:ciba",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
];

const RESPONSE_TYPES: [&str; 7] = [
    "code",
    "id_token",
    "token",
    "id_token token",
    "code id_token",
    "code token",
    "code id_token token",
];

const AUTH_METHODS: [&str; 4] =
    ["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth", "none"];

const RESPONSE_MODES: [&str; 7] =
    ["query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"];

/// Signatures that can be asked of a client or of this server.
const SIGNATURES: [&str; 4] = ["PS256", "ES256", "EdDSA", "RS256"];

/// What metadata is checked against. The default supports nothing.
///
/// It is what the server serves, narrowed by the trust framework, and what the framework has its
/// clients register although it is not served yet.
///
/// Where a list is offered for a member that has a default, and the standard's own default is not
/// in it, the first of the list is the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent capability")]
pub struct Supported {
    /// RFC 7591 `grant_types`.
    pub grant_types: Vec<&'static str>,
    /// RFC 7591 `response_types`, each in the spelling that is stored.
    pub response_types: Vec<&'static str>,
    /// RFC 7591 `token_endpoint_auth_method`.
    pub token_endpoint_auth_methods: Vec<&'static str>,
    /// The algorithms of client assertions.
    pub token_endpoint_auth_signing_algs: Vec<&'static str>,
    /// The algorithms of ID tokens.
    pub id_token_signing_algs: Vec<&'static str>,
    /// The algorithms of signed user information.
    pub userinfo_signing_algs: Vec<&'static str>,
    /// The algorithms of request objects (RFC 9101).
    pub request_object_signing_algs: Vec<&'static str>,
    /// The algorithms of signed authorization responses (JARM).
    pub authorization_signing_algs: Vec<&'static str>,
    /// The algorithms of signed introspection responses (RFC 9701). Where there is none, its members
    /// are ignored.
    pub introspection_signing_algs: Vec<&'static str>,
    /// The key management algorithms of encrypted answers and requests.
    pub encryption_algs: Vec<&'static str>,
    /// The content encryption algorithms that go with them.
    pub encryption_encs: Vec<&'static str>,
    /// OpenID Connect subject types.
    pub subject_types: Vec<&'static str>,
    /// Authentication context classes. Each framework has its own names.
    pub acr_values: Vec<String>,
    /// OpenID Connect `application_type`. One that is absent is `web`.
    pub application_types: Vec<&'static str>,
    /// Response modes.
    pub response_modes: Vec<&'static str>,
    /// Types of RFC 9396 authorization details. Each framework has its own names.
    pub authorization_details_types: Vec<String>,
    /// CIBA `backchannel_token_delivery_mode`. Where there is none, CIBA's members are ignored.
    pub backchannel_token_delivery_modes: Vec<&'static str>,
    /// CIBA `backchannel_authentication_request_signing_alg`.
    pub backchannel_signing_algs: Vec<&'static str>,
    /// CIBA `backchannel_user_code_parameter`.
    pub backchannel_user_code: bool,
    /// RFC 8705 §2.1.2: the members by which a certificate's subject may be named; some of
    /// [`CERTIFICATE_SUBJECTS`].
    pub certificate_subjects: Vec<&'static str>,
    /// Request objects by reference (`request_uris`).
    pub request_uris: bool,
    /// Third-party initiated login and authentication requirements (`initiate_login_uri`,
    /// `default_max_age`, `require_auth_time`).
    pub user_authentication: bool,
    /// `post_logout_redirect_uris` (RP-initiated logout). Ignored where it is off.
    pub initiated_logout: bool,
    /// `backchannel_logout_uri`. Ignored where it is off.
    pub backchannel_logout: bool,
    /// `frontchannel_logout_uri`. Ignored where it is off.
    pub frontchannel_logout: bool,
    /// Pushed authorization requests (RFC 9126).
    pub pushed_authorization_requests: bool,
    /// Access tokens bound to a `DPoP` key (RFC 9449).
    pub dpop: bool,
    /// Access tokens bound to a certificate (RFC 8705 §3).
    pub certificate_bound_access_tokens: bool,
    /// Separate endpoints for mutual TLS (RFC 8705 §5).
    pub mtls_endpoint_aliases: bool,
    /// Redirect URIs on `localhost` or a loopback address of web clients.
    pub local_redirects: bool,
    /// Hybrid response types without the `implicit` grant (REG-X1, the UK profile).
    pub hybrid_without_implicit: bool,
    /// The longest redirect URI, if the framework has its own rule (REG-M1: UK 256).
    pub longest_redirect_uri: Option<usize>,
    /// The longest certificate subject, if the framework has its own rule (REG-M29: UK 128).
    pub longest_certificate_subject: Option<usize>,
    /// The members of its ecosystem; some of [`ECOSYSTEM_MEMBERS`].
    pub members: BTreeSet<&'static str>,
    /// The members that a registration must have, whether from the statement, the request or the
    /// framework's defaults.
    pub required: BTreeSet<String>,
    /// The flags that are true for every client, whatever it asks; some of [`FORCIBLE_FLAGS`].
    pub forced: BTreeSet<&'static str>,
    /// Members whose values come from a verified statement: the directory has checked whose hosts
    /// they name (REG-M5).
    pub vouched: BTreeSet<String>,
}

impl Supported {
    /// What a server with these features serves: clients that act for themselves and authenticate
    /// in one of the ways that are switched on.
    #[must_use]
    pub fn of(features: &Features) -> Self {
        Self {
            grant_types: vec![CLIENT_CREDENTIALS],
            token_endpoint_auth_methods: features.method_names(),
            token_endpoint_auth_signing_algs: features.assertion_algorithm_names(),
            application_types: vec!["web", "native"],
            certificate_subjects: CERTIFICATE_SUBJECTS.to_vec(),
            dpop: features.dpop,
            certificate_bound_access_tokens: features.mutual_tls,
            mtls_endpoint_aliases: features.mutual_tls,
            ..Self::default()
        }
    }

    /// What a resource server of such a server may register: it never asks for a token.
    #[must_use]
    pub fn of_resource_servers(features: &Features) -> Self {
        Self {
            grant_types: vec![CLIENT_CREDENTIALS],
            token_endpoint_auth_methods: features.resource_server_method_names(),
            token_endpoint_auth_signing_algs: features.resource_server_algorithm_names(),
            introspection_signing_algs: features.introspection_algorithm_names(),
            encryption_algs: KEY_MANAGEMENT.to_vec(),
            encryption_encs: CONTENT_ENCRYPTION.to_vec(),
            certificate_subjects: CERTIFICATE_SUBJECTS.to_vec(),
            ..Self::default()
        }
    }

    /// Everything that can be checked and stored, served or not: what a framework may name. Lists
    /// that are empty here hold a framework's own words. Clients with a shared secret are not among
    /// it: the bank alone switches those on.
    #[must_use]
    pub fn known() -> Self {
        Self {
            grant_types: GRANT_TYPES.to_vec(),
            response_types: RESPONSE_TYPES.to_vec(),
            token_endpoint_auth_methods: AUTH_METHODS.to_vec(),
            token_endpoint_auth_signing_algs: Algorithm::ALL.map(Algorithm::name).to_vec(),
            id_token_signing_algs: with_none(),
            userinfo_signing_algs: SIGNATURES.to_vec(),
            request_object_signing_algs: with_none(),
            authorization_signing_algs: SIGNATURES.to_vec(),
            introspection_signing_algs: SIGNATURES.to_vec(),
            encryption_algs: KEY_MANAGEMENT.to_vec(),
            encryption_encs: CONTENT_ENCRYPTION.to_vec(),
            subject_types: vec!["public", "pairwise"],
            application_types: vec!["web", "native", "mobile"],
            response_modes: RESPONSE_MODES.to_vec(),
            backchannel_token_delivery_modes: vec!["poll", "ping", "push"],
            backchannel_signing_algs: SIGNATURES.to_vec(),
            backchannel_user_code: true,
            certificate_subjects: CERTIFICATE_SUBJECTS.to_vec(),
            request_uris: true,
            user_authentication: true,
            initiated_logout: true,
            backchannel_logout: true,
            frontchannel_logout: true,
            pushed_authorization_requests: true,
            dpop: true,
            certificate_bound_access_tokens: true,
            mtls_endpoint_aliases: true,
            members: ECOSYSTEM_MEMBERS.into(),
            forced: FORCIBLE_FLAGS.into(),
            ..Self::default()
        }
    }
}

/// Where the standard allows that nothing is signed, and a framework may.
fn with_none() -> Vec<&'static str> {
    SIGNATURES.into_iter().chain(["none"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client_authentication::ClientAuthenticationMethod;

    #[test]
    fn what_is_served_can_be_stored() {
        let served = Supported::of(&Features {
            authentication_methods: vec![ClientAuthenticationMethod::PrivateKeyJwt],
            resource_server_methods: Vec::new(),
            introspection_signing_algorithms: Vec::new(),
            registration: true,
            introspection: true,
            authorize_requests: true,
            revocation: true,
            dpop: true,
            mutual_tls: false,
            assertion_algorithms: Algorithm::ALL.to_vec(),
        });
        let known = Supported::known();
        for (served, known) in [
            (served.grant_types, known.grant_types),
            (served.token_endpoint_auth_methods, known.token_endpoint_auth_methods),
            (served.token_endpoint_auth_signing_algs, known.token_endpoint_auth_signing_algs),
            (served.application_types, known.application_types),
            (served.certificate_subjects, known.certificate_subjects),
        ] {
            assert!(!served.is_empty() && served.iter().all(|one| known.contains(one)));
        }
    }

    #[test]
    fn nothing_is_known_that_needs_a_shared_secret_and_no_answer_goes_unsigned() {
        let known = Supported::known();
        for method in &known.token_endpoint_auth_methods {
            assert!(!method.contains("secret"), "{method}");
        }
        for listed in [
            &known.token_endpoint_auth_signing_algs,
            &known.authorization_signing_algs,
            &known.backchannel_signing_algs,
            &known.introspection_signing_algs,
        ] {
            assert!(!listed.iter().any(|name| *name == "none" || name.starts_with("HS")));
        }
        assert!(!known.encryption_algs.contains(&"RSA1_5"));
    }
}
