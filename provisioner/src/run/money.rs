//! What a session's plan does to amounts, read from the stack's ledger.

use billing::Month;
use billing::tenant::TenantRecord;
use engine::{Action, Plan, Step};

use super::session::Session;
use crate::cloud::{Home, client};
use crate::kinds::dynamodb_table::DynamodbTables;
use crate::kinds::tenant_record::{TenantRecords, history};
use crate::kinds::typed::TypedKind;
use crate::ledger::money_effects::MoneyEffects;
use crate::ledger::reader::LedgerReader;
use crate::ledger::{attribution_edit, settling_time};
use crate::ui::failure::Failure;

const RECORD: &str = <TenantRecords as TypedKind>::META.name;
const TABLE: &str = <DynamodbTables as TypedKind>::META.name;

/// The effects; a plan that writes no tenant's record has none, and nothing is read for it.
///
/// # Errors
/// The ledger cannot be read.
pub async fn effects(session: &Session, plan: &Plan) -> Result<MoneyEffects, Failure> {
    let (Some(today), false) = (session.cloud.today, session.destroys()) else { return Ok(MoneyEffects::default()) };
    let records: Vec<TenantRecord> = plan.changes().filter_map(written).collect();
    let makes_ledger = |step: &Step| step.address.kind() == TABLE && step.action == Action::Create;
    if !records.is_empty() && plan.changes().any(makes_ledger) {
        return Ok(MoneyEffects::note(
            "There is no ledger yet, so there is no closed month to tell an effect on amounts of.",
        ));
    }
    let manifest = &session.project.manifest;
    let reader = LedgerReader::new(client!(session.cloud, aws_sdk_dynamodb, Home::Stack), &manifest.ledger.name);
    let mut effects = MoneyEffects::load(&reader, &records, &manifest.attribution.tenant_tag, today).await?;
    effects.notes.extend(settling_time::note(plan, Month::of(today)));
    effects.untold.extend(attribution_edit::untold(plan));
    Ok(effects)
}

/// The same for who may do without: that the ledger cannot be read is a note.
pub async fn effects_or_note(session: &Session, plan: &Plan) -> MoneyEffects {
    effects(session, plan).await.unwrap_or_else(|failure| {
        MoneyEffects::note(format!(
            "What this does to amounts is not known: {}. `billform permissions --for plan` prints what reading it takes.",
            failure.message
        ))
    })
}

/// The tenant's record that a step writes, as the manifest has it.
fn written(step: &Step) -> Option<TenantRecord> {
    let writes = step.address.kind() == RECORD && step.action.is_change();
    history::record(step.desired.as_ref().filter(|_| writes)?.get("record")?)
}
