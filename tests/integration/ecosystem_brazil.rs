//! Open Finance Brasil: the modules of the OpenID suite's registration plan (REG-B0 to B18) and the
//! rules of its profile (REG-BR1 to BR10), against the framework that ships.
//!
//! What the modules do at an authorization endpoint, and B4, which is about payment consents, is not
//! here: there is no authorization endpoint.

use countersign::types::DistinguishedName;
use rcgen::DnValue;
use rcgen::string::PrintableString;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::ecosystem::{Country, Ecosystem, Sent, TOKEN_ENDPOINT, Told};
use crate::support::house::ISSUER;
use crate::support::partner::merged;
use crate::support::pki::{Authority, Issued, ORGANISATION_IDENTIFIER, UID, Wanted};

const SOFTWARE: &str = "0a3f5c9e-52a1-4f4e-8d2b-6c1f0f6f7a11";
const ORGANISATION: &str = "67c57882-043b-11ec-9a03-0242ac130003";
/// BR6.
const DADOS: &str = "accounts consents credit-cards-accounts customers financings \
                     invoice-financings loans openid resources unarranged-accounts-overdraft";
const BRAZIL: Country = Country {
    file: "brazil.toml",
    keys: "https://keystore.directory.openbankingbrasil.org.br/openbanking.jwks",
    organisation: ORGANISATION,
    scopes: "accounts consents credit-cards-accounts customers financings invoice-financings \
             loans openid resources unarranged-accounts-overdraft payments",
};
/// U3: what the server alone says.
const OURS: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];
const BAD_METADATA: (u16, &str) = (400, "invalid_client_metadata");
const BAD_REDIRECT: (u16, &str) = (400, "invalid_redirect_uri");
const BAD_STATEMENT: (u16, &str) = (400, "invalid_software_statement");
const NOT_YOU: (u16, &str) = (401, "invalid_client");
const NO_TOKEN: (u16, &str) = (401, "invalid_token");

/// The suite, with the directory's word for its software.
struct Suite {
    world: Ecosystem,
    certificate: Issued,
}

/// A client as the suite remembers it.
struct Registration {
    id: String,
    token: String,
    body: Value,
}

impl Suite {
    async fn new() -> Self {
        let world = Ecosystem::new(&BRAZIL).await;
        let certificate = transport(&world.authority);
        Self { world, certificate }
    }

    /// BR9: no `exp`, no `jti`, no `aud`.
    fn statement_claims(&self) -> Value {
        let keystore = &self.world.keystore;
        json!({
            "iss": "Open Banking Open Banking Brasil prod SSA issuer",
            "iat": self.world.house.clock.now(),
            "software_id": SOFTWARE,
            "software_client_id": SOFTWARE,
            "software_client_name": "Acme Contas",
            "software_client_description": "Acme Contas",
            "software_client_uri": "https://acme.example",
            "software_environment": "production",
            "software_version": 1,
            "software_jwks_uri": keystore.uri("/application.jwks"),
            "software_jwks_inactive_uri": keystore.uri("/inactive.jwks"),
            "software_jwks_transport_uri": keystore.uri("/transport.jwks"),
            "software_logo_uri": "https://acme.example/logo.png",
            "software_policy_uri": "https://acme.example/policy",
            "software_tos_uri": "https://acme.example/tos",
            "software_redirect_uris": ["https://acme.example/cb", "https://acme.example/other"],
            "software_api_webhook_uris": ["https://acme.example/hook"],
            "software_roles": ["DADOS", "PAGTO"],
            "software_statement_roles": [
                { "role": "DADOS", "authorisation_domain": "Open Banking", "status": "Active" },
            ],
            "org_id": ORGANISATION,
            "org_name": "Acme",
            "org_number": "13353236000189",
            "org_status": "Active",
            "org_jwks_uri": keystore.uri("/org.jwks"),
        })
    }

    fn statement(&self) -> String {
        self.statement_with(&json!({}))
    }

    fn statement_with(&self, changes: &Value) -> String {
        self.world.statement(&merged(self.statement_claims(), changes))
    }

    /// A statement that somebody else has signed.
    fn forged(&self) -> String {
        self.world.key.sign("JWT", &self.statement_claims()).unwrap()
    }

    /// B0, with the statement by value and no scope.
    fn request(&self) -> Value {
        json!({
            "grant_types":
                ["authorization_code", "implicit", "refresh_token", "client_credentials"],
            "response_types": ["code id_token"],
            "jwks_uri": self.world.keystore.uri("/application.jwks"),
            "redirect_uris": ["https://acme.example/cb"],
            "token_endpoint_auth_method": "private_key_jwt",
            "software_statement": self.statement(),
        })
    }

    async fn post(&self, changes: &Value) -> Told {
        self.post_by(Some(&self.certificate), changes).await
    }

    async fn post_by(&self, certificate: Option<&Issued>, changes: &Value) -> Told {
        let body = merged(self.request(), changes).to_string();
        let sent =
            Sent { certificate, content_type: "application/json", body: &body, bearer: None };
        self.world.send(Method::POST, "/register", sent).await
    }

    async fn register(&self, changes: &Value) -> Registration {
        let body = self.post(changes).await.good(201);
        let text = |member: &str| body[member].as_str().unwrap().to_owned();
        let (id, token) = (text("client_id"), text("registration_access_token"));
        assert_eq!(text("registration_client_uri"), format!("{ISSUER}/register/{id}"));
        Registration { id, token, body }
    }

    async fn manage(&self, method: Method, of: &Registration, body: Option<&Value>) -> Told {
        self.manage_by((Some(&self.certificate), &of.token), method, of, body).await
    }

    async fn manage_by(
        &self,
        (certificate, token): (Option<&Issued>, &str),
        method: Method,
        of: &Registration,
        body: Option<&Value>,
    ) -> Told {
        let text = body.map(Value::to_string).unwrap_or_default();
        let content_type = if body.is_some() { "application/json" } else { "" };
        let sent = Sent { certificate, bearer: Some(token), content_type, body: &text };
        self.world.send(method, &format!("/register/{}", of.id), sent).await
    }

    async fn read(&self, of: &Registration) -> Value {
        self.manage(Method::GET, of, None).await.good(200)
    }

    async fn delete(&self, of: Registration) {
        let gone = self.manage(Method::DELETE, &of, None).await;
        assert_eq!(gone, Told { status: 204, body: Value::Null });
    }

    /// The body of an update: what we were told without U3's four, and a new statement.
    fn update(&self, of: &Registration, changes: &Value) -> Value {
        let mut body = of.body.clone();
        body.as_object_mut().unwrap().retain(|member, _| !OURS.contains(&member.as_str()));
        body["software_statement"] = json!(self.statement());
        merged(body, changes)
    }

    /// A registration with these changes is refused so, and nothing is stored.
    async fn refuses(&self, changes: &Value, how: (u16, &str)) {
        let before = self.world.stored().await;
        let told = self.post(changes).await;
        assert_eq!(told.refusal(), how, "{changes}: {}", told.body);
        assert_eq!(told.body.get("client_id"), None);
        assert_eq!(self.world.stored().await, before);
    }

    /// An update with these changes is refused so, and nothing is changed.
    async fn refuses_update(&self, of: &Registration, changes: &Value, how: (u16, &str)) {
        let before = self.world.stored().await;
        let body = self.update(of, changes);
        let told = self.manage(Method::PUT, of, Some(&body)).await;
        assert_eq!(told.refusal(), how, "{changes}: {}", told.body);
        assert_eq!(self.world.stored().await, before);
    }

    /// Every verb refuses this certificate, says nothing of the client, and changes nothing.
    async fn refuses_certificate(&self, of: &Registration, shown: Option<&Issued>) {
        let before = self.world.stored().await;
        let told = self.post_by(shown, &json!({})).await;
        assert_eq!(told.refusal(), NOT_YOU);
        let update = self.update(of, &json!({}));
        for (method, body) in
            [(Method::GET, None), (Method::PUT, Some(&update)), (Method::DELETE, None)]
        {
            let told = self.manage_by((shown, &of.token), method.clone(), of, body).await;
            assert_eq!(told.refusal(), NOT_YOU, "{method}");
            assert!(!told.body.to_string().contains(&of.id), "{method}");
        }
        assert_eq!(self.world.stored().await, before);
    }
}

/// BR5: a transport certificate of today. Its serial number is always the same.
fn transport(authority: &Authority) -> Issued {
    authority.issue(brcac(format!("OFBBR-{ORGANISATION}")))
}

fn brcac(organisation: impl Into<DnValue>) -> Wanted {
    Wanted::client("acme.example")
        .attribute("2.5.4.15", "Business Entity")
        .attribute("1.3.6.1.4.1.311.60.2.1.3", "BR")
        .attribute("2.5.4.5", "13353236000189")
        .attribute("2.5.4.10", "Acme")
        .attribute(ORGANISATION_IDENTIFIER, organisation)
        .attribute(UID, SOFTWARE)
        .serial(4711)
}

fn roles(listed: &[(&str, &str)]) -> Value {
    let role = |(role, status): &(&str, &str)| json!({ "role": role, "status": status });
    listed.iter().map(role).collect()
}

fn words(text: &Value) -> Vec<&str> {
    let mut words: Vec<_> = text.as_str().unwrap().split(' ').collect();
    words.sort_unstable();
    words
}

#[tokio::test]
async fn b1_a_client_registers_reads_itself_twice_and_is_deleted() {
    let suite = Suite::new().await;
    let client = suite.register(&json!({})).await;
    assert_eq!(client.body["grant_types"].as_array().unwrap().len(), 4);
    assert_eq!(client.body["response_types"], json!(["code id_token"]));
    // B0, BR6, BR7: whoever names no scope gets all that its role allows.
    assert_eq!(words(&client.body["scope"]), words(&json!(DADOS)));
    for _ in 0..2 {
        let read = suite.read(&client).await;
        for member in ["registration_access_token", "registration_client_uri", "scope"] {
            assert_eq!(read[member], client.body[member], "{member}");
        }
    }
    suite.delete(client).await;
    // B0 with JARM or FAPI 2.
    let code = json!({
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types": ["code"],
    });
    let client = suite.register(&code).await;
    assert_eq!(client.body["response_types"], json!(["code"]));
}

#[tokio::test]
async fn b2_b3_a_scope_that_is_asked_for_is_not_exceeded_in_whatever_order() {
    let suite = Suite::new().await;
    for scope in ["openid accounts", "accounts openid"] {
        let grants = ["client_credentials", "refresh_token", "implicit", "authorization_code"];
        let client = suite.register(&json!({ "grant_types": grants, "scope": scope })).await;
        assert_eq!(words(&client.body["scope"]), ["accounts", "openid"]);
        suite.delete(client).await;
    }
}

#[tokio::test]
async fn b5_a_deleted_client_is_nobody() {
    let suite = Suite::new().await;
    let client = suite.register(&json!({})).await;
    // CONF-29: FAPI 1 makes assertions for either.
    for audience in [TOKEN_ENDPOINT, ISSUER] {
        suite.world.token(&client.id, &suite.certificate, (audience, 60)).await.good(200);
    }
    let gone = suite.manage(Method::DELETE, &client, None).await;
    assert_eq!(gone.status, 204);
    let before = suite.world.stored().await;
    for method in [Method::GET, Method::DELETE] {
        let told = suite.manage(method, &client, None).await;
        assert_eq!(told.refusal(), NO_TOKEN);
        assert_eq!(told.body.get("client_id"), None);
    }
    let told = suite.world.token(&client.id, &suite.certificate, (ISSUER, 60)).await;
    assert_eq!(told.refusal(), NOT_YOU);
    assert_eq!(suite.world.stored().await, before);
}

#[tokio::test]
async fn b6_another_registration_access_token_opens_nothing() {
    let suite = Suite::new().await;
    let client = suite.register(&json!({})).await;
    let before = suite.world.stored().await;
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        for token in ["", "another", &client.token.to_uppercase()] {
            let shown = (Some(&suite.certificate), token);
            let body = suite.update(&client, &json!({}));
            let body = (method == Method::PUT).then_some(&body);
            let told = suite.manage_by(shown, method.clone(), &client, body).await;
            assert_eq!(told.refusal(), NO_TOKEN, "{method}");
        }
    }
    assert_eq!(suite.world.stored().await, before);
}

#[tokio::test]
async fn b7_a_statement_with_a_bad_signature_is_refused() {
    let suite = Suite::new().await;
    suite.refuses(&json!({ "software_statement": suite.forged() }), BAD_STATEMENT).await;
}

#[tokio::test]
async fn b8_what_a_statement_would_say_is_not_believed_without_one() {
    let suite = Suite::new().await;
    let mut pasted = suite.statement_claims();
    pasted["software_statement"] = Value::Null;
    suite.refuses(&pasted, BAD_METADATA).await;
}

#[tokio::test]
async fn b9_without_a_certificate_nothing_is_done() {
    let suite = Suite::new().await;
    let client = suite.register(&json!({})).await;
    suite.refuses_certificate(&client, None).await;
    suite.read(&client).await;
}

#[tokio::test]
async fn b10_a_cloned_certificate_of_another_authority_does_nothing_t11() {
    let suite = Suite::new().await;
    let client = suite.register(&json!({})).await;
    let cloned = transport(&Authority::root("ecosystem"));
    let (ours, theirs) = (suite.certificate.certificate(), cloned.certificate());
    assert!(ours.subject().matches(theirs.subject()) && ours.issuer().matches(theirs.issuer()));
    suite.refuses_certificate(&client, Some(&cloned)).await;
    // Another participant's, of the right authority.
    let other = Wanted::client("other").attribute(UID, SOFTWARE);
    let other =
        suite.world.authority.issue(other.attribute(ORGANISATION_IDENTIFIER, "OFBBR-other"));
    suite.refuses_certificate(&client, Some(&other)).await;
    suite.read(&client).await;
}

#[tokio::test]
async fn b11_what_we_tell_is_accepted_back_with_another_redirect_and_a_new_statement() {
    let suite = Suite::new().await;
    let client = suite.register(&json!({})).await;
    suite.world.house.clock.advance(1);
    let other = json!({ "redirect_uris": ["https://acme.example/other"] });
    let body = suite.update(&client, &other);
    let told = suite.manage(Method::PUT, &client, Some(&body)).await.good(200);
    assert_eq!(told["redirect_uris"], other["redirect_uris"]);
    assert_eq!(told["registration_access_token"], client.token.as_str());
    for member in ["client_id", "scope", "grant_types", "response_types", "jwks_uri"] {
        assert_eq!(told[member], client.body[member], "{member}");
    }
    let client = Registration { body: told.clone(), ..client };
    suite.refuses_certificate(&client, None).await;
    let cloned = transport(&Authority::root("ecosystem"));
    suite.refuses_certificate(&client, Some(&cloned)).await;
    suite.refuses_update(&client, &json!({ "software_statement": null }), BAD_METADATA).await;
    let forged = json!({ "software_statement": suite.forged() });
    suite.refuses_update(&client, &forged, BAD_STATEMENT).await;
    let read = suite.read(&client).await;
    assert_eq!(read, told);
    // U3: each of the four that the server alone says.
    for member in OURS {
        let bad = json!({ (member): client.body.get(member).unwrap_or(&json!(0)) });
        suite.refuses_update(&client, &bad, (400, "invalid_request")).await;
    }
}

#[tokio::test]
async fn b12_b17_keys_that_are_not_the_directorys_are_refused() {
    let suite = Suite::new().await;
    for uri in ["https://acme.example/jwks", &suite.world.keystore.uri("/other.jwks")] {
        suite.refuses(&json!({ "jwks_uri": uri }), BAD_METADATA).await;
    }
    let client = suite.register(&json!({})).await;
    for uri in ["https://acme.example/jwks", &suite.world.keystore.uri("/other.jwks")] {
        suite.refuses_update(&client, &json!({ "jwks_uri": uri }), BAD_METADATA).await;
    }
}

#[tokio::test]
async fn b13_b18_keys_by_value_are_refused() {
    let suite = Suite::new().await;
    let jwks = json!({ "keys": [suite.world.key.public_jwk()] });
    for changes in [json!({ "jwks": jwks, "jwks_uri": null }), json!({ "jwks": jwks })] {
        suite.refuses(&changes, BAD_METADATA).await;
    }
    let client = suite.register(&json!({})).await;
    for changes in [json!({ "jwks": jwks, "jwks_uri": null }), json!({ "jwks": jwks })] {
        suite.refuses_update(&client, &changes, BAD_METADATA).await;
    }
}

#[tokio::test]
async fn b14_b15_b16_redirects_are_named_and_are_the_directorys() {
    let suite = Suite::new().await;
    let foreign = ["https://acme.example/cb", "https://thorn.example/cb"];
    for bad in [json!(null), json!([foreign[1]]), json!(foreign)] {
        suite.refuses(&json!({ "redirect_uris": bad }), BAD_REDIRECT).await;
    }
    let client = suite.register(&json!({})).await;
    for bad in [json!(null), json!([foreign[1]]), json!(foreign)] {
        suite.refuses_update(&client, &json!({ "redirect_uris": bad }), BAD_REDIRECT).await;
    }
}

#[tokio::test]
async fn a_statement_is_good_for_five_minutes_br1() {
    let suite = Suite::new().await;
    let issued = |age: i64| {
        let iat = suite.world.house.clock.now().plus(-age);
        json!({ "software_statement": suite.statement_with(&json!({ "iat": iat })) })
    };
    suite.refuses(&issued(301), BAD_STATEMENT).await;
    suite.refuses(&issued(3600), BAD_STATEMENT).await;
    let client = suite.register(&issued(300)).await;
    suite.refuses_update(&client, &issued(301), BAD_STATEMENT).await;
}

#[tokio::test]
async fn only_active_roles_give_scopes_br6() {
    let suite = Suite::new().await;
    let with_roles = |listed: &[(&str, &str)]| {
        let claims = json!({ "software_statement_roles": roles(listed) });
        json!({ "software_statement": suite.statement_with(&claims) })
    };
    for (listed, scope) in [
        (&[("DADOS", "Active")][..], DADOS),
        (&[("PAGTO", "Active")], "openid payments"),
        (&[("CONTA", "Active")], "openid"),
        (&[("CCORR", "Active")], "openid"),
        (&[("PAGTO", "Active"), ("DADOS", "Inactive")], "openid payments"),
        (&[("CONTA", "Active"), ("PAGTO", "Active")], "openid payments"),
    ] {
        let client = suite.register(&with_roles(listed)).await;
        assert_eq!(words(&client.body["scope"]), words(&json!(scope)), "{listed:?}");
        suite.delete(client).await;
    }
    for none in [&[("DADOS", "Inactive")][..], &[("OTHER", "Active")], &[]] {
        suite.refuses(&with_roles(none), BAD_METADATA).await;
    }
    let beyond = merged(with_roles(&[("CONTA", "Active")]), &json!({ "scope": "accounts" }));
    suite.refuses(&beyond, BAD_METADATA).await;
}

#[tokio::test]
async fn either_kind_of_string_and_either_place_names_the_organisation_br2_br5() {
    let suite = Suite::new().await;
    let due = format!("OFBBR-{ORGANISATION}");
    let printable = PrintableString::try_from(due.as_str()).unwrap();
    for wanted in [
        brcac(DnValue::PrintableString(printable)),
        brcac(due.to_uppercase()),
        Wanted::client("old").attribute("2.5.4.11", ORGANISATION).attribute(UID, SOFTWARE),
    ] {
        let certificate = suite.world.authority.issue(wanted);
        let body = suite.post_by(Some(&certificate), &json!({})).await.good(201);
        let text = |member: &str| body[member].as_str().unwrap().to_owned();
        let (id, token) = (text("client_id"), text("registration_access_token"));
        suite.delete(Registration { id, token, body }).await;
    }
}

/// BR4, and the order of another authority.
fn subjects() -> [String; 3] {
    let organisation = "4F464242522D36376335373838322D303433622D313165632D396130332D303234\
                        326163313330303033";
    let rest = "2.5.4.15=#0C0F427573696E65737320456E74697479,\
                1.3.6.1.4.1.311.60.2.1.3=#13024252,\
                2.5.4.5=#130e3133333533323336303030313839,O=Acme";
    let last = "CN=acme.example";
    [
        format!("UID={SOFTWARE},2.5.4.97=#0C2A{organisation},{rest},{last}"),
        format!("UID={SOFTWARE},2.5.4.97=#132A{organisation},{rest},{last}"),
        format!("{last},{rest},2.5.4.97=#0c2a{},UID={SOFTWARE}", organisation.to_lowercase()),
    ]
}

fn by_subject(subject: &str) -> Value {
    json!({
        "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": subject,
    })
}

#[tokio::test]
async fn every_form_of_a_subject_is_registered_as_it_was_written_br4() {
    let suite = Suite::new().await;
    for subject in subjects() {
        let client = suite.register(&by_subject(&subject)).await;
        assert_eq!(client.body["tls_client_auth_subject_dn"], subject);
        let name = DistinguishedName::parse(&subject).unwrap();
        assert_eq!(name.values("2.5.4.97"), [format!("OFBBR-{ORGANISATION}")]);
        assert_eq!(name.values("2.5.4.5"), ["13353236000189"]);
        let body = suite.update(&client, &json!({}));
        let told = suite.manage(Method::PUT, &client, Some(&body)).await.good(200);
        assert_eq!(told["tls_client_auth_subject_dn"], subject);
        suite.delete(client).await;
    }
}

#[tokio::test]
async fn every_other_name_of_a_certificate_is_refused_br1_br2() {
    let suite = Suite::new().await;
    for bad in [
        "",
        "acme",
        "UID=a,2.5.4.97=#0C2A4F46",
        "UID=a,2.5.4.97=#0C2",
        "UID=a,2.5.4.97=#",
        "UID=a,nonsense=b",
        "UID=a,organizationIdentifier=OFBBR-b",
        "UID=a,serialNumber=13353236000189",
        "UID=a,emailAddress=a@acme.example",
        "UID=a,,CN=b",
    ] {
        suite.refuses(&by_subject(bad), BAD_METADATA).await;
    }
    let by_dns = json!({
        "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "acme.example",
    });
    suite.refuses(&by_dns, BAD_METADATA).await;
    let both = merged(by_subject(&subjects()[0]), &json!({ "token_endpoint_auth_method": null }));
    suite.refuses(&both, BAD_METADATA).await;
}

#[tokio::test]
async fn a_second_registration_of_the_same_software_is_an_error_of_rfc_7591_br10() {
    let suite = Suite::new().await;
    let statement = json!({ "software_statement": suite.statement() });
    let client = suite.register(&statement).await;
    let before = suite.world.stored().await;
    let told = suite.post(&statement).await;
    assert_eq!(told.refusal(), (400, "invalid_software_statement"), "{}", told.body);
    // Whoever holds the software is told which client it has.
    assert_eq!(told.body["client_id"], client.id.as_str());
    assert_eq!(suite.world.stored().await, before);
}
