//! What holds of the merge for every table, statement and request (SEC-65 P1).

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::trust::Framework;
use crate::trust::SHIPPED_DIRECTORY;
use crate::trust::claim_map::merge_members;
use crate::trust::claim_map_tests::*;
use crate::types::ScopeSet;

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
