//! Envoy is not in Debian, so a client asks `/authorize-request` as Envoy would, with the prefix and the
//! fields of `docs/resource-servers.md`.

use countersign::http::Entrance;
use reqwest::Method;
use serde_json::json;

use crate::support::gateway::{Gateway, ORIGIN, Told, ask, certificate, credential};
use crate::support::nginx::{blocks, document};

async fn gateway() -> Gateway {
    Gateway::new(Entrance::Public, "").await
}

/// The manner of Envoy: `path_prefix`, the client's method, path and query, and the fields that the
/// document's configuration adds.
struct Envoy {
    prefix: String,
    added: Vec<(String, String)>,
}

impl Envoy {
    fn of_the_document() -> Self {
        let [yaml] = blocks(&document("resource-servers.md"), "yaml").try_into().unwrap();
        let prefix = yaml.lines().find_map(|line| line.trim().strip_prefix("path_prefix: "));
        let added = yaml.lines().skip_while(|line| !line.contains("headers_to_add:")).skip(1);
        let added = added.map_while(|line| {
            let line = line.trim().strip_prefix("- { key: ")?.strip_suffix("\" }")?;
            let (name, value) = line.split_once(", value: \"")?;
            let value = value.replace("CREDENTIAL", &credential("a"));
            Some((name.to_owned(), value.replace("accounts:read", "scope:a")))
        });
        Self { prefix: prefix.unwrap().to_owned(), added: added.collect() }
    }

    /// The configuration names the fields of the client that Envoy passes on; those that it adds
    /// replace the client's.
    async fn ask(&self, gateway: &Gateway, method: Method, sent: &[(&str, &str)]) -> Told {
        const PASSED_ON: [&str; 3] = ["authorization", "dpop", "x-client-cert-pem"];
        let path = format!("{}/accounts/1?page=2&scope=everything", self.prefix);
        let added = self.added.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let sent = sent.iter().copied().filter(|(name, _)| PASSED_ON.contains(name));
        let fields: Vec<_> = sent.chain(added).collect();
        ask(gateway, method, &path, &fields).await
    }
}

#[tokio::test]
async fn envoy_is_answered_in_its_own_manner() {
    let gateway = gateway().await;
    let envoy = Envoy::of_the_document();
    assert_eq!(envoy.added.len(), 2);
    let bearer = format!("Bearer {}", gateway.bearer().await);
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let told = envoy.ask(&gateway, method, &[("authorization", &bearer)]).await;
        assert_eq!(told.status, 200, "Envoy takes no other status for a yes");
        assert_eq!(told.header("x-countersign-scope"), "scope:a");
    }
    let told = envoy.ask(&gateway, Method::GET, &[]).await;
    assert_eq!(told.status, 401);
    assert!(told.header("www-authenticate").contains("resource_metadata="));
    let another = format!("Bearer {}", gateway.for_another().await);
    let told = envoy.ask(&gateway, Method::GET, &[("authorization", &another)]).await;
    assert_eq!(told.refusal(), (401, "invalid_token"));
}

#[tokio::test]
async fn envoys_proofs_are_made_for_the_clients_method_and_path() {
    let gateway = gateway().await;
    let envoy = Envoy::of_the_document();
    let token = gateway.dpop_bound().await;
    let scheme = format!("DPoP {token}");
    for (method, htm, path, status) in [
        ("GET", "GET", "/accounts/1", 200),
        ("HEAD", "HEAD", "/accounts/1", 200),
        ("PROPFIND", "PROPFIND", "/accounts/1", 200),
        ("HEAD", "GET", "/accounts/1", 401),
        ("POST", "GET", "/accounts/1", 401),
        ("GET", "GET", "/accounts/2", 401),
        ("GET", "GET", "/authorize-request/accounts/1", 401),
    ] {
        let claims = json!({ "htm": htm, "htu": format!("{ORIGIN}{path}") });
        let proof = gateway.proof_with(&gateway.key, &token, &claims);
        let sent = [("authorization", scheme.as_str()), ("dpop", proof.as_str())];
        let asking = Method::from_bytes(method.as_bytes()).unwrap();
        let told = envoy.ask(&gateway, asking, &sent).await;
        assert_eq!(told.status, status, "{method} {path}");
    }
}

#[tokio::test]
async fn envoys_certificates_come_as_it_writes_them() {
    let gateway = gateway().await;
    let envoy = Envoy::of_the_document();
    let (own, other) = (certificate("a").self_signed(), certificate("b").self_signed());
    let bearer = format!("Bearer {}", gateway.certificate_bound(&own).await);
    for (shown, status) in [(&own, 200), (&other, 401)] {
        let codes =
            [("+", "%2B"), ("\r", ""), ("\n", "%0A"), (" ", "%20"), ("/", "%2F"), ("=", "%3D")];
        let pem = shown.pem.clone();
        let escaped = codes.iter().fold(pem, |pem, (from, to)| pem.replace(from, to));
        let sent = [("authorization", bearer.as_str()), ("x-client-cert-pem", escaped.as_str())];
        assert_eq!(envoy.ask(&gateway, Method::GET, &sent).await.status, status);
    }
    let told = envoy.ask(&gateway, Method::GET, &[("authorization", &bearer)]).await;
    assert_eq!(told.refusal(), (401, "invalid_token"));
}

/// The query below the path is the client's: what is demanded must not stand there.
#[tokio::test]
async fn envoy_must_say_what_it_demands() {
    let gateway = gateway().await;
    let mut envoy = Envoy::of_the_document();
    envoy.added.retain(|(name, _)| name != "x-countersign-demand");
    let bearer = format!("Bearer {}", gateway.bearer().await);
    let told = envoy.ask(&gateway, Method::GET, &[("authorization", &bearer)]).await;
    assert_eq!(told.refusal(), (400, "invalid_request"));
}
