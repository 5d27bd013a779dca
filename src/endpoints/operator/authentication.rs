//! Who is asking: a bearer token (RFC 6750) that belongs to an account of the settings.

use crate::config::OperatorAccount;
use crate::config::OperatorRole;
use crate::endpoints::exchange::Incoming;
use crate::endpoints::exchange::Method;
use crate::endpoints::operator::error::OperatorError;
use crate::governance::audit::Actor;
use crate::governance::audit::ActorKind;
use crate::protocol::bearer::bearer_token;
use crate::types::Secret;

/// Somebody who has shown an operator token. Only [`authenticate`] makes one.
#[derive(Debug, Clone)]
pub struct Operator {
    name: String,
    role: OperatorRole,
}

impl Operator {
    /// The name, for answers and the log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The role.
    #[must_use]
    pub const fn role(&self) -> OperatorRole {
        self.role
    }

    /// How the audit log names it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor { kind: ActorKind::Operator, id: self.name.clone() }
    }

    /// Whether the role lets a request with this method through.
    ///
    /// # Errors
    ///
    /// The role reads only (S6).
    pub fn require(&self, method: Method) -> Result<(), OperatorError> {
        if method == Method::Get || self.role.may_write() {
            return Ok(());
        }
        Err(OperatorError::ReadsOnly(self.role.name()))
    }
}

/// Finds the account whose token the request carries. Every account is compared, each in constant
/// time, so that the answer takes as long for a wrong token as for any right one.
///
/// # Errors
///
/// There is no token, or it is nobody's; which of the two is not told.
pub fn authenticate(
    accounts: &[OperatorAccount],
    incoming: &Incoming,
) -> Result<Operator, OperatorError> {
    let header = incoming.authorization.as_ref().map(Secret::reveal);
    let token = bearer_token(header).map_err(|_| OperatorError::Unauthenticated)?;
    let mut found = None;
    for account in accounts {
        if account.is_proved_by(&token) {
            found = Some(account);
        }
    }
    let account = found.ok_or(OperatorError::Unauthenticated)?;
    Ok(Operator { name: account.name.clone(), role: account.role })
}
