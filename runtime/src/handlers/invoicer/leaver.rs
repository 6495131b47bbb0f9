//! A tenant who left: what the months up to the last one leave is invoiced once more or given back by credit notes, and
//! what can be neither is named.

use billing::Money;
use billing::invoice::{InvoiceRecord, InvoiceState, Leftover, Remote, is_billed_out, leftover};
use billing::money::MinorUnits;

use super::Invoicing;
use super::account::{Account, Changes};
use super::answer::{MonthAnswer, MonthResult};
use super::event::InvoicerEvent;
use super::month::done;
use super::stop::{CREDIT_STEP, Stop};

impl Invoicing<'_> {
    /// Goes on with what a leaver's months left, once all of them were worked on.
    pub(super) async fn leave(&self, account: &mut Account<'_>, event: &InvoicerEvent, answers: &mut Vec<MonthAnswer>) {
        if !event.dry_run {
            // By what was listed before a note is issued.
            self.compare_credits(account, answers).await;
            // Also of one who stays after all: a credit note that was noted is issued.
            for record in account.records().into_iter().filter(|record| record.noted_credit().is_some()) {
                self.give_back(account, record, answers).await;
            }
        }
        let Some(last) = account.tenant.last_period else { return };
        for month in account.closing_months(self.today()) {
            answers.push(self.one_month(account, month, event).await);
        }
        if event.dry_run || !is_billed_out(account.tenant, &account.records()) {
            return;
        }
        match leftover(&account.balance(), last) {
            Leftover::ToGiveBack(_) => self.give_back_all(account, answers).await,
            left => {
                if !has_failed(answers) {
                    self.forget_errors(account).await;
                }
                if let Leftover::TooSmall { owed, least, until } = left {
                    let waits = format!(
                        "{owed} more is owed, below {least}, the least that Stripe charges: it waits for a further \
                         restatement, and is not invoiced from {until} on"
                    );
                    say(answers, last, waits);
                }
            }
        }
    }

    /// Gives back what the balance holds for a leaver, on the newest invoices first. What is left then is an error.
    async fn give_back_all(&self, account: &mut Account<'_>, answers: &mut Vec<MonthAnswer>) {
        let mut records = account.records();
        records.sort_by_key(|record| std::cmp::Reverse(record.month()));
        for record in records.iter().filter(|record| record.state == InvoiceState::Open) {
            if account.balance().sum().amount.is_sign_negative() {
                self.give_back(account, record.clone(), answers).await;
            }
        }
        let rest = account.balance().sum();
        // Invoices that are being paid may take so much of it in some days.
        let being_paid = records.iter().filter(|record| record.is_being_paid());
        let later = being_paid.filter_map(|record| account.remote(record)).map(Remote::creditable).map(|units| units.0);
        let later = Money::from_minor_units(MinorUnits(later.sum()), rest.currency);
        let rest = Money::new(rest.amount + later.amount, rest.currency);
        let is_stranded = rest.amount.is_sign_negative() && !has_failed(answers);
        let Some(last) = account.tenant.last_period.filter(|_| is_stranded) else { return };
        let before = account.record(last).cloned();
        let stop = Stop::NotGivenBack { rest: Money::new(-rest.amount, rest.currency) };
        let result = self.stopped(account, last, stop).await;
        let stranded = MonthAnswer::new(account.tenant, last, before.as_ref(), result);
        merge(answers, MonthAnswer { stranded: true, ..stranded });
    }

    /// Gives back on one invoice what it can take, and answers what became of it.
    async fn give_back(&self, account: &mut Account<'_>, record: InvoiceRecord, answers: &mut Vec<MonthAnswer>) {
        let (month, before) = (record.month(), record.clone());
        let result = match self.credit(account, record).await {
            Ok(None) => return,
            Ok(Some(record)) => done(record, Some(before.version)),
            Err(stop) => self.stopped(account, month, stop).await,
        };
        let after = result.1.as_ref().map(InvoiceRecord::credited);
        let credited = after.is_some_and(|after| after.amount > before.credited().amount);
        let answer = MonthAnswer::new(account.tenant, month, Some(&before), result);
        merge(answers, MonthAnswer { credited, ..answer });
    }

    /// Names invoices that have less in credit notes than was issued: a person voided one.
    async fn compare_credits(&self, account: &mut Account<'_>, answers: &mut Vec<MonthAnswer>) {
        for record in account.records().into_iter().filter(|record| record.state == InvoiceState::Open) {
            let less = account.remote(&record).and_then(|remote| Stop::voided_credit(&record, remote));
            let Some(stop) = less else { continue };
            let result = self.stopped(account, record.month(), stop).await;
            merge(answers, MonthAnswer::new(account.tenant, record.month(), Some(&record), result));
        }
    }

    /// Takes the errors back that named what no invoice could take, and credit notes that were voided.
    async fn forget_errors(&self, account: &mut Account<'_>) {
        let named = |record: &InvoiceRecord| record.last_error.as_ref().is_some_and(|last| last.step == CREDIT_STEP);
        for record in account.records().into_iter().filter(named) {
            let record = InvoiceRecord { last_error: None, ..record };
            // It only tells people: the next run tries again.
            let _ = account.write(self.ledger, record, Changes::default(), self.now()).await;
        }
    }
}

fn has_failed(answers: &[MonthAnswer]) -> bool {
    answers.iter().any(|answer| matches!(answer.result, MonthResult::Failed { .. }))
}

/// Puts an answer in the place of the month's earlier one, and keeps what the run did before.
fn merge(answers: &mut Vec<MonthAnswer>, answer: MonthAnswer) {
    match answers.iter_mut().find(|known| known.period == answer.period) {
        Some(known) => {
            *known = MonthAnswer {
                drafted: known.drafted || answer.drafted,
                issued: known.issued || answer.issued,
                restated: known.restated || answer.restated,
                credited: known.credited || answer.credited,
                ..answer
            };
        }
        None => answers.push(answer),
    }
}

/// Adds what a month's rest waits for to its answer.
fn say(answers: &mut [MonthAnswer], month: billing::Month, reason: String) {
    let of_month = answers.iter_mut().find(|answer| answer.period == Some(month));
    if let Some(MonthAnswer { result: MonthResult::Done { waits: waits @ None, .. }, .. }) = of_month {
        *waits = Some(reason);
    }
}
