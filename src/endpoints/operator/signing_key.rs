//! The keys that this server signs with: look at them, and change them.

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::schema::List;
use crate::endpoints::operator::schema::signing_key::NewRotation;
use crate::endpoints::operator::schema::signing_key::SigningKeyView;
use crate::keyring::KeyState;
use crate::keyring::Keys;
use crate::keyring::Rotation;
use crate::types::Timestamp;

/// Lists the keys that are not gone.
pub async fn list(app: &App, call: &Call<'_>) -> Result<List<SigningKeyView>, Failure> {
    call.no_query()?;
    Ok(shown(&*app.keyring.keys(call.now()).await?, call.now()))
}

/// Changes keys: orderly, or at once because one may be known to somebody else.
pub async fn rotate(app: &App, call: &Call<'_>) -> Result<List<SigningKeyView>, Failure> {
    let new = call.read(NewRotation::read)?;
    let rotation = if new.emergency { Rotation::Emergency } else { Rotation::Orderly };
    let keys = app.keyring.rotate(rotation, &call.operator.actor(), call.now()).await?;
    tracing::warn!(
        request.id = %call.incoming.request_id,
        operator.name = call.operator.name(),
        emergency = new.emergency,
        reason = %new.reason,
        "signing keys were rotated"
    );
    Ok(shown(&keys, call.now()))
}

fn shown(keys: &Keys, now: Timestamp) -> List<SigningKeyView> {
    let view = |(key, state): (&crate::keyring::LoadedKey, KeyState)| {
        let times = key.times();
        SigningKeyView {
            id: key.key_id().to_owned(),
            state: match state {
                KeyState::Prepublished => "prepublished",
                KeyState::Active => "active",
                KeyState::Retiring => "retiring",
                KeyState::Removed => "removed",
            },
            publish_at: times.publish_at.to_string(),
            activate_at: times.activate_at.to_string(),
            retire_at: times.retire_at.map(|time| time.to_string()),
            remove_at: times.remove_at.map(|time| time.to_string()),
        }
    };
    List { items: keys.states(now).map(view).collect(), next: None }
}
