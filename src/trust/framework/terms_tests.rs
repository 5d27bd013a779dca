//! What a framework's file may say of a registration's life.

use crate::protocol::client_authentication::client_assertion::LONGEST_LIFE;
use crate::trust::framework::tests::{problems, refused, with};
use crate::trust::{
    AssertionAudience, Duplicates, Framework, FrameworkProblem, Management, ManagementMethod,
    Quotas, UnusedRule, UpdateBody,
};
use crate::types::Scope;

#[test]
fn what_a_file_leaves_out_has_the_strictest_meaning() {
    let text = with("methods = [\"GET\", \"PUT\", \"DELETE\"]\n", "");
    let framework = Framework::parse("f.toml", &text).unwrap();
    assert_eq!(framework.management(), &Management::RegistrationAccessToken);
    assert!(framework.statement_on_update());
    assert!(ManagementMethod::ALL.into_iter().all(|method| framework.may_manage_by(method)));
    assert_eq!(framework.update_body(), UpdateBody::LikeRegistration);
    assert_eq!(framework.quotas(), &Quotas::default());
    assert_eq!(framework.unused(), None);
    let assertions = framework.authentication_audiences();
    assert_eq!(assertions.audience, AssertionAudience::Issuer);
    assert_eq!(assertions.longest_life_seconds, LONGEST_LIFE);
}

#[test]
fn a_framework_settles_a_registrations_life_reg_s18_r1_l8() {
    let text = with("duplicates = \"allow_many\"", "duplicates = \"idempotent_return\"").replace(
        "authorisation = \"registration_access_token\"\nmethods = [\"GET\", \"PUT\", \"DELETE\"]",
        "authorisation = \"client_credentials\"\nscope = \"cdr:registration\"\nmethods = [\"GET\", \"PUT\"]\n\
         statement_on_update = false\nupdate_body = \"names_client\"\n\
         [quotas]\nclients_per_organisation = 100\nregistrations_per_certificate_per_hour = 5\n\
         [unused]\nexpire_after_seconds = 7776000\nnotice_seconds = 604800\n\
         [authentication]\nassertion_audience = \"issuer_or_endpoint\"\nmax_assertion_lifetime_seconds = 1800",
    );
    let framework = Framework::parse("f.toml", &text).unwrap();
    let scope = Scope::parse("cdr:registration").unwrap();
    assert_eq!(framework.management(), &Management::ClientCredentials { scope: Some(scope) });
    assert!(!framework.may_manage_by(ManagementMethod::Delete));
    assert!(!framework.statement_on_update());
    assert_eq!(framework.update_body(), UpdateBody::NamesClient);
    assert_eq!(framework.duplicates(), Duplicates::IdempotentReturn);
    assert_eq!(framework.quotas().clients_per_organisation, Some(100));
    assert_eq!(framework.quotas().registrations_per_certificate_per_hour, Some(5));
    assert_eq!(framework.quotas().registrations_per_software_per_hour, None);
    let rule = UnusedRule { expire_after_seconds: 7_776_000, notice_seconds: 604_800 };
    assert_eq!(framework.unused(), Some(rule));
    assert_eq!(framework.authentication_audiences().longest_life_seconds, 1800);
}

#[test]
fn what_makes_no_sense_in_a_registrations_life_does_not_load() {
    let management = "authorisation = \"registration_access_token\"";
    refused(management, &format!("{management}\nscope = \"a\""), "management.scope");
    refused(management, &format!("{management}\ncertificate = true"), "management.certificate");
    refused(
        management,
        "authorisation = \"client_credentials\"\nscope = \"two words\"",
        "management.scope",
    );
    refused("clients_per_software_product = 20\n", "", "clients_per_software_product");
    for (table, field) in [
        ("[quotas]\nclients_per_organisation = 0", "quotas.clients_per_organisation"),
        (
            "[unused]\nexpire_after_seconds = 3600\nnotice_seconds = 86400",
            "unused.expire_after_seconds",
        ),
        (
            "[unused]\nexpire_after_seconds = 864000\nnotice_seconds = 864000",
            "unused.notice_seconds",
        ),
        (
            "[authentication]\nmax_assertion_lifetime_seconds = 7200",
            "authentication.max_assertion_lifetime_seconds",
        ),
    ] {
        let text = with("[client_keys]", &format!("{table}\n[client_keys]"));
        assert_eq!(problems(&text)[0].field, field);
    }
}

#[test]
fn anchors_that_cannot_be_read_are_the_only_problem_of_their_table() {
    let text = with("binding = \"request_jws\"", "binding = [\"request_jws\", \"certificate\"]")
        .replace(
            "[management]",
            "[certificate]\nanchors = [\"anchors/none.pem\"]\n\
             require = [{ any_of = [{ subject = \"UID\", equals = \"{software_id}\" }] }]\n\
             [management]\ncertificate = true",
        );
    let text = text.replace(
        "[client.defaults]",
        "[client]\ntoken_endpoint_auth_methods = [\"tls_client_auth\"]\n[client.defaults]",
    );
    let found = problems(&text);
    let fields: Vec<_> = found.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["certificate.anchors"], "{found:?}");
}

#[test]
fn where_the_statement_is_the_proof_an_update_needs_one_reg_u5() {
    let udap = include_str!("../../../frameworks/udap.toml");
    let lax = udap.replace("[management]", "[management]\nstatement_on_update = false");
    let read = Framework::parse_with("udap.toml", &lax, &|_| Err("not there".to_owned()));
    let found = read.unwrap_err();
    let named = |problem: &FrameworkProblem| problem.field == "management.statement_on_update";
    assert!(found.iter().any(named), "{found:?}");
}

#[test]
fn registration_access_tokens_may_end_peer_25() {
    let management = "authorisation = \"registration_access_token\"";
    let ends = |seconds: i64| format!("{management}\ntoken_lifetime_seconds = {seconds}");
    let framework = Framework::parse("f.toml", &with(management, &ends(86_400))).unwrap();
    assert_eq!(framework.management_token_seconds(), Some(86_400));
    refused(management, &ends(60), "management.token_lifetime_seconds");
    let own = "authorisation = \"client_credentials\"\ntoken_lifetime_seconds = 86400";
    refused(management, own, "management.token_lifetime_seconds");
}

#[test]
fn either_each_role_names_its_audiences_or_none_does_reg_s14() {
    let roles = |audiences: &str| {
        let two = "[roles.ceilings.AISP]\nscope = \"a\"\n[roles.ceilings.PISP]\nscope = \"b\"";
        format!("claim = \"software_roles\"\n{two}\n{audiences}")
    };
    let claim = "claim = \"software_roles\"";
    refused(claim, &roles("audiences = [\"https://api.example/\"]"), "roles.ceilings");
    let bad = roles("audiences = [\"not a uri\"]");
    let found = problems(&with(claim, &bad));
    assert_eq!(found[0].field, "roles.ceilings.PISP.audiences", "{found:?}");
}
