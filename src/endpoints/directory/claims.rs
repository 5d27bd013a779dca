//! What a good statement says.

use serde_json::{Map, Value, json};

use crate::storage::DirectoryOrganisation;
use crate::storage::DirectorySoftware;
use crate::types::Issuer;
use crate::types::Timestamp;

/// How long a statement lasts, in seconds.
pub(super) const LIFETIME: i64 = 300;

/// The claims of a statement about `software`: what the directory knows, then what was recorded of
/// the organisation and the software, then what is asked for now. Later ones replace earlier ones; a
/// claim that is null is left out.
pub(super) fn of(
    issuer: &Issuer,
    (organisation, software): (&DirectoryOrganisation, &DirectorySoftware),
    asked: Map<String, Value>,
    jti: &str,
    now: Timestamp,
) -> Value {
    let known = json!({
        "iss": issuer,
        "iat": now,
        "exp": now.plus(LIFETIME),
        "jti": jti,
        "software_id": software.id,
        "software_client_name": format!("{} software", organisation.name),
        "software_jwks_uri": jwks_uri(issuer, software),
        "software_roles": ["AISP"],
        "software_environment": "sandbox",
        "software_statement_status": "Active",
        "org_id": organisation.id,
        "org_name": organisation.name,
        "org_status": organisation.status,
    });
    let layers = [known, organisation.attributes.clone(), software.claims.clone(), asked.into()];
    let mut claims = Map::new();
    for layer in layers {
        if let Value::Object(members) = layer {
            claims.extend(members);
        }
    }
    claims.retain(|_, value| !value.is_null());
    Value::Object(claims)
}

/// Where the software's keys are: where it says, or here.
pub(super) fn jwks_uri(issuer: &Issuer, software: &DirectorySoftware) -> String {
    match &software.jwks_uri {
        Some(uri) => uri.to_string(),
        None => issuer.join(&format!("/software/{}/jwks", software.id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::DirectoryOrganisationId;
    use crate::types::SoftwareId;

    #[test]
    fn what_is_asked_for_replaces_what_is_recorded() {
        let organisation = DirectoryOrganisation {
            id: DirectoryOrganisationId::parse("org-1").unwrap(),
            name: "Fern".to_owned(),
            status: "Active".to_owned(),
            attributes: json!({ "org_jurisdiction": "GB" }),
        };
        let software = DirectorySoftware {
            id: SoftwareId::parse("app-1").unwrap(),
            organisation_id: organisation.id.clone(),
            claims: json!({ "software_roles": ["PISP"], "scope": "a" }),
            jwks: None,
            jwks_uri: None,
        };
        let issuer = Issuer::parse("https://d.example").unwrap();
        let now = Timestamp::parse("2026-11-22T10:00:00Z").unwrap();
        let asked = Map::from_iter([("scope".to_owned(), Value::Null), ("x".to_owned(), json!(1))]);
        let claims = of(&issuer, (&organisation, &software), asked, "j", now);
        assert_eq!(claims["software_roles"], json!(["PISP"]));
        assert_eq!(claims["org_jurisdiction"], "GB");
        assert_eq!(claims["x"], 1);
        assert_eq!(claims["exp"], now.epoch() + LIFETIME);
        assert_eq!(claims["software_jwks_uri"], "https://d.example/software/app-1/jwks");
        assert!(claims.get("scope").is_none());
    }
}
