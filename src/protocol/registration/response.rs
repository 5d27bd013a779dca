//! What a registration is answered with ([RFC 7591 §3.2.1], [RFC 7592 §3], REG-E3 to E6).
//!
//! [RFC 7591 §3.2.1]: https://www.rfc-editor.org/rfc/rfc7591#section-3.2.1
//! [RFC 7592 §3]: https://www.rfc-editor.org/rfc/rfc7592#section-3

use serde_json::{Map, Value};

use crate::protocol::client::ClientMetadata;
use crate::types::ClientId;
use crate::types::Secret;
use crate::types::Timestamp;

/// A registration as its owner sees it: the body of 201 after `POST` and of 200 after `GET` and `PUT`.
#[derive(Debug, Clone)]
pub struct RegistrationResponse<'a> {
    /// RFC 7591 `client_id`.
    pub client_id: &'a ClientId,
    /// RFC 7591 `client_id_issued_at`, in whole seconds.
    pub issued_at: Timestamp,
    /// The metadata, every default filled in.
    pub metadata: &'a ClientMetadata,
    /// The software statement, byte for byte (REG-E5).
    pub software_statement: &'a str,
    /// Further claims of the statement that the framework shows; see `Framework::echo`.
    pub from_statement: Map<String, Value>,
    /// RFC 7592 `registration_client_uri` and `registration_access_token`, which are shown together
    /// or not at all (REG-R2).
    pub management: Option<(&'a str, &'a Secret)>,
    /// `client_secret` and when it ends; one never without the other (REG-E4).
    pub secret: Option<(&'a Secret, Timestamp)>,
    /// After how many seconds without use the client ends, if it does (REG-L8).
    pub unused_expires_after: Option<i64>,
    /// When it ends if it is not used until then: shown once its owner is to be told.
    pub unused_expires_at: Option<Timestamp>,
    /// What was decided about each requested item.
    pub decisions: Option<Value>,
    /// The policy that decided.
    pub policy_digest: Option<&'a str>,
}

impl RegistrationResponse<'_> {
    /// The body. Unset members are absent, never `null` or `""` (REG-E6), and no claim of the
    /// statement covers a member that the registration has.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = self.from_statement.clone();
        if let Ok(Value::Object(metadata)) = serde_json::to_value(self.metadata) {
            body.extend(metadata);
        }
        let mut put = |member: &str, value: Value| body.insert(member.to_owned(), value);
        put("client_id", self.client_id.as_str().into());
        put("client_id_issued_at", self.issued_at.epoch().into());
        put("software_statement", self.software_statement.into());
        if let Some((uri, token)) = self.management {
            put("registration_client_uri", uri.into());
            put("registration_access_token", token.reveal().into());
        }
        if let Some((secret, expires_at)) = self.secret {
            put("client_secret", secret.reveal().into());
            put("client_secret_expires_at", expires_at.epoch().into());
        }
        if let Some(seconds) = self.unused_expires_after {
            put("client_unused_expires_after", seconds.into());
        }
        if let Some(at) = self.unused_expires_at {
            put("client_unused_expires_at", at.epoch().into());
        }
        if let Some(decisions) = &self.decisions {
            put("decisions", decisions.clone());
        }
        if let Some(policy_digest) = self.policy_digest {
            put("policy_digest", policy_digest.into());
        }
        body.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::client::Supported;
    use crate::protocol::client::metadata;

    fn body() -> Value {
        let supported = Supported {
            grant_types: vec!["client_credentials"],
            token_endpoint_auth_methods: vec!["private_key_jwt"],
            ..Supported::default()
        };
        let members = serde_json::from_value(json!({
            "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": "https://keys.example/jwks", "client_name": "Acme", "scope": "b a",
        }));
        RegistrationResponse {
            client_id: &ClientId::parse("cl_1").unwrap(),
            issued_at: Timestamp::from_epoch(1_700_000_000).unwrap(),
            metadata: &metadata::parse(&members.unwrap(), &supported).unwrap(),
            software_statement: "ey.ey.sig",
            from_statement: serde_json::from_value(
                json!({ "org_id": "o", "client_id": "not mine", "scope": "everything", "x": null }),
            )
            .unwrap(),
            management: Some(("https://as.example/register/cl_1", &Secret::new("rat"))),
            secret: None,
            unused_expires_after: Some(86_400),
            unused_expires_at: None,
            decisions: Some(json!([{ "item": "scope:a", "outcome": "approved" }])),
            policy_digest: Some("sha256:x"),
        }
        .body()
    }

    #[test]
    fn the_answer_holds_all_metadata_with_defaults_reg_e4() {
        let body = body();
        assert_eq!(body["application_type"], "web");
        assert_eq!(body["response_types"], json!([]));
        assert_eq!(body["scope"], "a b");
        assert_eq!(body["client_id_issued_at"], 1_700_000_000);
        assert!(
            body.get("client_secret_expires_at").is_none() && body.get("client_secret").is_none()
        );
        assert_eq!(body["registration_access_token"], "rat");
        assert_eq!(body["decisions"][0]["outcome"], "approved");
    }

    #[test]
    fn the_answer_holds_the_statement_and_what_came_from_it_reg_e5() {
        assert_eq!(body()["software_statement"], "ey.ey.sig");
        assert_eq!(body()["org_id"], "o");
    }

    #[test]
    fn no_claim_of_the_statement_covers_what_was_registered() {
        assert_eq!(body()["client_id"], "cl_1");
        assert_eq!(body()["scope"], "a b");
    }

    #[test]
    fn unset_members_are_absent_reg_e6() {
        for (name, value) in body().as_object().unwrap() {
            assert!(!value.is_null() && value != "", "{name}");
        }
    }
}
