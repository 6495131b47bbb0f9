//! The manifest as it is applied on a day.

use jiff::civil::Date;
use oracle::facts::TenantId;
use oracle::month::Month;

use super::super::records::Day;
use super::super::requests::{Form, send};
use super::Simulation;

impl Simulation {
    /// Applies the manifest as it is now: customers, then records.
    pub(super) fn apply(&mut self, day: Date) {
        let joined: Vec<(TenantId, Month)> = self
            .shared
            .with_facts(|facts| facts.tenants.iter().map(|(id, tenant)| (id.clone(), tenant.first_period)).collect());
        for (tenant, _) in &joined {
            if !self.customers.contains_key(tenant) {
                let mut form = Form::default();
                form.add("name", tenant.to_string()).add("email", format!("{}@tenants.example", tenant.id));
                let made = send(&self.shared, ("POST", "/v1/customers"), &form).expect("a customer");
                self.customers.insert(tenant.clone(), made["id"].as_str().unwrap_or_default().to_owned());
            }
        }
        let (observer, shared, said) = (&self.observer, &self.shared, &self.said);
        let is_over = |tenant: &TenantId, facts: &oracle::facts::Tenant| {
            let last = facts.last_period.unwrap_or(facts.first_period);
            let issued = |month: Month| observer.is_accounted(shared, tenant, month);
            // What a run names as owed to the company, and cannot give back, the operator pays out.
            // Whoever comes next is billed from the next month on, which must not be one of the leaver's closing months.
            let is_closed_once_more = || observer.documents_of(tenant).any(|document| document.month > last);
            let is_worked_off = || observer.leaves_nothing(tenant) || !said.named_months(&tenant.id).is_empty();
            facts.last_period.is_some()
                && facts.first_period.to(last).all(issued)
                && is_worked_off()
                && !is_closed_once_more()
        };
        let written = shared.with_facts(|facts| {
            let unallocated = facts.policy.unallocated;
            let day = Day { on: day, customers: &self.customers, unallocated, planted: shared.planted };
            self.records.write(&shared.ledger, facts, day, is_over)
        });
        written.expect("records that fit the ledger");
        for (tenant, first) in joined {
            if self.records.holder(&tenant.id) == Some(&tenant) {
                self.shared.with_script(|script| script.record(&tenant, day));
                self.observer.joined(&tenant, first, &self.customers[&tenant]);
            }
        }
    }
}
