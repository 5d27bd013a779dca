//! Who may use the operator API, and in which role (GOV §7.1).

use toml::Value as Toml;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::config::problem::shown;
use crate::types::Secret;
use crate::types::SecretHash;

const LONGEST_NAME: usize = 64;
const BYTES_OF_SHA256: usize = 32;

/// What an operator is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OperatorRole {
    /// Agreements and their limits.
    Commercial,
    /// Tiers, and what is known of an organisation.
    Risk,
    /// Clients, keys and resource servers.
    Platform,
    /// Quarantine and the kill switch.
    Security,
    /// API products and scopes.
    ApiOwner,
    /// Reads everything and changes nothing.
    Auditor,
}

impl OperatorRole {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Commercial,
        Self::Risk,
        Self::Platform,
        Self::Security,
        Self::ApiOwner,
        Self::Auditor,
    ];

    /// The name, as written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Commercial => "commercial",
            Self::Risk => "risk",
            Self::Platform => "platform",
            Self::Security => "security",
            Self::ApiOwner => "api_owner",
            Self::Auditor => "auditor",
        }
    }

    /// The role with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether this role may change anything at all (S6).
    #[must_use]
    pub const fn may_write(self) -> bool {
        !matches!(self, Self::Auditor)
    }
}

/// Somebody who may use the operator API.
#[derive(Debug, Clone)]
pub struct OperatorAccount {
    /// The name, for the audit log.
    pub name: String,
    /// The role.
    pub role: OperatorRole,
    /// The hash of the bearer token.
    pub token: SecretHash,
}

impl OperatorAccount {
    /// Whether `token` is this operator's, in constant time.
    #[must_use]
    pub fn is_proved_by(&self, token: &Secret) -> bool {
        self.token.matches(token)
    }

    pub(super) fn read(value: &Toml) -> Result<Self, String> {
        let table = value.as_table().ok_or("an account is `{ name, role, token_sha256 }`")?;
        let known = ["name", "role", "token_sha256"];
        if let Some(unknown) = table.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("an account has no `{}`", shown(unknown)));
        }
        let text = |key: &str| {
            let missing = || format!("an account needs a `{key}`, in quotes");
            table.get(key).and_then(Toml::as_str).ok_or_else(missing)
        };
        let name = text("name")?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_plain) {
            return Err(format!("`{}` is no name: use letters, digits and `._@-`", shown(name)));
        }
        let role = text("role")?;
        let role = OperatorRole::parse(role).ok_or_else(|| {
            let known = OperatorRole::ALL.map(OperatorRole::name).join(", ");
            format!("`{}` is no role; the roles are {known}", shown(role))
        })?;
        let token = hash(text("token_sha256")?).ok_or_else(|| {
            format!("the `token_sha256` of `{name}` is not a SHA-256 in hex or base64url")
        })?;
        Ok(Self { name: name.to_owned(), role, token })
    }
}

/// A SHA-256 as `sha256sum` prints it, or in base64url.
fn hash(text: &str) -> Option<SecretHash> {
    let bytes = match text.len() {
        64 => hexadecimal(text)?,
        _ => URL_SAFE_NO_PAD.decode(text).ok()?,
    };
    (bytes.len() == BYTES_OF_SHA256).then(|| SecretHash::from_stored(URL_SAFE_NO_PAD.encode(bytes)))
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let (pairs, _) = digits.as_ref()?.as_chunks::<2>();
    pairs.iter().map(|[high, low]| u8::try_from((high << 4) | low).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(role: &str, token: &str) -> Result<OperatorAccount, String> {
        let text =
            format!("a = {{ name = \"anna\", role = \"{role}\", token_sha256 = \"{token}\" }}");
        OperatorAccount::read(&text.parse::<toml::Table>().unwrap()["a"])
    }

    #[test]
    fn a_token_is_known_by_its_sha256_in_hex_or_base64url() {
        let token = Secret::new("abc");
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(account("risk", hex).unwrap().is_proved_by(&token));
        assert!(account("risk", token.hash().as_str()).unwrap().is_proved_by(&token));
        assert!(!account("risk", hex).unwrap().is_proved_by(&Secret::new("abd")));
    }

    #[test]
    fn an_account_that_is_half_written_is_refused_without_showing_the_hash() {
        assert!(account("boss", Secret::new("a").hash().as_str()).is_err());
        for bad in ["", "hush", &"g".repeat(64), &"\u{e9}".repeat(32)] {
            let refusal = account("risk", bad).unwrap_err();
            assert!(bad.is_empty() || !refusal.contains(bad), "{refusal}");
        }
    }

    #[test]
    fn an_auditor_writes_nothing() {
        let writers = OperatorRole::ALL.into_iter().filter(|role| role.may_write());
        assert!(!writers.collect::<Vec<_>>().contains(&OperatorRole::Auditor));
    }
}
