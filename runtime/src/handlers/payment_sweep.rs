//! Nightly: what Stripe's events should have told. Events that no endpoint took are applied, dead letters are tried again,
//! every open invoice and every customer is looked at, and invoices that the ledger does not know are reported: the ledger
//! ends the same with no webhook delivered at all.

mod answer;

use std::sync::Arc;

use async_trait::async_trait;
use billing::function::{Grant, Need, Setting};
use billing::invoice::{InvoiceRecord, InvoiceState, PaymentStatus, Remote, RemoteStatus};
use billing::ledger::{self, StripeEvent, stripe_events};
use billing::tenant::TenantRecord;
use futures::{StreamExt as _, stream};
use serde::Deserialize;

use crate::deadline;
use crate::environment::{Environment, Stripe};
use crate::error::{RunError, StartError};
use crate::events::{Envelope, Scheduled};
use crate::handler::Handler;
use crate::ports::{Clock, Invoices, Ledger, Payments};
use crate::run::{Outcome, Run};
use crate::spec::{On, Spec};
use crate::stripe_events::{Postponed, StripeEvents, kinds};

pub use answer::{Failed, Seen, SweepAnswer, UnknownInvoice};

/// The handler and what it works with.
pub struct PaymentSweep {
    ledger: Arc<dyn Ledger>,
    stripe: Stripe,
    clock: Arc<dyn Clock>,
}

/// `{}` sweeps; `{"undelivered": true}` takes undelivered events and looks at nothing else; `{"retry": "evt_…"}` tries one
/// event again; `{"dismiss": "evt_…", "reason": "…"}` closes one that could not be applied.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepEvent {
    /// One event's id; everything without it.
    #[serde(default)]
    pub retry: Option<String>,
    /// An event that could not be applied, and that nothing is to be done about; with `reason`.
    #[serde(default)]
    pub dismiss: Option<String>,
    /// Why, in a person's words.
    #[serde(default)]
    pub reason: Option<String>,
    /// Events that no endpoint took, alone.
    #[serde(default)]
    pub undelivered: bool,
}

/// After so many nights a dead letter waits for a person.
const NIGHTS: u32 = 10;
/// How many tenants are looked at at once: what limits it is Stripe's rate, as of the invoicer.
const TENANTS_AT_ONCE: usize = 8;
/// A tenant's looks fit into it; with less left the run ends, and says for how many there was no time.
const ENOUGH: std::time::Duration = std::time::Duration::from_secs(20);

#[async_trait(?Send)]
impl Handler for PaymentSweep {
    const SPEC: Spec = Spec {
        name: "payment_sweep",
        description: "Nightly: events of Stripe's that got lost, open invoices, customers, and invoices that nobody knows",
        memory_mb: 256,
        timeout_s: 900,
        triggers: &[On::Schedule { name: "sweep", expression: "cron(30 4 * * ? *)" }],
        grants: &[Grant::LedgerRead, Grant::LedgerWrite, Grant::StripeSecretRead],
        settings: &[Setting::LedgerTable, Setting::StripeSecret],
        needs: &[Need::StripeWebhook],
        ..Spec::EMPTY
    };
    type Event = Scheduled<SweepEvent>;
    type Answer = SweepAnswer;

    fn start(env: &Environment) -> Result<PaymentSweep, StartError> {
        Ok(PaymentSweep { ledger: env.ledger()?, stripe: env.stripe()?, clock: env.clock() })
    }

    async fn run(&self, Scheduled(event): Scheduled<SweepEvent>, _run: &Run) -> Result<Outcome<SweepAnswer>, RunError> {
        let (invoices, payments) = (self.stripe.invoices().await?, self.stripe.payments().await?);
        let sweep = Sweep {
            events: StripeEvents {
                ledger: &*self.ledger,
                invoices: &*invoices,
                payments: &*payments,
                clock: &*self.clock,
            },
            answer: SweepAnswer::default(),
        };
        let answer = match (event.retry, event.dismiss) {
            (Some(id), _) => sweep.retry(&id).await?,
            (None, Some(id)) => sweep.dismiss(&id, event.reason.as_deref().unwrap_or_default()).await?,
            _ if event.undelivered => sweep.only_undelivered().await?,
            _ => sweep.all().await?,
        };
        let (metrics, failed) = (answer.metrics(), answer.failures());
        tracing::info!(changed = answer.changed.len(), failed, left = answer.left, "the payment sweep ran");
        let all = failed + answer.changed.len();
        Ok(Outcome::new(answer).counting(metrics).failing(failed, all))
    }
}

/// One sweep.
struct Sweep<'a> {
    events: StripeEvents<'a>,
    answer: SweepAnswer,
}

impl Sweep<'_> {
    fn ledger(&self) -> &dyn Ledger {
        self.events.ledger
    }

    async fn retry(mut self, id: &str) -> Result<SweepAnswer, RunError> {
        let known = stripe_events::one(self.ledger(), id).await?;
        let event = match self.payments().event(id).await? {
            Some(event) => event,
            None => known.as_ref().map(again).ok_or_else(|| {
                RunError::Event(format!(
                    "neither the ledger nor Stripe has an event `{id}`; Stripe lists events for 30 days"
                ))
            })?,
        };
        self.take(&event).await;
        Ok(self.answer)
    }

    async fn dismiss(mut self, id: &str, reason: &str) -> Result<SweepAnswer, RunError> {
        if reason.trim().is_empty() {
            return Err(RunError::Event(format!("`{id}` is not dismissed without a reason")));
        }
        match self.events.dismiss(id, reason.trim()).await {
            Ok(Some(result)) => self.answer.event(id, &result),
            Ok(None) => {
                return Err(RunError::Event(format!("the ledger has no event `{id}` that could not be applied")));
            }
            Err(postponed) => self.answer.postponed(id.to_owned(), &postponed),
        }
        Ok(self.answer)
    }

    async fn only_undelivered(mut self) -> Result<SweepAnswer, RunError> {
        self.undelivered().await?;
        Ok(self.answer)
    }

    async fn all(mut self) -> Result<SweepAnswer, RunError> {
        self.dead_letters().await?;
        self.undelivered().await?;
        let tenants = ledger::tenants::all(self.ledger()).await?;
        let looks: Vec<_> = tenants.iter().map(|tenant| self.tenant(tenant)).collect();
        let looks: Vec<Option<SweepAnswer>> = stream::iter(looks).buffered(TENANTS_AT_ONCE).collect().await;
        for look in looks {
            match look {
                Some(found) => self.answer.absorb(found),
                None => self.answer.left += 1,
            }
        }
        for left in ledger::left_tenants::all(self.ledger()).await? {
            let records = ledger::invoices::all(self.ledger(), &left.id).await?;
            let found = self.open_invoices(records, &[]).await;
            self.answer.absorb(found);
        }
        Ok(self.answer)
    }

    async fn dead_letters(&mut self) -> Result<(), RunError> {
        for dead in stripe_events::of_kind(self.ledger(), stripe_events::DEAD_EVENT).await? {
            if dead.attempts >= NIGHTS {
                let reason = format!(
                    "{}; it is not tried again by itself: `billform events retry {}`, or `events dismiss` where nothing is to be done",
                    dead.result.text(),
                    dead.id
                );
                self.answer.failed.push(Failed { what: dead.id, reason });
                continue;
            }
            let event = self.payments().event(&dead.id).await?;
            self.take(&event.unwrap_or_else(|| again(&dead))).await;
        }
        Ok(())
    }

    async fn undelivered(&mut self) -> Result<(), RunError> {
        let mut after: Option<String> = None;
        loop {
            let page = self.payments().undelivered(after.as_deref()).await?;
            // The account's other endpoints miss events that were never ours: no row is kept of those.
            for event in page.events.iter().filter(|event| kinds::is_taken(&event.event_type)) {
                self.take(event).await;
            }
            after = page.events.last().map(|event| event.id.clone());
            if !page.has_more || after.is_none() {
                return Ok(());
            }
        }
    }

    async fn take(&mut self, event: &Envelope) {
        let taken = self.events.take(event).await;
        match taken {
            Ok(taken) if taken.known => {}
            Ok(taken) => self.answer.event(&event.id, &taken.result),
            Err(postponed) => {
                self.answer.not_stored += 1;
                self.answer.postponed(event.id.clone(), &postponed);
            }
        }
    }

    /// A tenant's open invoices, how they pay, and invoices that the ledger does not know. None when there is no time left
    /// for them.
    async fn tenant(&self, tenant: &TenantRecord) -> Option<SweepAnswer> {
        if deadline::left().is_some_and(|left| left < ENOUGH) {
            return None;
        }
        let mut found = SweepAnswer::default();
        let records = match ledger::invoices::all(self.ledger(), &tenant.id).await {
            Ok(records) => records,
            Err(error) => {
                found.postponed(tenant.id.clone(), &Postponed::Port(error));
                return Some(found);
            }
        };
        let mut listed = Vec::new();
        if let Some(customer) = &tenant.stripe_customer {
            match self.events.look_at_customer(&tenant.id, customer).await {
                Ok(result) => found.looked(&tenant.id, result),
                Err(postponed) => found.postponed(tenant.id.clone(), &postponed),
            }
            match self.invoices().of_customer(customer).await {
                Ok(remotes) => {
                    found.unknown.extend(unknown(tenant, &records, &remotes));
                    listed = remotes;
                }
                Err(error) => found.postponed(tenant.id.clone(), &Postponed::Port(error)),
            }
        }
        found.absorb(self.open_invoices(records, &listed).await);
        Some(found)
    }

    /// Looks at open invoices; what was listed of the customer's is not read again.
    async fn open_invoices(&self, records: Vec<InvoiceRecord>, listed: &[Remote]) -> SweepAnswer {
        let mut found = SweepAnswer::default();
        // One that was given up may be paid after all, or voided.
        let is_open = |record: &InvoiceRecord| match record.state {
            InvoiceState::Open => !record.is_settled(),
            InvoiceState::Uncollectible => record.payment.status != PaymentStatus::Paid,
            _ => false,
        };
        for record in records.into_iter().filter(is_open) {
            let what = format!("{} {}", record.tenant(), record.month());
            match self.events.look(record, listed).await {
                Ok(result) => found.looked(&what, result),
                Err(postponed) => found.postponed(what, &postponed),
            }
        }
        found
    }

    fn payments(&self) -> &dyn Payments {
        self.events.payments
    }

    fn invoices(&self) -> &dyn Invoices {
        self.events.invoices
    }
}

/// An event that Stripe lists no more, as the ledger kept it.
fn again(kept: &StripeEvent) -> Envelope {
    Envelope {
        id: kept.id.clone(),
        event_type: kept.event_type.clone(),
        created: kept.created,
        // It was compared with the stack's when it came.
        livemode: kept.livemode,
        account: None,
        object: kept.object_kind.clone().zip(kept.object.clone()),
        customer: kept.customer.clone(),
    }
}

/// Invoices that carry the tenant's name and that no record of theirs knows: made by hand, or by another stack.
fn unknown<'a>(
    tenant: &'a TenantRecord,
    records: &'a [InvoiceRecord],
    remotes: &'a [Remote],
) -> impl Iterator<Item = UnknownInvoice> + use<'a> {
    let known = |id: &str| {
        records.iter().any(|record| {
            let past = record.past.iter().filter_map(|past| past.stripe_invoice.as_deref());
            record.stripe_invoice.as_deref().into_iter().chain(past).any(|known| known == id)
                // Its answer was lost: the invoicer takes it up.
                || record.stripe_invoice.is_none() && remotes.iter().any(|remote| remote.id == id && record.is_of(remote))
        })
    };
    let standing = remotes.iter().filter(|remote| remote.status != RemoteStatus::Void);
    standing.filter(move |remote| !known(&remote.id)).map(|remote| UnknownInvoice {
        tenant: tenant.id.clone(),
        stripe_invoice: remote.id.clone(),
        total: remote.money(),
    })
}

#[cfg(test)]
mod tests;
