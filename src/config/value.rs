//! What kinds of value a setting may have, and how each is written.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use toml::Value as Toml;

use crate::config::operator::OperatorAccount;
use crate::config::problem::shown;
use crate::jose::Algorithm;
use crate::partners::Environment;
use crate::protocol::client_authentication::ClientAuthenticationMethod;
use crate::types::Issuer;
use crate::types::Secret;

/// A kind of value.
pub(super) trait Value: Sized {
    /// How it is written, for messages and the manual.
    const KIND: &'static str;
    /// Whether what was written must not be repeated in a message.
    const IS_SECRET: bool = false;

    /// Reads it from text: a string of the file, a variable, a default.
    fn from_text(text: &str) -> Option<Self>;

    /// Reads it from a value of the file.
    fn from_toml(value: &Toml) -> Result<Self, String> {
        let text = match value {
            Toml::String(text) => text.clone(),
            Toml::Integer(number) => number.to_string(),
            Toml::Boolean(flag) => flag.to_string(),
            Toml::Float(_) | Toml::Datetime(_) | Toml::Array(_) | Toml::Table(_) => {
                return Err(format!("a {} is expected", Self::KIND));
            }
        };
        Self::from_text(&text).ok_or_else(|| {
            let quoted =
                if Self::IS_SECRET { "it".to_owned() } else { format!("`{}`", shown(&text)) };
            format!("{quoted} is not a {}", Self::KIND)
        })
    }
}

impl Value for bool {
    const KIND: &'static str = "`true` or `false`";
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for usize {
    const KIND: &'static str = "whole number";
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for Duration {
    const KIND: &'static str = "duration, such as `250ms`, `30s`, `5m`, `1h` or `90d`";
    fn from_text(text: &str) -> Option<Self> {
        let digits = text.find(|found: char| !found.is_ascii_digit())?;
        let (number, unit) = text.split_at_checked(digits)?;
        let number: u64 = number.parse().ok()?;
        let seconds = match unit {
            "ms" => return Some(Self::from_millis(number)),
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        number.checked_mul(seconds).map(Self::from_secs)
    }
}

impl Value for SocketAddr {
    const KIND: &'static str = "address and port, such as `127.0.0.1:8443` or `[::]:8443`";
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for PathBuf {
    const KIND: &'static str = "path";
    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.contains('\0')).then(|| Self::from(text))
    }
}

impl Value for Issuer {
    const KIND: &'static str = "`https` address without query or fragment";
    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}

impl Value for Environment {
    const KIND: &'static str = "name of an environment: `sandbox` or `production`";
    fn from_text(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl Value for Algorithm {
    const KIND: &'static str = "signature algorithm: `ES256`, `PS256` or `EdDSA`";
    fn from_text(text: &str) -> Option<Self> {
        let ours = [Self::Es256, Self::Ps256, Self::EdDsa];
        Self::parse(text).ok().filter(|algorithm| ours.contains(algorithm))
    }
}

/// Names in brackets, as TOML writes them.
impl Value for Vec<ClientAuthenticationMethod> {
    const KIND: &'static str = "list of client authentication methods";

    fn from_text(text: &str) -> Option<Self> {
        let table = format!("list = {text}").parse::<toml::Table>().ok()?;
        Self::from_toml(table.get("list")?).ok()
    }

    fn from_toml(value: &Toml) -> Result<Self, String> {
        if let Toml::String(text) = value {
            return Self::from_text(text).ok_or_else(|| format!("a {} is expected", Self::KIND));
        }
        let listed = value.as_array().ok_or_else(|| format!("a {} is expected", Self::KIND))?;
        let mut methods = Self::new();
        for one in listed {
            let name = one.as_str().ok_or("a method is written in quotes")?;
            let method = ClientAuthenticationMethod::parse(name).ok_or_else(|| {
                let known = ClientAuthenticationMethod::ALL.map(ClientAuthenticationMethod::name);
                format!("`{}` is no method; the methods are {}", shown(name), known.join(", "))
            })?;
            if !methods.contains(&method) {
                methods.push(method);
            }
        }
        Ok(methods)
    }
}

/// Nothing written is nothing meant.
impl<V: Value> Value for Option<V> {
    const KIND: &'static str = V::KIND;
    const IS_SECRET: bool = V::IS_SECRET;
    fn from_text(text: &str) -> Option<Self> {
        if text.is_empty() { Some(None) } else { V::from_text(text).map(Some) }
    }
}

/// Where the database is. It may hold a password: it does not print.
#[derive(Debug, Clone)]
pub struct DatabaseUrl(Secret);

impl DatabaseUrl {
    /// The address in clear, for the one that connects.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

impl Value for DatabaseUrl {
    const KIND: &'static str = "database address: `sqlite:PATH` or `postgres://…`";
    const IS_SECRET: bool = true;
    fn from_text(text: &str) -> Option<Self> {
        let rest = ["sqlite:", "postgres://", "postgresql://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))?;
        (!rest.is_empty()).then(|| Self(Secret::new(text)))
    }
}

/// The address of a Redis, which may hold a password.
impl Value for Secret {
    const KIND: &'static str = "Redis address: `redis://…`, `rediss://…` or `redis+unix://…`";
    const IS_SECRET: bool = true;
    fn from_text(text: &str) -> Option<Self> {
        let rest = ["redis://", "rediss://", "redis+unix://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))?;
        (!rest.is_empty()).then(|| Self::new(text))
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident as $kind:literal {
        $($(#[$choice_doc:meta])* $choice:ident = $text:literal,)+
    })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$choice_doc])* $choice,)+ }

        impl $name {
            /// The name, as written.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$choice => $text,)+ }
            }
        }

        impl Value for $name {
            const KIND: &'static str = $kind;
            fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$choice),)+ _ => None }
            }
        }
    )+};
}

choices! {
    /// Whether proofs must hold a nonce of ours.
    DpopNonces as "choice of `off` or `required`" {
        /// No nonces are given out.
        Off = "off",
        /// A proof without a nonce of ours is refused.
        Required = "required",
    }
    /// How a line of the log looks.
    LogFormat as "log format: `json` or `text`" {
        /// One JSON object to a line, for programs.
        Json = "json",
        /// For people.
        Text = "text",
    }
    /// How much the log says.
    LogLevel as "log level: `error`, `warn`, `info`, `debug` or `trace`" {
        /// What failed here.
        Error = "error",
        /// And what is odd.
        Warn = "warn",
        /// And every request.
        Info = "info",
        /// And what led to it.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

impl Value for Vec<IpNet> {
    const KIND: &'static str =
        "list of addresses and networks, such as `[\"10.0.0.0/28\", \"::1\"]`";
    fn from_text(text: &str) -> Option<Self> {
        Self::from_toml(&list(text)?).ok()
    }
    fn from_toml(value: &Toml) -> Result<Self, String> {
        let expected = || format!("a {} is expected", Self::KIND);
        let from_variable = value.as_str().and_then(list);
        let written = from_variable.as_ref().unwrap_or(value).as_array().ok_or_else(expected)?;
        let network = |one: &Toml| {
            let text = one.as_str().ok_or_else(expected)?;
            let address = text.parse::<IpAddr>().map(|one| IpNet::from(one.to_canonical()));
            address
                .or_else(|_| text.parse())
                .map_err(|_| format!("`{}` is neither an address nor a network", shown(text)))
        };
        written.iter().map(network).collect()
    }
}

impl Value for Vec<OperatorAccount> {
    const KIND: &'static str = "list of `{ name, role, token_sha256 }`";
    fn from_text(text: &str) -> Option<Self> {
        Self::from_toml(&list(text)?).ok()
    }
    fn from_toml(value: &Toml) -> Result<Self, String> {
        match value {
            Toml::Array(accounts) => accounts.iter().map(OperatorAccount::read).collect(),
            Toml::String(text) => match list(text) {
                Some(list) => Self::from_toml(&list),
                None => Err(format!("a {} is expected", Self::KIND)),
            },
            Toml::Integer(_)
            | Toml::Float(_)
            | Toml::Boolean(_)
            | Toml::Datetime(_)
            | Toml::Table(_) => Err(format!("a {} is expected", Self::KIND)),
        }
    }
}

/// A TOML list in a text, as a variable of the environment holds it.
fn list(text: &str) -> Option<Toml> {
    let table = format!("list = {text}").parse::<toml::Table>().ok()?;
    table.get("list").filter(|value| value.is_array()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_number_and_a_unit() {
        let read = Duration::from_text;
        assert_eq!(read("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(read("5m"), Some(Duration::from_mins(5)));
        assert_eq!(read("90d"), Some(Duration::from_hours(2160)));
        for bad in ["", "5", "m", "-5m", "5 m", "1.5h", "5M", "99999999999999999999s"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(read(&format!("{}d", u64::MAX)), None);
    }

    #[test]
    fn rs256_signs_nothing() {
        assert_eq!(Algorithm::from_text("EdDSA"), Some(Algorithm::EdDsa));
        for other in ["RS256", "RS384", "ES384"] {
            assert_eq!(Algorithm::from_text(other), None, "{other}");
        }
        assert_eq!(Algorithm::from_text("none"), None);
    }

    #[test]
    fn the_address_of_a_store_is_never_repeated() {
        let written = Toml::String("mysql://user:hush@host".to_owned());
        for message in [
            DatabaseUrl::from_toml(&written).unwrap_err(),
            Option::<Secret>::from_toml(&written).unwrap_err(),
        ] {
            assert!(!message.contains("hush"), "{message}");
        }
        assert!(!format!("{:?}", DatabaseUrl::from_text("postgres://hush")).contains("hush"));
    }
}
