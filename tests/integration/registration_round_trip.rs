//! What we return is accepted back verbatim, whatever was registered (REG-U1, U3).

use countersign::endpoints::Failure;
use countersign::endpoints::exchange::Method;
use countersign::endpoints::registration::{manage, register};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::support::house::body;
use crate::support::partner::{Partner, Registered, Remembered, extend_agreement, merged};

const BY_TOKEN: &str = "authorisation = \"registration_access_token\"";
const CASES: usize = 40;
/// RFC 7592 §2.2: what an update may not hold.
const SERVERS_OWN: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

/// Members of a request, each there or not; those of the statement decide some of them.
fn members() -> impl Strategy<Value = Map<String, Value>> {
    let uris = vec!["https://fern.example/cb", "https://fern.example/other"];
    let scopes = vec!["scope:a", "scope:b", "scope:a:write", "scope:c", "nobody:sells"];
    let contacts = vec!["ops@fern.example", "mailto:a@fern.example", "https://fern.example/help"];
    let pages = ["client_uri", "tos_uri", "policy_uri", "tos_uri#nl", "policy_uri#ja-Jpan-JP"];
    let page = move |name: &'static str| {
        let page = Just(json!(format!("https://fern.example/{}", name.len())));
        (Just(name.to_owned()), prop::option::of(page))
    };
    let listed = (
        subsequence(uris, 0..=2).prop_shuffle(),
        subsequence(scopes, 1..=5).prop_shuffle(),
        subsequence(contacts, 0..=3).prop_shuffle(),
    );
    let chosen = (
        prop::option::of(select(vec!["ES256", "PS256", "EdDSA"])),
        prop::option::of(select(vec!["1.10", "2", "v3"])),
        prop::option::of(select(vec![
            json!("https://fern.example/logo.png"),
            json!(null),
            json!(""),
        ])),
        prop::option::of(select(vec![json!([]), json!(null), json!({ "a": [1] })])),
    );
    let names = prop::option::of("[A-Za-z][A-Za-z0-9 ]{0,20}[a-z]");
    (listed, chosen, names, pages.map(page)).prop_map(|(listed, chosen, name, pages)| {
        let (uris, scopes, contacts) = listed;
        let (algorithm, version, logo, unknown) = chosen;
        let all = [
            ("scope", Some(json!(scopes.join(" ")))),
            ("redirect_uris", (!uris.is_empty()).then(|| json!(uris))),
            ("contacts", (!contacts.is_empty()).then(|| json!(contacts))),
            ("token_endpoint_auth_signing_alg", algorithm.map(|one| json!(one))),
            ("software_version", version.map(|one| json!(one))),
            ("logo_uri", logo),
            ("unknown", unknown),
            ("client_name", name.clone().map(|one| json!(one))),
            ("client_name#fr", name.map(|one| json!(one))),
        ];
        let all = all.into_iter().map(|(name, value)| (name.to_owned(), value));
        all.chain(pages).filter_map(|(name, value)| Some((name, value?))).collect()
    })
}

#[tokio::test]
async fn what_we_return_is_accepted_back_verbatim_and_changes_nothing_reg_u3() {
    let partner = Partner::new().await;
    let lax = format!("{BY_TOKEN}\nstatement_on_update = false");
    let many = ("clients_per_software_product = 20", "clients_per_software_product = 1000");
    let app = partner.node_with(&[(BY_TOKEN, &lax), many]).await;
    extend_agreement(&app, "a").await;
    let mut runner = TestRunner::deterministic();
    let mut registered = 0;
    for _ in 0..CASES {
        let asked = members().new_tree(&mut runner).unwrap().current();
        let claims = partner.request_claims(&partner.statement(), "");
        let claims = merged(claims, &Value::Object(asked.clone()));
        // Some ask for nothing that can be granted.
        let Ok(answer) = register(&app, &partner.posted(&claims)).await else { continue };
        registered += 1;
        let client = Registered::of(&answer);
        let get = client.managed(Method::Get, partner.house.post("", None));
        let mut shown = body(manage(&app, &get).await);
        let before = Remembered::of(&app).await;
        let envelope = partner.request_claims("", "");
        let mut sent = shown.as_object().unwrap().clone();
        sent.retain(|name, _| !SERVERS_OWN.contains(&name.as_str()));
        for name in ["iss", "aud", "iat", "exp", "jti"] {
            sent.insert(name.to_owned(), envelope[name].clone());
        }
        let put = client.managed(Method::Put, partner.posted(&Value::Object(sent)));
        let answer = manage(&app, &put).await.map_err(Failure::into_error);
        let mut answer =
            body(Ok(answer.unwrap_or_else(|refused| panic!("{asked:?}: {refused:?}"))));
        let after = Remembered::of(&app).await;
        let (one, other) = (before.client(&client.id), after.client(&client.id));
        assert_eq!(one.metadata, other.metadata, "{asked:?}");
        assert_eq!(one.software_statement, other.software_statement);
        assert_eq!(before.entitlements, after.entitlements, "{asked:?}");
        assert_eq!(before.credentials, after.credentials);
        // Scopes that were refused are not asked for again; all else is as it was.
        for told in [&mut shown, &mut answer] {
            told.as_object_mut().unwrap().remove("decisions");
        }
        assert_eq!(answer, shown, "{asked:?}");
    }
    assert!(registered > CASES / 2, "{registered}");
}
