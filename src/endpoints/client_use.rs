//! That a client was used: noted at most once a day, so that what nobody uses can be found (REG-L8).

use crate::app::{App, KnownClient};
use crate::endpoints::registration::unused;
use crate::storage::{Change, StorageError, Writer};
use crate::types::Timestamp;

const DAY: i64 = 86_400;

/// Notes that a client has just obtained a token. If it cannot be noted, the next token will be: no
/// request fails for it.
pub(super) async fn note(app: &App, known: &KnownClient, now: Timestamp) {
    let day_ago = now.plus(-DAY);
    if !known.use_is_to_be_noted(day_ago, now) {
        return;
    }
    let record = known.record();
    let framework = app.frameworks.named(&record.software_product.framework);
    let (id, check_at) = (record.client.id.clone(), unused::next_check(framework, now));
    let write = move |writer: &mut Writer<'_>| -> Result<Change<()>, StorageError> {
        writer.note_client_use(&id, day_ago, check_at, now)?;
        Ok(Change::nothing(()))
    };
    if let Err(error) = app.database.write(write).await {
        known.forget_use();
        tracing::warn!(error = %error, "that a client was used could not be noted");
    }
}
