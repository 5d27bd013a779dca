//! How often and how many (REG-S16, T12, W5, W6): by organisation, software and certificate, never by
//! address, because many partners share one and one partner has many.
//!
//! A registration is counted once it is proved, so that nobody can use up another's share, and before
//! it is decided. Whoever repeats one for a lost answer is not counted again.

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::partners::Organisation;
use crate::protocol::{ErrorCode, OAuthError};
use crate::storage::{Change, Writer};
use crate::types::Timestamp;

use super::evidence::Proof;

/// When to ask again where no time will help by itself, in seconds.
const LATER: u32 = 3600;

/// What somebody is told who has to wait.
pub(super) fn too_many(description: impl Into<String>, seconds: Option<u32>) -> OAuthError {
    OAuthError::new(ErrorCode::TooManyRequests, description)
        .with_retry_after(seconds.unwrap_or(LATER))
}

/// Counts a registration. If one of its rates is used up, none is counted.
pub(super) async fn pace(app: &App, proof: &Proof, now: Timestamp) -> Result<(), Failure> {
    let rates = rates(proof);
    if rates.is_empty() {
        return Ok(());
    }
    let count = move |writer: &mut Writer<'_>| -> Result<Change<()>, Failure> {
        for (whose, key, per_hour) in &rates {
            if let Some(seconds) = writer.pace(key, *per_hour, now)? {
                let description = format!(
                    "{per_hour} registrations an hour are allowed for {whose}; wait {seconds} seconds"
                );
                return Err(too_many(description, Some(seconds)).into());
            }
        }
        Ok(Change::nothing(()))
    };
    app.database.write(count).await
}

/// Whether registrations under this proof are counted at all.
pub(super) fn is_counted(proof: &Proof) -> bool {
    !rates(proof).is_empty()
}

/// Whose registrations are counted, under which key, and how many an hour are allowed. The order is
/// the same in every request, so that two at once do not wait for each other.
fn rates(proof: &Proof) -> Vec<(&'static str, String, u32)> {
    let (quotas, framework) = (proof.framework.quotas(), proof.framework.name());
    let organisation = quotas.registrations_per_organisation_per_hour.map(|most| {
        let key = format!("organisation:{framework}:{}", proof.facts.organisation_id);
        ("one organisation", key, most)
    });
    let software = quotas.registrations_per_software_per_hour.map(|most| {
        let key = format!("software:{framework}:{}", proof.facts.software_id);
        ("one software product", key, most)
    });
    let certificate = quotas.registrations_per_certificate_per_hour;
    let certificate = certificate.zip(proof.bound.certificate_thumbprint()).map(|(most, shown)| {
        let key = format!("certificate:{framework}:{shown}");
        ("one client certificate", key, most)
    });
    organisation.into_iter().chain(software).chain(certificate).collect()
}

/// How many live clients one organisation may have, counted in the transaction that adds one.
pub(super) fn check_organisation(
    writer: &mut Writer<'_>,
    owner: &Organisation,
    most: Option<u32>,
) -> Result<(), Failure> {
    let Some(most) = most else { return Ok(()) };
    writer.lock_organisation(&owner.id)?;
    if writer.live_clients_of_organisation(&owner.id, most)? < most {
        return Ok(());
    }
    let description = format!(
        "this organisation has {most} clients already: delete one at its registration_client_uri"
    );
    Err(too_many(description, None).into())
}
