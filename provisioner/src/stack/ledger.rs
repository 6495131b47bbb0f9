//! The ledger table, and each tenant's record in it.

use std::collections::BTreeMap;

use billing::manifest::model::Tenant;
use billing::names;
use engine::{Address, Input, Resource};

use super::{Plan, of_tenant, shared};
use crate::kinds::{dynamodb_table, tenant_record};

/// The table and the records.
pub fn resources(stack: &Plan) -> Vec<Resource> {
    let records = stack.manifest.tenants.iter().map(|tenant| record(stack, tenant));
    std::iter::once(table(stack)).chain(records).collect()
}

fn table_address() -> Address {
    Address::new("dynamodb_table", "ledger")
}

fn table(stack: &Plan) -> Resource {
    let ledger = &stack.manifest.ledger;
    let keys = |partition: &str, sort: &str| dynamodb_table::Keys {
        partition: partition.to_owned(),
        sort: Some(sort.to_owned()),
    };
    let by_kind = keys(names::LEDGER_KIND, names::LEDGER_KEY);
    let desired = dynamodb_table::Desired {
        name: ledger.name.clone(),
        keys: keys(names::LEDGER_KEY, names::LEDGER_SORT),
        indexes: BTreeMap::from([(names::LEDGER_BY_KIND.to_owned(), by_kind)]),
        ttl_attribute: Some(names::LEDGER_TTL.to_owned()),
        point_in_time_recovery: ledger.point_in_time_recovery,
        deletion_protection: ledger.deletion_protection,
        kms_encryption: true,
        tags: stack.tags(),
    };
    shared(table_address(), desired, [])
}

fn record(stack: &Plan, tenant: &Tenant) -> Resource {
    let manifest = stack.manifest;
    let record = serde_json::to_value(manifest.tenant_record(tenant)).expect("a tenant record is plain data");
    let customer = Address::new("stripe_customer", &tenant.id);
    let desired = tenant_record::Desired {
        table: manifest.ledger.name.clone(),
        tenant: tenant.id.clone(),
        record,
        stripe_customer: manifest.stripe.as_ref().map(|_| Input::output(customer, "id")),
    };
    of_tenant(&tenant.id, Address::new("tenant_record", &tenant.id), desired, [table_address()])
}
