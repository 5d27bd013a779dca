//! A client's permissions (GOV §6.2).

use serde_json::Value;

use crate::app::App;
use crate::endpoints::failure::Failure;
use crate::endpoints::operator::call::Call;
use crate::endpoints::operator::call::check_step;
use crate::endpoints::operator::call::stepped_detail;
use crate::endpoints::operator::record;
use crate::endpoints::operator::schema::client::EntitlementView;
use crate::endpoints::operator::schema::state_change::Step;
use crate::endpoints::operator::store::Ended;
use crate::governance::audit::AuditAction;
use crate::partners::Entitlement;
use crate::partners::EntitlementState;
use crate::partners::State as _;
use crate::storage::Change;
use crate::storage::Writer;
use crate::types::EntitlementId;
use crate::types::Timestamp;

/// Shows a permission.
pub async fn show(app: &App, call: &Call<'_>) -> Result<EntitlementView, Failure> {
    let found: Entitlement = record::find(app, call).await?;
    Ok(EntitlementView::of(&found))
}

/// Steps to another state. A permission that a review has renewed begins anew: its end and its next
/// review lie as far ahead as they did when it was granted.
pub async fn change_state(app: &App, call: &Call<'_>) -> Result<EntitlementView, Failure> {
    let id: EntitlementId = call.id(EntitlementState::RECORD)?;
    let Step { to, reason } = call.read(Step::<EntitlementState>::read)?;
    let mut event = call.event(AuditAction::EntitlementStateChanged, &id, Value::Null);
    let now = call.now();
    let job = move |writer: &mut Writer<'_>| {
        let found = record::present(writer.entitlement(&id)?, &id)?;
        let from = found.state;
        check_step(from, to)?;
        event.detail = stepped_detail(from, to, &reason);
        let stepped = if to == EntitlementState::Renewed {
            let renewed = renewed(&found, now);
            writer.replace_entitlement(&renewed, from)?;
            renewed
        } else {
            writer.change_entitlement_state(&id, from, to)?;
            Entitlement { state: to, ..found }
        };
        Ok::<_, Ended>(Change::made(stepped, vec![event]))
    };
    let stepped = app.database.write(job).await?;
    Ok(EntitlementView::of(&stepped))
}

fn renewed(found: &Entitlement, now: Timestamp) -> Entitlement {
    let ahead = |instant: Timestamp| now.plus(instant.since(found.granted_at));
    Entitlement {
        granted_at: now,
        expires_at: ahead(found.expires_at),
        review_due: ahead(found.review_due),
        state: EntitlementState::Renewed,
        ..found.clone()
    }
}
