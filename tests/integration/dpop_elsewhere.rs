//! `DPoP` (RFC 9449) beyond the token endpoint: over real HTTP, where a registration is managed with the
//! client's own bound token (REG-R1), and at the addresses for mutual TLS (CONF-71).

use std::sync::atomic::{AtomicU64, Ordering};

use countersign::app::App;
use countersign::endpoints::exchange::{Door, Incoming, Method};
use countersign::endpoints::registration::manage;
use countersign::endpoints::token::token;
use countersign::jose::{Algorithm, SigningKey};
use countersign::protocol::dpop::TYPE;
use countersign::protocol::dpop::proof::hash;
use countersign::types::Secret;
use serde_json::{Value, json};

use crate::support::house::{House, ISSUER, body};
use crate::support::partner::{Partner, Registered, merged, not_managed, with_bearer};
use crate::support::running::Running;

const BY_TOKEN: &str = "authorisation = \"registration_access_token\"";
const BY_CLIENT: &str = "authorisation = \"client_credentials\"";
const ALIAS: &str = "https://mtls.as.example";

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

fn proof(house: &House, key: &SigningKey, claims: &Value) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let jti = format!("elsewhere-{}", NEXT.fetch_add(1, Ordering::SeqCst));
    let fresh = json!({ "jti": jti, "iat": house.clock.now() });
    let claims = merged(fresh, claims);
    let header = json!({ "jwk": key.public_jwk() });
    key.sign_with(TYPE, header.as_object().unwrap(), claims.as_object().unwrap()).unwrap()
}

/// CONF-72, RFC 9449 §4.3: there is not more than one `DPoP` field.
#[tokio::test]
async fn several_proofs_are_an_invalid_proof_whatever_they_are() {
    let running = Running::furnished().await;
    for path in ["/token", "/register/cl_a", "/introspect", "/revoke"] {
        for second in ["a.b.c", ""] {
            let url = format!("{}{path}", running.public_url());
            let request = running.client().post(url).header("dpop", "a.b.c").header("dpop", second);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let response = request.body("grant_type=client_credentials").send().await.unwrap();
            // Where nobody posts, the method is refused first.
            if response.status() == 405 {
                continue;
            }
            assert_eq!(response.status(), 400, "{path}");
            let told: Value = response.json().await.unwrap();
            assert_eq!(told["error"], "invalid_dpop_proof", "{path}: {told}");
        }
    }
    let url = format!("{}/register/cl_a", running.public_url());
    let read = running.client().get(url).header("authorization", "DPoP x");
    let response = read.header("dpop", "a.b.c").header("dpop", "a.b.c").send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "invalid_dpop_proof");
}

/// A client that manages itself with its own token, which is bound to a key.
struct Managing {
    partner: Partner,
    app: App,
    client: Registered,
    key: SigningKey,
    token: String,
}

impl Managing {
    async fn new() -> Self {
        let partner = Partner::new().await;
        let app = partner.node_with(&[(BY_TOKEN, BY_CLIENT)]).await;
        let (client, key) = (partner.registered(&app, "scope:a").await, key());
        let claims = json!({ "htm": "POST", "htu": format!("{ISSUER}/token") });
        let asking = Incoming {
            path: "/token".to_owned(),
            dpop: Some(Secret::new(proof(&partner.house, &key, &claims))),
            ..partner.token_request(&client.id, "scope:a")
        };
        let told = body(token(&app, &asking).await);
        assert_eq!(told["token_type"], "DPoP");
        let token = told["access_token"].as_str().unwrap().to_owned();
        Self { partner, app, client, key, token }
    }

    fn path(&self) -> String {
        format!("/register/{}", self.client.id)
    }

    /// The claims of a good proof for this request.
    fn claims(&self, method: &str) -> Value {
        let htu = format!("{ISSUER}{}", self.path());
        json!({ "htm": method, "htu": htu, "ath": hash(&Secret::new(&*self.token)) })
    }

    /// A request with the token under `scheme`, and a proof by `key` with these claims.
    fn request(&self, scheme: &str, method: Method, proof: Option<String>) -> Incoming {
        let base = match method {
            Method::Put => self.partner.registration("scope:a"),
            Method::Get | Method::Post | Method::Patch | Method::Delete | Method::Other => {
                self.partner.house.post("", None)
            }
        };
        let request = with_bearer(self.client.id.as_str(), &self.token, method, base);
        let authorization = Some(Secret::new(format!("{scheme} {}", self.token)));
        Incoming { authorization, path: self.path(), dpop: proof.map(Secret::new), ..request }
    }

    fn proved(&self, method: Method, changes: &Value) -> Incoming {
        let name = method.names().first().copied().unwrap_or_default();
        let claims = merged(self.claims(name), changes);
        self.request("DPoP", method, Some(proof(&self.partner.house, &self.key, &claims)))
    }
}

#[tokio::test]
async fn a_client_manages_itself_with_its_own_bound_token() {
    let managing = Managing::new().await;
    for (method, status) in [(Method::Get, 200), (Method::Put, 200), (Method::Delete, 204)] {
        let answer = manage(&managing.app, &managing.proved(method, &json!({}))).await;
        assert_eq!(answer.map(|answer| answer.status), Ok(status), "{method:?}");
    }
    let gone = managing.proved(Method::Get, &json!({}));
    assert_eq!(not_managed(&managing.app, &gone).await, "invalid_token");
}

#[tokio::test]
async fn a_bound_token_manages_nothing_without_its_proof() {
    let managing = Managing::new().await;
    let (house, app) = (&managing.partner.house, &managing.app);
    let other = hash(&Secret::new("another token"));
    for method in [Method::Get, Method::Put, Method::Delete] {
        let name = method.names().first().copied().unwrap();
        let none = managing.request("DPoP", method, None);
        assert_eq!(not_managed(app, &none).await, "invalid_dpop_proof", "no proof, {name}");
        for (why, changes) in [
            ("another token's", json!({ "ath": other })),
            ("no token's", json!({ "ath": null })),
            ("another method", json!({ "htm": "POST" })),
            ("the method in another case", json!({ "htm": name.to_lowercase() })),
            ("another address", json!({ "htu": format!("{ISSUER}/register/cl_other") })),
            ("another endpoint", json!({ "htu": format!("{ISSUER}/token") })),
            (
                "another server",
                json!({ "htu": format!("https://evil.example{}", managing.path()) }),
            ),
            ("old", json!({ "iat": house.clock.now().plus(-3600) })),
        ] {
            let bad = managing.proved(method, &changes);
            assert_eq!(not_managed(app, &bad).await, "invalid_dpop_proof", "{why}, {name}");
        }
        let stranger = proof(house, &key(), &managing.claims(name));
        let stranger = managing.request("DPoP", method, Some(stranger));
        assert_eq!(not_managed(app, &stranger).await, "invalid_dpop_proof", "another key, {name}");
        // RFC 9449 §7.2: a bound token is no bearer token, with its proof or without.
        let good = || proof(house, &managing.key, &managing.claims(name));
        for downgraded in [None, Some(good())] {
            let bearer = managing.request("Bearer", method, downgraded);
            assert_eq!(not_managed(app, &bearer).await, "invalid_dpop_proof", "Bearer, {name}");
        }
    }
    let read = managing.proved(Method::Get, &json!({}));
    assert_eq!(manage(app, &read).await.unwrap().status, 200);
    assert_eq!(not_managed(app, &read).await, "invalid_dpop_proof", "replayed");
    let again = managing.proved(Method::Get, &json!({}));
    assert_eq!(manage(app, &again).await.unwrap().status, 200);
}

/// CONF-71: `htu` is the address that was called. At the addresses for mutual TLS that is theirs; the
/// issuer's is good as well, because a proxy may serve both names by one listener.
#[tokio::test]
async fn a_proof_names_the_address_that_was_called() {
    let house = House::new().await;
    let settings =
        format!("[server.mutual_tls]\nlisten = \"127.0.0.1:0\"\nbase_url = \"{ALIAS}\"\n");
    let app = house.node_with(&settings).await;
    let key = key();
    let asking = |door, htu: String| {
        let claims = json!({ "htm": "POST", "htu": htu });
        Incoming {
            door,
            path: "/token".to_owned(),
            dpop: Some(Secret::new(proof(&house, &key, &claims))),
            ..house.authenticated("grant_type=client_credentials&scope=scope:a")
        }
    };
    for (door, base) in
        [(Door::Public, ISSUER), (Door::MutualTls, ALIAS), (Door::MutualTls, ISSUER)]
    {
        let told = body(token(&app, &asking(door, format!("{base}/token"))).await);
        assert_eq!(told["token_type"], "DPoP", "{base} at {door:?}");
    }
    for (door, htu) in [
        (Door::Public, format!("{ALIAS}/token")),
        (Door::MutualTls, format!("{ALIAS}/introspect")),
        (Door::MutualTls, "https://evil.example/token".to_owned()),
    ] {
        let asked = asking(door, htu.clone());
        let told = token(&app, &asked).await.map_err(|it| it.into_error().code.as_str());
        assert_eq!(told.err(), Some("invalid_dpop_proof"), "{htu} at {door:?}");
    }
}
