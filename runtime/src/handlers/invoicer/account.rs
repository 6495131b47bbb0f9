//! What a run knows of one tenant: records, balance and Stripe's invoices, kept up to date with each write.

use std::collections::BTreeMap;

use billing::Month;
use billing::balance::{Balance, Entry, EntryKind, Position, PositionId};
use billing::invoice::{InvoiceRecord, InvoiceState, Remote, RemoteStatus, closing_months, open_months};
use billing::ledger::{self, InvoiceWrite, SyncMark};
use billing::tenant::TenantRecord;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::ports::{Invoices, Ledger, PortError};

/// One tenant's invoices, as of the last look or write.
pub(super) struct Account<'a> {
    pub tenant: &'a TenantRecord,
    marks: Vec<SyncMark>,
    records: BTreeMap<Month, InvoiceRecord>,
    /// As stored, with what an earlier company of this id left; none before the first entry.
    balance: Option<Balance>,
    /// Stripe's invoices, by customer, once listed.
    remotes: BTreeMap<String, Vec<Remote>>,
}

impl<'a> Account<'a> {
    /// Reads what the ledger holds of the tenant's invoices.
    pub(super) async fn load(ledger: &dyn Ledger, tenant: &'a TenantRecord) -> Result<Account<'a>, PortError> {
        let marks = ledger::costs::all_marks(ledger, &tenant.id).await?;
        let records = ledger::invoices::all(ledger, &tenant.id).await?;
        let records: BTreeMap<Month, InvoiceRecord> =
            records.into_iter().map(|record| (record.month(), record)).collect();
        let balance = match ledger::balances::open(ledger, &tenant.id).await? {
            Some(balance) => Some(balance),
            None => carried_of_schema_1(tenant, &records),
        };
        Ok(Account { tenant, marks, records, balance, remotes: BTreeMap::new() })
    }

    /// The months to look at, oldest first.
    pub(super) fn open_months(&self, today: Date) -> Vec<Month> {
        open_months(self.tenant, &self.marks, &self.records(), today)
    }

    /// The months behind a leaver's last one to look at. Asked when all others were worked on: what they leave is carried.
    pub(super) fn closing_months(&self, today: Date) -> Vec<Month> {
        closing_months(self.tenant, &self.records(), &self.balance(), today)
    }

    /// What was synced of a month, as of the beginning of the run.
    pub(super) fn mark(&self, month: Month) -> Option<&SyncMark> {
        self.marks.iter().find(|mark| mark.month == month)
    }

    /// A month's invoice, as far as it got.
    pub(super) fn record(&self, month: Month) -> Option<&InvoiceRecord> {
        self.records.get(&month)
    }

    /// Every invoice of the tenant's, none of an earlier company of this id.
    pub(super) fn records(&self) -> Vec<InvoiceRecord> {
        let first = self.tenant.first_period;
        let records = self.records.values().filter(|record| first.is_none_or(|first| first <= record.month()));
        records.cloned().collect()
    }

    /// What is open of the tenant's balance, without what an earlier company of this id left.
    pub(super) fn balance(&self) -> Balance {
        self.stored_balance().since(self.tenant.first_period, self.tenant.currency)
    }

    fn stored_balance(&self) -> Balance {
        self.balance.clone().unwrap_or_else(|| Balance::nothing(self.tenant.currency))
    }

    /// Lists the customer's invoices in Stripe, once a run, so that [`Account::remote`] knows them.
    pub(super) async fn list(&mut self, stripe: &dyn Invoices, customer: &str) -> Result<(), PortError> {
        if !self.remotes.contains_key(customer) {
            let found = stripe.of_customer(customer).await?;
            self.remotes.insert(customer.to_owned(), found);
        }
        Ok(())
    }

    /// The Stripe invoice of a record, as of the last look.
    pub(super) fn remote(&self, record: &InvoiceRecord) -> Option<&Remote> {
        let remotes = self.remotes.get(record.customer.as_deref()?)?;
        match &record.stripe_invoice {
            Some(id) => remotes.iter().find(|remote| remote.id == *id),
            None => remotes.iter().find(|remote| record.is_of(remote) && remote.status != RemoteStatus::Void),
        }
    }

    /// Forgets what was listed of the record's customer: the next look lists it again.
    pub(super) fn forget(&mut self, record: &InvoiceRecord) {
        if let Some(customer) = &record.customer {
            self.remotes.remove(customer);
        }
    }

    /// Keeps what a call to Stripe answered.
    pub(super) fn saw(&mut self, record: &InvoiceRecord, remote: Remote) {
        let Some(customer) = &record.customer else { return };
        let remotes = self.remotes.entry(customer.clone()).or_default();
        remotes.retain(|known| known.id != remote.id);
        remotes.push(remote);
    }

    /// Writes the next version of a record, and what it does to the balance, all or nothing; none when another run was
    /// quicker.
    pub(super) async fn write(
        &mut self,
        ledger: &dyn Ledger,
        record: InvoiceRecord,
        changes: Changes,
        now: Timestamp,
    ) -> Result<Option<InvoiceRecord>, PortError> {
        let month = record.month();
        let expected = self.records.get(&month).map(|stored| stored.version);
        let record = InvoiceRecord { version: expected.unwrap_or_default() + 1, ..record };
        let balance = (!changes.0.is_empty()).then(|| {
            let before = self.balance.as_ref().map(|balance| balance.version).filter(|version| *version > 0);
            let mut after = self.stored_balance();
            after.version += 1;
            changes.0.iter().for_each(|(_, position)| after.add(position));
            (after, before, changes.entries(&record, now))
        });
        let write = InvoiceWrite { record, expected, balance };
        if !ledger::invoices::write(ledger, &write).await? {
            return Ok(None);
        }
        if let Some((balance, ..)) = write.balance {
            self.balance = Some(balance);
        }
        self.records.insert(month, write.record.clone());
        Ok(Some(write.record))
    }
}

/// The credit of a month that closed before there was a balance, where no later month took it: the next one did, then. Its
/// version is 0: it is not stored before the first write.
fn carried_of_schema_1(tenant: &TenantRecord, records: &BTreeMap<Month, InvoiceRecord>) -> Option<Balance> {
    let mut balance = Balance::nothing(tenant.currency);
    let closed = records.values().filter(|record| record.state == InvoiceState::Credit && record.since.is_none());
    for record in closed.filter(|record| !record.month().next().is_ok_and(|next| records.contains_key(&next))) {
        balance.add(&Position::credit(record.month(), record.revision, record.invoice.total));
    }
    (!balance.open.is_empty()).then_some(balance)
}

/// What a write does to the balance, position by position: what is added, and why.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes(Vec<(EntryKind, Position)>);

impl Changes {
    /// What takes one set of drawn positions back and draws another. What is in both is not touched.
    pub(super) fn redrawn(before: &[Position], after: &[Position]) -> Changes {
        let mut changes = Changes::default();
        changes.0.extend(
            before.iter().filter(|drawn| !after.contains(drawn)).map(|drawn| (EntryKind::Returned, drawn.clone())),
        );
        changes.0.extend(
            after.iter().filter(|drawn| !before.contains(drawn)).map(|drawn| (EntryKind::Drawn, drawn.negated())),
        );
        changes
    }

    /// What a credit note takes from the balance.
    pub(super) fn credited(drawn: &[Position]) -> Changes {
        Changes(drawn.iter().map(|position| (EntryKind::Credited, position.negated())).collect())
    }

    /// What goes back to the balance.
    pub(super) fn returned(taken: &[Position]) -> Changes {
        Changes(taken.iter().map(|position| (EntryKind::Returned, position.clone())).collect())
    }

    /// And leaves a position to later invoices.
    #[must_use]
    pub(super) fn leaving(mut self, position: Position) -> Changes {
        self.0.push((position.kind, position));
        self
    }

    /// And takes back what later invoices have, or had, of a month's restatements. `why` stands on the invoice that carries it.
    #[must_use]
    pub(super) fn without_restatements(self, record: &InvoiceRecord, why: &str) -> Changes {
        let Some(restated) = record.restated.as_ref().filter(|restated| !restated.sum.amount.is_zero()) else {
            return self;
        };
        let position = Position {
            id: PositionId { month: record.month(), revision: record.revision, number: restated.times + 1 },
            kind: EntryKind::Replaced,
            text: format!("{} restated before, {why}", record.month()),
            amount: restated.sum,
        };
        self.leaving(position.negated())
    }

    /// And takes one back that was left before.
    #[must_use]
    pub(super) fn taking_back(mut self, position: &Position) -> Changes {
        self.0.push((EntryKind::Replaced, position.negated()));
        self
    }

    fn entries(&self, record: &InvoiceRecord, at: Timestamp) -> Vec<Entry> {
        let entry = |(kind, position): &(EntryKind, Position)| Entry {
            position: position.id,
            month: record.month(),
            revision: record.revision,
            version: record.version,
            kind: *kind,
            amount: position.amount,
            at,
        };
        self.0.iter().map(entry).collect()
    }
}
