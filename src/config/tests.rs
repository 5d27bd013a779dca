//! Settings as operators write them, well and badly.

use crate::config::InvalidSettings;
use crate::config::Origin;
use crate::config::Settings;

const REHEARSAL: &str = "[server]\nenvironment = \"sandbox\"\n";

fn read(file: &str, variables: &[(&str, &str)]) -> Result<Settings, InvalidSettings> {
    let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    Settings::read(Some(file), variables)
}

/// The keys that are wrong.
fn refused(file: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let problems = read(file, variables).map(|_| ()).unwrap_err().problems;
    problems.into_iter().map(|problem| problem.key).collect()
}

#[test]
fn the_defaults_are_a_sound_rehearsal() {
    let settings = read(REHEARSAL, &[]).unwrap();
    assert_eq!(settings.server.listen.port(), 8443);
    assert!(!settings.trust.allow_loopback);
    assert!(settings.operator.accounts.is_empty());
}

#[test]
fn production_must_say_its_name() {
    assert_eq!(refused("", &[]), ["server.issuer"]);
    assert!(read("[server]\nissuer = \"https://as.bank.example\"\n", &[]).is_ok());
    assert_eq!(refused("[server]\nissuer = \"https://[::1]:8443\"", &[]), ["server.issuer"]);
}

#[test]
fn every_problem_is_reported_at_once_in_the_order_of_the_keys() {
    let file = "
        stray = 1
        [server]
        issuer = \"bank.example\"
        listen = \"everywhere\"
        lisen = \"127.0.0.1:1\"
        [limits]
        body_bytes = 5
        keep_alive = 60
        [tokens]
        signing_algorithm = \"RS256\"
        [nonsense]
        a = 1
    ";
    let variables =
        [("COUNTERSIGN__DATABASE__READERS", "many"), ("COUNTERSIGN__SERVER__ISSUR", "x")];
    assert_eq!(
        refused(file, &variables),
        [
            "database.readers",
            "limits.body_bytes",
            "limits.keep_alive",
            "nonsense.a",
            "server.issuer",
            "server.issur",
            "server.lisen",
            "server.listen",
            "stray",
            "tokens.signing_algorithm",
        ]
    );
}

#[test]
fn a_variable_stands_before_the_file() {
    let variables = [
        ("COUNTERSIGN__SERVER__LISTEN", "[::]:9443"),
        ("COUNTERSIGN__LOG__LEVEL", "debug"),
        ("COUNTERSIGN_CONFIG", "not ours"),
        ("PATH", "not ours"),
    ];
    let settings = read(&format!("{REHEARSAL}listen = \"127.0.0.1:1\""), &variables).unwrap();
    assert_eq!(settings.server.listen.to_string(), "[::]:9443");
    assert_eq!(settings.log.level.name(), "debug");
}

#[test]
fn a_problem_names_the_variable_that_it_came_from() {
    let error = read(REHEARSAL, &[("COUNTERSIGN__LIMITS__KEEP_ALIVE", "1y")]).unwrap_err();
    let problem = &error.problems[0];
    let variable = "COUNTERSIGN__LIMITS__KEEP_ALIVE".to_owned();
    assert_eq!(problem.origin, Origin::Environment(variable));
    assert!(problem.to_string().contains("`1y` is not a duration, such as"), "{problem}");
}

#[test]
fn production_refuses_what_is_for_rehearsals() {
    let file = "
        [server]
        issuer = \"https://as.bank.example\"
        hello_route = true
        [trust]
        allow_loopback = true
    ";
    assert_eq!(refused(file, &[]), ["server.hello_route", "trust.allow_loopback"]);
}

#[test]
fn keys_overlap_long_enough() {
    let with = |tokens: &str| refused(&format!("{REHEARSAL}[tokens]\n{tokens}"), &[]);
    assert_eq!(with("key_retire = \"1h\""), ["tokens.key_retire"]);
    assert_eq!(with("key_prepublish = \"5m\""), ["tokens.key_prepublish"]);
    assert_eq!(with("key_rotation = \"1d\""), ["tokens.key_rotation"]);
    assert_eq!(with("access_token_lifetime = \"2h\""), ["tokens.access_token_lifetime"]);
}

#[test]
fn revocation_lists_go_with_authorities() {
    let with = |more: &str| refused(&format!("{REHEARSAL}[resource_servers]\n{more}"), &[]);
    let lists = "certificate_revocations = \"lists.pem\"\n";
    assert_eq!(with(lists), ["resource_servers.certificate_revocations"]);
    let authorities = "certificate_authorities = \"authorities.pem\"\n";
    let file = format!("{REHEARSAL}[resource_servers]\n{lists}{authorities}");
    assert!(Settings::read(Some(&file), []).is_ok());
}

#[test]
fn operators_are_read_from_file_and_environment() {
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let account =
        |name: &str| format!("{{ name = \"{name}\", role = \"risk\", token_sha256 = \"{hash}\" }}");
    let file = |list: &str| format!("{REHEARSAL}[operator]\naccounts = [{list}]");
    assert_eq!(read(&file(&account("anna")), &[]).unwrap().operator.accounts[0].name, "anna");
    let list = format!("[{}]", account("ben"));
    let settings = read(REHEARSAL, &[("COUNTERSIGN__OPERATOR__ACCOUNTS", &list)]).unwrap();
    assert_eq!(settings.operator.accounts[0].name, "ben");
    let twins = file(&format!("{}, {}", account("anna"), account("ben")));
    assert_eq!(refused(&twins, &[]), ["operator.accounts"]);
    assert_eq!(
        refused(REHEARSAL, &[("COUNTERSIGN__OPERATOR__ACCOUNTS", "anna")]),
        ["operator.accounts"]
    );
}

#[test]
fn listeners_for_certificates_and_proxies_are_set_up_whole() {
    let with = |more: &str| refused(&format!("{REHEARSAL}{more}"), &[]);
    let mutual = "[server.mutual_tls]\nlisten = \"127.0.0.1:8445\"\n";
    let base = "base_url = \"https://mtls.example\"\n";
    let proxy = "[server.behind_proxy]\nlisten = \"127.0.0.1:8446\"\n";
    assert_eq!(with(mutual), ["server.mutual_tls.base_url"]);
    assert_eq!(with(&format!("[server.mutual_tls]\n{base}")), ["server.mutual_tls.base_url"]);
    let settings = read(&format!("{REHEARSAL}{mutual}{base}"), &[]).unwrap();
    assert!(settings.has_mutual_tls() && settings.behind_proxy.listen.is_none());
    let key = format!("{mutual}{base}key = \"a\"");
    assert_eq!(with(&key), ["server.mutual_tls.certificate"]);
    let certificate = format!("{mutual}{base}certificate = \"a\"");
    assert_eq!(with(&certificate), ["server.mutual_tls.key"]);
    let taken = format!("[server.mutual_tls]\nlisten = \"127.0.0.1:8443\"\n{base}");
    assert_eq!(with(&taken), ["server.mutual_tls.listen"]);
    for (addresses, expected) in [
        ("", ["server.behind_proxy.addresses"].as_slice()),
        ("addresses = []", &["server.behind_proxy.addresses"]),
        ("addresses = [\"proxy\"]", &["server.behind_proxy.addresses"]),
        ("addresses = [1]", &["server.behind_proxy.addresses"]),
        ("addresses = [\"0.0.0.0/0\"]", &["server.behind_proxy.addresses"]),
        ("addresses = [\"10.0.0.1\"]\nmutual_tls = true", &["server.mutual_tls.base_url"]),
    ] {
        assert_eq!(with(&format!("{proxy}{addresses}")), expected, "{addresses}");
    }
    let named = format!("{REHEARSAL}{proxy}addresses = [\"10.0.0.0/28\", \"::1\"]");
    let settings = read(&named, &[]).unwrap();
    assert_eq!(settings.behind_proxy.addresses.len(), 2);
    assert!(!settings.has_mutual_tls());
    let variable = [("COUNTERSIGN__SERVER__BEHIND_PROXY__ADDRESSES", "[\"10.0.0.1\"]")];
    let settings = read(&format!("{REHEARSAL}{proxy}"), &variable).unwrap();
    assert_eq!(settings.behind_proxy.addresses[0].to_string(), "10.0.0.1/32");
}

#[test]
fn a_password_is_shown_neither_in_a_problem_nor_in_debug() {
    for file in [
        "[database]\nurl = \"mysql://user:hush@host\"",
        "[redis]\nurl = \"user:hush@host\"",
        "[database]\nurl = \"postgres://user:hush@host",
        "[database]\nurl = [\"hush\"]",
    ] {
        let error = read(file, &[]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
    }
    let file = format!("{REHEARSAL}[database]\nurl = \"postgres://user:hush@host/db\"");
    assert!(!format!("{:?}", read(&file, &[]).unwrap()).contains("hush"));
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_line() {
    let error = read("[server]\nlisten = = 1", &[]).unwrap_err();
    assert!(error.to_string().contains("line 2"), "{error}");
}

#[test]
fn the_manual_names_every_setting_once() {
    let table = Settings::reference();
    assert_eq!(table.lines().count(), Settings::manual().count() + 2);
    assert!(table.contains("| `server.listen` | `127.0.0.1:8443` | Where clients"));
    let listen = Settings::manual().find(|setting| setting.key == "server.listen").unwrap();
    assert_eq!(listen.variable(), "COUNTERSIGN__SERVER__LISTEN");
}

#[test]
fn the_example_file_is_valid_and_shows_every_setting() {
    let example = include_str!("../../countersign.toml");
    Settings::read(Some(example), []).unwrap();
    let lines: Vec<_> =
        example.lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).collect();
    for setting in Settings::manual() {
        let (_, name) = setting.key.rsplit_once('.').unwrap();
        let shown = lines.iter().any(|line| line.starts_with(&format!("{name} = ")));
        assert!(shown, "`{}` is missing in countersign.toml", setting.key);
    }
}
