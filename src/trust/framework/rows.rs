//! The tables of a framework's file: the merge table, the roles and the defaults.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use toml::Spanned;

use crate::trust::claim_rule::ClaimRule;
use crate::trust::claim_rule::Member;
use crate::trust::claim_rule::MergeMode;
use crate::trust::claim_rule::Shape;
use crate::trust::framework::Ceiling;
use crate::trust::framework::client_table::{Client, ClientTable};
use crate::trust::framework::problem::Notes;
use crate::trust::framework::value::path;
use crate::trust::framework::written;
use crate::trust::framework::written::{IfAbsent, Roles};
use crate::trust::status::RoleClaims;
use crate::types::ResourceUri;
use crate::types::ScopeSet;

/// The merge table. A rule that names an unknown member does not load (PEER-18).
pub(super) fn claims(
    written: &BTreeMap<String, Spanned<written::Claim>>,
    self_signed: bool,
    notes: &mut Notes<'_>,
) -> BTreeMap<&'static str, ClaimRule> {
    let mut rules = BTreeMap::new();
    for (name, row) in written {
        let field = format!("claims.{name}");
        let Some(member) = Member::named(name) else {
            let message = match name.as_str() {
                "software_id" => "it is decided by `facts.software_id`".to_owned(),
                _ => format!("no such member; there are {}", Member::names()),
            };
            notes.refuse(Some(row.span()), field, message);
            continue;
        };
        rules.extend(claim(member, row.get_ref(), &field, notes).map(|rule| (member.name, rule)));
    }
    if !rules.contains_key("redirect_uris") {
        notes.refuse(None, "claims.redirect_uris", "the statement must decide redirect URIs");
    }
    let keys = rules.contains_key("jwks_uri") || rules.contains_key("jwks");
    if self_signed && keys {
        let message = "with the binding `x5c` the certificate holds the software's key";
        notes.refuse(None, "claims.jwks_uri", message);
    }
    if !self_signed && !keys {
        let message = "the statement must say where the keys of its software are";
        notes.refuse(None, "claims.jwks_uri", message);
    }
    rules
}

/// What only the directory may say needs to be read from its statements.
pub(super) fn members_of_directory(
    client: &ClientTable,
    rules: &BTreeMap<&'static str, ClaimRule>,
    notes: &mut Notes<'_>,
) {
    for member in client.members_of_directory().filter(|member| !rules.contains_key(member)) {
        let message = format!("`{member}` is the directory's to say: add `[claims.{member}]`");
        notes.refuse(None, "client.members", message);
    }
}

fn claim(
    member: &'static Member,
    row: &written::Claim,
    field: &str,
    notes: &mut Notes<'_>,
) -> Option<ClaimRule> {
    let mode = *row.mode.get_ref();
    let mut refuse_mode =
        |message: &str| notes.refuse(Some(row.mode.span()), format!("{field}.mode"), message);
    match mode {
        MergeMode::MustBeSubset | MergeMode::Intersect | MergeMode::Union
            if !member.shape.is_set() =>
        {
            refuse_mode("this mode is for lists; the member has one value");
        }
        MergeMode::DefaultIfAbsent | MergeMode::Union if member.guarded => {
            refuse_mode("this mode would let a request exceed its statement");
        }
        MergeMode::Override
        | MergeMode::MustEqual
        | MergeMode::MustBeSubset
        | MergeMode::DefaultIfAbsent
        | MergeMode::Intersect
        | MergeMode::Union => {}
    }
    let without = row.if_absent.as_ref();
    if let Some(without) = without.filter(|it| *it.get_ref() == IfAbsent::Request)
        && member.of_directory
    {
        let message = "only the directory may say this member";
        notes.refuse(Some(without.span()), format!("{field}.if_absent"), message);
    }
    let claim = path(&row.statement, &format!("{field}.statement"), notes)?;
    let lenient = match mode {
        MergeMode::Override | MergeMode::DefaultIfAbsent | MergeMode::Union => !member.guarded,
        MergeMode::MustEqual | MergeMode::MustBeSubset | MergeMode::Intersect => false,
    };
    Some(ClaimRule {
        member,
        claim,
        mode,
        required: row.required,
        required_in_request: row.required_in_request,
        request_may_decide: without
            .map_or(lenient, |without| *without.get_ref() == IfAbsent::Request),
    })
}

pub(super) fn roles(written: &Roles, notes: &mut Notes<'_>) -> Option<RoleClaims> {
    if written.status_member.is_some() && written.accepted.is_empty() {
        let span = Some(written.claim.span());
        notes.refuse(span, "roles.accepted", "`status_member` needs the values that are accepted");
    }
    if written.status_member.is_some() && written.role_member.is_none() {
        let span = Some(written.claim.span());
        notes.refuse(span, "roles.role_member", "`status_member` needs `role_member`");
    }
    Some(RoleClaims {
        list: path(&written.claim, "roles.claim", notes)?,
        role_member: written.role_member.clone(),
        status_member: written.status_member.clone(),
        accepted: written.accepted.clone(),
    })
}

/// What each role may have at most. A scope with a space too many does not load (PEER-5).
pub(super) fn ceilings(written: &Roles, notes: &mut Notes<'_>) -> BTreeMap<String, Ceiling> {
    let mut ceilings = BTreeMap::new();
    for (role, row) in &written.ceilings {
        match ScopeSet::parse(&row.get_ref().scope) {
            Ok(scope) => {
                let grants = row.get_ref().grant_types.as_ref();
                let grant_types = grants.map(|listed| listed.iter().cloned().collect());
                let details = row.get_ref().authorization_details_types.as_ref();
                let details = details.map(|listed| listed.iter().cloned().collect());
                let ceiling = Ceiling {
                    scope,
                    grant_types,
                    authorization_details_types: details,
                    audiences: audiences(role, row, notes),
                };
                ceilings.insert(role.clone(), ceiling);
            }
            Err(error) => {
                let field = format!("roles.ceilings.{role}.scope");
                notes.refuse(Some(row.span()), field, error.to_string());
            }
        }
    }
    let named = ceilings.values().filter(|ceiling| ceiling.audiences.is_some()).count();
    if named != 0 && named != ceilings.len() {
        let message =
            "where one role names `audiences`, each must: a role without any would have all";
        notes.refuse(Some(written.claim.span()), "roles.ceilings", message);
    }
    ceilings
}

/// The resource servers that a role may have tokens for.
fn audiences(
    role: &str,
    row: &Spanned<written::Ceiling>,
    notes: &mut Notes<'_>,
) -> Option<BTreeSet<ResourceUri>> {
    let field = format!("roles.ceilings.{role}.audiences");
    let listed = row.get_ref().audiences.as_ref()?;
    if listed.is_empty() {
        notes.refuse(Some(row.span()), field.clone(), "at least one is needed");
    }
    let mut audiences = BTreeSet::new();
    for text in listed {
        match ResourceUri::parse(text.as_str()) {
            Ok(audience) => drop(audiences.insert(audience)),
            Err(error) => notes.refuse(Some(row.span()), field.clone(), error.to_string()),
        }
    }
    Some(audiences)
}

/// What is assumed of absent members. Power is never assumed: no redirect, key or scope.
pub(super) fn defaults(written: &Client, notes: &mut Notes<'_>) -> Map<String, Value> {
    const ALLOWED: [&str; 8] = [
        "grant_types",
        "response_types",
        "token_endpoint_auth_method",
        "token_endpoint_auth_signing_alg",
        "application_type",
        "subject_type",
        "id_token_signed_response_alg",
        "request_object_signing_alg",
    ];
    let mut defaults = Map::new();
    for (name, value) in &written.defaults {
        let list = Member::named(name).is_some_and(|member| member.shape == Shape::List);
        let texts =
            value.get_ref().as_array().is_some_and(|listed| listed.iter().all(Value::is_string));
        let fits = if list { texts } else { value.get_ref().is_string() };
        if !ALLOWED.contains(&name.as_str()) || !fits {
            let message =
                format!("no default can be set like this; there are {}", ALLOWED.join(", "));
            notes.refuse(Some(value.span()), format!("client.defaults.{name}"), message);
        }
        defaults.insert(name.clone(), value.get_ref().clone());
    }
    defaults
}
