//! A biller that goes by the oracle's own rules, every day: what the invariant says of it is a false alarm.

use std::collections::BTreeMap;

use jiff::{Span, Timestamp};
use oracle::balance::{Entry, EntryKind, balance};
use oracle::bills::Bills;
use oracle::currency::Currency;
use oracle::facts::{Facts, TenantId};
use oracle::finality::{Stage, draft_from, ended_months, looked_at_until, stage};
use oracle::invariant::judge;
use oracle::line::{Line, Rule, total};
use oracle::month::{Month, midnight};
use oracle::restatement::next_invoice;
use oracle::world::{Account, CreditNote, Document, Read, Status, World};

use super::event::Trouble;
use super::{Plan, Script, Sizes};

/// What was billed of each tenant's months so far.
type Billed = BTreeMap<(TenantId, Month), i128>;

/// Reads every month that is open or looked at again.
fn sync(facts: &Facts, world: &mut World, billed: &Billed, at: Timestamp) {
    let mut months = Vec::new();
    for tenant in facts.tenants.keys() {
        let is_read = |month: &Month| {
            !billed.contains_key(&(tenant.clone(), *month)) || at < looked_at_until(&facts.policy, *month)
        };
        months.extend(ended_months(facts, tenant, at).into_iter().filter(is_read));
    }
    months.sort();
    months.dedup();
    world.reads.extend(months.into_iter().map(|month| Read { month, at }));
}

/// Restates billed months into the balance, and draws or issues the open ones, oldest first.
fn bill(facts: &Facts, bills: &Bills, world: &mut World, billed: &mut Billed, tenant: &TenantId, at: Timestamp) {
    let reads: BTreeMap<Month, Timestamp> = world.reads.iter().map(|read| (read.month, read.at)).collect();
    let account = world.accounts.entry(tenant.clone()).or_default();
    (account.run_at, account.disturbed) = (Some(at), false);
    account.documents.retain(|document| document.status != Status::Draft);
    account.named_months.clear();
    for month in ended_months(facts, tenant, at) {
        let Some(read_at) = reads.get(&month).copied() else { continue };
        let key = (tenant.clone(), month);
        if let Some(before) = billed.get(&key).copied() {
            let owed = bills.owed(facts, tenant, month, read_at);
            let after = owed.as_ref().as_ref().expect("assessed").total;
            let currency = facts.tenants[tenant].currency(month).expect("a currency").to_owned();
            let (id, kind) = (format!("{month} {at}"), EntryKind::Carried);
            account.balance.push(Entry { id, currency, month, revision: 1, amount: after - before, kind });
            billed.insert(key, after);
            continue;
        }
        let (stage, owed) = (stage(facts, month, Some(read_at), at), bills.owed(facts, tenant, month, read_at));
        let Ok(owed) = owed.as_ref().clone() else {
            account.named_months.insert(month);
            continue;
        };
        let currency = owed.currency.code.to_owned();
        let mut document = Document {
            id: month.to_string(),
            month,
            revision: 1,
            status: Status::Draft,
            currency: currency.clone(),
            total: owed.total,
            lines: owed.lines,
            drawn_at: at,
            issued_at: None,
            edited: false,
        };
        match stage {
            Stage::Closed(_) => {}
            Stage::Provisional(_) if document.total > 0 => account.documents.push(document),
            Stage::Provisional(_) => {}
            Stage::Complete => {
                let carried = balance(&account.balance).get(currency.as_str()).copied().unwrap_or_default();
                let next = next_invoice(facts, tenant, month, read_at, &BTreeMap::new(), carried).expect("billed");
                billed.insert(key, owed.total);
                let kind = if next.lines.is_empty() { EntryKind::Carried } else { EntryKind::Reserved };
                let (id, amount) = (format!("{month}"), next.carried - carried);
                account.balance.push(Entry { id, currency, month, revision: 1, amount, kind });
                if !next.lines.is_empty() {
                    (document.total, document.lines) = (total(&next.lines), next.lines);
                    (document.status, document.issued_at) = (Status::Open, Some(at));
                    account.documents.push(document);
                }
            }
        }
    }
    if account.documents.iter().all(|document| document.issued_at.is_some()) {
        close(facts, account, tenant, billed, at);
    }
}

/// Gives back what a company that left is owed, and invoices once more what it owes.
fn close(facts: &Facts, account: &mut Account, tenant: &TenantId, billed: &Billed, at: Timestamp) {
    let of = &facts.tenants[tenant];
    let is_billed = |month: Month| billed.contains_key(&(tenant.clone(), month));
    let Some(last) = of.last_period.filter(|last| of.first_period.to(*last).all(is_billed)) else { return };
    let open: Vec<(String, i128)> =
        balance(&account.balance).into_iter().map(|(currency, amount)| (currency.to_owned(), amount)).collect();
    for (currency, amount) in open {
        let taken = match amount < 0 {
            true => -give_back(account, -amount),
            false => invoice_once_more(facts, account, last, (&currency, amount), at),
        };
        if amount < 0 && taken != amount {
            account.named_months.insert(last);
        }
        let (id, kind) = (format!("{last} {at} {currency}"), EntryKind::Reserved);
        account.balance.push(Entry { id, currency, month: last, revision: 1, amount: -taken, kind });
    }
}

/// Puts credit notes on the newest invoices; returns what they give back.
fn give_back(account: &mut Account, owed: i128) -> i128 {
    let mut left = owed;
    for document in account.documents.iter().rev() {
        let notes = account.credit_notes.iter().filter(|note| note.document == document.id);
        let credited: i128 = notes.map(|note| note.amount).sum();
        let amount = left.min(document.total - credited);
        if amount > 0 {
            account.credit_notes.push(CreditNote { document: document.id.clone(), amount });
            left -= amount;
        }
    }
    owed - left
}

/// Issues an invoice of the month that is just over, if Stripe charges so much; returns what is on it.
fn invoice_once_more(
    facts: &Facts,
    account: &mut Account,
    last: Month,
    (code, amount): (&str, i128),
    at: Timestamp,
) -> i128 {
    let month = Month::at(at).plus(-1);
    let newest = account.documents.iter().map(|document| document.month).fold(last, Month::max);
    let least = Currency::find(code).and_then(|currency| currency.least_charge()).unwrap_or(1);
    if amount < least || month <= newest || at < draft_from(&facts.policy, month) {
        return 0;
    }
    account.documents.push(Document {
        id: month.to_string(),
        month,
        revision: 1,
        status: Status::Open,
        currency: code.to_owned(),
        total: amount,
        lines: vec![Line { rule: Rule::Credit, amount }],
        drawn_at: at,
        issued_at: Some(at),
        edited: false,
    });
    amount
}

#[test]
fn a_biller_by_the_oracles_rules_raises_no_alarm_through_outages_and_edits() {
    for seed in 0..2 {
        let plan = Plan::draw(Sizes { tenants: 3, months: 4, trouble_percent: 2 }, seed);
        let (mut script, mut world) = (Script::new(&plan), World::default());
        let (mut billed, mut bills) = (Billed::new(), Bills::default());
        let mut out_until = plan.first.first();
        for day in plan.days() {
            for trouble in script.advance(day) {
                if let Trouble::Outage { days } = trouble {
                    out_until = out_until.max(day.checked_add(Span::new().days(i64::from(days))).expect("a day"));
                }
            }
            if day < out_until {
                // Facts may change meanwhile, and are worked on once it is over.
                world.accounts.values_mut().for_each(|account| account.disturbed = true);
            } else {
                let at = midnight(day).checked_add(Span::new().hours(6)).expect("an hour");
                bills.follow(script.facts());
                sync(script.facts(), &mut world, &billed, at);
                for tenant in script.facts().tenants.keys() {
                    bill(script.facts(), &bills, &mut world, &mut billed, tenant, at);
                }
            }
            let violations: Vec<String> =
                judge(&mut bills, script.facts(), &world).iter().map(ToString::to_string).collect();
            assert!(violations.is_empty(), "seed {seed}, {day}:\n{}", violations.join("\n"));
        }
        assert!(billed.len() > 5, "seed {seed}: {} months were billed", billed.len());
    }
}
