//! The money of an invoice, as Stripe has it now.

use billing::Month;
use billing::invoice::{InvoiceRecord, InvoiceState, Payment, Remote, RemoteStatus};
use billing::ledger::invoices;
use billing::money::MinorUnits;
use billing::names::{PERIOD_METADATA, TENANT_METADATA};
use billing::{Currency, Money};

use super::{Effect, EventResult, Postponed, StripeEvents};
use crate::ports::PortError;

impl StripeEvents<'_> {
    /// Brings the money of these invoices up to date. A payment is nearly always for one.
    pub(super) async fn of_invoices(&self, ids: &[String], customer: Option<&str>) -> Result<Effect, Postponed> {
        let mut effects = Vec::new();
        for id in ids {
            effects.push(self.of_invoice(id, customer).await?);
        }
        // What changed, or failed, says more than what did not.
        effects.sort_by_key(|effect| match effect.result {
            EventResult::Dead { .. } => 0,
            EventResult::Applied { .. } => 1,
            _ => 2,
        });
        let mut effects = effects.into_iter();
        let Some(mut first) = effects.next() else { return Ok(Effect::none("the payment is not for an invoice")) };
        first.items.extend(effects.flat_map(|effect| effect.items));
        Ok(first)
    }

    async fn of_invoice(&self, id: &str, customer: Option<&str>) -> Result<Effect, Postponed> {
        let Some(remote) = self.invoices.invoice(id).await? else { return Ok(self.unknown(id, customer).await?) };
        let stated = |key: &str| remote.metadata.get(key).cloned();
        let month = stated(PERIOD_METADATA).and_then(|month| month.parse::<Month>().ok());
        let Some((tenant, month)) = stated(TENANT_METADATA).zip(month) else {
            return Ok(Effect::none(format!("{id} is not an invoice of billform's")));
        };
        let Some(record) = invoices::of_month(self.ledger, &tenant, month).await? else {
            return Ok(Effect::none(format!("this stack's ledger has no invoice of {tenant} for {month}")));
        };
        let effect = self.of_record(record.clone(), &remote).await?;
        if effect.items.is_empty() {
            return Ok(effect.of(&tenant, Some(month)));
        }
        // It was read before the record: another event may have stored what came after. What changes the record is read
        // behind it, so that the version it is conditional on keeps out whatever is older.
        let Some(remote) = self.invoices.invoice(id).await? else { return Ok(self.unknown(id, customer).await?) };
        Ok(self.of_record(record, &remote).await?.of(&tenant, Some(month)))
    }

    /// What a look at its invoice does to a record; one that was just listed is not read.
    pub(crate) async fn look(
        &self,
        record: InvoiceRecord,
        listed: &[Remote],
    ) -> Result<Option<EventResult>, Postponed> {
        let Some(id) = record.stripe_invoice.clone() else { return Ok(None) };
        if let Some(remote) = listed.iter().find(|remote| remote.id == id) {
            return self.store(self.of_record(record, remote).await?).await;
        }
        let Some(remote) = self.invoices.invoice(&id).await? else {
            return Ok(Some(EventResult::Dead {
                reason: format!("Stripe does not know {id}, which is {}", record.state.name()),
            }));
        };
        self.store(self.of_record(record, &remote).await?).await
    }

    async fn of_record(&self, record: InvoiceRecord, remote: &Remote) -> Result<Effect, Postponed> {
        let id = remote.id.as_str();
        if record.stripe_invoice.as_deref() != Some(id) {
            return Ok(Effect::none(format!("{id} is not the present invoice of that month")));
        }
        if record.livemode.is_some_and(|livemode| livemode != remote.livemode) {
            return Ok(Effect::dead(format!("{id} is of the other mode than the ledger's record")));
        }
        let state = match &remote.status {
            RemoteStatus::Open | RemoteStatus::Paid => InvoiceState::Open,
            RemoteStatus::Uncollectible => InvoiceState::Uncollectible,
            RemoteStatus::Draft => return Ok(Effect::none(format!("{id} is a draft, which the invoicer looks after"))),
            // Its money is as it is; the document is the invoicer's, who bills the month again.
            RemoteStatus::Void if record.state >= InvoiceState::Open => record.state,
            RemoteStatus::Void => return Ok(Effect::none(format!("{id} is void; the invoicer bills the month again"))),
            RemoteStatus::Unknown(status) => return Ok(Effect::dead(format!("{id} has the unknown status {status}"))),
        };
        if let Some(lease) = record.lease.as_ref().filter(|_| record.held_by_other("", self.clock.now())) {
            let (tenant, month) = (record.tenant().to_owned(), record.month());
            return Err(Postponed::Held { tenant, month, until: lease.until });
        }
        if record.differs_from(remote) {
            return Ok(Effect::dead(format!("{id} comes to another total than the ledger's: a person edited it")));
        }
        let payment = Payment::of(remote, self.invoices.payments(id).await?);
        let Some(found) = record.forwarded(remote, state, payment, self.clock.now()) else {
            return Ok(Effect::none(format!("the ledger says so already: {}", shown(&record))));
        };
        let what = shown(&found);
        let items = invoices::next_version(found)?;
        Ok(Effect { items, ..Effect::only(EventResult::Applied { what }) })
    }

    /// An invoice that Stripe does not know (any more): only drafts can be deleted.
    async fn unknown(&self, id: &str, customer: Option<&str>) -> Result<Effect, PortError> {
        let Some(tenant) = self.tenant_of(customer).await? else {
            return Ok(Effect::none(format!("Stripe does not know {id}, and no tenant of this stack is its customer")));
        };
        let records = invoices::all(self.ledger, &tenant).await?;
        let found = records.iter().find(|record| record.stripe_invoice.as_deref() == Some(id));
        Ok(match found {
            Some(record) if record.state.is_draft() => {
                Effect::none(format!("the draft {id} was deleted; the invoicer draws the month up again"))
                    .of(&tenant, Some(record.month()))
            }
            Some(record) => Effect::dead(format!("Stripe does not know {id}, which is {}", record.state.name()))
                .of(&tenant, Some(record.month())),
            None => Effect::none(format!("{id} is not in the ledger")),
        })
    }
}

/// How an invoice stands, in a line.
fn shown(record: &InvoiceRecord) -> String {
    let Payment { status, paid, refunded, disputed, overpaid, .. } = &record.payment;
    let status = match status {
        billing::invoice::PaymentStatus::None if record.payment.needs_authentication() => "waits for authentication",
        billing::invoice::PaymentStatus::None => "not paid",
        billing::invoice::PaymentStatus::Processing => "payment under way",
        billing::invoice::PaymentStatus::Paid => "paid",
        billing::invoice::PaymentStatus::Failed => "payment failed",
    };
    let mut text = format!("{} {}: {}, {status}", record.tenant(), record.month(), record.state.name());
    for (name, units) in [("received", paid), ("refunded", refunded), ("disputed", disputed), ("overpaid", overpaid)] {
        if *units != 0 {
            text.push_str(&format!(", {} {name}", amount(*units, record.invoice.currency)));
        }
    }
    text
}

fn amount(units: i64, currency: Currency) -> Money {
    Money::from_minor_units(MinorUnits(units), currency)
}
