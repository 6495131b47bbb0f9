//! Another tenant tag, scope, cost basis or policy of record types: the cost of months that are over is read again by it, so
//! that drafts are drawn up again and issued months restated, of every tenant at once. That is guarded.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use billing::Month;
use billing::function::Setting;
use engine::Plan;
use engine::kind::Contents;

use super::money_effects::closed;
use super::reader::LedgerReader;
use super::settings_edit::SettingsEdit;
use crate::ui::failure::Failure;

/// The function that reads cost.
const COST_SYNC: &str = "cost_sync";
/// What it tells tenants' cost apart by, and the word for it.
const SETTINGS: [(Setting, &str); 4] = [
    (Setting::TenantTag, "tenant tag"),
    (Setting::CostScope, "scope of cost"),
    (Setting::CostBasis, "cost basis"),
    (Setting::CostRecords, "policy of record types"),
];

/// Guards the step, where the ledger has invoices of months that are read again.
pub async fn look(plan: &mut Plan, this: Month, dynamodb: &Client, ledger: &str) {
    let Some((at, changed)) = changed(plan) else { return };
    let reader = LedgerReader::new(dynamodb.clone(), ledger);
    let described = match invoiced(&reader, this).await {
        Ok(months) if months.is_empty() => return,
        Ok(months) => described(&changed, &months),
        // Who may not look has to ask who may.
        Err(failure) => format!("cost that would be read again by another {changed}, {}", failure.message),
    };
    plan.steps[at].guard = Some(Contents { described });
}

/// What cannot be told of such an edit before it is made.
pub fn untold(plan: &Plan) -> Option<String> {
    let (_, changed) = changed(plan)?;
    Some(format!("The next cost sync tells what closed months come to under another {changed}."))
}

fn described(changed: &str, months: &BTreeSet<Month>) -> String {
    let months: Vec<String> = months.iter().map(Month::to_string).collect();
    format!(
        "invoices of {}, whose cost is read again by another {changed}: drafts would be drawn up anew, and what was issued \
         would be restated",
        months.join(", ")
    )
}

/// The step of the function that reads cost, and what changes: `tenant tag and cost basis`.
fn changed(plan: &Plan) -> Option<(usize, String)> {
    let edit = SettingsEdit::of(plan, COST_SYNC)?;
    let differs = |setting: Setting| {
        let [before, after] = edit.values(setting);
        before != after
    };
    let named: Vec<&str> =
        SETTINGS.into_iter().filter(|(setting, _)| differs(*setting)).map(|(_, name)| name).collect();
    (!named.is_empty()).then(|| (edit.at, named.join(" and ")))
}

/// The months that are read again and have an invoice.
async fn invoiced(reader: &LedgerReader, this: Month) -> Result<BTreeSet<Month>, Failure> {
    let read = closed(this);
    let mut months = BTreeSet::new();
    for tenant in reader.tenants().await? {
        let invoices = reader.invoices(&tenant.id).await?;
        let standing = invoices.iter().filter(|record| !record.written_off && !record.state.without_document());
        months.extend(standing.map(|record| record.month()).filter(|month| read.contains(month)));
    }
    Ok(months)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use engine::plan::Reason;
    use engine::{Action, Address, Step};
    use serde_json::json;

    use super::*;
    use crate::ledger::settings_edit::FUNCTION;

    fn plan(name: &str, before: &[(Setting, &str)], after: &[(Setting, &str)]) -> Plan {
        let fields = |settings: &[(Setting, &str)]| {
            let of = |(setting, value): &(Setting, &str)| (setting.variable().to_owned(), json!(value));
            json!({"environment": settings.iter().map(of).collect::<serde_json::Map<_, _>>()})
        };
        let address = Address::new(FUNCTION, name);
        let step = Step {
            desired: Some(fields(after)),
            observed: Some(Arc::new(fields(before))),
            ..Step::new(address, None, Action::Update, Reason::Differs)
        };
        Plan::new("s".to_owned(), 1, vec![step])
    }

    #[test]
    fn what_tells_cost_apart_is_named_and_nothing_else() {
        let before =
            [(Setting::TenantTag, "Client"), (Setting::CostBasis, "net-amortized"), (Setting::SettleDays, "10")];
        let after =
            |tag, basis, days| [(Setting::TenantTag, tag), (Setting::CostBasis, basis), (Setting::SettleDays, days)];
        let changed = |name, after: [(Setting, &str); 3]| changed(&plan(name, &before, &after)).map(|(_, what)| what);
        assert_eq!(changed(COST_SYNC, after("Org", "net-amortized", "10")).as_deref(), Some("tenant tag"));
        assert_eq!(changed(COST_SYNC, after("Org", "unblended", "10")).as_deref(), Some("tenant tag and cost basis"));
        assert_eq!(changed(COST_SYNC, after("Client", "net-amortized", "5")), None);
        assert_eq!(changed("costs", after("Org", "unblended", "10")), None);
    }

    #[test]
    fn the_months_are_named() {
        let months = ["2026-09", "2026-10"].map(|month| month.parse().expect("a month"));
        let told = described("tenant tag", &BTreeSet::from(months));
        assert!(
            told.starts_with("invoices of 2026-09, 2026-10, whose cost is read again by another tenant tag: "),
            "{told}"
        );
    }
}
