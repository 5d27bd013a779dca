//! The merge of statement and request, rule by rule (REG-G3, P1 to P6, S13, S14).

use serde_json::{Map, Value, json};

use crate::protocol::client::Supported;
use crate::protocol::error::ErrorCode;
use crate::trust::Framework;
use crate::trust::Merged;
use crate::trust::SHIPPED_DIRECTORY;
use crate::trust::StatementFacts;
use crate::trust::claim_map::merge_members;
use crate::types::Issuer;
use crate::types::SoftwareId;
use crate::types::Timestamp;

pub(super) const NOW: i64 = 1_800_000_000;

pub(super) fn now() -> Timestamp {
    Timestamp::from_epoch(NOW).unwrap()
}

pub(super) fn us() -> Issuer {
    Issuer::parse("https://as.example").unwrap()
}

pub(super) fn server() -> Supported {
    Supported {
        grant_types: vec!["client_credentials"],
        token_endpoint_auth_methods: vec!["private_key_jwt"],
        token_endpoint_auth_signing_algs: vec!["ES256"],
        application_types: vec!["web"],
        ..Supported::default()
    }
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

pub(super) fn patched(base: Value, changes: Value) -> Map<String, Value> {
    let mut members = object(base);
    for (name, value) in object(changes) {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    members
}

pub(super) fn claims(changes: Value) -> Map<String, Value> {
    patched(
        json!({
            "iss": "https://localhost:8445", "iat": NOW, "exp": NOW + 600, "jti": "s1",
            "software_id": "software-1", "software_client_name": "Acme Budget",
            "software_jwks_uri": "https://localhost:8445/software-1/jwks",
            "software_redirect_uris": ["https://acme.example/a", "https://acme.example/b"],
            "software_roles": ["AISP"], "scope": "accounts balances",
            "org_id": "acme", "org_name": "Acme", "org_status": "Active",
        }),
        changes,
    )
}

pub(super) fn framework() -> Framework {
    Framework::parse("directory.toml", SHIPPED_DIRECTORY).unwrap()
}

pub(super) fn framework_with(from: &str, to: &str) -> Framework {
    assert!(SHIPPED_DIRECTORY.contains(from), "{from}");
    Framework::parse("directory.toml", &SHIPPED_DIRECTORY.replacen(from, to, 1)).unwrap()
}

pub(super) fn facts(roles: &[&str]) -> StatementFacts {
    StatementFacts {
        software_id: SoftwareId::parse("software-1").unwrap(),
        software_name: "Acme Budget".to_owned(),
        organisation_id: "acme".parse().unwrap(),
        organisation_name: None,
        environment: None,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    }
}

pub(super) fn merged(framework: &Framework, said: Value, asked: Value) -> Merged {
    merge_members(framework, &claims(said), &facts(&["AISP"]), &object(asked))
}

#[track_caller]
pub(super) fn accepted(merged: Merged) -> Map<String, Value> {
    assert!(merged.problems.is_empty(), "{:?}", merged.problems);
    merged.members
}

#[track_caller]
pub(super) fn refused_at(merged: &Merged, code: ErrorCode, pointer: &str) {
    let found = merged.problems.iter().any(|it| it.code == code && it.pointer == pointer);
    assert!(found, "{:?}", merged.problems);
}

// Member by member.

#[test]
fn what_the_request_leaves_out_comes_from_the_statement_reg_p3() {
    let members = accepted(merged(&framework(), json!({}), json!({})));
    assert_eq!(
        members["redirect_uris"],
        json!(["https://acme.example/a", "https://acme.example/b"])
    );
    assert_eq!(members["scope"], "accounts balances");
}

#[test]
fn every_redirect_uri_outside_the_statement_is_named_reg_p3_peer_1() {
    let asked = json!({ "redirect_uris": [
        "https://evil.example/", "https://acme.example/a", "https://acme.example/A",
    ] });
    let merged = merged(&framework(), json!({}), asked);
    refused_at(&merged, ErrorCode::InvalidRedirectUri, "/redirect_uris/0");
    refused_at(&merged, ErrorCode::InvalidRedirectUri, "/redirect_uris/2");
    assert_eq!(merged.members["redirect_uris"], json!(["https://acme.example/a"]));
}

#[test]
fn a_statement_without_redirects_allows_none_reg_g3() {
    let said = json!({ "software_redirect_uris": null });
    let merged = merged(&framework(), said, json!({ "redirect_uris": ["https://acme.example/a"] }));
    refused_at(&merged, ErrorCode::InvalidRedirectUri, "/redirect_uris");
}

#[test]
fn scopes_are_compared_as_whole_tokens_reg_p3_peer_2() {
    let asked = json!({ "scope": "accounts accounts-extra balance" });
    let merged = merged(&framework(), json!({}), asked);
    assert_eq!(merged.replaced.len(), 1);
    assert_eq!(merged.replaced[0].rule, "intersect");
    assert_eq!(accepted(merged)["scope"], "accounts");
}

#[test]
fn a_request_of_which_nothing_remains_is_refused_reg_s14() {
    let merged = merged(&framework(), json!({}), json!({ "scope": "payments" }));
    refused_at(&merged, ErrorCode::InvalidClientMetadata, "/scope");
}

#[test]
fn a_statement_without_scope_leaves_it_to_the_policy_where_the_framework_says_so() {
    let merged = merged(&framework(), json!({ "scope": null }), json!({ "scope": "payments" }));
    assert_eq!(accepted(merged)["scope"], "payments");
    let strict = framework_with("if_absent = \"request\"", "if_absent = \"nothing\"");
    let merged = merge_members(
        &strict,
        &claims(json!({ "scope": null })),
        &facts(&[]),
        &object(json!({ "scope": "payments" })),
    );
    refused_at(&merged, ErrorCode::InvalidClientMetadata, "/scope");
}

#[test]
fn another_name_is_overridden_and_recorded_with_its_translations_reg_p5_reg_t7() {
    let asked = json!({ "client_name": "Big Bank", "client_name#fr": "Grande Banque" });
    let merged = merged(&framework(), json!({}), asked);
    assert_eq!(merged.members["client_name"], "Acme Budget");
    assert_eq!(merged.members.get("client_name#fr"), None);
    let mut replaced: Vec<&str> = merged.replaced.iter().map(|it| it.member.as_str()).collect();
    replaced.sort_unstable();
    assert_eq!(replaced, ["client_name", "client_name#fr"]);
}

#[test]
fn translations_of_the_statement_are_kept_reg_m5() {
    let said = json!({ "software_client_name#fr": "Acme en fran\u{e7}ais" });
    let members = accepted(merged(&framework(), said, json!({})));
    assert_eq!(members["client_name#fr"], "Acme en fran\u{e7}ais");
}

#[test]
fn another_software_id_is_refused_not_replaced_reg_m10_reg_p4() {
    let merged = merged(&framework(), json!({}), json!({ "software_id": "software-2" }));
    refused_at(&merged, ErrorCode::InvalidClientMetadata, "/software_id");
    assert_eq!(merged.members["software_id"], "software-1");
}

#[test]
fn other_keys_than_those_of_the_statement_are_refused_reg_b12_reg_b13() {
    let elsewhere = json!({ "jwks_uri": "https://localhost:8445/software-2/jwks" });
    let other = merged(&framework(), json!({}), elsewhere);
    refused_at(&other, ErrorCode::InvalidClientMetadata, "/jwks_uri");
    let by_value = merged(&framework(), json!({}), json!({ "jwks": { "keys": [] } }));
    refused_at(&by_value, ErrorCode::InvalidClientMetadata, "/jwks");
    assert_eq!(by_value.members.get("jwks"), None);
    let without_row = SHIPPED_DIRECTORY.replace("[claims.jwks]", "[claims.subject_type]");
    let without_row = Framework::parse("f.toml", &without_row).unwrap();
    let by_value = merged(&without_row, json!({}), json!({ "jwks": { "keys": [] } }));
    refused_at(&by_value, ErrorCode::InvalidClientMetadata, "/jwks");
}

#[test]
fn a_claim_of_another_shape_is_a_bad_statement() {
    for said in [
        json!({ "software_redirect_uris": 7 }),
        json!({ "scope": "a  b" }),
        json!({ "software_client_name": ["x"] }),
    ] {
        let merged = merged(&framework(), said, json!({}));
        assert_eq!(merged.problems.code(), ErrorCode::InvalidSoftwareStatement);
    }
}

#[test]
fn a_required_claim_is_there_and_so_is_a_required_member() {
    let strict = framework_with(
        "mode = \"must_be_subset\"",
        "mode = \"must_be_subset\"\nrequired = true\nrequired_in_request = true",
    );
    let absent = merged(&strict, json!({ "software_redirect_uris": null }), json!({}));
    assert_eq!(absent.problems.code(), ErrorCode::InvalidSoftwareStatement);
    refused_at(
        &merged(&strict, json!({}), json!({})),
        ErrorCode::InvalidRedirectUri,
        "/redirect_uris",
    );
}

#[test]
fn roles_bound_scopes_and_grants_reg_s14_reg_br6() {
    let table = "claim = \"software_roles\"\n[roles.ceilings.AISP]\nscope = \"accounts\"\n\
                 grant_types = [\"client_credentials\"]\n[roles.ceilings.PISP]\nscope = \"payments\"";
    let framework = framework_with("claim = \"software_roles\"", table);
    let with = |roles: &[&str], asked: Value| {
        merge_members(&framework, &claims(json!({ "scope": null })), &facts(roles), &object(asked))
    };
    let narrowed = with(&["AISP"], json!({ "scope": "accounts payments" }));
    assert_eq!(narrowed.replaced[0].rule, "role");
    assert_eq!(accepted(narrowed)["scope"], "accounts");
    let both = with(&["AISP", "PISP"], json!({ "scope": "payments accounts" }));
    assert_eq!(accepted(both)["scope"], "accounts payments");
    for roles in [&[][..], &["CBPII"][..], &["AISPX"][..]] {
        let none = with(roles, json!({ "scope": "accounts" }));
        refused_at(&none, ErrorCode::InvalidClientMetadata, "/scope");
    }
    let grant = with(&["AISP"], json!({ "grant_types": ["client_credentials", "refresh_token"] }));
    refused_at(&grant, ErrorCode::InvalidClientMetadata, "/grant_types/1");
    assert_eq!(with(&["AISP"], json!({})).members.get("scope"), None);
}

#[test]
fn an_absent_scope_is_all_of_the_role_where_the_framework_says_so_reg_br7() {
    let text = SHIPPED_DIRECTORY
        .replace(
            "claim = \"software_roles\"",
            "claim = \"software_roles\"\n[roles.ceilings.AISP]\nscope = \"accounts balances\"",
        )
        .replace(
            "[client.defaults]",
            "[client]\nabsent_scope = \"all_of_role\"\n[client.defaults]",
        );
    let framework = Framework::parse("f.toml", &text).unwrap();
    let merged = merged(&framework, json!({ "scope": null }), json!({}));
    assert_eq!(accepted(merged)["scope"], "accounts balances");
}

#[test]
fn the_problems_of_merge_and_metadata_are_told_together_reg_e11() {
    let asked = json!({
        "redirect_uris": ["https://evil.example/"], "grant_types": ["password"],
        "contacts": ["nobody"], "software_id": "x y",
    });
    let problems =
        merged(&framework(), json!({}), asked).into_metadata(&framework(), &server()).unwrap_err();
    let pointers: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(pointers, ["/software_id", "/redirect_uris/0", "/grant_types/0", "/contacts/0"]);
}

#[test]
fn an_absent_member_gets_the_frameworks_default_reg_m2_reg_m3() {
    let (client, _) = merged(&framework(), json!({}), json!({ "grant_types": null }))
        .into_metadata(&framework(), &server())
        .unwrap();
    assert_eq!(client.grant_types, ["client_credentials"]);
}

#[test]
fn what_the_client_got_back_it_may_send_again_reg_u3() {
    let (client, _) = merged(&framework(), json!({}), json!({ "scope": "accounts" }))
        .into_metadata(&framework(), &server())
        .unwrap();
    let again = serde_json::to_value(&client).unwrap();
    let (same, replaced) =
        merged(&framework(), json!({}), again).into_metadata(&framework(), &server()).unwrap();
    assert_eq!(same, client);
    assert!(replaced.is_empty());
}
