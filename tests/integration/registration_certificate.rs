//! Registration and management where the framework looks at the presenter's certificate as well
//! (REG-R7, B9, B10, T11).

use countersign::app::App;
use countersign::endpoints::Failure;
use countersign::endpoints::exchange::{Incoming, Method};
use countersign::endpoints::registration::{manage, register};
use countersign::protocol::ErrorCode;
use countersign::trust::Framework;
use countersign::x509::PresentedCertificates;

use crate::support::house::refusal;
use crate::support::partner::{Partner, Registered, Remembered, SOFTWARE};
use crate::support::pki::{Authority, UID, Wanted};

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
