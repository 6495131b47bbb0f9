//! Near misses of tag values, for people and as JSON.

use billing::{Currency, Money};
use serde_json::{Value, json};

use super::style::{YELLOW, paint};
use crate::ledger::near_misses::NearMiss;
use crate::ledger::unclaimed::Unclaimed;

/// One sentence for each: `Acme-Print` 12.75 USD is near acme's `Acme`.
pub fn sentences(unclaimed: &Unclaimed) -> Vec<String> {
    let sentence = |near: &NearMiss| {
        let cost = Money::new(near.cost, Currency::USD).rounded();
        let NearMiss { value, tenant, theirs, .. } = near;
        format!("{} {cost} is near {tenant}'s `{theirs}`.", paint(YELLOW, format!("`{value}`")))
    };
    unclaimed.near.iter().map(sentence).collect()
}

/// The same as JSON.
pub fn json(unclaimed: &Unclaimed) -> Vec<Value> {
    let one = |near: &NearMiss| {
        json!({
            "period": unclaimed.month,
            "value": near.value,
            "cost_usd": near.cost.normalize(),
            "tenant": near.tenant,
            "tenant_value": near.theirs,
        })
    };
    unclaimed.near.iter().map(one).collect()
}
