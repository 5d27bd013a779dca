//! What the operator said: `countersign.toml` and `COUNTERSIGN__…` variables become [`Settings`].
//!
//! What was written and what is meant are two types (STY-29). Everything is checked at the start, and
//! all that is wrong is reported at once. This room reads neither files nor the environment: `cli` does.

mod checks;
mod operator;
mod problem;
mod section;
mod settings;
#[cfg(test)]
mod tests;
mod value;
mod written;

pub use operator::{OperatorAccount, OperatorRole};
pub use problem::{InvalidSettings, Origin, Problem};
pub use section::Setting;
pub use settings::{
    BehindProxySettings, DatabaseSettings, DpopSettings, KeySettings, LimitSettings, LogSettings,
    MutualTlsSettings, OperatorSettings, RedisSettings, RegistrationSettings,
    ResourceServerSettings, ServerSettings, Settings, TokenSettings, TrustSettings,
};
pub use value::{DatabaseUrl, DpopNonces, LogFormat, LogLevel};
