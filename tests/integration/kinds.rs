//! Every kind of JWT to every reader of one: only the diagonal is believed (SEC-60, SEC-11). One key
//! signs them all, so that nothing but the kind tells them apart.

use countersign::endpoints::introspection::introspect;
use countersign::endpoints::revocation::revoke;
use countersign::endpoints::token::token;
use countersign::jose::{Algorithm, JwkSet, SigningKey, UnverifiedJws};
use countersign::protocol::client_authentication::{
    Addressee, AudienceRule, OurNames, UnverifiedAssertion,
};
use countersign::protocol::dpop::{self, Expected, UnverifiedProof};
use countersign::protocol::registration::{RegistrationRequest, UnverifiedStatement};
use countersign::protocol::token::AccessTokenClaims;
use countersign::protocol::token::access_token::TYPE;
use countersign::trust::Framework;
use countersign::types::{Issuer, Timestamp};
use serde_json::{Value, json};

use crate::support::house::{House, ISSUER, body, refusal};
use crate::support::samples as sample;

const DIRECTORY: &str = "https://localhost:8445";
const SOFTWARE: &str = "software-1";
const CLIENT: &str = "cl_1";

/// A kind of JWT, or the reader that believes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    SoftwareStatement,
    RegistrationRequest,
    ClientAssertion,
    AccessToken,
    DpopProof,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::SoftwareStatement,
        Self::RegistrationRequest,
        Self::ClientAssertion,
        Self::AccessToken,
        Self::DpopProof,
    ];

    /// A good one.
    fn made(self, key: &SigningKey, now: Timestamp) -> String {
        let times = json!({ "iat": now, "exp": now.plus(60), "jti": "1", "aud": ISSUER });
        let (typ, claims) = match self {
            Self::SoftwareStatement => (
                "JWT",
                json!({
                    "iss": DIRECTORY, "software_id": SOFTWARE, "software_client_name": "Acme",
                    "software_redirect_uris": ["https://acme.example/callback"],
                    "software_jwks_uri": "https://localhost:8445/jwks",
                    "software_roles": ["AISP"], "org_id": "org-1", "org_name": "Acme",
                    "org_status": "Active", "software_statement_status": "Active",
                }),
            ),
            Self::RegistrationRequest => {
                ("JWT", json!({ "iss": SOFTWARE, "software_statement": "e30.e30.c2ln" }))
            }
            Self::ClientAssertion => ("JWT", json!({ "iss": CLIENT, "sub": CLIENT })),
            Self::AccessToken => (
                TYPE,
                json!({
                    "iss": ISSUER, "sub": CLIENT, "client_id": CLIENT, "client_key": "thumbprint",
                    "scope": "accounts", "org": "org_1", "software_id": SOFTWARE,
                    "policy_digest": "sha256:x",
                }),
            ),
            Self::DpopProof => {
                (dpop::TYPE, json!({ "htm": "POST", "htu": format!("{ISSUER}/token") }))
            }
        };
        let claims = together(&times, &claims);
        match self {
            Self::DpopProof => {
                let header = json!({ "jwk": key.public_jwk() });
                let (header, claims) = (header.as_object().unwrap(), claims.as_object().unwrap());
                key.sign_with(typ, header, claims).unwrap()
            }
            Self::SoftwareStatement
            | Self::RegistrationRequest
            | Self::ClientAssertion
            | Self::AccessToken => key.sign(typ, &claims).unwrap(),
        }
    }

    /// Whether the reader of this kind believes `text`.
    fn believes(self, text: &str, keys: &JwkSet, now: Timestamp) -> bool {
        let us = Issuer::parse(ISSUER).unwrap();
        let framework = framework();
        match self {
            Self::SoftwareStatement => UnverifiedStatement::parse(text)
                .and_then(|read| read.verify(&framework.statement_rules(&us), keys, now))
                .is_ok(),
            Self::RegistrationRequest => {
                let rules = framework.request_rules(&us, SOFTWARE);
                match RegistrationRequest::parse(Some("application/jwt"), text.as_bytes()) {
                    Ok(RegistrationRequest::Signed(read)) => read.verify(&rules, keys, now).is_ok(),
                    Ok(RegistrationRequest::Json(_)) | Err(_) => false,
                }
            }
            Self::ClientAssertion => {
                let us = OurNames { issuer: us, endpoints: Vec::new() };
                let addressee = Addressee { us: &us, rule: AudienceRule::default() };
                UnverifiedAssertion::parse(text, None)
                    .and_then(|read| read.verify(keys, &[Algorithm::Es256], addressee, now))
                    .is_ok()
            }
            Self::AccessToken => UnverifiedJws::parse(text)
                .and_then(|read| read.verify(keys, &[Algorithm::Es256]))
                .is_ok_and(|read| {
                    let typ = read.header.typ.as_deref();
                    AccessTokenClaims::read(typ, read.claims, &us).is_ok()
                }),
            Self::DpopProof => {
                let expected = Expected {
                    methods: &["POST"],
                    addresses: &[us.join("/token")],
                    algorithms: &dpop::ALGORITHMS,
                    access_token: None,
                    nonce: None,
                };
                UnverifiedProof::parse(text).and_then(|read| read.verify(&expected, now)).is_ok()
            }
        }
    }
}

fn together(times: &Value, claims: &Value) -> Value {
    let mut all = times.as_object().unwrap().clone();
    all.extend(claims.as_object().unwrap().clone());
    Value::Object(all)
}

/// The framework that is shipped for the test directory.
fn framework() -> Framework {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/frameworks/directory.toml");
    Framework::parse("directory.toml", &std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn only_the_diagonal_is_believed_sec_60() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let keys = JwkSet::parse(&json!({ "keys": [key.public_jwk()] })).unwrap();
    let now = sample::now();
    for kind in Kind::ALL {
        let made = kind.made(&key, now);
        for reader in Kind::ALL {
            let believed = reader.believes(&made, &keys, now);
            assert_eq!(believed, kind == reader, "{kind:?} to the reader of {reader:?}");
        }
    }
}

/// What else is signed with a client's own key opens no door with the client's name on it.
#[tokio::test]
async fn what_is_no_assertion_authenticates_nobody_at_any_endpoint() {
    let house = House::new().await;
    let app = house.node().await;
    let answer = body(
        token(&app, &house.authenticated("grant_type=client_credentials&scope=scope:a")).await,
    );
    let access_token = answer["access_token"].as_str().unwrap();
    let good = house.assertion_claims();
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        house.key.sign("JWT", &claims).unwrap()
    };
    let others = [
        access_token.to_owned(),
        Kind::SoftwareStatement.made(&house.key, house.clock.now()),
        Kind::RegistrationRequest.made(&house.key, house.clock.now()),
        house.key.sign(TYPE, &good).unwrap(),
        house.key.sign("dpop+jwt", &good).unwrap(),
        with("sub", json!("cl_b")),
        with("iss", json!("software-a")),
        with("aud", json!([ISSUER])),
        with("aud", json!(format!("{ISSUER}/token"))),
        with("aud", json!(format!("{ISSUER}/"))),
        with("exp", json!(1e19)),
        with("jti", json!(7)),
    ];
    for other in &others {
        let request = |form: &str| house.with_assertion(form, other);
        let form = format!("token={access_token}");
        for refused in [
            refusal(token(&app, &request("grant_type=client_credentials")).await),
            refusal(introspect(&app, &request(&form)).await),
            refusal(revoke(&app, &request(&form)).await),
        ] {
            assert_eq!(refused.code.as_str(), "invalid_client", "{other}");
            assert_eq!(refused.description, "client authentication failed", "{other}");
        }
    }
    let asked = house.by_resource_server("a", &format!("token={access_token}"));
    assert_eq!(body(introspect(&app, &asked).await)["active"], true, "nothing was revoked");
    let genuine = house.key.sign("JWT", &good).unwrap();
    let request = house.with_assertion("grant_type=client_credentials&scope=scope:a", &genuine);
    assert!(token(&app, &request).await.is_ok(), "nothing was burnt (SEC-53)");
}

/// What else is signed by whoever signs our tokens is no token.
#[tokio::test]
async fn what_is_no_access_token_is_inactive_even_under_our_own_key() {
    let house = House::new().await;
    let app = house.node().await;
    let now = house.clock.now();
    let keys = app.keyring.last_loaded();
    let ours = keys.signer(now).unwrap();
    for kind in Kind::ALL {
        let made = kind.made(ours, now);
        let asked = house.by_resource_server("a", &format!("token={made}"));
        let told = body(introspect(&app, &asked).await);
        assert_eq!(told, json!({ "active": false }), "{kind:?}");
    }
}

/// Clients make mistakes; the log, which is told description and detail, does not repeat them.
#[tokio::test]
async fn a_secret_in_the_wrong_place_is_not_repeated() {
    let house = House::new().await;
    let app = house.node().await;
    let secret = house.assertion();
    let bodies = [
        "grant_type=SECRET".to_owned(),
        "grant_type=client_credentials&scope=SECRET".to_owned(),
        "grant_type=client_credentials&resource=SECRET".to_owned(),
        "grant_type=client_credentials&resource=urn:x:SECRET".to_owned(),
        "grant_type=client_credentials&client_id=SECRET".to_owned(),
        "grant_type=client_credentials&SECRET=x&SECRET=y".to_owned(),
        "grant_type=client_credentials&client_secret=SECRET".to_owned(),
    ];
    let mut refused = Vec::new();
    for written in bodies {
        let request = house.authenticated(&written.replace("SECRET", &secret));
        refused.push(refusal(token(&app, &request).await));
    }
    let with_type = format!("client_assertion_type={secret}&client_assertion={secret}");
    refused.push(refusal(token(&app, &house.post(&with_type, None)).await));
    for header in ["Basic SECRET", "Bearer SECRET", "SECRET", "SECRET x"] {
        let header = Some(header.replace("SECRET", &secret));
        refused.push(refusal(token(&app, &house.post("a=b", header.clone())).await));
        refused.push(refusal(introspect(&app, &house.post("token=x", header)).await));
    }
    let (_, signature) = secret.rsplit_once('.').unwrap();
    for refused in refused {
        let logged = format!("{} {:?}", refused.description, refused.detail);
        assert!(!logged.contains(signature), "{logged}");
    }
}
