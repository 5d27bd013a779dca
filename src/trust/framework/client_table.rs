//! The `[client]` table of a framework's file: what its clients may register.
//!
//! What it names replaces what the server serves, so that a framework narrows the server, and has
//! its clients register what this server stores and does not serve yet. What it leaves out is as the
//! server has it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use crate::protocol::client::Supported;
use crate::trust::claim_rule::Member;
use crate::trust::framework::TrustEnvironment;
use crate::trust::framework::problem::Notes;

/// The method that needs authorities for certificates (RFC 8705 §2.1).
pub(super) const TLS_CLIENT_AUTH: &str = "tls_client_auth";

/// What a framework has its clients register, beyond what the server serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unserved {
    /// The field of the `[client]` table.
    pub field: &'static str,
    /// The values, or none where the field is a switch.
    pub values: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AbsentScope {
    #[default]
    None,
    AllOfRole,
}

macro_rules! client_table {
    (lists: $($list:ident)*; words: $($word:ident)*; switches: $($switch:ident)*;) => {
        /// The table as written.
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct Client {
            $($list: Option<Spanned<Vec<String>>>,)*
            $($word: Option<Spanned<Vec<String>>>,)*
            $($switch: Option<bool>,)*
            local_redirects: Option<Spanned<bool>>,
            hybrid_without_implicit: bool,
            longest_redirect_uri: Option<usize>,
            longest_certificate_subject: Option<usize>,
            members: Option<Spanned<Vec<String>>>,
            required: Option<Spanned<Vec<String>>>,
            forced: Option<Spanned<Vec<String>>>,
            pub(super) absent_scope: AbsentScope,
            pub(super) defaults: BTreeMap<String, Spanned<Value>>,
        }

        /// The table, checked.
        #[derive(Debug, Clone, Default)]
        pub(super) struct ClientTable {
            $($list: Option<Vec<&'static str>>,)*
            $($word: Option<Vec<String>>,)*
            $($switch: Option<bool>,)*
            local_redirects: bool,
            hybrid_without_implicit: bool,
            longest_redirect_uri: Option<usize>,
            longest_certificate_subject: Option<usize>,
            members: BTreeSet<&'static str>,
            required: BTreeSet<String>,
            forced: BTreeSet<&'static str>,
        }

        impl ClientTable {
            fn read(written: &Client, known: &Supported, notes: &mut Notes<'_>) -> Self {
                Self {
                    $($list: named(
                        written.$list.as_ref(),
                        &known.$list,
                        concat!("client.", stringify!($list)),
                        notes,
                    ),)*
                    $($word: written.$word.as_ref().map(|listed| listed.get_ref().clone()),)*
                    $($switch: written.$switch,)*
                    ..Self::default()
                }
            }

            fn apply(&self, supported: &mut Supported) {
                $(if let Some(named) = &self.$list {
                    supported.$list.clone_from(named);
                })*
                $(if let Some(named) = &self.$word {
                    supported.$word.clone_from(named);
                })*
                $(if let Some(named) = self.$switch {
                    supported.$switch = named;
                })*
            }

            /// What clients may register although `server` does not serve it.
            pub(super) fn unserved(&self, server: &Supported) -> Vec<Unserved> {
                let mut found = Vec::new();
                $(found.extend(beyond(stringify!($list), self.$list.as_deref(), &server.$list));)*
                $(found.extend(beyond(stringify!($word), self.$word.as_deref(), &server.$word));)*
                $(if self.$switch == Some(true) && !server.$switch {
                    found.push(Unserved { field: stringify!($switch), values: Vec::new() });
                })*
                found
            }
        }
    };
}

client_table! {
    lists:
        grant_types
        response_types
        token_endpoint_auth_methods
        token_endpoint_auth_signing_algs
        id_token_signing_algs
        userinfo_signing_algs
        request_object_signing_algs
        authorization_signing_algs
        introspection_signing_algs
        encryption_algs
        encryption_encs
        subject_types
        application_types
        response_modes
        backchannel_token_delivery_modes
        backchannel_signing_algs
        certificate_subjects;
    words:
        acr_values
        authorization_details_types;
    switches:
        backchannel_user_code
        request_uris
        user_authentication
        initiated_logout
        backchannel_logout
        frontchannel_logout
        pushed_authorization_requests
        dpop
        certificate_bound_access_tokens
        mtls_endpoint_aliases;
}

impl Client {
    /// Refuses a method that only a chain to an authority can prove.
    pub(super) fn without_authorities(&self, notes: &mut Notes<'_>) {
        const FIELD: &str = "client.token_endpoint_auth_methods";
        let methods = self.token_endpoint_auth_methods.as_ref();
        let named = |methods: &&Spanned<Vec<String>>| {
            methods.get_ref().iter().any(|method| method == TLS_CLIENT_AUTH)
        };
        if let Some(methods) = methods.filter(named) {
            let message = "`tls_client_auth` needs a `[certificate]` table: without authorities \
                           nobody can authenticate like this";
            notes.refuse(Some(methods.span()), FIELD, message);
        }
    }
}

impl ClientTable {
    /// Reads the table. A value that this server cannot even store is refused.
    pub(super) fn check(
        written: &Client,
        environment: TrustEnvironment,
        notes: &mut Notes<'_>,
    ) -> Self {
        let known = Supported::known();
        let local = written.local_redirects.as_ref();
        if let Some(local) = local.filter(|local| *local.get_ref())
            && environment == TrustEnvironment::Production
        {
            let message = "a production framework sends nobody to `localhost`";
            notes.refuse(Some(local.span()), "client.local_redirects", message);
        }
        let set = |listed: &BTreeSet<&'static str>| listed.iter().copied().collect::<Vec<_>>();
        let (members, forced) = (set(&known.members), set(&known.forced));
        let required = written.required.as_ref().map(|listed| listed.get_ref().clone());
        Self {
            local_redirects: local.is_some_and(|local| *local.get_ref()),
            hybrid_without_implicit: written.hybrid_without_implicit,
            longest_redirect_uri: written.longest_redirect_uri,
            longest_certificate_subject: written.longest_certificate_subject,
            members: named(written.members.as_ref(), &members, "client.members", notes)
                .unwrap_or_default()
                .into_iter()
                .collect(),
            required: required.unwrap_or_default().into_iter().collect(),
            forced: named(written.forced.as_ref(), &forced, "client.forced", notes)
                .unwrap_or_default()
                .into_iter()
                .collect(),
            ..Self::read(written, &known, notes)
        }
    }

    /// What clients may register of a server that serves `server`.
    pub(super) fn supported(&self, server: &Supported) -> Supported {
        let mut supported = server.clone();
        self.apply(&mut supported);
        supported.local_redirects = self.local_redirects;
        supported.hybrid_without_implicit = self.hybrid_without_implicit;
        supported.longest_redirect_uri = self.longest_redirect_uri;
        supported.longest_certificate_subject = self.longest_certificate_subject;
        supported.members.clone_from(&self.members);
        supported.required.clone_from(&self.required);
        supported.forced.clone_from(&self.forced);
        supported
    }

    /// The members that only the directory may say, so that a row of the merge table is needed.
    pub(super) fn members_of_directory(&self) -> impl Iterator<Item = &'static str> {
        let of_directory = |name: &str| Member::named(name).is_some_and(|it| it.of_directory);
        self.members.iter().copied().filter(move |name| of_directory(name))
    }
}

fn named(
    written: Option<&Spanned<Vec<String>>>,
    known: &[&'static str],
    field: &str,
    notes: &mut Notes<'_>,
) -> Option<Vec<&'static str>> {
    let written = written?;
    let mut names = Vec::new();
    for name in written.get_ref() {
        match known.iter().find(|known| *known == name) {
            Some(known) if names.contains(known) => {
                notes.refuse(Some(written.span()), field, format!("`{name}` stands there twice"));
            }
            Some(known) => names.push(known),
            None => {
                let message = format!("`{name}` is not known; there are {}", known.join(", "));
                notes.refuse(Some(written.span()), field, message);
            }
        }
    }
    Some(names)
}

fn beyond<N: AsRef<str>, S: AsRef<str>>(
    field: &'static str,
    named: Option<&[N]>,
    served: &[S],
) -> Option<Unserved> {
    let is_served = |name: &str| served.iter().any(|served| served.as_ref() == name);
    let values: Vec<String> = named?
        .iter()
        .map(AsRef::as_ref)
        .filter(|name| !is_served(name))
        .map(str::to_owned)
        .collect();
    (!values.is_empty()).then_some(Unserved { field, values })
}
