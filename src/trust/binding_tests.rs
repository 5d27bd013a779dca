//! The whole way from statement and request to metadata, and the binding in it (REG-S8, S11, S12).

use serde_json::{Value, json};

use crate::jose::Algorithm;
use crate::jose::JwkSet;
use crate::jose::SigningKey;
use crate::protocol::error::ErrorCode;
use crate::protocol::problem::Problems;
use crate::protocol::registration::RegistrationRequest;
use crate::protocol::registration::SoftwareStatement;
use crate::protocol::registration::UnverifiedStatement;
use crate::trust::Bound;
use crate::trust::Presentation;
use crate::trust::PresenterKeys;
use crate::trust::bind;
use crate::trust::claim_map_tests::*;
use crate::trust::merge;
use crate::types::Timestamp;

// The whole way: statement, facts, keys, binding, merge, metadata.

struct Software {
    directory: SigningKey,
    own: SigningKey,
}

impl Software {
    fn new() -> Self {
        let key = || SigningKey::generate(Algorithm::Es256).unwrap();
        Self { directory: key(), own: key() }
    }

    fn statement(&self, changes: Value) -> (String, SoftwareStatement) {
        let text = self.directory.sign("JWT", &claims(changes)).unwrap();
        let rules = framework().statement_rules(&us());
        let unverified = UnverifiedStatement::parse(&text).unwrap();
        (text, unverified.verify(&rules, &keys(&self.directory), now()).unwrap())
    }

    fn request(&self, statement: &str, changes: Value) -> RegistrationRequest {
        let claims = patched(
            json!({
                "iss": "software-1", "aud": "https://as.example", "iat": NOW, "exp": NOW + 60,
                "jti": "r1", "software_statement": statement, "scope": "accounts",
            }),
            changes,
        );
        let text = self.own.sign("JWT", &claims).unwrap();
        RegistrationRequest::parse(Some("application/jwt"), text.as_bytes()).unwrap()
    }

    fn bind(
        &self,
        statement: &SoftwareStatement,
        request: RegistrationRequest,
    ) -> Result<Bound, Problems> {
        let framework = framework();
        let facts = framework.facts(statement).unwrap();
        let keys = &keys(&self.own);
        let with = Presentation {
            framework: &framework,
            statement,
            facts: &facts,
            keys,
            certificate: None,
            stands: false,
            us: &us(),
        };
        bind(request, with, now())
    }
}

fn keys(key: &SigningKey) -> JwkSet {
    JwkSet::parse(&json!({ "keys": [key.public_jwk()] })).unwrap()
}

#[test]
fn a_statement_and_a_request_of_its_software_become_metadata() {
    let software = Software::new();
    let (text, statement) = software.statement(json!({}));
    let framework = framework();
    let facts = framework.facts(&statement).unwrap();
    assert!(facts.roles.contains("AISP") && facts.organisation_id.as_str() == "acme");
    assert!(matches!(framework.presenter_keys(&statement), Ok(PresenterKeys::Address(_))));
    let request = software.request(&text, json!({ "grant_types": ["client_credentials"] }));
    let bound = software.bind(&statement, request).unwrap();
    assert_eq!(
        (bound.jti(), bound.key_thumbprint()),
        (Some("r1"), Some(software.own.thumbprint()))
    );
    let (client, replaced) =
        merge(&framework, &statement, &facts, &bound).into_metadata(&framework, &server()).unwrap();
    assert_eq!(client.client_name(), Some("Acme Budget"));
    assert_eq!(client.scope.to_string(), "accounts");
    assert_eq!(client.redirect_uris.len(), 2);
    assert_eq!(client.software_id.unwrap().as_str(), "software-1");
    assert_eq!(client.jwks_uri.unwrap().as_str(), "https://localhost:8445/software-1/jwks");
    assert_eq!(client.token_endpoint_auth_method, "private_key_jwt");
    assert!(replaced.is_empty());
}

#[test]
fn a_statement_is_remembered_as_long_as_it_could_be_accepted_reg_s8() {
    let software = Software::new();
    for (exp, last) in [(NOW + 600, NOW + 300), (NOW + 100, NOW + 110)] {
        let (text, statement) = software.statement(json!({ "exp": exp }));
        let last = Timestamp::from_epoch(last).unwrap();
        assert_eq!(framework().acceptable_until(&statement), last);
        let again = UnverifiedStatement::parse(&text).unwrap();
        let rules = framework().statement_rules(&us());
        assert!(again.verify(&rules, &keys(&software.directory), last.plus(1)).is_err());
    }
}

#[test]
fn a_request_for_another_statement_or_without_a_signature_is_not_bound_reg_s11_reg_t1() {
    let software = Software::new();
    let (_, statement) = software.statement(json!({}));
    let (other, _) = software.statement(json!({ "jti": "s2" }));
    let problems = software.bind(&statement, software.request(&other, json!({}))).unwrap_err();
    assert_eq!(problems.code(), ErrorCode::InvalidClientMetadata);

    let plain = RegistrationRequest::parse(Some("application/json"), b"{}").unwrap();
    assert!(software.bind(&statement, plain).is_err());

    let thief = Software::new();
    let (text, _) = software.statement(json!({}));
    let stolen = thief.request(&text, json!({}));
    assert!(software.bind(&statement, stolen).is_err());
}

#[test]
fn a_request_names_the_software_of_its_statement_reg_s12_reg_t2() {
    let software = Software::new();
    let (text, statement) = software.statement(json!({}));
    let request = software.request(&text, json!({ "iss": "software-2" }));
    assert!(software.bind(&statement, request).is_err());
}

#[test]
fn keys_lie_on_hosts_that_the_framework_allows_reg_t5_sec_17() {
    let software = Software::new();
    for (uri, code) in [
        ("https://evil.example/jwks", ErrorCode::UnapprovedSoftwareStatement),
        ("https://localhost.evil.example/jwks", ErrorCode::UnapprovedSoftwareStatement),
        ("https://127.0.0.1/jwks", ErrorCode::UnapprovedSoftwareStatement),
        ("http://localhost/jwks", ErrorCode::InvalidSoftwareStatement),
        ("https://user@localhost/jwks", ErrorCode::InvalidSoftwareStatement),
    ] {
        let (_, statement) = software.statement(json!({ "software_jwks_uri": uri }));
        let problems = framework().presenter_keys(&statement).unwrap_err();
        assert_eq!(problems.code(), code, "{uri}");
    }
    let (_, statement) = software.statement(json!({ "software_jwks_uri": null }));
    let problems = framework().presenter_keys(&statement).unwrap_err();
    assert_eq!(problems.code(), ErrorCode::InvalidSoftwareStatement);
}

#[test]
fn keys_may_stand_in_the_statement_itself() {
    let software = Software::new();
    let own = json!({ "keys": [software.own.public_jwk()] });
    let changes = json!({ "software_jwks_uri": null, "software_jwks": own });
    let (_, statement) = software.statement(changes);
    let Ok(PresenterKeys::Value(keys)) = framework().presenter_keys(&statement) else {
        panic!("no keys");
    };
    assert_eq!(keys.keys().len(), 1);
}

#[test]
fn a_statement_without_software_or_organisation_is_bad_and_all_of_it_is_told() {
    let software = Software::new();
    let changes = json!({ "software_id": null, "org_id": 7, "software_client_name": "a\u{0}b" });
    let (_, statement) = software.statement(changes);
    let error = framework().facts(&statement).unwrap_err();
    assert_eq!(error.0.len(), 3, "{error}");
    assert_eq!(Problems::from(error).code(), ErrorCode::InvalidSoftwareStatement);
}
