//! What happens to money on a day: payers and banks before the runs; after them what people give back by command, events on
//! their way, and the nightly sweep.

use billing::money::MinorUnits;
use futures::executor::block_on;
use jiff::civil::Date;
use oracle::facts::TenantId;
use oracle::world::{Document, Status};
use runtime::run::Run;
use serde_json::{Value, json};

use super::super::cash::Cash;
use super::super::disturbance::Disturbance;
use super::super::event::Trouble;
use super::super::payers::Payer;
use super::{Simulation, TIMEOUT};

/// When events come in after the day's runs, and when payments are swept, in hours of the day.
const EVENTS_HOUR: i64 = 11;
const SWEEP_HOUR: i64 = 12;
/// What a command refunds, in percent of the invoice.
const REFUNDED_PERCENT: i64 = 20;

impl Simulation {
    /// Payers and banks act, and secrets are rotated; what they do to invoices no run has seen yet.
    pub(super) fn payers(&mut self, day: Date, troubles: &[Trouble]) {
        for trouble in troubles {
            match trouble {
                // Who rotates looks whether events come in.
                Trouble::Rotate if day >= self.out_until => self.deliveries.rotate(day),
                Trouble::Money { tenant, cash } if !matches!(cash, Cash::Credit { .. }) => {
                    let Some((tenant, done)) = self.acted(tenant, *cash) else { continue };
                    if *cash == Cash::SetUp {
                        self.audit.set_up(&tenant);
                    }
                    if let Some(document) = done {
                        self.audit.happened(&document, day);
                    }
                    self.observer.disturb(Some(&tenant));
                }
                _ => {}
            }
        }
        self.deliveries.note();
        self.observer.refresh(&self.shared);
    }

    fn acted(&self, tenant: &TenantId, cash: Cash) -> Option<(TenantId, Option<String>)> {
        let tenant = self.observer.holder(&tenant.id)?;
        let customer = self.customers.get(&tenant)?;
        let payer = Payer { shared: &self.shared, observer: &self.observer, tenant: &tenant, customer };
        let done = payer.act(cash)?;
        Some((tenant, done))
    }

    /// Events on their way, before the day's runs.
    pub(super) fn morning(&mut self, disturbance: &Disturbance) {
        self.deliveries.deliver(disturbance.of_a_call());
    }

    /// Commands, events, the sweep; then everything that happened to money is looked at.
    pub(super) fn evening(&mut self, day: Date, troubles: &[Trouble], disturbance: &Disturbance) {
        if disturbance.is_harmless() {
            for (number, trouble) in troubles.iter().enumerate() {
                if let Trouble::Money { tenant, cash } = trouble
                    && cash.is_command()
                {
                    self.command(day, number, tenant, *cash);
                }
            }
        }
        self.move_to(day, EVENTS_HOUR);
        self.deliveries.deliver(disturbance.of_a_call());
        self.move_to(day, SWEEP_HOUR);
        self.deliveries.note();
        self.shared.gate.begin_run(None, None);
        let run = Run::lasting(format!("{day}-sweep"), TIMEOUT);
        self.is_swept = block_on(self.sweep.handle(json!({}), &run)).is_ok() && disturbance.is_harmless();
        self.counts.runs += 1;
        self.observer.refresh(&self.shared);
        for document in self.observer.recent() {
            self.audit.happened(&document, day);
        }
        if self.is_swept {
            // What an endpoint has yet to take is applied before it goes, as `rotate webhook-secret --finish` does.
            self.deliveries.end_rotation(day);
            self.audit.look(&self.shared, &self.observer, &self.customers, day);
        }
    }

    /// Gives a part of an invoice back, twice: a person who is not sure asks again.
    /// Another one of the same day has another reason: the same amount for the same reason is given back once.
    fn command(&mut self, day: Date, number: usize, tenant: &TenantId, cash: Cash) -> Option<()> {
        let tenant = self.observer.holder(&tenant.id)?;
        let is_issued = |document: &&Document| matches!(document.status, Status::Open | Status::Paid);
        let newest = self.observer.documents_of(&tenant).filter(is_issued).max_by_key(|document| document.month)?;
        let (id, month, currency) = (newest.id.clone(), newest.month, newest.currency.clone());
        let customer = self.customers.get(&tenant)?;
        let payer = Payer { shared: &self.shared, observer: &self.observer, tenant: &tenant, customer };
        let (action, percent) = match cash {
            Cash::Credit { percent } => ("credit", i64::from(percent)),
            _ => ("refund", REFUNDED_PERCENT),
        };
        let units = payer.part(&id, percent)?;
        let amount = billing::Money::from_minor_units(MinorUnits(units), currency.parse().ok()?);
        let event = json!({
            "action": action, "tenant": tenant.id, "period": month.to_string(), "amount": amount.to_string(),
            "reason": format!("{action} {number} of {day}"),
        });
        let done: Vec<bool> = (0..2).map(|_| self.commanded(day, &event)).collect();
        if done.contains(&true) && action == "credit" {
            self.audit.granted(&tenant, &id, i128::from(units));
        }
        self.audit.happened(&id, day);
        Some(())
    }

    fn commanded(&mut self, day: Date, event: &Value) -> bool {
        self.shared.gate.begin_run(None, None);
        let run = Run::lasting(format!("{day}-command-{}", self.counts.runs), TIMEOUT);
        self.counts.runs += 1;
        block_on(self.invoicer.handle(event.clone(), &run)).is_ok_and(|outcome| outcome.failures.failed == 0)
    }
}
