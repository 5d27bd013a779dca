//! The storage contract, records: what was written reads back, on each engine (STY-23).

use countersign::governance::audit::{AuditAction, Object};
use countersign::partners::{
    AgreementState, ApiProductState, ClientState, CredentialState, EntitlementState,
    OrganisationState, ResourceServerState, SoftwareProductState,
};
use countersign::storage::{
    AuditFilter, Change, Database, DecisionRecord, DirectoryOrganisation, DirectorySoftware, Page,
    SigningKeyRecord, StorageError, Writer,
};
use countersign::types::{DecisionId, HttpsUri, ScopeSet, Secret};
use serde_json::json;

use crate::support::samples as sample;
use crate::support::samples::{at, event, now};
use crate::support::store::{Store, on_each_engine};

on_each_engine! {
    a_client_and_all_it_stands_on_read_back
    a_client_record_holds_everything_that_access_depends_on
    updated_records_read_back_and_keep_their_state
    states_change_by_compare_and_swap_along_the_allowed_transitions
    what_is_unique_exists_once_and_the_transaction_goes_on
    a_reference_that_leads_nowhere_is_refused
    lists_come_in_pages_in_one_order
    resource_servers_and_revoked_tokens_read_back
    signing_keys_read_back_and_are_followed_once
    decisions_and_the_directory_read_back
    audit_events_read_back_filtered_and_in_pages
}

/// Writes, with an event for what changed.
async fn write(
    db: &Database,
    job: impl FnOnce(&mut Writer<'_>) -> Result<(), StorageError> + Send + 'static,
) -> Result<(), StorageError> {
    db.write(move |tx| {
        job(tx)?;
        Ok(Change::made((), vec![event(AuditAction::ClientUpdated, "x")]))
    })
    .await
}

async fn with_everything(store: &Store) -> Database {
    let db = store.open();
    write(&db, |tx| sample::insert_everything(tx, "a")).await.unwrap();
    db
}

async fn a_client_and_all_it_stands_on_read_back(store: Store) {
    let db = with_everything(&store).await;
    db.read(|r| {
        let (org, product) = (sample::organisation("a"), sample::product("a"));
        assert_eq!(r.organisation(&org.id)?, Some(org.clone()));
        let found = r.organisation_in_directory(&org.framework, &org.directory_id)?;
        assert_eq!(found, Some(org.clone()));
        assert_eq!(r.api_product(&product.id)?, Some(product.clone()));
        let wanted = ScopeSet::from_iter([sample::scope("a"), sample::scope("unknown")]);
        assert_eq!(r.products_offering(&wanted)?, [product]);
        assert_eq!(r.products_offering(&ScopeSet::default())?, []);
        let agreement = sample::agreement("a");
        assert_eq!(r.agreement(&agreement.id)?, Some(agreement.clone()));
        assert_eq!(r.agreements_of(&org.id)?, [agreement]);
        let software = sample::software("a");
        assert_eq!(r.software_product(&software.id)?, Some(software.clone()));
        let found = r.software_product_in_directory(&software.framework, &software.software_id)?;
        assert_eq!(found, Some(software));
        let client = sample::client("a");
        let found = r.client(&client.id)?.unwrap();
        assert_eq!(format!("{found:?}"), format!("{client:?}"));
        assert!(found.registration_access_token.matches(&Secret::new("a")));
        let credential = sample::credential("a");
        assert_eq!(r.credential(&credential.id)?, Some(credential.clone()));
        let found = r.credential_by_thumbprint(&client.id, "thumbprint-a")?;
        assert_eq!(found, Some(credential));
        let entitlement = sample::entitlement("a");
        assert_eq!(r.entitlement(&entitlement.id)?, Some(entitlement.clone()));
        assert_eq!(r.entitlement_for(&client.id, &sample::scope("a"))?, Some(entitlement));
        Ok::<_, StorageError>(())
    })
    .await
    .unwrap();
}

async fn a_client_record_holds_everything_that_access_depends_on(store: Store) {
    let db = with_everything(&store).await;
    write(&db, |tx| sample::insert_everything(tx, "b")).await.unwrap();
    let client = sample::client("a");
    let id = client.id.clone();
    let record = db.read(move |r| r.client_record(&id)).await.unwrap().unwrap();
    assert_eq!(format!("{:?}", record.client), format!("{client:?}"));
    assert_eq!(record.software_product, sample::software("a"));
    assert_eq!(record.organisation, sample::organisation("a"));
    assert_eq!(record.agreements, [sample::agreement("a")]);
    assert_eq!(record.products, [sample::product("a")]);
    assert_eq!(record.entitlements, [sample::entitlement("a")]);
    assert_eq!(record.credentials, [sample::credential("a")]);
    let unknown = sample::client("unknown").id;
    assert!(db.read(move |r| r.client_record(&unknown)).await.unwrap().is_none());
    // Within a write it reads what the write has done so far.
    write(&db, |tx| {
        tx.change_client_state(&sample::client("b").id, ClientState::Active, ClientState::Retired)?;
        let record = tx.client_record(&sample::client("b").id)?.unwrap();
        assert_eq!(record.client.state, ClientState::Retired);
        Ok(())
    })
    .await
    .unwrap();
}

async fn updated_records_read_back_and_keep_their_state(store: Store) {
    let db = with_everything(&store).await;
    write(&db, |tx| {
        let mut org = sample::organisation("a");
        (org.risk_score, org.attestation) = (90, None);
        tx.update_organisation(&org)?;
        assert_eq!(tx.organisation(&org.id)?, Some(org.clone()));
        let mut product = sample::product("a");
        product.scopes.remove(0);
        product.sunset = None;
        tx.update_api_product(&product)?;
        assert_eq!(tx.api_product(&product.id)?, Some(product));
        let mut agreement = sample::agreement("a");
        agreement.products.clear();
        agreement.valid_until = at(7);
        tx.update_agreement(&agreement)?;
        assert_eq!(tx.agreement(&agreement.id)?, Some(agreement));
        let mut client = sample::client("a");
        client.policy_digest = "newer".to_owned();
        client.registration_access_token = Secret::new("newer").hash();
        tx.update_client(&client)?;
        let found = tx.client(&client.id)?.unwrap();
        assert_eq!(format!("{found:?}"), format!("{client:?}"));
        assert_eq!(found.registration_access_token, client.registration_access_token);
        assert_eq!(tx.client_revision(&client.id)?, Some(2));
        let mut entitlement = sample::entitlement("a");
        entitlement.expires_at = at(5000);
        tx.replace_entitlement(&entitlement, EntitlementState::Active)?;
        assert_eq!(tx.entitlement(&entitlement.id)?, Some(entitlement));
        // Whoever saw another state is stale.
        org.state = OrganisationState::Suspended;
        let stale = tx.update_organisation(&org);
        assert_eq!(stale, Err(StorageError::Stale { table: "organisations" }));
        Ok(())
    })
    .await
    .unwrap();
}

async fn states_change_by_compare_and_swap_along_the_allowed_transitions(store: Store) {
    use OrganisationState::{Active, Proposed, Suspended};
    let db = with_everything(&store).await;
    write(&db, |tx| {
        let id = sample::organisation("a").id;
        tx.change_organisation_state(&id, Active, Suspended)?;
        let again = tx.change_organisation_state(&id, Active, Suspended);
        assert_eq!(again, Err(StorageError::Stale { table: "organisations" }));
        let never = tx.change_organisation_state(&id, Suspended, Proposed);
        assert!(matches!(never, Err(StorageError::ForbiddenTransition { .. })), "{never:?}");
        let id = sample::product("a").id;
        tx.change_api_product_state(&id, ApiProductState::Published, ApiProductState::Deprecated)?;
        let id = sample::agreement("a").id;
        tx.change_agreement_state(&id, AgreementState::Active, AgreementState::InNotice)?;
        let (active, inactive) = (SoftwareProductState::Active, SoftwareProductState::Inactive);
        tx.change_software_product_state(&sample::software("a").id, active, inactive)?;
        let id = sample::client("a").id;
        tx.change_client_state(&id, ClientState::Active, ClientState::Quarantined)?;
        let id = sample::credential("a").id;
        tx.change_credential_state(&id, CredentialState::Active, CredentialState::Revoked)?;
        let id = sample::entitlement("a").id;
        tx.change_entitlement_state(&id, EntitlementState::Active, EntitlementState::Due)?;
        let record = tx.client_record(&sample::client("a").id)?.unwrap();
        assert_eq!(record.organisation.state, Suspended);
        assert_eq!(record.products[0].state, ApiProductState::Deprecated);
        assert_eq!(record.agreements[0].state, AgreementState::InNotice);
        assert_eq!(record.software_product.state, SoftwareProductState::Inactive);
        assert_eq!(record.client.state, ClientState::Quarantined);
        assert_eq!(record.credentials[0].state, CredentialState::Revoked);
        assert_eq!(record.entitlements[0].state, EntitlementState::Due);
        Ok(())
    })
    .await
    .unwrap();
}

async fn what_is_unique_exists_once_and_the_transaction_goes_on(store: Store) {
    let db = with_everything(&store).await;
    write(&db, |tx| {
        let exists = |table| Err(StorageError::Exists { table });
        let mut org = sample::organisation("a");
        assert_eq!(tx.insert_organisation(&org), exists("organisations"));
        org.id = sample::organisation("b").id;
        assert_eq!(tx.insert_organisation(&org), exists("organisations"));
        let mut software = sample::software("a");
        software.id = sample::software("b").id;
        assert_eq!(tx.insert_software_product(&software), exists("software_products"));
        let mut product = sample::product("a");
        product.id = sample::product("b").id;
        assert_eq!(tx.insert_api_product(&product), exists("product_scopes"));
        assert_eq!(tx.insert_client(&sample::client("a")), exists("clients"));
        let mut credential = sample::credential("a");
        credential.id = sample::credential("b").id;
        assert_eq!(tx.insert_credential(&credential), exists("credentials"));
        let mut entitlement = sample::entitlement("a");
        entitlement.id = sample::entitlement("b").id;
        assert_eq!(tx.insert_entitlement(&entitlement), exists("entitlements"));
        tx.insert_organisation(&sample::organisation("c"))
    })
    .await
    .unwrap();
    let id = sample::organisation("c").id;
    assert!(db.read(move |r| r.organisation(&id)).await.unwrap().is_some());
}

async fn a_reference_that_leads_nowhere_is_refused(store: Store) {
    let db = store.open();
    let refused = write(&db, |tx| tx.insert_client(&sample::client("a"))).await;
    assert_eq!(refused, Err(StorageError::Dangling { table: "clients" }));
}

async fn lists_come_in_pages_in_one_order(store: Store) {
    let db = store.open();
    write(&db, |tx| ["c", "a", "b"].iter().try_for_each(|tag| sample::insert_everything(tx, tag)))
        .await
        .unwrap();
    db.read(|r| {
        let first = r.organisations(&Page::first(2))?;
        assert_eq!(first, [sample::organisation("a"), sample::organisation("b")]);
        let next = Page::following(&first[1].id, 2);
        assert_eq!(r.organisations(&next)?, [sample::organisation("c")]);
        assert_eq!(r.agreements(&Page::first(1))?, [sample::agreement("a")]);
        assert_eq!(r.api_products(&Page::first(1))?, [sample::product("a")]);
        assert_eq!(r.software_products(&Page::first(1))?, [sample::software("a")]);
        let page = Page::default();
        assert_eq!(r.clients(&page)?.len(), 3);
        assert_eq!(r.clients_of(&sample::organisation("b").id, &page)?.len(), 1);
        assert_eq!(r.clients_of_software(&sample::software("b").id, &page)?.len(), 1);
        let of = r.software_products_of(&sample::organisation("b").id, &page)?;
        assert_eq!(of, [sample::software("b")]);
        Ok::<_, StorageError>(())
    })
    .await
    .unwrap();
}

async fn resource_servers_and_revoked_tokens_read_back(store: Store) {
    let db = store.open();
    write(&db, |tx| {
        let mut server = sample::resource_server("a");
        tx.insert_resource_server(&server)?;
        let (active, suspended) = (ResourceServerState::Active, ResourceServerState::Suspended);
        tx.change_resource_server_state(&server.id, active, suspended)?;
        server.state = suspended;
        assert_eq!(tx.resource_server(&server.id)?, Some(server.clone()));
        assert_eq!(tx.resource_server_for(&server.audience)?, Some(server.clone()));
        assert_eq!(tx.resource_servers(&Page::default())?, [server.clone()]);
        server.id = sample::resource_server("b").id;
        let exists = tx.insert_resource_server(&server);
        assert_eq!(exists, Err(StorageError::Exists { table: "resource_servers" }));
        let client = sample::client("a").id;
        assert!(tx.revoke_token("jti", &client, at(60))?);
        assert!(!tx.revoke_token("jti", &client, at(60))?);
        assert!(tx.is_token_revoked("jti")?);
        assert!(!tx.is_token_revoked("other")?);
        assert_eq!(tx.revoked_tokens(1)?, Some(vec!["jti".to_owned()]));
        assert_eq!(tx.revoked_tokens(0)?, None);
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(db.remove_expired(at(60), 10).await, Ok(0));
    assert_eq!(db.remove_expired(at(200), 10).await, Ok(1));
}

async fn signing_keys_read_back_and_are_followed_once(store: Store) {
    let key = |id: &str, predecessor: Option<&str>| SigningKeyRecord {
        key_id: id.to_owned(),
        algorithm: "ES256".to_owned(),
        public_jwk: json!({"kty": "EC"}),
        sealed_private: "sealed".to_owned(),
        predecessor: predecessor.map(str::to_owned),
        publish_at: at(0),
        activate_at: at(10),
        retire_at: None,
        remove_at: None,
    };
    let db = store.open();
    write(&db, move |tx| {
        let mut first = key("first", None);
        tx.insert_signing_key(&first)?;
        tx.insert_signing_key(&key("second", Some("first")))?;
        let twice = tx.insert_signing_key(&key("third", Some("first")));
        assert_eq!(twice, Err(StorageError::Exists { table: "signing_keys" }));
        tx.retire_signing_key("first", at(20), at(30))?;
        let again = tx.retire_signing_key("first", at(90), at(99));
        assert_eq!(again, Err(StorageError::Stale { table: "signing_keys" }));
        (first.retire_at, first.remove_at) = (Some(at(20)), Some(at(30)));
        assert_eq!(tx.signing_keys()?, [first, key("second", Some("first"))]);
        assert!(!tx.delete_signing_key("second", at(1000))?);
        assert!(!tx.delete_signing_key("first", at(29))?);
        assert!(tx.delete_signing_key("first", at(30))?);
        Ok(())
    })
    .await
    .unwrap();
}

async fn decisions_and_the_directory_read_back(store: Store) {
    let decision = DecisionRecord {
        id: DecisionId::from_random("a"),
        time: now(),
        subject: Object { kind: "software".to_owned(), id: "s".to_owned() },
        items: json!([{"item": "accounts", "outcome": "approved"}]),
        facts_digest: "facts".to_owned(),
        policy_digest: "policy".to_owned(),
    };
    let organisation = DirectoryOrganisation {
        id: sample::organisation("a").directory_id,
        name: "Acme".to_owned(),
        status: "Active".to_owned(),
        attributes: json!({"country": "NL"}),
    };
    let software = DirectorySoftware {
        id: sample::software("a").software_id,
        organisation_id: organisation.id.clone(),
        claims: json!({"software_client_name": "App"}),
        jwks: Some(json!({"keys": []})),
        jwks_uri: Some(HttpsUri::parse("https://app.example/jwks").unwrap()),
    };
    // None of these is a partner's record, so no event is due.
    let job = move |tx: &mut Writer<'_>| {
        tx.insert_decision(&decision)?;
        assert_eq!(tx.decision(&decision.id)?, Some(decision.clone()));
        let about = tx.decisions_about(&decision.subject, &Page::default())?;
        assert_eq!(about, [decision]);
        tx.insert_directory_organisation(&organisation)?;
        tx.insert_directory_software(&software)?;
        let (mut organisation, mut software) = (organisation, software);
        organisation.status = "Withdrawn".to_owned();
        (software.jwks, software.jwks_uri) = (None, None);
        tx.update_directory_organisation(&organisation)?;
        tx.update_directory_software(&software)?;
        assert_eq!(tx.directory_organisation(&organisation.id)?, Some(organisation.clone()));
        assert_eq!(tx.directory_software(&software.id)?, Some(software.clone()));
        let page = Page::default();
        assert_eq!(tx.directory_software_of(&organisation.id, &page)?, [software]);
        assert_eq!(tx.directory_organisations(&page)?, [organisation]);
        Ok::<_, StorageError>(Change::nothing(()))
    };
    store.open().write(job).await.unwrap();
}

async fn audit_events_read_back_filtered_and_in_pages(store: Store) {
    let db = store.open();
    let mut events: Vec<_> = (0..5)
        .map(|number| {
            let mut one = event(AuditAction::OrganisationCreated, number % 2);
            one.time = at(number);
            one.id = countersign::random::event_id(one.time);
            one
        })
        .collect();
    events[3].request_id = None;
    events[3].policy_digest = None;
    let written = events.clone();
    db.write(|tx| {
        tx.insert_organisation(&sample::organisation("a"))?;
        Ok::<_, StorageError>(Change::made((), written))
    })
    .await
    .unwrap();
    db.read(move |r| {
        let all = AuditFilter::default();
        assert_eq!(r.audit_events(&all, &Page::default())?, events);
        assert_eq!(r.audit_event(&events[2].id)?.as_ref(), Some(&events[2]));
        let page = Page::following(&events[1].id, 2);
        assert_eq!(r.audit_events(&all, &page)?, events[2..4]);
        let newest = AuditFilter { newest_first: true, ..AuditFilter::default() };
        assert_eq!(r.audit_events(&newest, &Page::first(1))?, events[4..]);
        let page = Page::following(&events[2].id, 1);
        assert_eq!(r.audit_events(&newest, &page)?, events[1..2]);
        let some = AuditFilter {
            object: Some(events[0].object.clone()),
            since: Some(at(1)),
            until: Some(at(4)),
            newest_first: false,
        };
        assert_eq!(r.audit_events(&some, &Page::default())?, events[2..3]);
        Ok::<_, StorageError>(())
    })
    .await
    .unwrap();
}
