//! Updates where the framework demands no fresh statement: what the statement of the registration said
//! stays, as long as it stands (REG-U3, U5).

use countersign::app::App;
use countersign::endpoints::Failure;
use countersign::endpoints::exchange::{Incoming, Method};
use countersign::endpoints::registration::{manage, register};
use countersign::governance::audit::AuditAction;
use countersign::partners::OrganisationState;
use serde_json::{Value, json};

use crate::support::house::{body, change};
use crate::support::partner::{
    Partner, Registered, Remembered, extend_agreement, merged, not_managed, refused,
};
use crate::support::samples as sample;

const BY_TOKEN: &str = "authorisation = \"registration_access_token\"";
/// Twice as long as a statement may be presented.
const LATER: i64 = 600;
/// How long the statement stands.
const STANDS: i64 = 800;

/// A node whose framework takes updates without a statement.
async fn node(partner: &Partner) -> App {
    let lax = format!("{BY_TOKEN}\nstatement_on_update = false");
    let app = partner.node_with(&[(BY_TOKEN, &lax)]).await;
    extend_agreement(&app, "a").await;
    app
}

/// A client whose statement stands for a while.
async fn registered(partner: &Partner, app: &App) -> (Registered, String) {
    let lasting = json!({ "exp": partner.house.clock.now().plus(STANDS) });
    let statement = partner.statement_with(&lasting);
    let answer = register(app, &partner.presenting(&statement, "scope:a")).await;
    (Registered::of(&answer.map_err(Failure::into_error).unwrap()), statement)
}

/// An update in which some members are others.
fn update(partner: &Partner, client: &Registered, changes: &Value) -> Incoming {
    let claims =
        merged(partner.request_claims("", "scope:a"), &json!({ "software_statement": null }));
    client.managed(Method::Put, partner.posted(&merged(claims, changes)))
}

#[tokio::test]
async fn what_the_statement_said_stays_where_an_update_leaves_it_out_reg_u5() {
    let partner = Partner::new().await;
    let app = node(&partner).await;
    let (client, statement) = registered(&partner, &app).await;
    let before = Remembered::of(&app).await;
    partner.house.clock.advance(LATER);
    let changes = json!({
        "scope": "scope:a scope:b", "redirect_uris": ["https://fern.example/other"],
        "client_name": "Somebody Else",
    });
    let updated = body(manage(&app, &update(&partner, &client, &changes)).await);
    assert_eq!(updated["scope"], "scope:a scope:b");
    assert_eq!(updated["redirect_uris"], json!(["https://fern.example/other"]));
    assert_eq!(updated["client_name"], "Fern Budget", "the statement's, as before");
    assert_eq!(updated["software_statement"], statement);
    let after = Remembered::of(&app).await;
    assert_eq!(after.client(&client.id).provenance, before.client(&client.id).provenance);
    assert_eq!(after.actions_since(&before), ["client.updated"]);
    assert!(partner.gets_token(&app, &client.id, "scope:b").await);
    // U3: what was read goes back as it was, however old the statement is.
    let back = json!({ "software_statement": statement, "scope": "scope:a" });
    assert_eq!(body(manage(&app, &update(&partner, &client, &back)).await)["scope"], "scope:a");
}

#[tokio::test]
async fn an_update_without_a_statement_gains_nothing_that_the_statement_denies_reg_u5_p3() {
    let partner = Partner::new().await;
    let app = node(&partner).await;
    let (client, _) = registered(&partner, &app).await;
    let before = Remembered::of(&app).await.shape(&client.id);
    partner.house.clock.advance(LATER);
    for (changes, code) in [
        (json!({ "redirect_uris": ["https://evil.example/cb"] }), "invalid_redirect_uri"),
        (json!({ "software_id": "other" }), "invalid_client_metadata"),
        (json!({ "iss": "other" }), "invalid_client_metadata"),
        (json!({ "jwks": { "keys": [] } }), "invalid_client_metadata"),
        // Another statement is a statement, and must be new.
        (json!({ "software_statement": "a.b.c" }), "invalid_software_statement"),
        (json!({ "scope": "nobody:sells" }), "unapproved_software_statement"),
    ] {
        let request = update(&partner, &client, &changes);
        assert_eq!(not_managed(&app, &request).await, code, "{changes}");
    }
    let thief = Partner::new().await;
    let request = update(&thief, &client, &json!({}));
    assert_eq!(not_managed(&app, &request).await, "invalid_client_metadata");
    assert_eq!(Remembered::of(&app).await.shape(&client.id), before);
    // Nobody registers like this.
    let anew =
        merged(partner.request_claims("", "scope:a"), &json!({ "software_statement": null }));
    assert_eq!(refused(&app, &partner.posted(&anew)).await, "invalid_client_metadata");
}

#[tokio::test]
async fn a_statement_that_has_ended_stands_no_longer_reg_s6_s21() {
    let partner = Partner::new().await;
    let app = node(&partner).await;
    let (client, statement) = registered(&partner, &app).await;
    partner.house.clock.advance(STANDS + 60);
    for changes in [json!({}), json!({ "software_statement": statement })] {
        let request = update(&partner, &client, &changes);
        assert_eq!(not_managed(&app, &request).await, "invalid_software_statement");
    }
    let fresh = json!({ "software_statement": partner.statement() });
    body(manage(&app, &update(&partner, &client, &fresh)).await);
}

#[tokio::test]
async fn where_the_framework_wants_a_statement_it_may_not_be_left_out_reg_u5() {
    let partner = Partner::new().await;
    let (lax, strict) = (node(&partner).await, partner.node().await);
    let (client, _) = registered(&partner, &lax).await;
    let request = update(&partner, &client, &json!({}));
    assert_eq!(not_managed(&strict, &request).await, "invalid_client_metadata");
    // The bank's own view counts as ever.
    change(&lax, AuditAction::OrganisationStateChanged, |tx| {
        let (from, to) = (OrganisationState::Active, OrganisationState::Suspended);
        tx.change_organisation_state(&sample::organisation("a").id, from, to)
    })
    .await;
    let request = update(&partner, &client, &json!({}));
    assert_eq!(not_managed(&lax, &request).await, "unapproved_software_statement");
}
