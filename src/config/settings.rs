//! The settings. A doc comment here is the manual: the README's table is made from it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::config::checks;
use crate::config::operator::OperatorAccount;
use crate::config::problem::InvalidSettings;
use crate::config::section::Reader;
use crate::config::section::Setting;
use crate::config::section::section;
use crate::config::value::DatabaseUrl;
use crate::config::value::DpopNonces;
use crate::config::value::LogFormat;
use crate::config::value::LogLevel;
use crate::config::written::Written;
use crate::jose::Algorithm;
use crate::partners::Environment;
use crate::protocol::client_authentication::ClientAuthenticationMethod;
use crate::types::Issuer;
use crate::types::Secret;

section! {
    /// Where the server stands and listens.
    ServerSettings in "server" {
        /// Whose customers are served: invented ones (`sandbox`) or real ones. Keys, issuers and
        /// identifiers are never shared between the two.
        environment: Environment = "production",
        /// What clients call this server: the `iss` of its tokens and the base of every endpoint.
        issuer: Issuer = "https://localhost:8443",
        /// Where clients and resource servers reach it. Port 0 takes any free one.
        listen: SocketAddr = "127.0.0.1:8443",
        /// Where operators reach it. Keep it inside your network.
        operator_listen: SocketAddr = "127.0.0.1:8444",
        /// The listeners' certificate chain (PEM). A new file is taken up without a restart.
        tls_certificate: PathBuf = "keys/server.pem",
        /// Its private key (PEM).
        tls_key: PathBuf = "keys/server-key.pem",
        /// Threads that answer requests; 0 is one to a core.
        workers: usize = "0",
        /// How long requests under way may take to finish when the server stops.
        shutdown_grace: Duration = "10s",
        /// Answers `GET /hello` with nothing but a greeting: the floor that load tests compare with.
        hello_route: bool = "false",
    }
}

section! {
    /// A listener on which clients may show a certificate (RFC 8705).
    MutualTlsSettings in "server.mutual_tls" {
        /// Where clients reach it. Without an address it is not opened. Browsers are never sent here.
        listen: Option<SocketAddr> = "",
        /// Its own certificate chain (PEM), if not that of `server.tls_certificate`.
        certificate: Option<PathBuf> = "",
        /// The private key of that chain (PEM).
        key: Option<PathBuf> = "",
        /// What clients call it: the base of the `mtls_endpoint_aliases`.
        base_url: Option<Issuer> = "",
    }
}

section! {
    /// A listener without TLS, for proxies that end TLS in front of this server.
    BehindProxySettings in "server.behind_proxy" {
        /// Where the proxies reach it. Without an address it is not opened.
        listen: Option<SocketAddr> = "",
        /// The proxies: addresses, or networks such as `10.0.0.0/28`. Anybody else is refused.
        addresses: Vec<IpNet> = "[]",
        /// Whether the proxies ask for client certificates and pass them on in `Client-Cert` and
        /// `Client-Cert-Chain` (RFC 9440). They must remove what clients send under these names.
        mutual_tls: bool = "false",
    }
}

section! {
    /// What a stranger may cost us (SEC-27, SEC-28).
    LimitSettings in "limits" {
        /// The longest body, in bytes.
        body_bytes: usize = "65536",
        /// How long the headers of a request may take to arrive, the TLS handshake included.
        header_timeout: Duration = "5s",
        /// How long the body of a request may take to arrive.
        body_timeout: Duration = "10s",
        /// How long an idle connection is kept.
        keep_alive: Duration = "60s",
        /// The most connections at once, on each listener.
        connections: usize = "10000",
    }
}

section! {
    /// Where everything is remembered.
    DatabaseSettings in "database" {
        /// `sqlite:PATH` (one node) or `postgres://…` (any number of nodes).
        url: DatabaseUrl = "sqlite:data/countersign.sqlite",
        /// Connections that read.
        readers: usize = "4",
        /// Connections that write, on PostgreSQL; SQLite has one writer.
        writers: usize = "4",
        /// How many requests may wait for a connection before the next is told to come back (503).
        queue: usize = "1024",
    }
}

section! {
    /// Where short-lived state is kept, if not in the database.
    RedisSettings in "redis" {
        /// `redis://…`. It must be durable (`appendonly yes`), keep everything (`maxmemory-policy
        /// noeviction`) and be a primary. Without an address the database does the work.
        url: Option<Secret> = "",
        /// Accepts a Redis that is not durable, and the window in which it may forget that
        /// something single-use was used.
        accepted_loss: Option<Duration> = "",
    }
}

section! {
    /// What is issued, and with which keys it is signed.
    TokenSettings in "tokens" {
        /// The longest life of an access token; tiers and policies may shorten it.
        access_token_lifetime: Duration = "5m",
        /// What access tokens are signed with.
        signing_algorithm: Algorithm = "ES256",
        /// How long a signing key signs.
        key_rotation: Duration = "90d",
        /// How long a signing key is published before it signs, so that every cache has it.
        key_prepublish: Duration = "1d",
        /// How long a signing key stays published after it has signed for the last time.
        key_retire: Duration = "1d",
    }
}

section! {
    /// Whether senders may prove a key (`DPoP`, RFC 9449).
    DpopSettings in "dpop" {
        /// Binds the tokens of whoever sends a `DPoP` proof. Off, the header is ignored and discovery
        /// does not name it.
        enabled: bool = "true",
        /// `required` demands a nonce of ours in every proof, so that none can be made in advance; the
        /// nonce then takes the place of the sender's clock. `off` gives out none.
        nonces: DpopNonces = "off",
    }
}

section! {
    /// What resource servers may ask of us beside introspection, and how they prove who they are.
    ResourceServerSettings in "resource_servers" {
        /// Answers the proxies in front of resource servers whether a request may pass
        /// (`/authorize-request`). Off, the endpoint is absent.
        authorize_requests: bool = "true",
        /// The certificate authorities (PEM) behind `tls_client_auth` of resource servers. Without a
        /// file no resource server authenticates in this way.
        certificate_authorities: Option<PathBuf> = "",
        /// Their revocation lists (PEM). With a list, each certificate below the authority needs one
        /// that is current.
        certificate_revocations: Option<PathBuf> = "",
    }
}

section! {
    /// Whether clients may register themselves (RFC 7591).
    RegistrationSettings in "registration" {
        /// Off, the endpoint is absent and discovery does not name it.
        enabled: bool = "true",
    }
}

section! {
    /// What is asked of clients.
    ClientSettings in "clients" {
        /// How clients may authenticate. Everything beyond the default is weaker than FAPI allows:
        /// `client_secret_basic`, `client_secret_post`, `client_secret_jwt`, and `none` for public
        /// clients.
        authentication_methods: Vec<ClientAuthenticationMethod> =
            "[\"private_key_jwt\", \"tls_client_auth\", \"self_signed_tls_client_auth\"]",
        /// How long a client secret may be used.
        secret_lifetime: Duration = "30d",
    }
}

section! {
    /// Whose word we take, and whom we may ask.
    TrustSettings in "trust" {
        /// The folder with one TOML file to a trust framework.
        frameworks: PathBuf = "frameworks",
        /// Further certificate authorities (PEM) for outgoing requests, beside the system's.
        extra_authorities: Option<PathBuf> = "",
        /// Lets outgoing requests go to this very machine: for a demo. Refused in production.
        allow_loopback: bool = "false",
    }
}

section! {
    /// Where the keys are that are not in the database.
    KeySettings in "keys" {
        /// The folder; its README says what each file is for.
        directory: PathBuf = "keys",
    }
}

section! {
    /// Who may use the operator API.
    OperatorSettings in "operator" {
        /// Name, role and the SHA-256 of the bearer token. Without accounts nobody may.
        accounts: Vec<OperatorAccount> = "[]",
    }
}

section! {
    /// What is written to standard error.
    LogSettings in "log" {
        /// `json` for programs, `text` for people.
        format: LogFormat = "json",
        /// How much: `error`, `warn`, `info`, `debug` or `trace`.
        level: LogLevel = "info",
    }
}

/// What the operator meant. A value of this type has been checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the server stands and listens.
    pub server: ServerSettings,
    /// A listener on which clients may show a certificate.
    pub mutual_tls: MutualTlsSettings,
    /// A listener without TLS, for proxies.
    pub behind_proxy: BehindProxySettings,
    /// What a stranger may cost us.
    pub limits: LimitSettings,
    /// Where everything is remembered.
    pub database: DatabaseSettings,
    /// Where short-lived state is kept, if not in the database.
    pub redis: RedisSettings,
    /// What is issued, and with which keys it is signed.
    pub tokens: TokenSettings,
    /// Whether senders may prove a key.
    pub dpop: DpopSettings,
    /// What resource servers may ask of us beside introspection, and how they prove who they are.
    pub resource_servers: ResourceServerSettings,
    /// Whether clients may register themselves.
    pub registration: RegistrationSettings,
    /// What is asked of clients.
    pub clients: ClientSettings,
    /// Whose word we take, and whom we may ask.
    pub trust: TrustSettings,
    /// Where the keys are that are not in the database.
    pub keys: KeySettings,
    /// Who may use the operator API.
    pub operator: OperatorSettings,
    /// What is written to standard error.
    pub log: LogSettings,
}

impl Settings {
    /// Reads the text of `countersign.toml`, if there is one, and the variables of the environment,
    /// which stand before it. Variables that do not begin with `COUNTERSIGN__` are not ours.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with its key and what to do.
    pub fn read(
        file: Option<&str>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, InvalidSettings> {
        let mut reader = Reader::new(Written::read(file, environment));
        let settings = Self::take(&mut reader);
        let mut problems = reader.problems();
        for broken in settings.iter().flat_map(|settings| checks::problems(settings, &reader)) {
            // What could not be read is told once.
            if problems.iter().all(|known| known.key != broken.key) {
                problems.push(broken);
            }
        }
        settings.filter(|_| problems.is_empty()).ok_or_else(|| InvalidSettings::new(problems))
    }

    /// Takes every section before it gives up, so that every problem is noted.
    fn take(reader: &mut Reader) -> Option<Self> {
        let server = ServerSettings::read(reader);
        let mutual_tls = MutualTlsSettings::read(reader);
        let behind_proxy = BehindProxySettings::read(reader);
        let limits = LimitSettings::read(reader);
        let database = DatabaseSettings::read(reader);
        let redis = RedisSettings::read(reader);
        let tokens = TokenSettings::read(reader);
        let dpop = DpopSettings::read(reader);
        let resource_servers = ResourceServerSettings::read(reader);
        let registration = RegistrationSettings::read(reader);
        let clients = ClientSettings::read(reader);
        let trust = TrustSettings::read(reader);
        let keys = KeySettings::read(reader);
        let operator = OperatorSettings::read(reader);
        let log = LogSettings::read(reader);
        Some(Self {
            server: server?,
            mutual_tls: mutual_tls?,
            behind_proxy: behind_proxy?,
            limits: limits?,
            database: database?,
            redis: redis?,
            tokens: tokens?,
            dpop: dpop?,
            resource_servers: resource_servers?,
            registration: registration?,
            clients: clients?,
            trust: trust?,
            keys: keys?,
            operator: operator?,
            log: log?,
        })
    }

    /// Whether clients can show a certificate, here or at a proxy.
    #[must_use]
    pub const fn has_mutual_tls(&self) -> bool {
        self.mutual_tls.listen.is_some()
            || (self.behind_proxy.listen.is_some() && self.behind_proxy.mutual_tls)
    }

    /// Every setting there is, in the order of the sections.
    pub fn manual() -> impl Iterator<Item = &'static Setting> {
        [
            ServerSettings::MANUAL,
            MutualTlsSettings::MANUAL,
            BehindProxySettings::MANUAL,
            LimitSettings::MANUAL,
            DatabaseSettings::MANUAL,
            RedisSettings::MANUAL,
            TokenSettings::MANUAL,
            DpopSettings::MANUAL,
            ResourceServerSettings::MANUAL,
            RegistrationSettings::MANUAL,
            ClientSettings::MANUAL,
            TrustSettings::MANUAL,
            KeySettings::MANUAL,
            OperatorSettings::MANUAL,
            LogSettings::MANUAL,
        ]
        .into_iter()
        .flatten()
    }

    /// The manual as a Markdown table, for the README.
    #[must_use]
    pub fn reference() -> String {
        let head = "| setting | default | what it does |\n|---|---|---|\n".to_owned();
        Self::manual().fold(head, |table, setting| {
            let default = match setting.default {
                "" => "–".to_owned(),
                default => format!("`{default}`"),
            };
            format!("{table}| `{}` | {default} | {} |\n", setting.key, setting.manual.trim())
        })
    }
}
