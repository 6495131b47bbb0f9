//! Tenants that a plan removes under one id and adds under another: without a word, the new one gets a Stripe customer of its
//! own, and the payment method of the old one is lost to it.

use std::collections::BTreeMap;

use engine::{Action, Address, Plan, Step};
use serde_json::Value;

use crate::kinds::stripe_customer::Customers;
use crate::kinds::support::stripe::StripeKind;
use crate::kinds::tenant_record::TenantRecords;
use crate::kinds::typed::TypedKind;

const RECORD: &str = <TenantRecords as TypedKind>::META.name;
const CUSTOMER: &str = <Customers as StripeKind>::META.name;

/// A tenant that looks like another one renamed: old id, new id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The id that goes.
    pub from: String,
    /// The id that comes.
    pub to: String,
}

impl Renamed {
    /// The manifest's entry that keeps the customer: `- { from: stripe_customer.kelp, to: stripe_customer.algae }`.
    pub fn moved(&self) -> String {
        format!("- {{ from: {CUSTOMER}.{}, to: {CUSTOMER}.{} }}", self.from, self.to)
    }
}

/// Those of a plan, by the old id. A tenant is the same where its tags are, or its name and its e-mail address; whoever
/// looks like several is none of them.
pub fn in_plan(plan: &Plan) -> Vec<Renamed> {
    let customers = |action: Action| {
        let of_kind = plan.changes().filter(move |step| step.action == action && step.address.kind() == CUSTOMER);
        of_kind.map(|step| step.address.name()).collect::<Vec<_>>()
    };
    let (gone, made) = (customers(Action::Delete), customers(Action::Create));
    let old = records(plan, Action::Delete, |step| step.observed.as_deref());
    let new = records(plan, Action::Create, |step| step.desired.as_ref());
    let pairs = old.iter().filter(|(id, _)| gone.contains(*id)).filter_map(|(from, before)| {
        let mut like = new.iter().filter(|(id, after)| made.contains(*id) && is_alike(before, after));
        let (to, _) = like.next()?;
        like.next().is_none().then(|| Renamed { from: (*from).to_owned(), to: (*to).to_owned() })
    });
    let pairs: Vec<Renamed> = pairs.collect();
    let times = |to: &str| pairs.iter().filter(|pair| pair.to == to).count();
    pairs.iter().filter(|pair| times(&pair.to) == 1).cloned().collect()
}

fn records<'a>(
    plan: &'a Plan,
    action: Action,
    fields: impl Fn(&'a Step) -> Option<&'a Value>,
) -> BTreeMap<&'a str, &'a Value> {
    let of_kind = plan.changes().filter(|step| step.action == action && step.address.kind() == RECORD);
    of_kind.filter_map(|step| Some((Address::name(&step.address), fields(step)?.get("record")?))).collect()
}

fn is_alike(before: &Value, after: &Value) -> bool {
    let same = |key: &str| before.get(key).is_some_and(|value| !value.is_null() && after.get(key) == Some(value));
    same("tags") || same("name") && same("email")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use engine::plan::Reason;
    use serde_json::json;

    use super::*;

    fn step(kind: &str, id: &str, action: Action, value: Value) -> Step {
        let gone = action == Action::Delete;
        let reason = if gone { Reason::NotWanted } else { Reason::New };
        Step {
            desired: (!gone).then(|| value.clone()),
            observed: gone.then(|| Arc::new(value)),
            ..Step::new(Address::new(kind, id), Some(id.to_owned()), action, reason)
        }
    }

    /// A tenant with its record and its customer.
    fn tenant(id: &str, action: Action, tag: &str, email: &str) -> [Step; 2] {
        let record = json!({"record": {"id": id, "name": "Kelp Ltd", "email": email, "tags": {"Client": tag}}});
        [step(RECORD, id, action, record), step(CUSTOMER, id, action, json!({}))]
    }

    fn found(steps: impl IntoIterator<Item = [Step; 2]>) -> Vec<String> {
        let plan = Plan::new("s".to_owned(), 1, steps.into_iter().flatten().collect());
        in_plan(&plan).iter().map(Renamed::moved).collect()
    }

    #[test]
    fn the_same_tags_or_the_same_name_and_address_are_one_tenant() {
        let told = ["- { from: stripe_customer.kelp, to: stripe_customer.algae }"];
        let old = || tenant("kelp", Action::Delete, "Kelp", "a@kelp.example");
        assert_eq!(found([old(), tenant("algae", Action::Create, "Kelp", "b@kelp.example")]), told);
        assert_eq!(found([old(), tenant("algae", Action::Create, "Algae", "a@kelp.example")]), told);
        assert!(found([old(), tenant("algae", Action::Create, "Algae", "b@kelp.example")]).is_empty());
        assert!(found([old()]).is_empty());
    }

    #[test]
    fn whoever_looks_like_several_is_none_of_them() {
        let old = || tenant("kelp", Action::Delete, "Kelp", "a@kelp.example");
        let new = |id| tenant(id, Action::Create, "Kelp", "a@kelp.example");
        assert!(found([old(), new("algae"), new("wrack")]).is_empty());
        assert!(found([old(), tenant("dulse", Action::Delete, "Kelp", "a@kelp.example"), new("algae")]).is_empty());
    }
}
