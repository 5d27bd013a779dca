//! The metadata of UDAP dynamic registration (REG-M55, X7, UD1, UD4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::protocol::client::ClientMetadata;
use crate::protocol::client::address::file_extension;
use crate::protocol::client::member_reader::MemberReader;
use crate::protocol::client::supported::Supported;
use crate::protocol::error::ErrorCode;
use crate::protocol::problem::Problem;
use crate::types::json;

const UDAP: &str = "udap";
const CERTIFICATIONS: &str = "certifications";
const MOST_CERTIFICATIONS: usize = 20;
const LONGEST_CERTIFICATION: usize = 16 * 1024;
/// UDAP certifications live three years at most.
const LONGEST_LIFE: i64 = 3 * 366 * 86_400;
const CODE: &str = "authorization_code";

/// What UDAP adds to a client's metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UdapMetadata {
    /// The version of the profile: `1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udap: Option<String>,
    /// What others attest of the client, each a JWT. They have the right shape; nobody has checked
    /// their signatures, so nothing rests on them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certifications: Vec<String>,
}

impl UdapMetadata {
    pub(super) fn read(reader: &mut MemberReader<'_>, supported: &Supported) -> Self {
        let mut read = Self::default();
        if supported.members.contains(UDAP) {
            read.udap = reader.choice(UDAP, &["1"]);
            if reader.value(UDAP).is_none() {
                reader.refuse(UDAP, "`udap` is required, and is `1`");
            }
        }
        if supported.members.contains(CERTIFICATIONS) {
            read.certifications = certifications(reader);
        }
        read
    }
}

/// M55: each is a compact JWT with a chain in its header and the claims that every one has.
fn certifications(reader: &mut MemberReader<'_>) -> Vec<String> {
    let Some(value) = reader.value(CERTIFICATIONS) else { return Vec::new() };
    let Some(listed) = value.as_array().filter(|listed| listed.len() <= MOST_CERTIFICATIONS) else {
        let message = format!("`certifications` is an array of at most {MOST_CERTIFICATIONS} JWTs");
        reader.refuse(CERTIFICATIONS, message);
        return Vec::new();
    };
    let mut kept: Vec<String> = Vec::new();
    for (index, element) in listed.iter().enumerate() {
        match element.as_str().filter(|text| is_certification(text)) {
            Some(text) if kept.iter().any(|known| known == text) => {}
            Some(text) => kept.push(text.to_owned()),
            None => reader.refuse_element(
                ErrorCode::InvalidClientMetadata,
                CERTIFICATIONS,
                index,
                "a certification is a signed JWT with `x5c`, `iss`, `sub`, `iat`, `exp` and `jti` \
                 that lives three years at most"
                    .to_owned(),
            ),
        }
    }
    kept
}

fn is_certification(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(4, '.').collect();
    let [header, claims, signature] = parts.as_slice() else { return false };
    let (Some(header), Some(claims)) = (object(header), object(claims)) else { return false };
    let text_of = |members: &Map<String, Value>, name: &str| {
        members.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
    };
    let at = |name: &str| claims.get(name).and_then(Value::as_i64);
    let lives = match (at("iat"), at("exp")) {
        (Some(from), Some(to)) => {
            to > from && to.checked_sub(from).is_some_and(|life| life <= LONGEST_LIFE)
        }
        _ => false,
    };
    let unsigned = header.get("alg").and_then(Value::as_str).is_none_or(|alg| {
        alg.is_empty() || alg.eq_ignore_ascii_case("none") || alg.starts_with("HS")
    });
    let chain = header.get("x5c").and_then(Value::as_array).is_some_and(|chain| !chain.is_empty());
    text.len() <= LONGEST_CERTIFICATION
        && !unsigned
        && chain
        && lives
        && ["iss", "sub", "jti"].iter().all(|name| text_of(&claims, name))
        && URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| !signature.is_empty())
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    json::parse_object(&bytes).ok()
}

/// X7 and UD1, for the clients of a framework that uses UDAP.
pub(super) fn check(client: &ClientMetadata, supported: &Supported, reader: &mut MemberReader<'_>) {
    if !supported.members.contains(UDAP) {
        return;
    }
    let code = client.allows_grant(CODE);
    if code && client.allows_grant("client_credentials") {
        let message = "`authorization_code` and `client_credentials` exclude each other in UDAP";
        reader.refuse("grant_types", message);
    }
    if client.allows_grant("refresh_token") && !code {
        let message = "grant type `refresh_token` needs `authorization_code` in UDAP";
        reader.refuse("grant_types", message);
    }
    if !client.contacts.iter().any(|contact| contact.starts_with("mailto:")) {
        reader.refuse("contacts", "`contacts` needs at least one `mailto:` address in UDAP");
    }
    if code {
        needed_for_code(client, reader);
    } else {
        forbidden_without_code(client, reader);
    }
}

fn needed_for_code(client: &ClientMetadata, reader: &mut MemberReader<'_>) {
    // The default of RFC 7591 would be the same, but UDAP wants it said.
    let said = reader.value("response_types").is_some();
    if !said || client.response_types != ["code"] {
        reader.refuse("response_types", "`response_types` is exactly `[\"code\"]` in UDAP");
    }
    let logo = client.display.get("logo_uri").and_then(file_extension);
    let picture = logo.is_some_and(|it| matches!(it.as_str(), "png" | "jpg" | "jpeg" | "gif"));
    if !picture {
        reader.refuse("logo_uri", "UDAP needs a `logo_uri` of a PNG, JPG or GIF picture");
    }
}

fn forbidden_without_code(client: &ClientMetadata, reader: &mut MemberReader<'_>) {
    const WITHOUT: &str = "goes with grant type `authorization_code` only in UDAP";
    if !client.redirect_uris.is_empty() {
        reader.problems.push(Problem::new(
            ErrorCode::InvalidRedirectUri,
            "/redirect_uris",
            format!("`redirect_uris` {WITHOUT}"),
        ));
    }
    if !client.response_types.is_empty() {
        reader.refuse("response_types", format!("`response_types` {WITHOUT}"));
    }
    if client.display.get("logo_uri").is_some() {
        reader.refuse("logo_uri", format!("`logo_uri` {WITHOUT}"));
    }
}
