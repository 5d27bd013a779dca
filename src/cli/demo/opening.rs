//! Before the walk: keys, servers, and those who take part.

use reqwest::Method;
use tokio::sync::mpsc;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::cli::demo::cast::{ASKED, AUDIENCE, Cast, Stage};
use crate::cli::demo::curl;
use crate::cli::demo::exchange;
use crate::cli::demo::exchange::{Answer, Given, Request};
use crate::cli::demo::file::{
    DemoFile, DirectoryAddresses, Endpoints, Operator, Partner as PartnerEntry, Registration,
    ResourceServer as ResourceServerEntry,
};
use crate::cli::demo::partner::Partner;
use crate::cli::demo::ports;
use crate::cli::demo::ports::{Addresses, PortOptions};
use crate::cli::demo::resource_server::ResourceServer;
use crate::cli::demo::settings;
use crate::cli::demo::settings::Choices;
use crate::cli::demo::transcript::Transcript;
use crate::cli::demo::walk::{SecretFiles, Walk};
use crate::cli::development_keys::DevelopmentKeys;
use crate::cli::directory::desk;
use crate::cli::error::CommandError;
use crate::cli::folders::Folders;
use crate::cli::log;
use crate::cli::migrate;
use crate::cli::serve::AuthorizationServer;
use crate::cli::servers::Servers;
use crate::clock::Clock;
use crate::clock::Stopwatch;
use crate::http::directory;
use crate::jose::SigningKey;
use crate::storage::Database;

/// A demo that is running.
pub(super) struct Opened {
    authorization_server: AuthorizationServer,
    servers: Servers,
    /// Where everybody is.
    pub demo: DemoFile,
    client: reqwest::Client,
    partner_key: SigningKey,
    files: SecretFiles,
    introspections: Option<UnboundedReceiver<(Request, Answer)>>,
}

/// Starts everything and tells how long each part took.
pub(super) async fn open(
    folders: &Folders,
    ports: &PortOptions,
    choices: Choices<'_>,
    transcript: &mut Transcript,
) -> Result<Opened, CommandError> {
    let mut progress = Progress { transcript, watch: Stopwatch::start() };
    let addresses = ports.find()?;
    let keys = DevelopmentKeys::prepare(&folders.keys, Clock::System.now())?;
    let made = if keys.renewed { "made in" } else { "found in" };
    progress.tell("keys, certificates", &format!("{made} {}", curl::relative(&folders.keys)))?;
    let settings = settings::prepare(folders, &keys, &addresses, choices)?;
    let mut servers = Servers::new(&keys, Clock::System)?;

    let records = desk::open(folders, Some(&ports::url(addresses.directory)))?;
    servers.start(addresses.directory, directory::routes(records))?;
    progress.tell("test directory", &ports::url(addresses.directory))?;
    log::start(&settings.log);
    let url = settings.database.url.reveal();
    Database::migrate(url).map_err(|error| migrate::unusable(&error))?;
    let authorization_server = AuthorizationServer::start(settings, Clock::System).await?;
    progress.tell("authorization server", &ports::url(addresses.public))?;
    progress.tell("operator API", &ports::url(addresses.operator))?;

    let client = exchange::client(&keys.authority)?;
    let files = SecretFiles {
        access_token: folders.data.join("access.token"),
        bound_token: folders.data.join("bound.token"),
        operator_token: keys.operator_token_file.clone(),
        resource_server_secret: folders.data.join("resource-server.secret"),
    };
    let cast = assemble(&client, &files, &keys, &addresses).await?;
    progress.tell("bank and partner", "three API products, an agreement over two of them")?;
    let demo = demo_file(&keys, &addresses, cast);
    let (observer, introspections) = mpsc::unbounded_channel();
    let resource_server = ResourceServer {
        client: client.clone(),
        introspection: demo.endpoints.introspection.clone(),
        authorize_request: demo.endpoints.authorize_request.clone(),
        origin: demo.resource_server.url.clone(),
        id: demo.resource_server.client_id.clone(),
        secret: demo.resource_server.client_secret.clone(),
        audience: AUDIENCE.to_owned(),
        observer,
    };
    servers.start(addresses.resource, resource_server.routes())?;
    progress.tell("resource server", &ports::url(addresses.resource))?;
    retire_earlier_clients(&client, folders, &demo).await;
    demo.write(&folders.data)?;
    let introspections = Some(introspections);
    let partner_key = keys.partner_key;
    Ok(Opened { authorization_server, servers, demo, client, partner_key, files, introspections })
}

impl Opened {
    /// Walks.
    pub(super) async fn walk(
        &mut self,
        folders: &Folders,
        transcript: &mut Transcript,
    ) -> Result<(), CommandError> {
        let Some(introspections) = self.introspections.take() else { return Ok(()) };
        let partner = Partner {
            software_id: self.demo.partner.software_id.clone(),
            key: self.partner_key.clone(),
            issuer: self.demo.issuer.clone(),
        };
        let walk = Walk {
            demo: &mut self.demo,
            partner: &partner,
            client: &self.client,
            introspections,
            transcript,
            clock: Clock::System,
            files: &self.files,
            registered: &|demo| demo.write(&folders.data),
        };
        walk.walk().await
    }

    /// Closes every server; requests under way may finish.
    pub(super) async fn stop(self) {
        drop(self.client);
        self.servers.stop().await;
        self.authorization_server.stop().await;
    }
}

/// Tells what has been started, and how long it took.
struct Progress<'a> {
    transcript: &'a mut Transcript,
    watch: Stopwatch,
}

impl Progress<'_> {
    fn tell(&mut self, what: &str, detail: &str) -> Result<(), CommandError> {
        let took = self.watch.elapsed().as_millis();
        self.watch = Stopwatch::start();
        self.transcript.line(&format!("{took:>6} ms  {what:<22}{detail}"))
    }
}

async fn assemble(
    client: &reqwest::Client,
    files: &SecretFiles,
    keys: &DevelopmentKeys,
    addresses: &Addresses,
) -> Result<Cast, CommandError> {
    let stage = Stage {
        client,
        directory: ports::url(addresses.directory),
        operator: format!("{}/admin/v1", ports::url(addresses.operator)),
        token: &keys.operator_token,
    };
    let names = stage.vouch(&keys.partner_key).await?;
    stage.contract(names, &files.resource_server_secret, Clock::System.now()).await
}

fn demo_file(keys: &DevelopmentKeys, addresses: &Addresses, cast: Cast) -> DemoFile {
    let issuer = ports::url(addresses.public);
    let directory = ports::url(addresses.directory);
    let operator = ports::url(addresses.operator);
    let at = |path: &str| format!("{issuer}{path}");
    DemoFile {
        endpoints: Endpoints {
            registration: at("/register"),
            token: at("/token"),
            introspection: at("/introspect"),
            authorize_request: at("/authorize-request"),
            revocation: at("/revoke"),
            jwks: at("/jwks"),
            oauth_authorization_server: at("/.well-known/oauth-authorization-server"),
            openid_configuration: at("/.well-known/openid-configuration"),
        },
        issuer,
        ca_file: keys.authority.clone(),
        directory: DirectoryAddresses {
            organisations: format!("{directory}/organisations"),
            software: format!("{directory}/software"),
            statements: format!("{directory}/statements"),
            jwks: format!("{directory}/jwks"),
            url: directory,
        },
        partner: PartnerEntry {
            organisation_id: cast.organisation_id,
            directory_organisation_id: cast.directory_organisation_id,
            software_id: cast.software_id,
            private_jwk_file: keys.partner_key_file.clone(),
            scopes: ASKED.map(str::to_owned).to_vec(),
            registration: None,
            proving: None,
        },
        resource_server: ResourceServerEntry {
            url: ports::url(addresses.resource),
            client_id: cast.resource_server_id.clone(),
            id: cast.resource_server_id,
            client_secret: cast.resource_server_secret.reveal().to_owned(),
            audience: AUDIENCE.to_owned(),
        },
        products: cast.products,
        agreement_id: cast.agreement_id,
        operator: Operator {
            openapi: format!("{operator}/admin/v1/openapi.json"),
            url: operator,
            token: keys.operator_token.reveal().to_owned(),
        },
    }
}

/// The clients of an earlier run delete themselves (RFC 7592), so that clients do not pile up. If that
/// fails, they stay; they are in nobody's way.
async fn retire_earlier_clients(client: &reqwest::Client, folders: &Folders, demo: &DemoFile) {
    let Ok(earlier) = DemoFile::read(&folders.data) else { return };
    let registrations = [earlier.partner.registration, earlier.partner.proving];
    for registration in registrations.into_iter().flatten() {
        let Registration { registration_client_uri, registration_access_token, .. } = registration;
        // The ports may be others than they were.
        let uri = registration_client_uri.replacen(&earlier.issuer, &demo.issuer, 1);
        let bearer = Given::lasting(format!("Bearer {registration_access_token}"));
        let deleted = Request::new(Method::DELETE, uri).authorized(bearer).send(client).await;
        if let Err(error) = deleted {
            tracing::debug!(error = %error, "a client of an earlier run stays");
        }
    }
}
