//! Registration and management where the framework looks at the presenter's certificate as well
//! (REG-R7, B9, B10, T11).

use countersign::app::App;
use countersign::endpoints::Failure;
use countersign::endpoints::exchange::{Incoming, Method};
use countersign::endpoints::registration::{manage, recover, register};
use countersign::protocol::ErrorCode;
use countersign::remote::{FetchRules, Fetcher, KeySource};
use countersign::trust::Framework;
use countersign::x509::PresentedCertificates;
use serde_json::json;

use crate::support::house::refusal;
use crate::support::partner::{Partner, Registered, Remembered, SOFTWARE, with_bearer};
use crate::support::pki::{Authority, UID, Wanted};
use crate::support::samples as sample;
use crate::support::tls_server::{Reply, TlsServer};

const CERTIFICATE: &str = "[certificate]
anchors = [\"anchors.pem\"]
require = [{ any_of = [{ subject = \"UID\", equals = \"{software_id}\" }] }]

[management]";

/// A node whose framework wants a certificate of this authority, beside a signed request.
async fn node(partner: &Partner, authority: &Authority, quotas: &str) -> App {
    let management = format!("{quotas}{CERTIFICATE}");
    let text = partner.framework_text(&[
        ("binding = \"request_jws\"", "binding = [\"request_jws\", \"certificate\"]"),
        ("[management]", &management),
    ]);
    let anchors = authority.pem.clone();
    let framework = Framework::parse_with("directory.toml", &text, &|_| Ok(anchors.clone()));
    partner.node_of([("directory.toml".to_owned(), framework.unwrap())]).await
}

fn certificate(authority: &Authority, software: &str) -> PresentedCertificates {
    authority.issue(Wanted::client("Fern").attribute(UID, software)).presented()
}

fn showing(incoming: Incoming, shown: Option<&PresentedCertificates>) -> Incoming {
    Incoming { presented: shown.cloned(), ..incoming }
}

#[tokio::test]
async fn registration_and_management_need_the_certificate_of_the_software_reg_r7_t11() {
    let partner = Partner::new().await;
    let authority = Authority::root("root");
    let app = node(&partner, &authority, "").await;
    let good = certificate(&authority, SOFTWARE);
    // T11: the same names, signed by a stranger who calls itself the same.
    let cloned = certificate(&Authority::root("root"), SOFTWARE);
    let others = certificate(&authority, "other");
    let bad = [None, Some(&cloned), Some(&others)];
    for shown in bad {
        let request = showing(partner.registration("scope:a"), shown);
        assert_eq!(refusal(register(&app, &request).await).code, ErrorCode::InvalidClient);
    }
    let request = showing(partner.registration("scope:a"), Some(&good));
    let answer = register(&app, &request).await.map_err(Failure::into_error).unwrap();
    let client = Registered::of(&answer);
    let shape = Remembered::of(&app).await.shape(&client.id);
    let request = |method: Method| {
        let base = if method == Method::Put {
            partner.registration("scope:b")
        } else {
            partner.house.post("", None)
        };
        client.managed(method, base)
    };
    for method in [Method::Get, Method::Put, Method::Delete, Method::Patch] {
        for shown in bad {
            let refused = refusal(manage(&app, &showing(request(method), shown)).await);
            assert_eq!(refused.code, ErrorCode::InvalidClient, "{method:?}");
            assert!(!refused.body().to_string().contains(client.id.as_str()));
        }
    }
    assert_eq!(Remembered::of(&app).await.shape(&client.id), shape);
    for (method, status) in [(Method::Get, 200), (Method::Put, 200), (Method::Delete, 204)] {
        let answer = manage(&app, &showing(request(method), Some(&good))).await;
        assert_eq!(answer.map_err(Failure::into_error).unwrap().status, status);
    }
}

#[tokio::test]
async fn registrations_are_paced_by_certificate_reg_t12() {
    let partner = Partner::new().await;
    let authority = Authority::root("root");
    let quotas = "[quotas]\nregistrations_per_certificate_per_hour = 1\n\n";
    let app = node(&partner, &authority, quotas).await;
    let (one, two) = (certificate(&authority, SOFTWARE), certificate(&authority, SOFTWARE));
    let request = |shown| showing(partner.registration("scope:a"), Some(shown));
    assert!(register(&app, &request(&one)).await.is_ok());
    let many = refusal(register(&app, &request(&one)).await);
    assert_eq!((many.code, many.retry_after), (ErrorCode::TooManyRequests, Some(3600)));
    assert!(register(&app, &request(&two)).await.is_ok());
}

#[tokio::test]
async fn whoever_has_only_the_key_recovers_nothing_reg_r7_r10() {
    let partner = Partner::new().await;
    let authority = Authority::root("root");
    let app = node(&partner, &authority, "").await;
    let good = certificate(&authority, SOFTWARE);
    let request = showing(partner.registration("scope:a"), Some(&good));
    let client = Registered::of(&register(&app, &request).await.unwrap());
    let lost = |shown| {
        let form = partner.token_request(&client.id, "scope:a");
        let at = with_bearer(client.id.as_str(), "", Method::Post, form);
        showing(Incoming { authorization: None, ..at }, shown)
    };
    let before = Remembered::of(&app).await.shape(&client.id);
    let cloned = certificate(&Authority::root("root"), SOFTWARE);
    let others = certificate(&authority, "other");
    for shown in [None, Some(&cloned), Some(&others)] {
        let refused = refusal(recover(&app, &lost(shown)).await);
        assert_eq!(refused.code, ErrorCode::InvalidClient);
        assert!(!refused.body().to_string().contains("registration_access_token"));
    }
    assert_eq!(Remembered::of(&app).await.shape(&client.id), before);
    let again = Registered::of(&recover(&app, &lost(Some(&good))).await.unwrap());
    let read = again.managed(Method::Get, partner.house.post("", None));
    assert!(manage(&app, &showing(read, Some(&good))).await.is_ok());
}

#[tokio::test]
async fn nothing_is_fetched_for_whoever_does_not_hold_the_software_reg_s11_x8() {
    let partner = Partner::new().await;
    let authority = Authority::root("root");
    let mut app = node(&partner, &authority, "").await;
    let keys = json!({ "keys": [partner.key.public_jwk()] }).to_string();
    let keystore = TlsServer::start(Reply::json(keys)).await;
    app.key_source = KeySource::new(Fetcher::new(Some(&keystore.certificate)).unwrap());
    let rules = FetchRules { allowed_hosts: vec!["localhost".to_owned()], allow_loopback: true };
    app.fetch_rules.insert(sample::framework(), rules);
    let elsewhere = json!({ "software_jwks": null, "software_jwks_uri": keystore.uri("/jwks") });
    let sent = |shown| {
        let statement = partner.statement_with(&elsewhere);
        showing(partner.presenting(&statement, "scope:a"), Some(shown))
    };
    let others = certificate(&authority, "other");
    let refused = refusal(register(&app, &sent(&others)).await);
    assert_eq!(refused.code, ErrorCode::InvalidClient);
    assert!(refused.body().to_string().contains("UID"), "{}", refused.body());
    assert_eq!(keystore.connections(), 0);
    assert!(register(&app, &sent(&certificate(&authority, SOFTWARE))).await.is_ok());
    assert_eq!(keystore.requests(), 1);
}
