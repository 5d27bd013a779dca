//! Trust frameworks as files: those that ship, a fictional one, and what their bindings refuse
//! (REG-G1, G6, S0, S5, S11, BR5, UD1, T11).

use std::path::Path;

use countersign::jose::{JwkSet, SigningKey};
use countersign::protocol::ErrorCode;
use countersign::protocol::problem::Problems;
use countersign::protocol::registration::{
    RegistrationRequest, SoftwareStatement, UnverifiedStatement,
};
use countersign::trust::{
    self, Binding, Bound, Duplicates, Framework, FrameworkProblem, Frameworks, Presentation,
};
use countersign::types::{Issuer, Timestamp};
use countersign::x509::PresentedCertificates;
use rcgen::SanType;
use rcgen::string::Ia5String;
use serde_json::{Map, Value, json};

use crate::support::pki::{Authority, Issued, ORGANISATION_IDENTIFIER, UID, Wanted};
use crate::support::samples as sample;

const SHIPPED: [&str; 7] = [
    "directory.toml",
    "uk.toml",
    "uk-3.2.toml",
    "brazil.toml",
    "australia.toml",
    "udap.toml",
    "bilateral.toml",
];

fn shipped(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("frameworks");
    std::fs::read_to_string(folder.join(file)).unwrap()
}

/// The file with this authority in the place of every anchor.
fn parsed(text: &str, authority: &Authority) -> Result<Framework, Vec<FrameworkProblem>> {
    let key = SigningKey::generate(countersign::jose::Algorithm::Es256).unwrap();
    Framework::parse_with("f.toml", text, &|path| {
        if path == "harbour.json" || path == "keys/bilateral.jwks.json" {
            return Ok(json!({ "keys": [key.public_jwk()] }).to_string());
        }
        Ok(authority.pem.clone())
    })
}

fn us() -> Issuer {
    Issuer::parse("https://as.example").unwrap()
}

fn now() -> Timestamp {
    sample::now()
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

#[test]
fn every_file_that_ships_loads_once_its_anchors_are_there_reg_g6() {
    let authority = Authority::root("root");
    for file in SHIPPED {
        let framework =
            parsed(&shipped(file), &authority).unwrap_or_else(|p| panic!("{file}: {p:?}"));
        assert!(!matches!(framework.binding(), Binding::None), "{file}");
        assert_eq!(Framework::is_enabled(&shipped(file)), file == "directory.toml", "{file}");
        assert!(
            framework.role_scopes().iter().all(|scope| !scope.as_str().contains(' ')),
            "{file}"
        );
    }
}

#[test]
fn a_file_without_its_anchors_says_where_they_come_from() {
    let problems = Framework::parse("brazil.toml", &shipped("brazil.toml")).unwrap_err();
    let problem = &problems[0];
    assert_eq!((problem.field.as_str(), problem.line.is_some()), ("certificate.anchors", true));
    assert!(problem.message.contains("anchors/icp-brasil.pem"), "{problem}");
    assert!(problem.message.contains("gov.br"), "{problem}");
}

/// A statement of an issuer with one key, for a framework that believes it.
struct Case {
    framework: Framework,
    directory: SigningKey,
}

impl Case {
    fn new(text: &str, authority: &Authority) -> Self {
        let directory = SigningKey::generate(countersign::jose::Algorithm::Ps256).unwrap();
        Self { framework: parsed(text, authority).unwrap(), directory }
    }

    fn statement(&self, claims: &Value) -> SoftwareStatement {
        let text = self.directory.sign("JWT", claims).unwrap();
        let keys = JwkSet::parse(&json!({ "keys": [self.directory.public_jwk()] })).unwrap();
        let rules = self.framework.statement_rules(&us());
        UnverifiedStatement::parse(&text).unwrap().verify(&rules, &keys, now()).unwrap()
    }

    fn bind_json(
        &self,
        statement: &SoftwareStatement,
        presented: Option<&PresentedCertificates>,
    ) -> Result<Bound, Problems> {
        let body = json!({ "software_statement": statement.text() }).to_string();
        let request =
            RegistrationRequest::parse(Some("application/json"), body.as_bytes()).unwrap();
        self.bind(request, statement, presented)
    }

    fn bind(
        &self,
        request: RegistrationRequest,
        statement: &SoftwareStatement,
        presented: Option<&PresentedCertificates>,
    ) -> Result<Bound, Problems> {
        let certificate = self.framework.check_certificate(presented, now())?;
        let facts = self.framework.facts(statement).unwrap();
        let keys = JwkSet::parse(&json!({ "keys": [self.directory.public_jwk()] })).unwrap();
        let with = Presentation {
            framework: &self.framework,
            statement,
            facts: &facts,
            keys: &keys,
            certificate: certificate.as_ref(),
            stands: false,
            us: &us(),
        };
        trust::bind(request, with, now())
    }
}

const ORGANISATION: &str = "67c57882-043b-11ec-9a03-0242ac130003";

fn brazilian_claims() -> Value {
    json!({
        "iss": "Open Banking Open Banking Brasil prod SSA issuer", "iat": now().epoch(),
        "software_id": "software-1", "software_client_name": "Acme", "org_id": ORGANISATION,
        "software_jwks_uri": "https://keystore.directory.openbankingbrasil.org.br/x.jwks",
        "software_statement_roles": [{ "role": "DADOS", "status": "Active" }],
    })
}

fn brazilian(authority: &Authority, software: &str, organisation: &str) -> Issued {
    let wanted = Wanted::client("acme").attribute(UID, software);
    authority.issue(wanted.attribute(ORGANISATION_IDENTIFIER, organisation))
}

#[test]
fn brazil_binds_by_the_names_of_the_certificate_reg_br5() {
    let authority = Authority::root("ICP-Brasil");
    let case = Case::new(&shipped("brazil.toml"), &authority);
    let statement = case.statement(&brazilian_claims());
    let due = format!("OFBBR-{ORGANISATION}");
    let good = brazilian(&authority, "software-1", &due);
    let bound = case.bind_json(&statement, Some(&good.presented())).unwrap();
    assert_eq!(bound.certificate_thumbprint(), Some(good.certificate().thumbprint()));
    assert_eq!((bound.jti(), bound.key_thumbprint()), (None, None));
    // Case and spaces mean nothing (REG-BR3); before 2022 the organisation stood in OU.
    let shouted = brazilian(&authority, "SOFTWARE-1", &due.to_uppercase());
    case.bind_json(&statement, Some(&shouted.presented())).unwrap();
    let old = Wanted::client("acme").attribute(UID, "software-1");
    let old = authority.issue(old.attribute("2.5.4.11", ORGANISATION));
    case.bind_json(&statement, Some(&old.presented())).unwrap();
}

#[test]
fn brazil_refuses_every_other_certificate_reg_b9_b10_t11() {
    let authority = Authority::root("ICP-Brasil");
    let case = Case::new(&shipped("brazil.toml"), &authority);
    let statement = case.statement(&brazilian_claims());
    let due = format!("OFBBR-{ORGANISATION}");
    // The same names, under an authority that calls itself the same.
    let cloned = brazilian(&Authority::root("ICP-Brasil"), "software-1", &due);
    let others = [
        None,
        Some(cloned),
        Some(brazilian(&authority, "software-2", &due)),
        Some(brazilian(&authority, "software-1", "OFBBR-other")),
        Some(brazilian(&authority, "software-1", ORGANISATION)),
        Some(authority.issue(Wanted::client("software-1"))),
    ];
    for (place, other) in others.iter().enumerate() {
        let presented = other.as_ref().map(Issued::presented);
        let problems = case.bind_json(&statement, presented.as_ref()).unwrap_err();
        assert_eq!(problems.code(), ErrorCode::InvalidClient, "{place}");
    }
}

#[test]
fn a_certificate_is_good_in_the_framework_that_checked_it_alone_reg_t1() {
    let authority = Authority::root("one");
    let brazil = Case::new(&shipped("brazil.toml"), &authority);
    let renamed = shipped("brazil.toml").replace("name = \"brazil\"", "name = \"other\"");
    let other = Case::new(&renamed, &authority);
    let good = brazilian(&authority, "software-1", &format!("OFBBR-{ORGANISATION}"));
    let checked = other.framework.check_certificate(Some(&good.presented()), now()).unwrap();
    let claims = object(brazilian_claims());
    assert!(other.framework.check_holder(checked.as_ref(), &claims).is_ok());
    assert!(brazil.framework.check_holder(checked.as_ref(), &claims).is_err());
    assert!(brazil.framework.check_holder(None, &claims).is_err());
}

const APP: &str = "https://app.example/udap";

fn udap_claims() -> Map<String, Value> {
    let (at, end) = (now().epoch(), now().plus(300).epoch());
    object(json!({
        "iss": APP, "sub": APP, "aud": "https://as.example/register", "iat": at, "exp": end,
        "jti": "j1", "client_name": "App", "contacts": ["mailto:a@app.example"],
        "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt",
        "scope": "system/Patient.read",
    }))
}

fn udap_statement(issued: &Issued, claims: &Map<String, Value>) -> String {
    use base64::Engine as _;
    let key = SigningKey::from_private_key_info(issued.key.serialized_der()).unwrap();
    let der = base64::engine::general_purpose::STANDARD.encode(&issued.der);
    let header = object(json!({ "x5c": [der], "kid": null }));
    key.sign_with("JWT", &header, claims).unwrap()
}

fn software(authority: &Authority, uri: &str) -> Issued {
    let name = SanType::URI(Ia5String::try_from(uri).unwrap());
    authority.issue(Wanted::client("app").alternative_name(name))
}

/// Finds the framework and verifies, as an endpoint does.
fn verify(frameworks: &Frameworks, text: &str) -> Result<SoftwareStatement, ErrorCode> {
    let code = |error| Problems::from(error).code();
    let statement = UnverifiedStatement::parse(text).map_err(code)?;
    let framework = frameworks.find(&statement, now()).map_err(code)?;
    framework.verify_self_signed(statement, &us(), now()).map_err(code)
}

fn community(authority: &Authority) -> Frameworks {
    let framework = parsed(&shipped("udap.toml"), authority).unwrap();
    Frameworks::new([("udap.toml".to_owned(), framework)]).unwrap()
}

#[test]
fn udap_software_vouches_for_itself_with_its_communitys_certificate_reg_ud1() {
    let authority = Authority::root("community");
    let frameworks = community(&authority);
    let issued = software(&authority, APP);
    let statement = verify(&frameworks, &udap_statement(&issued, &udap_claims())).unwrap();
    assert_eq!(statement.issuer(), APP);
    let case = Case::new(&shipped("udap.toml"), &authority);
    let bound = case.bind_json(&statement, None).unwrap();
    assert_eq!(bound.certificate_thumbprint(), Some(issued.certificate().thumbprint()));
    let facts = case.framework.facts(&statement).unwrap();
    let merged = trust::merge(&case.framework, &statement, &facts, &bound);
    assert_eq!(case.framework.duplicates(), Duplicates::Update);
    assert!(format!("{merged:?}").contains("jwks"), "its key is the certificate's");
}

#[test]
fn udap_refuses_what_its_certificate_does_not_say_reg_s5_s20() {
    let authority = Authority::root("community");
    let frameworks = community(&authority);
    let issued = software(&authority, APP);
    let bad = ErrorCode::InvalidSoftwareStatement;
    for (claim, value) in [
        ("sub", json!("https://other.example")),
        ("aud", json!("https://as.example")),
        ("exp", json!(now().plus(301).epoch())),
        ("jti", json!(null)),
    ] {
        let mut claims = udap_claims();
        claims.insert(claim.to_owned(), value);
        assert_eq!(verify(&frameworks, &udap_statement(&issued, &claims)), Err(bad), "{claim}");
    }
    // Somebody else of the same community, and somebody of no community.
    let neighbour = software(&authority, "https://other.example");
    assert_eq!(verify(&frameworks, &udap_statement(&neighbour, &udap_claims())), Err(bad));
    let stranger = software(&Authority::root("community"), APP);
    let unapproved = ErrorCode::UnapprovedSoftwareStatement;
    assert_eq!(verify(&frameworks, &udap_statement(&stranger, &udap_claims())), Err(unapproved));
    // The certificate of one, the signature of another.
    let mixed = Issued { key: software(&authority, APP).key, ..software(&authority, APP) };
    assert_eq!(verify(&frameworks, &udap_statement(&mixed, &udap_claims())), Err(bad));
}

#[test]
fn a_certificate_of_two_communities_belongs_to_none_reg_s20() {
    let authority = Authority::root("community");
    let other = shipped("udap.toml").replace("name = \"udap\"", "name = \"second\"");
    let both = [shipped("udap.toml"), other].map(|text| parsed(&text, &authority).unwrap());
    let both = both.into_iter().map(|one| (one.name().to_string(), one));
    let frameworks = Frameworks::new(both).unwrap();
    let text = udap_statement(&software(&authority, APP), &udap_claims());
    assert_eq!(verify(&frameworks, &text), Err(ErrorCode::UnapprovedSoftwareStatement));
}

#[test]
fn without_a_community_nobodys_certificate_is_believed_reg_t4() {
    let authority = Authority::root("community");
    let text = udap_statement(&software(&authority, APP), &udap_claims());
    let refused = verify(&Frameworks::default(), &text);
    assert_eq!(refused, Err(ErrorCode::InvalidSoftwareStatement));
}

/// Nobody's ecosystem: other names for everything, roles with ceilings, certificates by e-mail.
const ATLANTIS: &str = r#"
name = "atlantis"
title = "Open Tides of Atlantis"
environment = "sandbox"
issuers = ["urn:atlantis:harbour-master"]
duplicates = "idempotent_return"
echo = "all"
[keys]
source = "file"
file = "harbour.json"
[statement]
algorithms = ["PS256"]
types = ["tide+jwt", "JWT"]
max_age_seconds = 60
max_lifetime_seconds = 120
skew_seconds = 5
expiry = "optional"
audience = "optional"
jti = "not_checked"
[request]
binding = "certificate"
formats = ["application/json"]
[certificate]
anchors = ["harbour.pem"]
[[certificate.require]]
any_of = [{ subject = "CN", equals = "vessel {hull.number}" }]
[facts]
software_id = "hull.number"
software_name = "hull.name"
organisation_id = "fleet"
[roles]
claim = "berths"
role_member = "kind"
status_member = "tide"
accepted = ["high"]
[roles.ceilings.TRADER]
scope = "cargo"
[management]
authorisation = "registration_access_token"
[client_keys]
allowed_hosts = ["keys.atlantis.example"]
[client]
absent_scope = "all_of_role"
[claims.redirect_uris]
statement = "moorings"
mode = "must_be_subset"
[claims.jwks_uri]
statement = "hull.keys"
mode = "override"
"#;

#[test]
fn a_new_ecosystem_is_a_file_and_nothing_else_reg_g6() {
    let authority = Authority::root("harbour");
    let case = Case::new(ATLANTIS, &authority);
    let statement = case.statement(&json!({
        "iss": "urn:atlantis:harbour-master", "iat": now().epoch(), "fleet": "north",
        "hull": { "number": "42", "name": "Nautilus", "keys": "https://keys.atlantis.example/42" },
        "moorings": ["https://nautilus.example/cb"],
        "berths": [{ "kind": "TRADER", "tide": "HIGH" }, { "kind": "PIRATE", "tide": "low" }],
    }));
    let facts = case.framework.facts(&statement).unwrap();
    assert_eq!(facts.roles.iter().map(String::as_str).collect::<Vec<_>>(), ["TRADER"]);
    let own = authority.issue(Wanted::client("Vessel  42"));
    let bound = case.bind_json(&statement, Some(&own.presented())).unwrap();
    let merged = trust::merge(&case.framework, &statement, &facts, &bound);
    assert!(format!("{merged:?}").contains("\"scope\": String(\"cargo\")"), "{merged:?}");
    let other = authority.issue(Wanted::client("vessel 43"));
    assert!(case.bind_json(&statement, Some(&other.presented())).is_err());
    assert!(case.framework.echo(statement.claims()).contains_key("fleet"));
}
