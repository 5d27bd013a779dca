//! The merge of statement and request, rule by rule (REG-G3, P1 to P6, S13, S14), the binding that
//! comes before it (REG-S11), and the properties that hold for every table (SEC-65 P1).

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::jose::Algorithm;
use crate::jose::JwkSet;
use crate::jose::SigningKey;
use crate::protocol::client::Supported;
use crate::protocol::error::ErrorCode;
use crate::protocol::problem::Problems;
use crate::protocol::registration::RegistrationRequest;
use crate::protocol::registration::SoftwareStatement;
use crate::protocol::registration::UnverifiedStatement;
use crate::trust::Bound;
use crate::trust::Framework;
use crate::trust::Merged;
use crate::trust::Presentation;
use crate::trust::PresenterKeys;
use crate::trust::SHIPPED_DIRECTORY;
use crate::trust::StatementFacts;
use crate::trust::bind;
use crate::trust::claim_map::merge_members;
use crate::trust::merge;
use crate::types::Issuer;
use crate::types::ScopeSet;
use crate::types::SoftwareId;
use crate::types::Timestamp;

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_epoch(NOW).unwrap()
}

fn us() -> Issuer {
    Issuer::parse("https://as.example").unwrap()
}

fn server() -> Supported {
    Supported {
        grant_types: vec!["client_credentials"],
        token_endpoint_auth_methods: vec!["private_key_jwt"],
        token_endpoint_auth_signing_algs: vec!["ES256"],
        application_types: vec!["web"],
        ..Supported::default()
    }
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn patched(base: Value, changes: Value) -> Map<String, Value> {
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

fn claims(changes: Value) -> Map<String, Value> {
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

fn framework() -> Framework {
    Framework::parse("directory.toml", SHIPPED_DIRECTORY).unwrap()
}

fn framework_with(from: &str, to: &str) -> Framework {
    assert!(SHIPPED_DIRECTORY.contains(from), "{from}");
    Framework::parse("directory.toml", &SHIPPED_DIRECTORY.replacen(from, to, 1)).unwrap()
}

fn facts(roles: &[&str]) -> StatementFacts {
    StatementFacts {
        software_id: SoftwareId::parse("software-1").unwrap(),
        software_name: "Acme Budget".to_owned(),
        organisation_id: "acme".parse().unwrap(),
        organisation_name: None,
        environment: None,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    }
}

fn merged(framework: &Framework, said: Value, asked: Value) -> Merged {
    merge_members(framework, &claims(said), &facts(&["AISP"]), &object(asked))
}

#[track_caller]
fn accepted(merged: Merged) -> Map<String, Value> {
    assert!(merged.problems.is_empty(), "{:?}", merged.problems);
    merged.members
}

#[track_caller]
fn refused_at(merged: &Merged, code: ErrorCode, pointer: &str) {
    let found = merged.problems.iter().any(|it| it.code == code && it.pointer == pointer);
    assert!(found, "{:?}", merged.problems);
}

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

// For every table, statement and request.

fn framework_in_modes(redirects: &str, scope: &str, contacts: &str, name: &str) -> Framework {
    let text = SHIPPED_DIRECTORY
        .replacen("mode = \"must_be_subset\"", &format!("mode = \"{redirects}\""), 1)
        .replacen("mode = \"intersect\"", &format!("mode = \"{scope}\""), 1)
        .replacen("if_absent = \"request\"", "if_absent = \"nothing\"", 1)
        .replacen("mode = \"union\"", &format!("mode = \"{contacts}\""), 1)
        .replacen(
            "\"software_client_name\"\nmode = \"override\"",
            &format!("\"software_client_name\"\nmode = \"{name}\""),
            1,
        );
    Framework::parse("f.toml", &text).unwrap()
}

fn guarded_mode() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["override", "must_equal", "must_be_subset", "intersect"])
}

fn any_mode() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "override",
        "must_equal",
        "must_be_subset",
        "intersect",
        "default_if_absent",
        "union",
    ])
}

fn scalar_mode() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["override", "must_equal", "default_if_absent"])
}

prop_compose! {
    fn a_framework()(a in guarded_mode(), b in guarded_mode(), c in any_mode(), d in scalar_mode())
        -> Framework { framework_in_modes(a, b, c, d) }
}

/// Some of a few URIs, scopes, contacts and names, or nothing; in any order, some twice.
fn some(of: [&'static str; 4]) -> impl Strategy<Value = Option<Vec<String>>> {
    let one = prop::sample::select(of.to_vec()).prop_map(str::to_owned);
    prop::option::of(prop::collection::vec(one, 0..5))
}

const URIS: [&str; 4] =
    ["https://a.example/", "https://b.example/", "https://c.example/", "https://a.example/x"];
const SCOPES: [&str; 4] = ["a", "b", "c", "aa"];
const CONTACTS: [&str; 4] = ["a@x", "b@x", "c@x", "d@x"];

#[derive(Debug, Clone)]
struct Voice {
    uris: Option<Vec<String>>,
    scopes: Option<Vec<String>>,
    contacts: Option<Vec<String>>,
    name: Option<&'static str>,
    keys: Option<&'static str>,
}

prop_compose! {
    fn a_voice()(
        uris in some(URIS), scopes in some(SCOPES), contacts in some(CONTACTS),
        name in prop::option::of(prop::sample::select(vec!["One", "Two"])),
        keys in prop::option::of(prop::sample::select(vec!["https://localhost/1", "https://localhost/2"])),
    ) -> Voice { Voice { uris, scopes, contacts, name, keys } }
}

impl Voice {
    fn written(&self, names: [&str; 5]) -> Map<String, Value> {
        let mut written = Map::new();
        let scopes = self.scopes.as_ref().map(|scopes| Value::from(scopes.join(" ")));
        let values = [
            self.uris.clone().map(Value::from),
            scopes,
            self.contacts.clone().map(Value::from),
            self.name.map(Value::from),
            self.keys.map(Value::from),
        ];
        for (name, value) in names.into_iter().zip(values) {
            written.extend(value.map(|value| (name.to_owned(), value)));
        }
        written
    }

    fn claims(&self) -> Map<String, Value> {
        self.written([
            "software_redirect_uris",
            "scope",
            "org_contacts",
            "software_client_name",
            "software_jwks_uri",
        ])
    }

    fn request(&self) -> Map<String, Value> {
        self.written(["redirect_uris", "scope", "contacts", "client_name", "jwks_uri"])
    }

    fn reversed(&self) -> Self {
        let turn = |list: &Option<Vec<String>>| {
            list.clone().map(|mut list| {
                list.reverse();
                list
            })
        };
        Self {
            uris: turn(&self.uris),
            scopes: turn(&self.scopes),
            contacts: turn(&self.contacts),
            ..self.clone()
        }
    }
}

fn set(members: &Map<String, Value>, member: &str) -> BTreeSet<String> {
    match members.get(member) {
        Some(Value::String(text)) if member == "scope" => {
            ScopeSet::parse(text).unwrap().iter().map(ToString::to_string).collect()
        }
        Some(value) => value.as_array().map_or_else(
            || BTreeSet::from([value.to_string()]),
            |listed| listed.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
        ),
        None => BTreeSet::new(),
    }
}

fn allowed(list: Option<&Vec<String>>) -> BTreeSet<String> {
    list.into_iter().flatten().cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_redirect_scope_or_key_lies_outside_the_statement_sec_65_p1(
        framework in a_framework(), said in a_voice(), asked in a_voice(),
    ) {
        let merged = merge_members(&framework, &said.claims(), &facts(&[]), &asked.request());
        prop_assert!(set(&merged.members, "redirect_uris").is_subset(&allowed(said.uris.as_ref())));
        prop_assert!(set(&merged.members, "scope").is_subset(&allowed(said.scopes.as_ref())));
        let keys = merged.members.get("jwks_uri").and_then(Value::as_str);
        prop_assert!(keys.is_none() || keys == said.keys);
    }

    #[test]
    fn a_mode_that_narrows_grants_nothing_unasked_sec_65_p1(
        mode in prop::sample::select(vec!["must_be_subset", "intersect"]),
        said in a_voice(), asked in a_voice(),
    ) {
        let framework = framework_in_modes(mode, mode, mode, "override");
        let merged = merge_members(&framework, &said.claims(), &facts(&[]), &asked.request());
        if asked.uris.is_some() {
            let granted = set(&merged.members, "redirect_uris");
            prop_assert!(granted.is_subset(&allowed(asked.uris.as_ref())));
        }
        if asked.scopes.as_ref().is_some_and(|scopes| !scopes.is_empty()) {
            let granted = set(&merged.members, "scope");
            prop_assert!(granted.is_subset(&allowed(asked.scopes.as_ref())));
        }
    }

    #[test]
    fn the_order_of_lists_means_nothing(
        framework in a_framework(), said in a_voice(), asked in a_voice(),
    ) {
        let one = merge_members(&framework, &said.claims(), &facts(&[]), &asked.request());
        let other = merge_members(
            &framework, &said.reversed().claims(), &facts(&[]), &asked.reversed().request(),
        );
        for member in ["redirect_uris", "scope", "contacts", "client_name", "jwks_uri"] {
            prop_assert_eq!(set(&one.members, member), set(&other.members, member));
        }
        prop_assert_eq!(one.problems.is_empty(), other.problems.is_empty());
    }

    #[test]
    fn merging_the_outcome_again_changes_nothing(
        framework in a_framework(), said in a_voice(), asked in a_voice(),
    ) {
        let once = merge_members(&framework, &said.claims(), &facts(&[]), &asked.request());
        if once.problems.is_empty() {
            let again = merge_members(&framework, &said.claims(), &facts(&[]), &once.members);
            prop_assert_eq!(&again.members, &once.members);
            prop_assert!(again.replaced.is_empty() && again.problems.is_empty());
        }
    }
}
