//! A framework's file is read strictly, and what this server cannot do does not load (REG-G1, G6).

use serde_json::json;

use crate::jose::Algorithm;
use crate::jose::SigningKey;
use crate::jose::forge;
use crate::protocol::error::ErrorCode;
use crate::protocol::problem::Problems;
use crate::protocol::registration::RegistrationRequest;
use crate::protocol::registration::UnverifiedStatement;
use crate::trust::Binding;
use crate::trust::Duplicates;
use crate::trust::Framework;
use crate::trust::FrameworkProblem;
use crate::trust::Frameworks;
use crate::trust::KeySource;
use crate::trust::SHIPPED_DIRECTORY;
use crate::types::Issuer;
use crate::types::Timestamp;

/// The shipped file with a piece replaced.
pub(super) fn with(from: &str, to: &str) -> String {
    assert!(SHIPPED_DIRECTORY.contains(from), "{from}");
    SHIPPED_DIRECTORY.replacen(from, to, 1)
}

pub(super) fn problems(text: &str) -> Vec<FrameworkProblem> {
    Framework::parse("directory.toml", text).expect_err("it should not load")
}

#[track_caller]
pub(super) fn refused(from: &str, to: &str, field: &str) -> FrameworkProblem {
    let text = with(from, to);
    let problems = problems(&text);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].field, field, "{problems:?}");
    problems[0].clone()
}

fn now() -> Timestamp {
    Timestamp::from_epoch(1_800_000_000).unwrap()
}

fn directory() -> Framework {
    Framework::parse("directory.toml", SHIPPED_DIRECTORY).unwrap()
}

#[test]
fn the_shipped_framework_says_what_we_decided() {
    let framework = directory();
    let rules = framework.statement_rules(&Issuer::parse("https://as.example").unwrap());
    assert_eq!(rules.max_age_seconds, 300);
    assert_eq!(rules.algorithms, [Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa]);
    assert_eq!(rules.audiences, ["https://as.example"]);
    assert!(framework.single_use_statements() && rules.jti_required && rules.expiry_required);
    assert!(matches!(framework.duplicates(), Duplicates::AllowMany { .. }));
    assert!(matches!(framework.key_source(), KeySource::JwksUri(_)));
}

#[test]
fn an_error_names_file_line_and_field() {
    let problem =
        refused("binding = \"request_jws\"", "binding = \"request_jwt\"", "request.binding");
    let line = SHIPPED_DIRECTORY.lines().position(|line| line.starts_with("binding")).unwrap() + 1;
    assert_eq!(problem.line, Some(line));
    assert!(problem.to_string().starts_with(&format!("directory.toml:{line}: request.binding: ")));
    assert!(problem.message.contains("`certificate`"));
}

#[test]
fn a_member_that_nobody_knows_is_refused_with_its_line() {
    let text = with("skew_seconds = 10", "skew_seconds = 10\nskew_secnods = 10");
    let problems = problems(&text);
    assert_eq!(problems.len(), 1);
    let line = text.lines().position(|line| line.starts_with("skew_secnods")).unwrap() + 1;
    assert_eq!(problems[0].line, Some(line));
    assert!(problems[0].message.contains("skew_secnods"), "{}", problems[0]);
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    let problems = problems("name = \"a\"\nissuers = [");
    assert_eq!(problems.len(), 1);
    assert!(problems[0].line.is_some(), "{problems:?}");
}

#[test]
fn a_production_framework_without_a_binding_does_not_load_reg_g1() {
    let production = with("\"sandbox\"", "\"production\"");
    for none in ["\"none\"", "[]", "[\"none\", \"request_jws\"]", "[\"request_jws\", \"none\"]"] {
        let text = production.replace("binding = \"request_jws\"", &format!("binding = {none}"));
        assert_eq!(problems(&text)[0].field, "request.binding", "{none}");
    }
    let text = with("binding = \"request_jws\"\n", "");
    assert!(problems(&text)[0].message.contains("binding"), "there is no default");
}

#[test]
fn a_sandbox_framework_without_a_binding_loads_and_says_so_reg_g1() {
    let text = with("binding = \"request_jws\"", "binding = \"none\"");
    let framework = Framework::parse("f.toml", &text).unwrap();
    assert!(matches!(framework.binding(), Binding::None));
    let [warning] = framework.warnings() else { panic!("{:?}", framework.warnings()) };
    assert_eq!((warning.field.as_str(), warning.line.is_some()), ("request.binding", true));
    assert!(directory().warnings().is_empty());
}

#[test]
fn unsigned_requests_do_not_go_with_a_binding_by_signature_reg_s11() {
    refused(
        "[\"application/jwt\", \"application/jose\"]",
        "[\"application/jwt\", \"application/json\"]",
        "request.formats",
    );
}

#[test]
fn every_problem_of_a_file_is_named_at_once() {
    let text = with("name = \"directory\"", "name = \"two words\"")
        .replace("issuers = [\"https://localhost:8445\"]", "issuers = []")
        .replace("max_age_seconds = 300 ", "max_age_seconds = 9999999 ")
        .replace("statement = \"software_jwks_uri\"", "statement = \"software jwks\"")
        .replace("clients_per_software_product = 20", "clients_per_software_product = 0");
    let fields: Vec<String> = problems(&text).into_iter().map(|problem| problem.field).collect();
    assert_eq!(
        fields,
        [
            "name",
            "issuers",
            "statement.max_age_seconds",
            "claims.jwks_uri.statement",
            "clients_per_software_product",
        ]
    );
}

#[test]
fn symmetric_algorithms_and_none_do_not_load_peer_15() {
    for bad in ["HS256", "none", "es256", "ES256K"] {
        let text = with("[\"ES256\", \"PS256\", \"EdDSA\"]", &format!("[\"{bad}\"]"));
        assert_eq!(problems(&text)[0].field, "statement.algorithms", "{bad}");
    }
}

#[test]
fn a_merge_rule_that_names_an_unknown_member_does_not_load_peer_18() {
    refused("[claims.contacts]", "[claims.contract]", "claims.contract");
    refused("[claims.contacts]", "[claims.software_id]", "claims.software_id");
}

#[test]
fn no_merge_rule_lets_a_request_exceed_its_statement_sec_65_p1() {
    for mode in ["union", "default_if_absent"] {
        refused(
            "mode = \"must_be_subset\"",
            &format!("mode = \"{mode}\""),
            "claims.redirect_uris.mode",
        );
        refused("mode = \"intersect\"", &format!("mode = \"{mode}\""), "claims.scope.mode");
    }
    refused(
        "mode = \"must_be_subset\"",
        "mode = \"must_be_subset\"\nif_absent = \"request\"",
        "claims.redirect_uris.if_absent",
    );
}

#[test]
fn a_statement_must_decide_redirects_and_keys_reg_g2() {
    let text = SHIPPED_DIRECTORY
        .replace("[claims.redirect_uris]", "[claims.request_uris]")
        .replace("[claims.jwks_uri]", "[claims.application_type]")
        .replace("[claims.jwks]", "[claims.subject_type]");
    let fields: Vec<String> = problems(&text).into_iter().map(|problem| problem.field).collect();
    assert_eq!(fields, ["claims.redirect_uris", "claims.jwks_uri"]);
}

#[test]
fn a_scope_with_a_space_too_many_does_not_load_peer_5() {
    let roles = "claim = \"software_roles\"\n[roles.ceilings.AISP]\nscope = \" accounts\"";
    refused("claim = \"software_roles\"", roles, "roles.ceilings.AISP.scope");
}

#[test]
fn production_sends_nobody_to_this_machine_reg_m1() {
    let text = with("\"sandbox\"", "\"production\"")
        .replace("[client.defaults]", "[client]\nlocal_redirects = true\n[client.defaults]");
    assert_eq!(problems(&text)[0].field, "client.local_redirects");
}

#[test]
fn power_is_never_a_default() {
    for member in ["scope", "redirect_uris", "jwks_uri"] {
        refused(
            "[client.defaults]",
            &format!("[client.defaults]\n{member} = \"x\""),
            &format!("client.defaults.{member}"),
        );
    }
}

#[test]
fn the_envelope_is_never_echoed_reg_e6() {
    refused("echo = [\"org_id\"", "echo = [\"jti\"", "echo");
}

#[test]
fn a_framework_can_hold_its_keys_itself() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap().public_jwk();
    let toml_key = format!(
        "source = \"jwks\"\njwks = {{ keys = [{{ kty = \"EC\", crv = \"P-256\", kid = {}, x = {}, y = {} }}] }}",
        key["kid"], key["x"], key["y"]
    );
    let text = with("source = \"jwks_uri\"", &toml_key).replacen(
        "jwks_uri = \"https://localhost:8445/jwks\"\n",
        "",
        1,
    );
    let framework = Framework::parse("f.toml", &text).unwrap();
    let KeySource::Jwks(keys) = framework.key_source() else { panic!("no keys") };
    assert_eq!(keys.keys().len(), 1);
}

fn statement(issuer: &str) -> UnverifiedStatement {
    UnverifiedStatement::parse(&forge_statement(issuer)).unwrap()
}

fn forge_statement(issuer: &str) -> String {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    forge::with_broken_signature(&key, &json!({ "iss": issuer })).unwrap()
}

#[test]
fn a_statement_belongs_to_exactly_one_framework_reg_s4() {
    let other = with("name = \"directory\"", "name = \"other\"")
        .replace("issuers = [\"https://localhost:8445\"]", "issuers = [\"other\"]");
    let other = Framework::parse("other.toml", &other).unwrap();
    let all = Frameworks::new([("a.toml".to_owned(), directory()), ("b.toml".to_owned(), other)])
        .unwrap();
    assert_eq!(all.find(&statement("other"), now()).unwrap().name().as_str(), "other");
    for unknown in ["Other", "other ", "https://localhost:8445/", "nobody"] {
        let problems = Problems::from(all.find(&statement(unknown), now()).unwrap_err());
        assert_eq!(problems.code(), ErrorCode::UnapprovedSoftwareStatement, "{unknown}");
    }
}

#[test]
fn two_frameworks_never_share_a_name_or_an_issuer_reg_s4() {
    let twice = [("a.toml".to_owned(), directory()), ("b.toml".to_owned(), directory())];
    let problems = Frameworks::new(twice).unwrap_err();
    assert_eq!(problems.len(), 2);
    assert!(problems.iter().all(|problem| problem.file == "b.toml"));
}

#[test]
fn no_framework_admits_nobody_peer_9() {
    let problems = Problems::from(Frameworks::default().find(&statement("x"), now()).unwrap_err());
    assert_eq!(problems.code(), ErrorCode::UnapprovedSoftwareStatement);
}

#[test]
fn plain_json_is_refused_where_requests_are_signed_reg_e1() {
    let request = RegistrationRequest::parse(Some("application/json"), b"{}").unwrap();
    let problems = Problems::from(directory().check_format(&request).unwrap_err());
    assert_eq!(problems.code(), ErrorCode::InvalidClientMetadata);
    assert!(problems.iter().all(|problem| problem.message.contains("application/jwt")));
}
