//! One budget per tenant that has a limit, filtered on the tenant's cost-allocation tag.

use std::collections::BTreeMap;

use billing::manifest::model::{Tenant, TenantAlert};
use engine::{Address, Resource};

use super::{Plan, of_tenant};
use crate::kinds::budget;

/// The tenants' budgets.
pub fn resources(stack: &Plan) -> Vec<Resource> {
    stack.manifest.tenants.iter().filter_map(|tenant| of(stack, tenant)).collect()
}

fn of(stack: &Plan, tenant: &Tenant) -> Option<Resource> {
    let planned = stack.manifest.budget_of(tenant)?;
    let tag_key = &stack.manifest.attribution.tenant_tag;
    let desired = budget::Desired {
        name: planned.name,
        limit_usd: planned.limit.amount,
        tag_key: tag_key.clone(),
        tag_value: stack.tag_value(tenant, tag_key)?,
        alerts: alerts(&planned.alerts),
        tags: stack.tenant_tags(tenant),
    };
    Some(of_tenant(&tenant.id, Address::new("budget", &tenant.id), desired, []))
}

/// Alerts that reach someone: AWS refuses a notification without a subscriber.
fn alerts(alerts: &[TenantAlert]) -> BTreeMap<u32, budget::Subscribers> {
    let told = alerts.iter().filter(|alert| !alert.emails.is_empty());
    let subscribers =
        |alert: &TenantAlert| budget::Subscribers { emails: alert.emails.iter().cloned().collect(), topic: None };
    told.map(|alert| (alert.percent, subscribers(alert))).collect()
}
