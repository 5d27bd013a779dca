//! A directory that is asked is data: any list of names and statuses (REG-G6, S10, L4).

use serde_json::json;

use crate::trust::framework::tests::{problems, with};
use crate::trust::{Framework, InvalidStatusList, Listed, OnOutage, StatusList};

const TABLE: &str = "status_source = \"directory\"
[status_directory]
refresh_seconds = 120
on_outage = \"last_known\"
fail_closed_after_seconds = 3600
[status_directory.software]
uri = \"https://register.example/software-products/status\"
headers = { x-v = \"2\" }
list = \"/data\"
id = \"softwareProductId\"
status = \"status\"
active = [\"ACTIVE\"]
";

/// The shipped file with this table, in which a piece is replaced.
fn text(from: &str, to: &str) -> String {
    assert!(TABLE.contains(from), "{from}");
    let (source, table) = TABLE.split_once('\n').unwrap();
    let table = format!("{source}\n{table}").replacen(from, to, 1);
    let (source, table) = table.split_once('\n').unwrap();
    with("status_source = \"statement\"", source).replacen(
        "[client_keys]",
        &format!("{table}\n[client_keys]"),
        1,
    )
}

fn list() -> StatusList {
    let framework = Framework::parse("f.toml", &text("", "")).unwrap();
    framework.status_directory().unwrap().software.clone().unwrap()
}

#[test]
fn a_directory_that_is_asked_is_a_table_reg_g6() {
    let framework = Framework::parse("f.toml", &text("", "")).unwrap();
    let directory = framework.status_directory().unwrap();
    assert_eq!(directory.on_outage, OnOutage::LastKnown);
    assert_eq!((directory.refresh_seconds, directory.fail_closed_after_seconds), (120, 3600));
    assert_eq!(directory.organisations, None);
    assert_eq!(list().headers, [("x-v".to_owned(), "2".to_owned())]);
}

#[test]
fn a_list_says_how_each_stands_reg_s10() {
    let document = json!({ "data": [
        { "softwareProductId": "a", "status": "ACTIVE", "more": 1 },
        { "softwareProductId": "b", "status": "INACTIVE" },
        { "softwareProductId": "c", "status": "Active" },
        { "softwareProductId": "d", "status": "REMOVED" },
        { "softwareProductId": "d", "status": "ACTIVE" },
    ] });
    let statuses = list().read(&document).unwrap();
    let other = |status: &str| Listed::Other(status.to_owned());
    for (id, due) in [
        ("a", Listed::Active),
        ("b", other("INACTIVE")),
        ("c", Listed::Active),
        ("d", other("REMOVED")),
        ("A", Listed::Nowhere),
        ("", Listed::Nowhere),
    ] {
        assert_eq!(statuses.of(id), due, "{id}");
    }
}

#[test]
fn a_document_that_is_no_list_says_nothing() {
    let no_list = || InvalidStatusList::NoList("/data".to_owned());
    for (document, due) in [
        (json!({}), no_list()),
        (json!([]), no_list()),
        (json!({ "data": {} }), no_list()),
        (json!({ "data": ["a"] }), InvalidStatusList::Entry(0)),
        (json!({ "data": [{ "softwareProductId": "a" }] }), InvalidStatusList::Entry(0)),
        (
            json!({ "data": [{ "softwareProductId": 1, "status": "ACTIVE" }] }),
            InvalidStatusList::Entry(0),
        ),
    ] {
        assert_eq!(list().read(&document).unwrap_err(), due, "{document}");
    }
    let long = json!({ "data": vec![json!({ "softwareProductId": "a", "status": "x" }); 100_001] });
    assert_eq!(list().read(&long).unwrap_err(), InvalidStatusList::TooLong);
}

#[test]
fn what_makes_no_sense_of_a_directory_does_not_load() {
    for (from, to, field) in [
        ("\"directory\"", "\"statement\"", "status_directory"),
        ("= 120", "= 5", "status_directory.refresh_seconds"),
        ("= 3600", "= 120", "status_directory.fail_closed_after_seconds"),
        ("https:", "http:", "status_directory.software.uri"),
        ("\"/data\"", "\"data\"", "status_directory.software.list"),
        ("[\"ACTIVE\"]", "[]", "status_directory.software.active"),
        ("x-v", "host", "status_directory.software.headers.host"),
        ("x-v = \"2\"", "x-v = \"2\\r\\n\"", "status_directory.software.headers.x-v"),
    ] {
        let found = problems(&text(from, to));
        assert_eq!((found.len(), found[0].field.as_str()), (1, field), "{found:?}");
        assert!(found[0].line.is_some());
    }
    let without = with("status_source = \"statement\"", "status_source = \"directory\"");
    assert_eq!(problems(&without)[0].field, "status_directory");
    let (_, lists) = TABLE.split_once("[status_directory.software]").unwrap();
    assert_eq!(
        problems(&text(lists, "").replace("[status_directory.software]", ""))[0].field,
        "status_directory"
    );
}
