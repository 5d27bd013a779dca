//! Whatever is sent, the answer is a refusal in JSON: never a panic, never a fault of ours (SEC-25 to
//! SEC-28, SEC-41, DESIGN §7).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::app::App;
use countersign::endpoints::Failure;
use countersign::endpoints::exchange::{Answer, Incoming, Method};
use countersign::endpoints::introspection::introspect;
use countersign::endpoints::registration::{manage, register};
use countersign::endpoints::revocation::revoke;
use countersign::endpoints::token::token;
use countersign::jose::{Algorithm, SigningKey, forge};
use countersign::protocol::ErrorCode;
use serde_json::{Value, json};

use crate::support::house::House;
use crate::support::partner::{Partner, Remembered, merged, with_bearer};
use crate::support::store::{Store, on_each_engine};

const FORM: &str = "application/x-www-form-urlencoded";
const MEGABYTE: usize = 1 << 20;
/// The most that a refusal may say, in bytes.
const LONGEST_REFUSAL: usize = 64 * 1024;

/// Asserts that an answer is a refusal of the caller.
fn assert_refused(answer: Result<Answer, Failure>, what: &str) {
    match answer {
        Ok(answer) => panic!("{what} was answered with {}", answer.status),
        Err(failure) => assert_callers_fault(failure, what),
    }
}

fn assert_callers_fault(failure: Failure, what: &str) {
    let refusal = match failure {
        Failure::Refused(refusal) => refusal,
        Failure::Broken(broken) => panic!("{what} broke something: {broken}"),
    };
    let ours = [ErrorCode::ServerError, ErrorCode::TemporarilyUnavailable];
    assert!(!ours.contains(&refusal.code), "{what}: {refusal}");
    let body = refusal.body().to_string();
    assert!(body.len() < LONGEST_REFUSAL, "{what}: {} bytes", body.len());
    let description = refusal.body()["error_description"].as_str().unwrap().to_owned();
    assert!(description.chars().all(|c| (' '..='~').contains(&c)), "{what}: {description:?}");
}

/// Sends one request to every endpoint.
async fn assert_refused_everywhere(app: &App, incoming: &Incoming, what: &str) {
    assert_refused(token(app, incoming).await, &format!("/token: {what}"));
    assert_refused(introspect(app, incoming).await, &format!("/introspect: {what}"));
    assert_refused(revoke(app, incoming).await, &format!("/revoke: {what}"));
    assert_refused(register(app, incoming).await, &format!("/register: {what}"));
}

fn compact(header: &[u8], payload: &[u8], signature: &[u8]) -> String {
    [header, payload, signature].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

/// Bodies that nobody means well with.
fn bodies() -> Vec<(String, Vec<u8>)> {
    let header = br#"{"alg":"ES256"}"#;
    let deep = |open: &str, close: &str, depth: usize| {
        format!("{}1{}", open.repeat(depth), close.repeat(depth)).into_bytes()
    };
    let many = (0..100_000).fold(String::new(), |mut form, number| {
        write!(form, "p{number}=1&").unwrap();
        form
    });
    let mut bodies: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("a NUL", vec![0]),
        ("NULs", vec![0; 1000]),
        ("no UTF-8", vec![0xff; 1000]),
        ("half a character", b"a=\xc3".to_vec()),
        ("a surrogate", br#"{"a":"\ud800"}"#.to_vec()),
        ("a megabyte", vec![b'a'; MEGABYTE]),
        ("a megabyte of one value", [b"a=".to_vec(), vec![b'x'; MEGABYTE]].concat()),
        ("100000 parameters", many.into_bytes()),
        ("10000 parameters", "a=1&".repeat(10_000).into_bytes()),
        ("60000 ampersands", vec![b'&'; 60_000]),
        ("60000 percent signs", vec![b'%'; 60_000]),
        ("60000 dots", vec![b'.'; 60_000]),
        ("no name", b"=a&=b".to_vec()),
        ("an encoded NUL", b"grant_type=client_credentials%00&scope=%00&token=%00".to_vec()),
        ("a duplicate", b"grant_type=client_credentials&grant_type=client_credentials".to_vec()),
        ("a hidden duplicate", b"token=a&%74oken=b&scope=a&sc%6fpe=b".to_vec()),
        ("20000 arrays", deep("[", "]", 20_000)),
        ("10000 objects", deep("{\"a\":", "}", 6_000)),
        ("an open array", vec![b'['; 60_000]),
        ("duplicate members", br#"{"a":1,"a":2}"#.to_vec()),
        ("a huge number", br#"{"exp":1e999999}"#.to_vec()),
        ("numbers", format!("[{}1]", "1,".repeat(30_000)).into_bytes()),
        ("a byte order mark", b"\xef\xbb\xbf{}".to_vec()),
        ("two documents", b"{} {}".to_vec()),
        ("a JWS with nothing in it", b"..".to_vec()),
        ("a JWS with deep claims", compact(header, &deep("[", "]", 20_000), b"s").into_bytes()),
        ("a JWS with a deep header", compact(&deep("[", "]", 9_000), b"{}", b"s").into_bytes()),
        ("a JWS with doubled claims", compact(header, br#"{"a":1,"a":2}"#, b"s").into_bytes()),
        ("a JWS without claims", compact(header, b"", b"").into_bytes()),
        ("a JWS of a list", compact(header, b"[]", b"s").into_bytes()),
        ("a JWS that is padded", b"eyJhbGciOiJFUzI1NiJ9=.e30=.c2ln=".to_vec()),
        ("a JWE", b"eyJhbGciOiJkaXIifQ.a.b.c.d".to_vec()),
    ];
    for header in headers() {
        bodies.push(("a JWS header", compact(header.as_bytes(), b"{}", b"s").into_bytes()));
    }
    bodies.into_iter().map(|(name, body)| (name.to_owned(), body)).collect()
}

/// Headers of JWSs that must never be believed.
fn headers() -> Vec<String> {
    let with = |member: &str| format!(r#"{{"alg":"ES256",{member}}}"#);
    let long = format!(r#""kid":"{}""#, "x".repeat(30_000));
    let mut headers: Vec<String> = [
        "\"none\"",
        "\"None\"",
        "\"HS256\"",
        "\"RS256\"",
        "\"ES384\"",
        "\"RSA-OAEP\"",
        "\"dir\"",
        "\"\"",
        "7",
        "null",
        "[\"ES256\"]",
        "{}",
        "\"\\u0000\"",
    ]
    .map(|algorithm| format!(r#"{{"alg":{algorithm}}}"#))
    .into();
    headers.extend(
        [
            r#""crit":["exp"]"#,
            r#""b64":false"#,
            r#""zip":"DEF""#,
            r#""jku":"https://evil.example""#,
            r#""jwk":{}"#,
            r#""x5u":"https://evil.example""#,
            r#""x5c":["MA=="]"#,
            r#""kid":"../../etc/passwd""#,
            r#""kid":"\u0000""#,
            r#""kid":["a"]"#,
            r#""alg":"none""#,
            r#""typ":7"#,
            long.as_str(),
        ]
        .map(with),
    );
    headers
}

#[tokio::test]
async fn no_body_of_any_type_is_more_than_a_refusal() {
    let house = House::new().await;
    let app = house.node().await;
    let long = "application/".repeat(5_000);
    let types = [
        None,
        Some(""),
        Some(FORM),
        Some("application/json"),
        Some("application/jwt"),
        Some("application/jose; charset=\u{0}"),
        Some("text/html"),
        Some(long.as_str()),
    ];
    for (name, body) in bodies() {
        for content_type in types {
            let incoming = Incoming {
                content_type: content_type.map(str::to_owned),
                body: body.clone(),
                ..house.post("", None)
            };
            let what = format!("{name} as {:.30}", content_type.unwrap_or("nothing"));
            assert_refused_everywhere(&app, &incoming, &what).await;
        }
    }
}

#[tokio::test]
async fn no_authorization_header_is_more_than_a_refusal() {
    let house = House::new().await;
    let app = house.node().await;
    let long = "x".repeat(MEGABYTE);
    for header in [
        String::new(),
        " ".to_owned(),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic =".to_owned(),
        "Basic Og==".to_owned(),
        "Basic AAAA".to_owned(),
        "Basic JTAwOiUwMA==".to_owned(),
        "Basic \u{0}".to_owned(),
        "Basic \u{e9}".to_owned(),
        "Bearer".to_owned(),
        "Bearer a b".to_owned(),
        "Bearer eyJhbGciOiJub25lIn0.e30.".to_owned(),
        "\u{0}".to_owned(),
        "Digest x".to_owned(),
        format!("Basic {long}"),
        format!("Bearer {long}"),
        long.clone(),
    ] {
        let form = house.post("token=a&grant_type=client_credentials", Some(header.clone()));
        let what: String = header.chars().take(40).collect();
        assert_refused_everywhere(&app, &form, &what).await;
        for id in ["", "cl_a", "\u{0}", "..", long.as_str()] {
            let managed = with_bearer(id, "x", Method::Get, form.clone());
            let managed = Incoming { authorization: form.authorization.clone(), ..managed };
            assert_refused(manage(&app, &managed).await, &what);
        }
    }
}

/// Values that no claim or member is made for.
fn values() -> Vec<Value> {
    vec![
        json!(7),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(true),
        json!([]),
        json!({}),
        json!([[[[]]]]),
        json!([null, 7, {}]),
        json!("\u{0}"),
        json!("\u{202e}a\u{1b}[31m"),
        json!("x".repeat(9_000)),
        json!(["\u{0}", "x".repeat(3_000), "x".repeat(300)]),
        json!(vec!["a"; 3_000]),
        json!("javascript:alert(1)"),
        json!("https://169.254.169.254/"),
        json!({ "keys": [{}] }),
    ]
}

#[tokio::test]
async fn an_assertion_with_strange_claims_authenticates_nobody_sec_41() {
    let house = House::new().await;
    let app = house.node().await;
    let good = house.assertion_claims();
    let now = house.clock.now().epoch();
    let mut payloads: Vec<String> = Vec::new();
    for claim in ["iss", "sub", "aud", "jti", "iat", "exp", "nbf"] {
        for value in values().into_iter().chain([json!(""), json!("soon"), json!(0)]) {
            // That a jti may be any text, and an iat or nbf long past, is no mistake.
            let any_text = claim == "jti" && value.as_str().is_some_and(|v| v.len() == 19);
            let past = matches!(claim, "nbf") && value.as_i64().is_some_and(|at| at >= 0);
            if !any_text && !past {
                payloads.push(merged(good.clone(), &json!({ (claim): value })).to_string());
            }
        }
    }
    let exp = good["exp"].to_string();
    for huge in ["1e19", "1e400", "-1e19", "99999999999999999999", "1e-400", "NaN"] {
        payloads.push(good.to_string().replace(&exp, huge));
    }
    payloads.push(good.to_string().replacen('{', &format!("{{\"exp\":{now},"), 1));
    payloads.push(format!("{good} {{}}"));
    payloads.extend(["", "[]", "null", "\u{0}"].map(str::to_owned));
    for payload in payloads {
        let assertion = forge::raw_payload(&house.key, payload.as_bytes()).unwrap();
        let what: String = payload.chars().take(200).collect();
        let request = house.with_assertion("grant_type=client_credentials&token=a", &assertion);
        assert_refused(token(&app, &request).await, &what);
        assert_refused(introspect(&app, &request).await, &what);
        assert_refused(revoke(&app, &request).await, &what);
    }
    assert!(
        token(&app, &house.authenticated("grant_type=client_credentials&scope=scope:a"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn an_authenticated_stranger_hears_no_more_of_strange_parameters() {
    let house = House::new().await;
    let app = house.node().await;
    for strange in [
        "scope=%00".to_owned(),
        "scope=%22".to_owned(),
        format!("scope={}", "a+".repeat(5_000)),
        format!("scope={}", "a".repeat(20_000)),
        "resource=%00".to_owned(),
        "resource=javascript:alert(1)".to_owned(),
        "resource=https://api.example/a%23f".to_owned(),
        format!("resource=https://{}", "a".repeat(20_000)),
        "resource=https://x.example&".repeat(90),
    ] {
        let request = house.authenticated(&format!("grant_type=client_credentials&{strange}"));
        assert_refused(token(&app, &request).await, &strange);
    }
    for strange in ["%00", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", &"x".repeat(50_000), "%ff"] {
        let request = house.by_resource_server("a", &format!("token={strange}"));
        match introspect(&app, &request).await {
            Ok(answer) => assert_eq!(answer.body, br#"{"active":false}"#),
            Err(failure) => assert_callers_fault(failure, strange),
        }
    }
}

#[tokio::test]
async fn keys_that_are_no_keys_register_nothing() {
    let partner = Partner::new().await;
    let app = partner.node().await;
    let good = partner.key.public_jwk();
    let rsa = SigningKey::generate(Algorithm::Ps256).unwrap().public_jwk();
    let with = |name: &str, value: Value| merged(good.clone(), &json!({ (name): value }));
    let zero = URL_SAFE_NO_PAD.encode([0_u8; 32]);
    let ones = URL_SAFE_NO_PAD.encode([0xff_u8; 32]);
    let before = Remembered::of(&app).await;
    let mut sets: Vec<Value> = values();
    sets.extend(values().into_iter().map(|value| json!({ "keys": value })));
    sets.extend(values().into_iter().map(|value| json!({ "keys": [value] })));
    sets.extend(
        [
            with("d", json!(zero)),
            with("kty", json!("oct")),
            with("kty", json!("\u{0}")),
            with("crv", json!("P-521")),
            with("x", json!(zero)),
            with("x", json!(ones)),
            with("y", json!("")),
            with("kid", json!("a\u{0}b")),
            with("alg", json!("none")),
            with("use", json!("enc")),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": zero, "kid": good["kid"] }),
            merged(rsa.clone(), &json!({ "n": "AQAB" })),
            merged(rsa.clone(), &json!({ "e": "AQ" })),
            merged(rsa, &json!({ "n": "_".repeat(5_000) })),
        ]
        .map(|key| json!({ "keys": [key] })),
    );
    sets.push(json!({ "keys": vec![good.clone(); 21] }));
    sets.push(json!({ "keys": [good.clone(), good.clone()] }));
    for set in sets {
        let what: String = set.to_string().chars().take(100).collect();
        let statement = partner.statement_with(&json!({ "software_jwks": set }));
        assert_refused(register(&app, &partner.presenting(&statement, "scope:a")).await, &what);
    }
    assert_eq!(Remembered::of(&app).await.counts(), before.counts());
}

/// What a request may hold, and some that it may not.
const MEMBERS: [&str; 37] = [
    "redirect_uris",
    "token_endpoint_auth_method",
    "grant_types",
    "response_types",
    "client_name",
    "client_name#nl",
    "client_uri",
    "logo_uri",
    "scope",
    "contacts",
    "tos_uri",
    "jwks_uri",
    "jwks",
    "software_id",
    "software_version",
    "application_type",
    "subject_type",
    "sector_identifier_uri",
    "id_token_signed_response_alg",
    "default_max_age",
    "require_auth_time",
    "default_acr_values",
    "request_uris",
    "tls_client_auth_san_ip",
    "dpop_bound_access_tokens",
    "authorization_details_types",
    "client_id",
    "iss",
    "aud",
    "iat",
    "exp",
    "nbf",
    "jti",
    "sub",
    "software_statement",
    "client_name#\u{0}",
    "\u{0}",
];

/// Every claim of a statement and every member of a request, with values of every kind: registered
/// or refused, but nothing breaks, on either engine.
async fn strange_claims_and_members_break_nothing(store: Store) {
    let partner = Partner::on(store).await;
    let many = ("clients_per_software_product = 20", "clients_per_software_product = 100000");
    let app = partner.node_with(&[many]).await;
    let claims = partner.statement_claims();
    let claims: Vec<&String> = claims.as_object().unwrap().keys().collect();
    for value in values() {
        let odd: Value =
            MEMBERS.iter().map(|member| ((*member).to_owned(), value.clone())).collect();
        let mut requests = vec![partner.registration_with("scope:a", &odd)];
        // One at a time, so that what is accepted is stored.
        for member in ["client_name#nl", "contacts", "software_version", "jti", "client_name#\u{0}"]
        {
            requests
                .push(partner.registration_with("scope:a", &json!({ (member): value.clone() })));
        }
        for claim in &claims {
            let statement = partner.statement_with(&json!({ (claim.as_str()): value.clone() }));
            requests.push(partner.presenting(&statement, "scope:a"));
        }
        for request in requests {
            let what: String = value.to_string().chars().take(60).collect();
            if let Err(failure) = register(&app, &request).await {
                assert_callers_fault(failure, &what);
            }
        }
    }
    Remembered::of(&app).await;
}
on_each_engine!(strange_claims_and_members_break_nothing);

mod over_the_wire {
    //! The same through the real door.

    use std::sync::Arc;
    use std::time::Duration;

    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::{ClientConfig, RootCertStore};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;

    use super::*;
    use crate::support::running::Running;

    /// What came back.
    struct Response {
        status: u16,
        head: String,
        body: String,
    }

    impl Response {
        /// Asserts that it is JSON that says what is wrong and that nobody keeps.
        fn assert_refusal(&self, what: &str) {
            let Self { status, head, body } = self;
            assert!((400..500).contains(status), "{what}: {head}{body}");
            for header in ["content-type: application/json", "cache-control: no-store"] {
                assert!(head.contains(header), "{what}: {head}");
            }
            let body: Value = serde_json::from_str(body).unwrap();
            assert!(body["error"].is_string() && body["error_description"].is_string(), "{what}");
            assert!(!head.contains("text/html"), "{what}: {head}");
        }
    }

    /// One connection over which requests follow each other.
    struct Connection {
        stream: TlsStream<TcpStream>,
    }

    impl Connection {
        async fn open(running: &Running) -> Self {
            let mut roots = RootCertStore::empty();
            let file = std::fs::read(running.file("server.pem")).unwrap();
            roots.add(CertificateDer::from_pem_slice(&file).unwrap()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let port = running.public_url().rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
            let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let connector = TlsConnector::from(Arc::new(config));
            let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
            Self { stream }
        }

        async fn exchange(&mut self, head: &str, body: &[u8]) -> Response {
            let head =
                format!("{head}\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
            self.stream.write_all(head.as_bytes()).await.unwrap();
            // A server that has refused already need not read on.
            drop(self.stream.write_all(body).await);
            drop(self.stream.flush().await);
            tokio::time::timeout(Duration::from_secs(10), self.read()).await.unwrap()
        }

        async fn read(&mut self) -> Response {
            let mut said = Vec::new();
            while !said.ends_with(b"\r\n\r\n") {
                said.push(self.stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(said).unwrap().to_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap();
            let length = length.split("\r\n").next().unwrap().parse().unwrap();
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).await.unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            Response { status, head, body: String::from_utf8(body).unwrap() }
        }
    }

    #[tokio::test]
    async fn one_connection_survives_every_body() {
        let running = Running::new().await;
        let mut connection = Connection::open(&running).await;
        let small = bodies().into_iter().filter(|(_, body)| body.len() <= 60_000);
        for (name, body) in small {
            for (path, content_type) in [
                ("/token", FORM),
                ("/introspect", FORM),
                ("/revoke", FORM),
                ("/register", "application/jwt"),
                ("/register", "application/json"),
                ("/token", "text/html"),
            ] {
                let head = format!("POST {path} HTTP/1.1\r\nContent-Type: {content_type}");
                let response = connection.exchange(&head, &body).await;
                response.assert_refusal(&format!("{path}: {name}"));
                let statuses = if path == "/register" { [400, 400] } else { [400, 401] };
                assert!(statuses.contains(&response.status), "{path}: {name}: {}", response.head);
            }
        }
        let response = connection.exchange("GET /jwks HTTP/1.1", b"").await;
        assert_eq!(response.status, 200);
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_and_what_is_far_too_large_is_not_read() {
        let running = Running::new().await;
        for path in ["/token", "/introspect", "/revoke", "/register", "/register/cl_a"] {
            let head = format!("POST {path} HTTP/1.1\r\nContent-Type: {FORM}");
            let large = vec![b'a'; MEGABYTE];
            let response = Connection::open(&running).await.exchange(&head, &large).await;
            response.assert_refusal(path);
            assert_eq!(response.status, 413, "{path}: {}", response.body);
            let promised = 1 << 26;
            let head = format!("{head}\r\nHost: localhost\r\nContent-Length: {promised}\r\n\r\n");
            let mut connection = Connection::open(&running).await;
            connection.stream.write_all(head.as_bytes()).await.unwrap();
            let response = tokio::time::timeout(Duration::from_secs(5), connection.read()).await;
            let response = response.unwrap();
            response.assert_refusal(path);
            assert_eq!(response.status, 413, "{path}: {}", response.body);
        }
    }

    #[tokio::test]
    async fn every_address_and_method_answers_in_json() {
        let running = Running::new().await;
        let mut connection = Connection::open(&running).await;
        let long = format!("GET /{} HTTP/1.1", "x".repeat(5_000));
        let managed = "/register/cl_unknown";
        let bearer = "HTTP/1.1\r\nAuthorization: Bearer";
        for (head, status) in [
            ("GET / HTTP/1.1".to_owned(), 404),
            ("GET /nowhere HTTP/1.1".to_owned(), 404),
            ("POST /admin/v1/organisations HTTP/1.1".to_owned(), 404),
            ("GET /../../etc/passwd HTTP/1.1".to_owned(), 404),
            ("GET /%00 HTTP/1.1".to_owned(), 404),
            ("GET /token%00 HTTP/1.1".to_owned(), 404),
            ("GET //token HTTP/1.1".to_owned(), 404),
            (long, 404),
            ("GET /token HTTP/1.1".to_owned(), 405),
            ("DELETE /token HTTP/1.1".to_owned(), 405),
            ("PUT /register HTTP/1.1".to_owned(), 405),
            ("GET /register HTTP/1.1".to_owned(), 405),
            ("BREW /introspect HTTP/1.1".to_owned(), 405),
            ("POST /jwks HTTP/1.1".to_owned(), 405),
            (format!("GET {managed} HTTP/1.1"), 401),
            (format!("POST {managed} HTTP/1.1"), 401),
            (format!("PATCH {managed} HTTP/1.1"), 401),
            (format!("DELETE {managed} {bearer} x"), 401),
            (format!("PUT {managed} {bearer} "), 401),
            (format!("GET {managed} {bearer}"), 401),
            (format!("GET {managed} {bearer} a b"), 401),
            (format!("GET {managed} HTTP/1.1\r\nAuthorization: Basic YTpi"), 401),
            ("GET /register/%00 HTTP/1.1".to_owned(), 401),
            ("GET /register/a%2fb HTTP/1.1".to_owned(), 401),
            ("GET /register/%ff HTTP/1.1".to_owned(), 401),
            ("GET /register/a/b HTTP/1.1".to_owned(), 404),
        ] {
            let response = connection.exchange(&head, b"").await;
            let what: String = head.chars().take(80).collect();
            response.assert_refusal(&what);
            assert_eq!(response.status, status, "{what}: {}", response.body);
            assert_eq!(status == 401, response.head.contains("www-authenticate: bearer"), "{what}");
            assert_eq!(status == 405, response.head.contains("\r\nallow: "), "{what}");
        }
    }

    #[tokio::test]
    async fn whoever_manages_a_client_is_told_which_methods_there_are() {
        let running = Running::furnished().await;
        let mut connection = Connection::open(&running).await;
        let id = crate::support::samples::client("a").id;
        let head = format!("PATCH /register/{id} HTTP/1.1\r\nAuthorization: Bearer a");
        let response = connection.exchange(&head, b"").await;
        response.assert_refusal(&head);
        assert_eq!(response.status, 405);
        let methods = response.head.split("\r\nallow: ").nth(1).unwrap().split("\r\n").next();
        assert_eq!(methods, Some("get, head, put, delete"));
    }
}
