//! One month, from wherever the ledger and Stripe say it stands, as far as it can get now.

use std::sync::Arc;

use billing::balance::{EntryKind, Position, PositionId};
use billing::invoice::{
    Assessment, Composed, Finality, InvoiceRecord, InvoiceState, MonthCosts, MonthFacts, MonthTerms, NotReady,
    Restated, Settlement, Standing, assess, is_closing, is_followed, is_looked_at, overdue_since,
};
use billing::ledger::{self, CostDay, SyncMark};
use billing::{Money, Month};

use super::Invoicing;
use super::account::{Account, Changes};
use super::answer::MonthResult;
use super::stop::Stop;

/// How far a month got: its answer, and its record.
pub(super) type Reached = (MonthResult, Option<InvoiceRecord>);

/// A month that can be drafted.
pub(super) struct Assessed {
    pub composed: Composed,
    pub own: Money,
    pub terms: MonthTerms,
    pub finality: Finality,
    /// Why it is not final yet.
    pub waits: Option<NotReady>,
    /// When its cost was read.
    pub read_at: Option<jiff::Timestamp>,
}

/// What the ledger holds of a month's cost.
#[derive(Default)]
struct Read {
    mark: Option<SyncMark>,
    days: Vec<CostDay>,
    shared: Option<Arc<MonthCosts>>,
}

impl Invoicing<'_> {
    /// Goes on with a month, step by step.
    pub(super) async fn month(&self, account: &mut Account<'_>, month: Month) -> Result<Reached, Stop> {
        let before = account.record(month).map(|record| record.version);
        let record = match account.record(month).cloned() {
            None => self.claim(account, month).await?,
            Some(record) if record.written_off => return Ok(done(self.taken_back(account, record).await?, before)),
            Some(record) => {
                let record = self.look(account, record).await?;
                let record = self.finish_giving_back(account, record).await?;
                self.follow_cost(account, record).await?
            }
        };
        let record = self.draw(account, record).await?;
        let record = self.issue(account, record).await?;
        self.late(account, &record).await?;
        Ok(done(record, before))
    }

    /// What a run would do, from the ledger alone.
    pub(super) async fn rehearse(&self, account: &mut Account<'_>, month: Month) -> Result<Reached, Stop> {
        let record = account.record(month).cloned();
        let assessed = self.assess(account, month).await?;
        let total = assessed.composed.invoice.total;
        Ok((MonthResult::Rehearsed { total, waits: assessed.waits.map(|reason| reason.to_string()) }, record))
    }

    /// Prices the month and puts it into the ledger, once: whoever writes first has it.
    async fn claim(&self, account: &mut Account<'_>, month: Month) -> Result<InvoiceRecord, Stop> {
        let assessed = self.assess(account, month).await?;
        let tenant = account.tenant;
        let empty = Composed { drawn: Vec::new(), ..assessed.composed.clone() };
        let record = InvoiceRecord::claimed(tenant, assessed.terms.clone(), self.policy.collection, empty);
        self.take_up(account, record, assessed).await
    }

    /// Writes what a month comes to now into its record, and what that does to the balance.
    pub(super) async fn take_up(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
        assessed: Assessed,
    ) -> Result<InvoiceRecord, Stop> {
        let Assessed { composed, finality, read_at, .. } = assessed;
        let customer = record.customer.clone().or_else(|| account.tenant.stripe_customer.clone());
        if composed.invoice.settlement().charges() && customer.is_none() {
            return Err(Stop::NoCustomer(account.tenant.id.clone()));
        }
        let mut changes = Changes::redrawn(&record.drawn, &composed.drawn);
        if let Some(credit) = record.credit() {
            changes = changes.taking_back(&credit);
        }
        let state = match composed.invoice.settlement() {
            Settlement::Charge(_) => InvoiceState::Claimed,
            Settlement::Nothing => InvoiceState::NothingDue,
            Settlement::Credit(_) => {
                changes = changes.leaving(Position::credit(record.month(), record.revision, composed.invoice.total));
                InvoiceState::Credit
            }
        };
        let record = InvoiceRecord {
            state,
            customer,
            drawing: record.drawing + 1,
            finality,
            invoice: composed.invoice,
            drawn: composed.drawn,
            read_at,
            last_error: None,
            ..record
        };
        self.claim_cost(account, &record).await?;
        self.persist(account, record, changes).await
    }

    /// Writes the record's next version; the lease is renewed while its document is being worked on, else given up.
    pub(super) async fn persist(
        &self,
        account: &mut Account<'_>,
        mut record: InvoiceRecord,
        changes: Changes,
    ) -> Result<InvoiceRecord, Stop> {
        let before = account.record(record.month());
        if before.is_none_or(|before| (before.state, before.revision) != (record.state, record.revision)) {
            record.since = Some(self.now());
        }
        let is_worked_on = matches!(record.state, InvoiceState::Claimed | InvoiceState::Approved);
        record.lease = is_worked_on.then(|| self.lease());
        account.write(self.ledger, record, changes, self.now()).await?.ok_or(Stop::TakenOver)
    }

    /// Follows the month's cost: a draft is drawn up again, an issued month is restated onto later invoices.
    async fn follow_cost(&self, account: &mut Account<'_>, record: InvoiceRecord) -> Result<InvoiceRecord, Stop> {
        // What was approved is finalised as it was shown.
        if record.state == InvoiceState::Approved || record.is_of_schema_1() {
            return Ok(record);
        }
        if !record.state.is_draft() && !is_followed(&record, account.mark(record.month()), self.today()) {
            return Ok(record);
        }
        let assessed = match self.assess(account, record.month()).await {
            Ok(assessed) => assessed,
            // What is drafted stays as it is while its cost is being read again.
            Err(Stop::NotReady(_) | Stop::Resynced(_)) => return Ok(record),
            Err(stop) => return Err(stop),
        };
        let compared = assessed.read_at.filter(|_| assessed.finality == Finality::Complete);
        let record = match record.state.is_draft() || record.reopens() {
            true => self.redraw(account, record, assessed).await?,
            false => self.restate(account, record, assessed).await?,
        };
        // While the month is looked at, the next run compares it again anyway.
        if record.state.is_draft() || is_looked_at(record.month(), self.today()) || record.compared >= compared {
            return Ok(record);
        }
        self.persist(account, InvoiceRecord { compared, ..record }, Changes::default()).await
    }

    /// Takes up what a draft comes to now, if that is another thing than what it has. Final figures stay final.
    async fn redraw(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
        assessed: Assessed,
    ) -> Result<InvoiceRecord, Stop> {
        if assessed.finality < record.finality && record.state == InvoiceState::Complete {
            return Ok(record);
        }
        let same = record.invoice.is_drawn_as(&assessed.composed.invoice) && record.drawn == assessed.composed.drawn;
        if same && record.finality == assessed.finality {
            return Ok(record);
        }
        if same {
            let finality = assessed.finality;
            let state = if record.state.without_document() { record.state } else { InvoiceState::Claimed };
            let (invoice, read_at) = (assessed.composed.invoice, assessed.read_at);
            let record = InvoiceRecord { state, finality, invoice, read_at, ..record };
            return self.persist(account, record, Changes::default()).await;
        }
        self.take_up(account, record, assessed).await
    }

    /// Leaves the difference to later invoices. Only final figures restate.
    async fn restate(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
        assessed: Assessed,
    ) -> Result<InvoiceRecord, Stop> {
        let (accounted, now) = (record.accounted(), assessed.own);
        let difference = now.amount - accounted.amount;
        if assessed.finality != Finality::Complete || difference.is_zero() {
            return Ok(record);
        }
        let before = record.restated.clone().unwrap_or(Restated { times: 0, sum: Money::zero(now.currency) });
        let times = before.times + 1;
        let position = Position {
            id: PositionId { month: record.month(), revision: record.revision, number: times },
            kind: EntryKind::Restated,
            text: format!("{} restated: {} -> {}", record.month(), accounted.plain(), now.plain()),
            amount: Money::new(difference, now.currency),
        };
        let restated = Restated { times, sum: Money::new(before.sum.amount + difference, now.currency) };
        let record = InvoiceRecord { restated: Some(restated), ..record };
        self.persist(account, record, Changes::default().leaving(position)).await
    }

    /// Reads the month's cost and prices it. A month behind a leaver's last one is the balance alone, which needs no cost.
    pub(super) async fn assess(&self, account: &Account<'_>, month: Month) -> Result<Assessed, Stop> {
        let (balance, record) = (account.balance(), account.record(month));
        let is_closing = is_closing(account.tenant, month, record, Some(&balance));
        let read = match is_closing {
            true => Read::default(),
            false => self.read(account, month).await?,
        };
        // The claim is made by a conditional write: reading it first would decide nothing.
        let facts = MonthFacts {
            tenant: account.tenant,
            month,
            mark: read.mark.as_ref(),
            days: &read.days,
            shared: read.shared.as_deref(),
            balance: Some(&balance),
            claim: None,
            record,
        };
        let Assessment { own, composed, terms, standing } = assess(&facts, self.policy.rules, self.today());
        let (finality, waits) = match standing {
            Standing::Complete => (Finality::Complete, None),
            Standing::Provisional(reason) => (Finality::Provisional, Some(reason)),
            // No figure is late for it: it waits for its own day.
            Standing::Waiting(reason) if is_closing => return Err(Stop::NotReady(reason)),
            Standing::Waiting(reason) => return Err(self.waiting(month, reason)),
            Standing::Unpriced(error) => return Err(error.into()),
            Standing::Claimed { .. } => return Err(Stop::TakenOver),
        };
        let read_at = read.mark.map(|mark| mark.synced_at);
        Ok(Assessed { composed: composed?, own: own?.total, terms: terms?, finality, waits, read_at })
    }

    /// Reads the month's cost once it can be drafted: what waits is not read any further.
    async fn read(&self, account: &Account<'_>, month: Month) -> Result<Read, Stop> {
        let tenant = account.tenant;
        let mark = ledger::costs::mark(self.ledger, &tenant.id, month).await?;
        billing::invoice::ready(tenant, month, mark.as_ref(), self.policy.rules, self.today())
            .map_err(|reason| self.waiting(month, reason))?;
        let days = ledger::costs::days(self.ledger, &tenant.id, &month.period()).await?;
        // A sync that ran while the days were read may have torn them.
        if ledger::costs::mark(self.ledger, &tenant.id, month).await? != mark {
            return Err(Stop::Resynced(month));
        }
        let shared = self.shared_costs(tenant, month, account.record(month)).await?;
        Ok(Read { mark, days, shared })
    }

    /// A month that waits longer than its figures need is an error.
    fn waiting(&self, month: Month, reason: NotReady) -> Stop {
        match overdue_since(month, self.policy.rules.settle_days, self.today()) {
            Some(since) if !matches!(reason, NotReady::BeforeFirst { .. } | NotReady::BehindLast(_)) => {
                Stop::Late { reason, since }
            }
            _ => Stop::NotReady(reason),
        }
    }

    /// Fails for a provisional draft that should have been complete by now.
    async fn late(&self, account: &Account<'_>, record: &InvoiceRecord) -> Result<(), Stop> {
        if record.state != InvoiceState::Provisional {
            return Ok(());
        }
        let Some(since) = overdue_since(record.month(), self.policy.rules.settle_days, self.today()) else {
            return Ok(());
        };
        match self.assess(account, record.month()).await?.waits {
            Some(reason) => Err(Stop::Late { reason, since }),
            None => Ok(()),
        }
    }
}

/// The answer of a month that got as far as it can.
pub(super) fn done(record: InvoiceRecord, before: Option<u64>) -> Reached {
    let waits = match record.state {
        InvoiceState::Provisional => Some("its figures are not final yet".to_owned()),
        InvoiceState::Complete => Some("it waits for `billform invoice approve`".to_owned()),
        _ => None,
    };
    let result = MonthResult::Done {
        state: record.state,
        total: record.invoice.total,
        stripe_invoice: record.stripe_invoice.clone(),
        payment: record.payment.status,
        waits,
        new: before != Some(record.version),
    };
    (result, Some(record))
}
