//! From a registrant's JSON to metadata ([RFC 7591 §2]): each member on its own, in the order of the
//! standard, and then what they demand of each other. Every problem is kept.
//!
//! Two defaults of RFC 7591 need a word. An absent `grant_types` means `authorization_code`; a trust
//! framework may set another default before this room sees the registration, and where neither is
//! supported the answer says so. An absent `response_types` means `code` for a client that may use
//! `authorization_code`, and none for one that never sends a user anywhere.
//!
//! [RFC 7591 §2]: https://www.rfc-editor.org/rfc/rfc7591#section-2

use serde_json::{Map, Value};

use crate::protocol::client::choices;
use crate::protocol::client::cross_field;
use crate::protocol::client::keys;
use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::member_reader::not_offered;
use crate::protocol::client::{
    AustraliaMetadata, BackchannelMetadata, BrazilMetadata, ClientMetadata, DisplayTexts,
    ExtensionMetadata, LogoutMetadata, MutualTlsMetadata, OpenIdMetadata, RedirectUri,
    SignedIntrospectionMetadata, SignedResponseMetadata, Supported, UdapMetadata,
};
use crate::protocol::error::ErrorCode;
use crate::protocol::problem::Problems;
use crate::protocol::problem::shown;
use crate::types::ScopeSet;
use crate::types::SoftwareId;
use crate::types::misleads;

/// The longest contact or version.
const LONGEST_WORD: usize = 255;

/// Reads and checks a registration.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn parse(
    members: &Map<String, Value>,
    supported: &Supported,
) -> Result<ClientMetadata, Problems> {
    let (members, problems) = choices::settle(members, supported);
    let mut reader = MemberReader::new(&members);
    reader.problems = problems;
    let mut client = read(&mut reader, supported);
    cross_field::check(&client, supported, &mut reader);
    let hosts: Vec<String> =
        client.redirect_uris.iter().filter_map(RedirectUri::https_host).collect();
    client.display.check_hosts(&hosts, supported, &mut reader);
    let problems = Problems::from(reader.problems);
    defaults(&mut client, supported);
    problems.or(client)
}

/// Each member on its own.
fn read(reader: &mut MemberReader<'_>, supported: &Supported) -> ClientMetadata {
    let redirect_uris = reader.redirect_uris("redirect_uris", supported);
    let token_endpoint_auth_method = auth_method(reader, supported);
    let grant_types = grant_types(reader, supported);
    let response_types = response_types(reader, supported, &grant_types);
    ClientMetadata {
        redirect_uris,
        token_endpoint_auth_method,
        token_endpoint_auth_signing_alg: reader
            .choice("token_endpoint_auth_signing_alg", &supported.token_endpoint_auth_signing_algs),
        grant_types,
        response_types,
        display: DisplayTexts::read(reader),
        scope: scope(reader),
        contacts: contacts(reader),
        jwks_uri: reader.https("jwks_uri"),
        jwks: keys::read(reader),
        software_id: software_id(reader),
        software_version: software_version(reader),
        openid: Box::new(OpenIdMetadata::read(reader, supported)),
        mutual_tls: Box::new(MutualTlsMetadata::read(reader, supported)),
        extension: ExtensionMetadata::read(reader, supported),
        signed_response: SignedResponseMetadata::read(reader, supported),
        backchannel: Box::new(BackchannelMetadata::read(reader, supported)),
        logout: Box::new(LogoutMetadata::read(reader, supported)),
        signed_introspection: SignedIntrospectionMetadata::read(reader, supported),
        brazil: BrazilMetadata::read(reader, supported),
        australia: Box::new(AustraliaMetadata::read(reader, supported)),
        udap: UdapMetadata::read(reader, supported),
    }
}

/// M16, M17, M35: what a client gets that sends users here and says nothing of it. It is the
/// standard's default, or the first of what the framework offers where that is not offered.
fn defaults(client: &mut ClientMetadata, supported: &Supported) {
    let users = ["authorization_code", "implicit", "urn:openid:params:grant-type:ciba"];
    if !users.into_iter().any(|grant| client.allows_grant(grant)) {
        return;
    }
    let fill = |member: &mut Option<String>, standard: &str, offered: &[&'static str]| {
        let default = offered.iter().find(|one| **one == standard).or_else(|| offered.first());
        if member.is_none() {
            *member = default.map(|default| (*default).to_owned());
        }
    };
    let openid = &mut client.openid;
    fill(&mut openid.subject_type, "public", &supported.subject_types);
    fill(&mut openid.id_token_signed_response_alg, "RS256", &supported.id_token_signing_algs);
    if openid.response_modes.iter().any(|mode| mode.ends_with("jwt")) {
        let member = &mut client.signed_response.authorization_signed_response_alg;
        fill(member, "RS256", &supported.authorization_signing_algs);
    }
}

/// M2.
fn auth_method(reader: &mut MemberReader<'_>, supported: &Supported) -> String {
    const MEMBER: &str = "token_endpoint_auth_method";
    const DEFAULT: &str = "client_secret_basic";
    let offered = &supported.token_endpoint_auth_methods;
    if reader.value(MEMBER).is_some() {
        return reader.choice(MEMBER, offered).unwrap_or_default();
    }
    if !offered.contains(&DEFAULT) {
        reader.refuse(MEMBER, absent(MEMBER, DEFAULT, offered));
    }
    DEFAULT.to_owned()
}

/// M3: the order is kept but means nothing; an empty array is no grant at all.
fn grant_types(reader: &mut MemberReader<'_>, supported: &Supported) -> Vec<String> {
    const MEMBER: &str = "grant_types";
    const DEFAULT: &str = "authorization_code";
    if reader.value(MEMBER).is_some() {
        return reader.choices(MEMBER, &supported.grant_types).unwrap_or_default();
    }
    if !supported.grant_types.contains(&DEFAULT) {
        reader.refuse(MEMBER, absent(MEMBER, DEFAULT, &supported.grant_types));
        return Vec::new();
    }
    vec![DEFAULT.to_owned()]
}

/// What to say of an absent member whose default is not to be had.
fn absent(member: &str, default: &str, offered: &[&str]) -> String {
    format!(
        "`{member}` is absent, which means `{default}` (RFC 7591 section 2), and that is not \
         supported; supported: {}",
        offered.join(", ")
    )
}

/// M4: each is a set of words, stored in the spelling of [`Supported`].
fn response_types(
    reader: &mut MemberReader<'_>,
    supported: &Supported,
    grant_types: &[String],
) -> Vec<String> {
    const MEMBER: &str = "response_types";
    if reader.value(MEMBER).is_none() {
        let redirects = grant_types.iter().any(|grant| grant == "authorization_code");
        return if redirects { vec!["code".to_owned()] } else { Vec::new() };
    }
    let mut types: Vec<String> = Vec::new();
    for (index, text) in reader.list(MEMBER).unwrap_or_default() {
        let same = |offered: &&&str| words(offered) == words(text);
        match supported.response_types.iter().find(same) {
            Some(offered) if types.iter().any(|known| known == offered) => {}
            Some(offered) => types.push((*offered).to_owned()),
            None => reader.refuse_element(
                ErrorCode::InvalidClientMetadata,
                MEMBER,
                index,
                not_offered(MEMBER, text, &supported.response_types),
            ),
        }
    }
    types
}

fn words(response_type: &str) -> std::collections::BTreeSet<&str> {
    response_type.split(' ').collect()
}

/// M6: `invalid_client_metadata`, not `invalid_scope`.
fn scope(reader: &mut MemberReader<'_>) -> ScopeSet {
    let Some(value) = reader.value("scope") else { return ScopeSet::default() };
    match value.as_str().map(ScopeSet::parse) {
        Some(Ok(scope)) => return scope,
        Some(Err(error)) => reader.refuse("scope", format!("`scope` is malformed: {error}")),
        None => reader.refuse("scope", "`scope` must be a string"),
    }
    ScopeSet::default()
}

/// M7: an e-mail address, or a URI such as `mailto:` or `https:`.
fn contacts(reader: &mut MemberReader<'_>) -> Vec<String> {
    let listed = reader.list("contacts").unwrap_or_default();
    for (index, text) in &listed {
        let separated = text.contains('@') || text.contains(':');
        let clean = !text.chars().any(|c| misleads(c) || c.is_whitespace());
        if text.len() > LONGEST_WORD || !separated || !clean {
            reader.refuse_element(
                ErrorCode::InvalidClientMetadata,
                "contacts",
                *index,
                format!("contact `{}` is neither an e-mail address nor a URI", shown(text)),
            );
        }
    }
    listed.into_iter().map(|(_, text)| text.to_owned()).collect()
}

/// M10.
fn software_id(reader: &mut MemberReader<'_>) -> Option<SoftwareId> {
    let text = reader.text("software_id")?;
    match SoftwareId::parse(text) {
        Ok(software_id) => Some(software_id),
        Err(error) => {
            reader.refuse("software_id", error.to_string());
            None
        }
    }
}

/// M11: a number is tolerated, because statements in use hold one.
fn software_version(reader: &mut MemberReader<'_>) -> Option<String> {
    let value = reader.value("software_version")?;
    let text = match value.as_number() {
        Some(number) => number.to_string(),
        None => reader.text("software_version")?.to_owned(),
    };
    if text.len() > LONGEST_WORD || text.chars().any(misleads) {
        reader.refuse(
            "software_version",
            "`software_version` is too long or holds control characters",
        );
        return None;
    }
    Some(text)
}
