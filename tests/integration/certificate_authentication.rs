//! Clients that prove who they are with a certificate (RFC 8705 §2), and access tokens that are bound
//! to one (RFC 8705 §3): the whole table of refusals (SEC-32, REG-G10).

use countersign::app::App;
use countersign::endpoints::discovery::oauth_metadata;
use countersign::endpoints::dpop::access_token;
use countersign::endpoints::exchange::{Door, Incoming, Method};
use countersign::endpoints::introspection::introspect;
use countersign::endpoints::registration::register;
use countersign::endpoints::revocation::revoke;
use countersign::endpoints::token::token;
use countersign::governance::audit::AuditAction;
use countersign::jose::UnverifiedJws;
use countersign::partners::{ApiProduct, Client, CredentialState, ProductScope, Tier};
use countersign::protocol::client::MutualTlsMetadata;
use countersign::protocol::{ErrorCode, OAuthError};
use countersign::trust::{Framework, Frameworks};
use countersign::types::Secret;
use countersign::x509::PresentedCertificates;
use rcgen::{ExtendedKeyUsagePurpose, SanType};
use serde_json::{Value, json};

use crate::support;
use crate::support::house::{body, change, refusal};
use crate::support::partner::{Partner, Registered, SOFTWARE};
use crate::support::pki::{Authority, Issued, UID, Wanted};
use crate::support::running::Running;
use crate::support::samples as sample;

const REQUEST: &str = "grant_type=client_credentials&scope=scope:a";
const ON: &str = "[server.mutual_tls]\nlisten = \"127.0.0.1:0\"\n\
    base_url = \"https://mtls.as.example\"\n";
const CERTIFICATE: &str = "[certificate]
anchors = [\"anchors.pem\"]
revocations = [\"revoked.pem\"]
require = [{ any_of = [{ subject = \"UID\", equals = \"{software_id}\" }] }]

[management]";
const REVOKED: u64 = 7;

/// A bank with a door for certificates, whose framework believes one authority.
struct Bank {
    partner: Partner,
    authority: Authority,
    app: App,
}

impl Bank {
    async fn new() -> Self {
        Self::with(ON).await
    }

    async fn with(settings: &str) -> Self {
        let (partner, authority) = (Partner::new().await, Authority::root("root"));
        let mut app = partner.house.node_with(settings).await;
        app.frameworks = frameworks(&partner, &authority);
        Self { partner, authority, app }
    }

    /// Makes the one client register this.
    async fn register(&self, method: &str, mutual_tls: MutualTlsMetadata) {
        let client = self.client(method, mutual_tls);
        change(&self.app, AuditAction::ClientUpdated, move |tx| tx.update_client(&client)).await;
    }

    fn client(&self, method: &str, mutual_tls: MutualTlsMetadata) -> Client {
        let mut client = self.partner.house.client();
        client.metadata.token_endpoint_auth_method = method.to_owned();
        client.metadata.token_endpoint_auth_signing_alg = None;
        client.metadata.mutual_tls = Box::new(mutual_tls);
        client
    }

    /// A request that names the client, at the door for certificates.
    fn naming(&self, shown: Option<&PresentedCertificates>) -> Incoming {
        let id = self.partner.house.client().id;
        let incoming = self.partner.house.post(&format!("{REQUEST}&client_id={id}"), None);
        at_door(incoming, shown)
    }

    async fn accepts(&self, shown: &Issued) -> Value {
        body(token(&self.app, &self.naming(Some(&shown.presented()))).await)
    }

    async fn refuses(&self, shown: Option<&Issued>, why: &str) {
        let presented = shown.map(Issued::presented);
        let refused = refusal(token(&self.app, &self.naming(presented.as_ref())).await);
        assert_told_nothing(&refused, why);
    }

    fn issue(&self, wanted: Wanted) -> Issued {
        self.authority.issue(wanted)
    }
}

fn frameworks(partner: &Partner, authority: &Authority) -> Frameworks {
    let text = partner.framework_text(&[
        ("binding = \"request_jws\"", "binding = [\"request_jws\", \"certificate\"]"),
        ("[management]", CERTIFICATE),
    ]);
    let (anchors, revoked) = (authority.pem.clone(), authority.revocation_list(&[REVOKED]));
    let read =
        |name: &str| Ok(if name == "revoked.pem" { revoked.clone() } else { anchors.clone() });
    let framework = Framework::parse_with("directory.toml", &text, &read).unwrap();
    Frameworks::new([("directory.toml".to_owned(), framework)]).unwrap()
}

fn at_door(incoming: Incoming, shown: Option<&PresentedCertificates>) -> Incoming {
    let path = "/token".to_owned();
    Incoming { door: Door::MutualTls, presented: shown.cloned(), path, ..incoming }
}

/// What everybody hears whose authentication failed, whatever the reason (SEC-29).
fn assert_told_nothing(refused: &OAuthError, why: &str) {
    assert_eq!(refused.code, ErrorCode::InvalidClient, "{why}: {refused:?}");
    assert_eq!(refused.description, "client authentication failed", "{why}: {refused:?}");
}

fn named(member: &str, value: &str) -> MutualTlsMetadata {
    serde_json::from_value(json!({ (member): value })).unwrap()
}

fn fern() -> Wanted {
    Wanted::client("Fern").attribute("2.5.4.10", "Fern  Apps").attribute(UID, SOFTWARE)
}

const SUBJECT: &str = "UID=8f2c1d6e-0001,O=fern apps,CN=FERN";

fn subject() -> MutualTlsMetadata {
    named("tls_client_auth_subject_dn", SUBJECT)
}

#[tokio::test]
async fn a_certificate_of_the_registered_subject_authenticates_and_so_does_the_next_reg_g10() {
    let bank = Bank::new().await;
    bank.register("tls_client_auth", subject()).await;
    // RFC 4517: the case and the number of spaces do not matter. Renewed: another key and serial.
    for serial in [1, 2] {
        let issued = bank.issue(fern().serial(serial));
        assert_eq!(bank.accepts(&issued).await["token_type"], "Bearer");
    }
    let gone = bank.naming(Some(&bank.issue(fern().serial(3)).presented()));
    let gone = Incoming { body: format!("{}&token=x", text(&gone)).into_bytes(), ..gone };
    assert_eq!(revoke(&bank.app, &gone).await.unwrap().status, 200);
}

fn text(incoming: &Incoming) -> String {
    String::from_utf8(incoming.body.clone()).unwrap()
}

#[tokio::test]
async fn a_certificate_is_refused_for_each_reason_sec_32() {
    let bank = Bank::new().await;
    bank.register("tls_client_auth", subject()).await;
    let day = |count: i64| sample::at(count * 86_400);
    bank.refuses(None, "no certificate").await;
    for (why, wanted) in [
        ("wrong subject", Wanted::client("Fern")),
        ("another client's", Wanted::client("Moss").attribute(UID, "moss")),
        ("one attribute more", fern().attribute("2.5.4.11", "unit")),
        ("expired", fern().valid(day(-9), sample::at(-1))),
        ("not yet valid", fern().valid(sample::at(1), day(9))),
        ("wrong use", fern().purposes(&[ExtendedKeyUsagePurpose::ServerAuth])),
        ("revoked", fern().serial(REVOKED)),
    ] {
        bank.refuses(Some(&bank.issue(wanted)), why).await;
    }
    let fake = Authority::root("root");
    bank.refuses(Some(&fake.issue(fern())), "a fake authority").await;
    bank.refuses(Some(&fern().self_signed()), "signed by itself").await;
    let good = bank.issue(fern().serial(1));
    let below = fake.issue(fern()).presented_with(&[&bank.authority]);
    let refused = refusal(token(&bank.app, &bank.naming(Some(&below))).await);
    assert_told_nothing(&refused, "the real authority beside it");
    // A certificate that came in any other way than at its door.
    let elsewhere = Incoming { door: Door::Public, ..bank.naming(Some(&good.presented())) };
    assert_told_nothing(&refusal(token(&bank.app, &elsewhere).await), "the public door");
    // Nobody is named, or somebody else.
    for body in [REQUEST.to_owned(), format!("{REQUEST}&client_id=cl_nobody")] {
        let incoming = at_door(bank.partner.house.post(&body, None), Some(&good.presented()));
        let refused = refusal(token(&bank.app, &incoming).await);
        assert_eq!(refused.code, ErrorCode::InvalidClient);
    }
    bank.accepts(&good).await;
}

#[tokio::test]
async fn each_form_of_an_alternative_name_authenticates_and_no_other() {
    let bank = Bank::new().await;
    let ip = |text: &str| SanType::IpAddress(text.parse().unwrap());
    let dns = |text: &str| SanType::DnsName(text.try_into().unwrap());
    let uri = |text: &str| SanType::URI(text.try_into().unwrap());
    let email = |text: &str| SanType::Rfc822Name(text.try_into().unwrap());
    for (member, registered, good, bad) in [
        (
            "tls_client_auth_san_dns",
            "app.fern.example",
            vec![dns("app.fern.example"), dns("APP.fern.example")],
            vec![dns("app2.fern.example"), dns("*.fern.example"), uri("app.fern.example")],
        ),
        (
            "tls_client_auth_san_uri",
            "https://fern.example/app",
            vec![uri("https://fern.example/app")],
            vec![uri("https://fern.example/App"), uri("https://fern.example/app/")],
        ),
        (
            "tls_client_auth_san_ip",
            "2001:db8:0:0::1",
            vec![ip("2001:db8::1")],
            vec![ip("2001:db8::2"), ip("192.0.2.1"), dns("2001.example")],
        ),
        (
            "tls_client_auth_san_email",
            "app@fern.example",
            vec![email("app@fern.example"), email("app@FERN.example")],
            vec![email("App@fern.example"), email("app@moss.example"), dns("app.example")],
        ),
    ] {
        bank.register("tls_client_auth", named(member, registered)).await;
        for name in good {
            // One of several.
            let wanted = fern().alternative_name(dns("other.example")).alternative_name(name);
            bank.accepts(&bank.issue(wanted)).await;
        }
        for name in bad {
            let wanted = fern().alternative_name(dns("other.example")).alternative_name(name);
            bank.refuses(Some(&bank.issue(wanted)), member).await;
        }
        bank.refuses(Some(&bank.issue(Wanted::client(registered))), "as a common name").await;
    }
}

#[tokio::test]
async fn a_registered_key_authenticates_whoever_signed_its_certificate() {
    let bank = Bank::new().await;
    let mine = fern().self_signed();
    register_key(&bank, &mine).await;
    bank.accepts(&mine).await;
    bank.refuses(None, "no certificate").await;
    bank.refuses(Some(&fern().self_signed()), "another key").await;
    bank.refuses(Some(&bank.issue(fern())), "another key, of the authority").await;
    for (why, from, until) in [("expired", -9, -1), ("not yet valid", 1, 9)] {
        let timed = fern().valid(sample::at(from), sample::at(until)).self_signed();
        register_key(&bank, &timed).await;
        bank.refuses(Some(&timed), why).await;
    }
}

/// Makes the client register the key of this certificate, and no subject.
async fn register_key(bank: &Bank, issued: &Issued) {
    use countersign::jose::PublicKey;
    let certificate = issued.certificate();
    let key = PublicKey::from_public_key_info(certificate.public_key_der()).unwrap();
    let mut client = bank.client("self_signed_tls_client_auth", MutualTlsMetadata::default());
    client.metadata.jwks = Some(json!({ "keys": [key.to_value()] }));
    change(&bank.app, AuditAction::ClientUpdated, move |tx| tx.update_client(&client)).await;
}

#[tokio::test]
async fn a_certificate_does_not_replace_another_method_nor_stand_beside_one() {
    let bank = Bank::new().await;
    let good = bank.issue(fern());
    // Registered for a key.
    bank.register("private_key_jwt", MutualTlsMetadata::default()).await;
    bank.refuses(Some(&good), "registered for `private_key_jwt`").await;
    // Registered for a certificate: no other method will do, with the certificate or without.
    bank.register("tls_client_auth", subject()).await;
    for shown in [None, Some(&good.presented())] {
        let asserted = at_door(bank.partner.house.authenticated(REQUEST), shown);
        assert_told_nothing(&refusal(token(&bank.app, &asserted).await), "an assertion");
        let mut secret = bank.naming(shown);
        secret.body = format!("{}&client_secret=x", text(&secret)).into_bytes();
        assert_told_nothing(&refusal(token(&bank.app, &secret).await), "a secret");
    }
}

#[tokio::test]
async fn what_is_off_authenticates_nobody_and_is_not_listed() {
    let methods =
        |app: &App| -> Value { serde_json::from_slice(&oauth_metadata(app).body).unwrap() };
    let on = Bank::new().await;
    let listed = methods(&on.app);
    let every = &listed["token_endpoint_auth_methods_supported"];
    for method in ["tls_client_auth", "self_signed_tls_client_auth"] {
        assert!(every.as_array().unwrap().contains(&json!(method)), "{every}");
    }
    assert_eq!(listed["tls_client_certificate_bound_access_tokens"], true);
    let off = Bank::with("").await;
    off.register("tls_client_auth", subject()).await;
    let listed = methods(&off.app);
    assert_eq!(listed["token_endpoint_auth_methods_supported"], json!(["private_key_jwt"]));
    assert_eq!(listed.get("tls_client_certificate_bound_access_tokens"), None);
    off.refuses(Some(&off.issue(fern())), "switched off").await;
}

#[tokio::test]
async fn without_an_authority_nobody_is_believed() {
    let mut bank = Bank::new().await;
    bank.register("tls_client_auth", subject()).await;
    bank.app.frameworks = Frameworks::default();
    bank.refuses(Some(&bank.issue(fern())), "the framework is gone").await;
    let plain = bank.partner.framework(&[]);
    bank.app.frameworks = Frameworks::new([("directory.toml".to_owned(), plain)]).unwrap();
    bank.refuses(Some(&bank.issue(fern())), "the framework names no authorities").await;
}

#[tokio::test]
async fn an_operator_may_end_one_certificate_of_a_client() {
    let bank = Bank::new().await;
    bank.register("tls_client_auth", subject()).await;
    let issued = bank.issue(fern());
    bank.accepts(&issued).await;
    let id = bank.partner.house.client().id;
    let seen = bank.app.database.read(move |reader| reader.credentials_of(&id)).await.unwrap();
    let certificate = issued.certificate();
    let seen = seen.iter().find(|one| one.thumbprint == certificate.thumbprint()).unwrap().clone();
    assert_eq!(seen.not_after, certificate.not_after());
    change(&bank.app, AuditAction::CredentialStateChanged, move |tx| {
        let (active, revoked) = (CredentialState::Active, CredentialState::Revoked);
        tx.change_credential_state(&seen.id, active, revoked)
    })
    .await;
    assert!(token(&bank.app, &bank.naming(Some(&issued.presented()))).await.is_err());
    bank.accepts(&bank.issue(fern())).await;
}

/// RFC 8705 §3: from the registration to the use of the token.
#[tokio::test]
async fn a_token_is_bound_to_the_certificate_that_its_client_shows() {
    let bank = Bank::new().await;
    change(&bank.app, AuditAction::ApiProductUpdated, |tx| {
        let scope =
            ProductScope { scope: sample::scope("a"), tier: Tier::T2, max_token_seconds: 300 };
        tx.update_api_product(&ApiProduct { scopes: vec![scope], ..sample::product("a") })
    })
    .await;
    let (mine, another) = (bank.issue(fern().serial(1)), bank.issue(fern().serial(2)));
    let claims = json!({ "tls_client_certificate_bound_access_tokens": true });
    let request = bank.partner.registration_with("scope:a", &claims);
    let answer = register(&bank.app, &at_door(request, Some(&mine.presented()))).await;
    let registered = Registered::of(&answer.unwrap());
    assert_eq!(registered.body["tls_client_certificate_bound_access_tokens"], true);
    let asking = |shown: Option<&Issued>| {
        let request = bank.partner.token_request(&registered.id, "scope:a");
        at_door(request, shown.map(Issued::presented).as_ref())
    };
    let refused = refusal(token(&bank.app, &asking(None)).await);
    assert_eq!(refused.code, ErrorCode::InvalidRequest);
    assert!(refused.description.contains("certificate"), "{}", refused.description);
    let told = body(token(&bank.app, &asking(Some(&mine))).await);
    assert_eq!((&told["token_type"], &told["scope"]), (&json!("Bearer"), &json!("scope:a")));
    let issued = told["access_token"].as_str().unwrap();
    let cnf = json!({ "x5t#S256": mine.certificate().thumbprint() });
    assert_eq!(UnverifiedJws::parse(issued).unwrap().unverified_claims()["cnf"], cnf);
    let asked = bank.partner.house.by_resource_server("a", &format!("token={issued}"));
    let seen = body(introspect(&bank.app, &asked).await);
    assert_eq!((&seen["active"], &seen["cnf"]), (&json!(true), &cnf));
    // Used where a token of ours is needed: by whoever shows the same certificate.
    let using = |shown: Option<&Issued>| {
        let base = bank.partner.house.post("", Some(format!("Bearer {issued}")));
        let presented = shown.map(Issued::presented);
        at_door(Incoming { method: Method::Get, ..base }, presented.as_ref())
    };
    assert!(access_token(&bank.app, &using(Some(&mine))).await.is_ok());
    for thief in [None, Some(&another)] {
        let refused = access_token(&bank.app, &using(thief)).await.unwrap_err().into_error();
        assert_eq!(refused.code, ErrorCode::InvalidToken);
    }
}

/// The same at the listeners of the whole server.
#[tokio::test]
async fn a_certificate_is_proved_in_the_handshake() {
    let running = Running::with_mutual_tls().await;
    let mine = fern().self_signed();
    let key =
        countersign::jose::PublicKey::from_public_key_info(mine.certificate().public_key_der());
    let key = key.unwrap().to_value();
    running
        .change(move |tx| {
            sample::insert_everything(tx, "a")?;
            let mut client = sample::client("a");
            client.metadata.token_endpoint_auth_method = "self_signed_tls_client_auth".to_owned();
            client.metadata.token_endpoint_auth_signing_alg = None;
            client.metadata.jwks_uri = None;
            client.metadata.jwks = Some(json!({ "keys": [key] }));
            client.metadata.mutual_tls.tls_client_certificate_bound_access_tokens = true;
            tx.update_client(&client)
        })
        .await;
    let authority = std::fs::read_to_string(running.file("server.pem")).unwrap();
    let form = format!("{REQUEST}&client_id={}", sample::client("a").id);
    let ask = async |base: String, shown: Option<&Issued>| {
        let client = support::mtls_client(&authority, shown);
        let request = client.post(format!("{base}/token")).body(form.clone());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let (status, told) = ask(running.mutual_tls_url(), Some(&mine)).await;
    assert_eq!(status, 200, "{told}");
    let issued = Secret::new(told["access_token"].as_str().unwrap());
    let claims = UnverifiedJws::parse(issued.reveal()).unwrap();
    let cnf = json!({ "x5t#S256": mine.certificate().thumbprint() });
    assert_eq!(claims.unverified_claims()["cnf"], cnf);
    let other = fern().self_signed();
    for (base, shown) in [
        (running.public_url(), Some(&mine)),
        (running.mutual_tls_url(), None),
        (running.mutual_tls_url(), Some(&other)),
    ] {
        let (status, told) = ask(base, shown).await;
        assert_eq!((status, told["error"].as_str()), (401, Some("invalid_client")));
    }
}
