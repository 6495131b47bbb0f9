//! A plan as it is reviewed: what changes, in the words and cut values that a comment shows, and nothing else.
//!
//! It is written beside a saved plan, which holds digests and no values, so that `ci comment` needs neither a cloud
//! nor a manifest. Values that may be secret are masked when it is made.

use engine::plan::Summary;
use engine::{Action, Address, Plan, Step};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::field;
use super::markdown::LONGEST_TEXT;
use super::plan::{Surroundings, is_denied, is_empty, kept, reason, unreadable};
use super::terms;
use crate::ledger::money_effects::MoneyEffects;
use crate::run::renamed_tenants::{self, Renamed};
use crate::ui::sensitive;

/// What a reviewer reads of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The stack.
    pub stack: String,
    /// The AWS account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// Stripe's mode, `test` or `live`; none where the manifest has no `stripe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe: Option<String>,
    /// How many steps do what.
    pub summary: Summary,
    /// How many deletes leave what they delete where it is.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kept: usize,
    /// What changes, in the plan's order: what all share first, then by tenant, each by address.
    pub steps: Vec<ReviewedStep>,
    /// What keeps the plan from being complete: what is refused, waits for that, or cannot be read; a line each.
    pub in_the_way: Vec<String>,
    /// Whether some of that is for want of a permission.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub denied: bool,
    /// What waits for something outside, a line each.
    pub pending: Vec<String>,
    /// Sections of the manifest that this version does not provision.
    pub unprovisioned: Vec<String>,
    /// No bundle is at hand, so deployed functions keep their code.
    pub keeps_code: bool,
    /// Kinds of which fields were taken from the state.
    pub not_read: Vec<String>,
    /// Where imports were carried out before, so that their entries can be taken out of the manifest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imported: Vec<Address>,
    /// What keeps the customers of tenants that look renamed: entries of the manifest's `moved`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed: Vec<String>,
    /// What it does to amounts.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub money: MoneyEffects,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewedStep {
    /// Where it stands.
    pub address: Address,
    /// The tenant it belongs to.
    pub tenant: Option<String>,
    /// What is done.
    pub action: Action,
    /// Why, and what stays behind, where the action alone does not say it.
    pub reason: Option<String>,
    /// What would be lost, where it needs an approval of its own.
    pub holds: Option<String>,
    /// Of a create its path and value; else its path, what is there and what will be. Long values are cut.
    pub fields: Vec<Vec<String>>,
}

impl Review {
    /// What is to be reviewed of a plan.
    pub fn new(plan: &Plan, around: &Surroundings) -> Review {
        let refused = plan.refused.iter().map(|refused| refused.message.clone());
        let blocked = plan.blocked.iter().map(|blocked| format!("{} waits for {}", blocked.address, blocked.because));
        let in_the_way = refused.chain(blocked).chain(unreadable(plan)).map(|line| sensitive::text(&line));
        Review {
            stack: plan.stack.clone(),
            account: around.account.to_owned(),
            region: around.region.to_owned(),
            stripe: around.stripe.map(str::to_owned),
            summary: plan.summary(),
            kept: kept(plan),
            steps: plan.changes().map(|step| reviewed(step, around.destroys)).collect(),
            in_the_way: in_the_way.collect(),
            denied: is_denied(plan),
            pending: plan.pending.iter().map(|(address, until)| format!("{address} {until}")).collect(),
            unprovisioned: around.unprovisioned.iter().map(|section| (*section).to_owned()).collect(),
            keeps_code: around.keeps_code,
            not_read: plan.not_read.keys().cloned().collect(),
            imported: plan.imported.clone(),
            renamed: renamed_tenants::in_plan(plan).iter().map(Renamed::moved).collect(),
            money: around.money.clone(),
        }
    }

    /// Whether the cloud could not be judged whole.
    pub fn is_incomplete(&self) -> bool {
        !self.in_the_way.is_empty()
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn is_nothing(money: &MoneyEffects) -> bool {
    *money == MoneyEffects::default()
}

fn reviewed(step: &Step, destroys: bool) -> ReviewedStep {
    ReviewedStep {
        address: step.address.clone(),
        tenant: step.tenant.clone(),
        action: step.action,
        reason: reason(step, destroys),
        holds: step.guard.as_ref().map(|guard| guard.described.clone()),
        fields: if step.action == Action::Create { created(step) } else { changed(step) },
    }
}

fn created(step: &Step) -> Vec<Vec<String>> {
    let Some(Value::Object(fields)) = &step.desired else { return Vec::new() };
    let given = fields.iter().filter(|(_, value)| !is_empty(value));
    given.map(|(path, value)| vec![path.clone(), field::cut(&masked(path, value), 2 * LONGEST_TEXT)]).collect()
}

/// A value of our own making as text; what looks like a key in it is masked all the same.
fn masked(path: &str, value: &Value) -> String {
    let mut change = engine::diff::FieldChange {
        path: path.to_owned(),
        before: Value::Null,
        after: value.clone(),
        forces_replacement: false,
    };
    sensitive::mask_ours(&mut change);
    field::text(&change.after)
}

fn changed(step: &Step) -> Vec<Vec<String>> {
    let mut fields = terms::unfolded(&step.fields);
    fields.iter_mut().for_each(sensitive::mask);
    super::drift_markdown::rows(&fields)
}
