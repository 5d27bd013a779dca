//! What a setting must keep to, alone and beside the others: one rule, one function.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::problem::Problem;
use crate::config::section::Reader;
use crate::config::settings::Settings;
use crate::partners::Environment;
use crate::types::HttpsUri;

/// How long the caches of those who verify our tokens may be behind: our `/jwks` allows less, and
/// not everybody keeps to it.
const JWKS_CACHE: Duration = Duration::from_hours(1);

/// What is wrong with a setting, and which.
type Finding = Option<(&'static str, String)>;

/// Everything that breaks a rule.
pub(super) fn problems(settings: &Settings, reader: &Reader) -> Vec<Problem> {
    let rules: [fn(&Settings) -> Finding; 16] = [
        an_issuer_is_found_from_elsewhere,
        listeners_differ,
        other_listeners_differ,
        mutual_tls_has_a_name,
        a_certificate_has_its_key,
        proxies_are_named,
        production_asks_no_loopback,
        production_has_no_test_routes,
        a_key_is_published_before_it_signs,
        a_key_outlives_what_it_signed,
        a_key_rotates_after_it_is_published,
        operators_differ,
        clients_authenticate_somehow,
        authorities_revoke_their_own,
        tokens_differ,
        loss_is_accepted_of_a_redis,
    ];
    let broken = rules.iter().filter_map(|rule| rule(settings));
    broken
        .chain(bounds(settings))
        .map(|(key, message)| Problem::new(key, reader.origin(key), message))
        .collect()
}

fn bounds(settings: &Settings) -> impl Iterator<Item = (&'static str, String)> {
    let (limits, database) = (&settings.limits, &settings.database);
    let seconds = Duration::from_secs;
    let findings = [
        within("server.workers", settings.server.workers, 0..=512),
        lasting("server.shutdown_grace", settings.server.shutdown_grace, seconds(0)..=seconds(300)),
        within("limits.body_bytes", limits.body_bytes, 16_384..=1_048_576),
        lasting("limits.header_timeout", limits.header_timeout, seconds(1)..=seconds(60)),
        lasting("limits.body_timeout", limits.body_timeout, seconds(1)..=seconds(60)),
        lasting("limits.keep_alive", limits.keep_alive, seconds(1)..=seconds(600)),
        within("limits.connections", limits.connections, 16..=1_000_000),
        within("database.readers", database.readers, 1..=256),
        within("database.writers", database.writers, 1..=256),
        within("database.queue", database.queue, 16..=1_000_000),
        lasting(
            "clients.secret_lifetime",
            settings.clients.secret_lifetime,
            seconds(3_600)..=seconds(90 * 86_400),
        ),
        lasting(
            "tokens.access_token_lifetime",
            settings.tokens.access_token_lifetime,
            seconds(30)..=seconds(3_600),
        ),
    ];
    findings.into_iter().flatten()
}

fn within(key: &'static str, value: usize, allowed: RangeInclusive<usize>) -> Finding {
    let (least, most) = (allowed.start(), allowed.end());
    (!allowed.contains(&value)).then(|| (key, format!("choose a number from {least} to {most}")))
}

fn lasting(key: &'static str, value: Duration, allowed: RangeInclusive<Duration>) -> Finding {
    let (least, most) = (allowed.start().as_secs(), allowed.end().as_secs());
    (!allowed.contains(&value))
        .then(|| (key, format!("choose a duration from `{least}s` to `{most}s`")))
}

fn is_production(settings: &Settings) -> bool {
    settings.server.environment == Environment::Production
}

fn an_issuer_is_found_from_elsewhere(settings: &Settings) -> Finding {
    let host = HttpsUri::parse(settings.server.issuer.as_str()).ok()?;
    let host = host.host().trim_matches(['[', ']']);
    let is_here = host == "localhost"
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    (is_production(settings) && is_here).then(|| {
        let advice = "in production, set the address that clients call; for a rehearsal, set \
                      `server.environment = \"sandbox\"`";
        ("server.issuer", advice.to_owned())
    })
}

fn listeners_differ(settings: &Settings) -> Finding {
    let (public, operator) = (settings.server.listen, settings.server.operator_listen);
    (public == operator && public.port() != 0)
        .then(|| ("server.operator_listen", "choose another port than `server.listen`".to_owned()))
}

fn other_listeners_differ(settings: &Settings) -> Finding {
    let server = [settings.server.listen, settings.server.operator_listen];
    let (mutual, proxied) = (settings.mutual_tls.listen, settings.behind_proxy.listen);
    let taken = |address: &SocketAddr| address.port() != 0 && server.contains(address);
    let advice = || "choose another port than the other listeners".to_owned();
    if mutual.as_ref().is_some_and(taken) {
        return Some(("server.mutual_tls.listen", advice()));
    }
    let both = mutual.is_some_and(|address| address.port() != 0) && mutual == proxied;
    (proxied.as_ref().is_some_and(taken) || both).then(|| ("server.behind_proxy.listen", advice()))
}

/// RFC 8705 §5: clients find the listener by its aliases.
fn mutual_tls_has_a_name(settings: &Settings) -> Finding {
    let advice = match (settings.has_mutual_tls(), &settings.mutual_tls.base_url) {
        (true, None) => {
            "say what clients call the listener for mutual TLS, such as \
                         `https://mtls.bank.example`"
        }
        (false, Some(_)) => {
            "it means nothing without `server.mutual_tls.listen` or `server.behind_proxy.mutual_tls`"
        }
        (true, Some(_)) | (false, None) => return None,
    };
    Some(("server.mutual_tls.base_url", advice.to_owned()))
}

fn a_certificate_has_its_key(settings: &Settings) -> Finding {
    let advice = || "give both `certificate` and `key`, or neither".to_owned();
    match (&settings.mutual_tls.certificate, &settings.mutual_tls.key) {
        (Some(_), None) => Some(("server.mutual_tls.key", advice())),
        (None, Some(_)) => Some(("server.mutual_tls.certificate", advice())),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

/// SEC-32: whoever may speak for a proxy may name any certificate.
fn proxies_are_named(settings: &Settings) -> Finding {
    let proxy = &settings.behind_proxy;
    let advice = if proxy.addresses.iter().any(|network| network.prefix_len() == 0) {
        "the whole internet is no proxy: name its addresses"
    } else if proxy.listen.is_some() && proxy.addresses.is_empty() {
        "name the addresses of the proxies"
    } else if proxy.listen.is_none() && !proxy.addresses.is_empty() {
        "it means nothing without `server.behind_proxy.listen`"
    } else {
        return None;
    };
    Some(("server.behind_proxy.addresses", advice.to_owned()))
}

/// SEC-15: what runs on this machine believes whoever calls from it.
fn production_asks_no_loopback(settings: &Settings) -> Finding {
    (is_production(settings) && settings.trust.allow_loopback).then(|| {
        ("trust.allow_loopback", "it is for rehearsals; remove it in production".to_owned())
    })
}

fn production_has_no_test_routes(settings: &Settings) -> Finding {
    (is_production(settings) && settings.server.hello_route)
        .then(|| ("server.hello_route", "it is for load tests; remove it in production".to_owned()))
}

fn clients_authenticate_somehow(settings: &Settings) -> Finding {
    let none = settings.clients.authentication_methods.is_empty();
    none.then(|| ("clients.authentication_methods", "name at least one method".to_owned()))
}

/// Lists of nobody revoke nothing.
fn authorities_revoke_their_own(settings: &Settings) -> Finding {
    let of = &settings.resource_servers;
    let nobodys = of.certificate_revocations.is_some() && of.certificate_authorities.is_none();
    nobodys.then(|| {
        let message = "name `resource_servers.certificate_authorities` as well".to_owned();
        ("resource_servers.certificate_revocations", message)
    })
}

/// SEC-70: publish before use.
fn a_key_is_published_before_it_signs(settings: &Settings) -> Finding {
    (settings.tokens.key_prepublish < JWKS_CACHE).then(|| {
        ("tokens.key_prepublish", "caches keep keys for an hour: choose `1h` or more".to_owned())
    })
}

/// SEC-70: overlap for the longest life of a token and the caches.
fn a_key_outlives_what_it_signed(settings: &Settings) -> Finding {
    let least = settings.tokens.access_token_lifetime.saturating_add(JWKS_CACHE);
    (settings.tokens.key_retire < least).then(|| {
        let seconds = least.as_secs();
        let why = "the last token it signed, and the caches, must be able to end first";
        ("tokens.key_retire", format!("{why}: choose `{seconds}s` or more"))
    })
}

fn a_key_rotates_after_it_is_published(settings: &Settings) -> Finding {
    let tokens = &settings.tokens;
    let longest = Duration::from_hours(10 * 365 * 24);
    let apart = tokens.key_prepublish < tokens.key_rotation && tokens.key_rotation <= longest;
    (!apart).then(|| {
        let advice = "choose more than `tokens.key_prepublish`, and ten years at most";
        ("tokens.key_rotation", advice.to_owned())
    })
}

fn operators_differ(settings: &Settings) -> Finding {
    let mut names: Vec<_> = settings.operator.accounts.iter().map(|one| &one.name).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    (names.len() != all)
        .then(|| ("operator.accounts", "two accounts have the same name".to_owned()))
}

/// Two operators with one token could not be told apart in the audit log.
fn tokens_differ(settings: &Settings) -> Finding {
    let mut tokens: Vec<_> = settings.operator.accounts.iter().map(|one| &one.token).collect();
    let all = tokens.len();
    tokens.sort();
    tokens.dedup();
    (tokens.len() != all)
        .then(|| ("operator.accounts", "two accounts have the same token".to_owned()))
}

fn loss_is_accepted_of_a_redis(settings: &Settings) -> Finding {
    (settings.redis.accepted_loss.is_some() && settings.redis.url.is_none())
        .then(|| ("redis.accepted_loss", "it means nothing without `redis.url`".to_owned()))
}
