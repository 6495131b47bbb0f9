//! What an edit of a tenant's facts means for their bills: `plan` says from which month on it holds, and what reaches a
//! month that is over and not invoiced is guarded, its first and last month among them. A currency that was invoiced, and a link version, never go back.

use std::fmt;

use aws_sdk_dynamodb::Client;
use billing::Month;
use billing::invoice::InvoiceRecord;
use billing::tenant::{Fact, TenantRecord};
use engine::kind::Contents;
use engine::{Plan, Step};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::kinds::tenant_record::{TenantRecords, history};
use crate::kinds::typed::TypedKind;
use crate::ledger::reader::LedgerReader;
use crate::ui::failure::Failure;

const KIND: &str = <TenantRecords as TypedKind>::META.name;
/// How many tenants' items are read at once.
const TENANTS_AT_ONCE: usize = 4;
/// So many months before this one may be open where the tenant has no first month.
const LOOKS_BACK_MONTHS: usize = 12;

/// Dates the edits of a plan made in `month`, and guards those that reach months which are over. The ledger is read only
/// for these, and for an edit of the currency.
///
/// # Errors
/// An edit that is refused, or the ledger cannot be read.
pub async fn look(plan: &mut Plan, month: Month, dynamodb: &Client) -> Result<(), Failure> {
    let mut doubtful = Vec::new();
    for (at, step) in plan.steps.iter_mut().enumerate() {
        let Some(edit) = Edit::of(step, month) else { continue };
        edit.refuse_older_links()?;
        step.notes = edit.notes();
        if edit.changes_currency() || !edit.reached().is_empty() {
            let table = step.desired.as_ref().and_then(|fields| fields.get("table")?.as_str()).unwrap_or_default();
            doubtful.push((at, LedgerReader::new(dynamodb.clone(), table), edit));
        }
    }
    let looks = doubtful.into_iter().map(|(at, ledger, edit)| async move {
        let invoices = ledger.invoices(&edit.deployed.id).await?;
        edit.refuse_another_currency(&invoices)?;
        Ok::<_, Failure>((at, edit.described(&invoices)))
    });
    let mut looks = stream::iter(looks).buffer_unordered(TENANTS_AT_ONCE);
    while let Some((at, described)) = looks.try_next().await? {
        plan.steps[at].guard = described.map(|described| Contents { described });
    }
    Ok(())
}

/// What an edit changes of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changed {
    /// One of the facts that have a history.
    Fact(Fact),
    /// Whether it is billed, by the first month.
    FirstMonth,
    /// Whether it is billed, by the last month.
    LastMonth,
    /// The currency it is billed in.
    Currency,
}

impl Changed {
    /// Whether a month that is drafted is billed otherwise, too: the draft keeps the terms and the rate of its claim.
    fn reaches_drafts(self) -> bool {
        matches!(self, Changed::Fact(Fact::Tags) | Changed::FirstMonth | Changed::LastMonth)
    }
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Changed::Fact(fact) => fact.fmt(f),
            Changed::FirstMonth => f.write_str("first month"),
            Changed::LastMonth => f.write_str("last month"),
            Changed::Currency => f.write_str("currency"),
        }
    }
}

/// A record that is written over another of the same tenant.
struct Edit {
    deployed: TenantRecord,
    written: TenantRecord,
    month: Month,
}

impl Edit {
    fn of(step: &Step, month: Month) -> Option<Edit> {
        if step.address.kind() != KIND || !step.action.is_change() {
            return None;
        }
        let deployed = history::record(step.observed.as_deref()?.get("record")?)?;
        let wanted = history::record(step.desired.as_ref()?.get("record")?)?;
        let written = wanted.following(&deployed, month);
        (written.id == deployed.id).then_some(Edit { deployed, written, month })
    }

    /// `terms change from 2026-11`.
    fn notes(&self) -> Vec<String> {
        let changes = self.written.changes_from(&self.deployed);
        changes.into_iter().map(|(fact, from)| told(fact, from, self.month)).collect()
    }

    fn changes_currency(&self) -> bool {
        self.written.currency != self.deployed.currency
    }

    /// The months that are over and would be billed otherwise, oldest first, each with what changes.
    fn reached(&self) -> Vec<(Month, Vec<Changed>)> {
        let ended = std::iter::successors(self.month.previous().ok(), |month| month.previous().ok());
        let ended = match (self.deployed.first_period, self.written.first_period) {
            (Some(first), other) => {
                let first = other.map_or(first, |other| other.min(first));
                ended.take_while(|month| *month >= first).collect()
            }
            (None, _) => ended.take(LOOKS_BACK_MONTHS).collect::<Vec<_>>(),
        };
        let changes = ended.into_iter().rev().map(|month| (month, self.changed_in(month)));
        changes.filter(|(_, changed)| !changed.is_empty()).collect()
    }

    fn changed_in(&self, month: Month) -> Vec<Changed> {
        match (self.deployed.bills(month), self.written.bills(month)) {
            (false, false) => Vec::new(),
            (true, true) if self.changes_currency() => vec![Changed::Currency],
            (true, true) => self.written.changes_in(month, &self.deployed).into_iter().map(Changed::Fact).collect(),
            // Before the later of both first months it is by these that they differ.
            _ if [&self.deployed, &self.written]
                .iter()
                .any(|it| it.first_period.is_some_and(|first| month < first)) =>
            {
                vec![Changed::FirstMonth]
            }
            _ => vec![Changed::LastMonth],
        }
    }

    /// What a change would do to months that are not invoiced. One that is drafted keeps the terms and the rate of its
    /// claim.
    fn described(&self, invoices: &[InvoiceRecord]) -> Option<String> {
        let record = |month: Month| invoices.iter().find(|record| record.month() == month);
        let counts = |month: Month, changed: &Changed| match record(month) {
            None => true,
            Some(record) => record.state.is_draft() && changed.reaches_drafts(),
        };
        let open = self.reached().into_iter().map(|(month, changed)| {
            let changed: Vec<Changed> = changed.into_iter().filter(|changed| counts(month, changed)).collect();
            (month, changed)
        });
        let told = open.filter(|(_, changed)| !changed.is_empty()).map(|(month, changed)| {
            let changed: Vec<String> = changed.iter().map(Changed::to_string).collect();
            format!("{month} ({})", changed.join(", "))
        });
        let told: Vec<String> = told.collect();
        let months = if told.len() == 1 { "a month that is" } else { "months that are" };
        (!told.is_empty())
            .then(|| format!("{months} over and not invoiced, which this bills otherwise: {}", told.join(", ")))
    }

    fn refuse_older_links(&self) -> Result<(), Failure> {
        let (deployed, wanted) = (self.deployed.link_version, self.written.link_version);
        if wanted >= deployed {
            return Ok(());
        }
        let id = &self.written.id;
        Err(Failure::new(format!(
            "the tenant {id} is to have link_version {wanted}, and {deployed} is deployed: links that were revoked would be \
             valid again"
        ))
        .hint(format!("write `link_version: {deployed}`, or a higher one")))
    }

    fn refuse_another_currency(&self, invoices: &[InvoiceRecord]) -> Result<(), Failure> {
        let billed = invoices.iter().map(InvoiceRecord::month).max().filter(|_| self.changes_currency());
        let Some(month) = billed else { return Ok(()) };
        let (id, before, after) = (&self.written.id, self.deployed.currency, self.written.currency);
        Err(Failure::new(format!("the tenant {id} is to pay in {after}, and was billed in {before} for {month}")).hint(
            format!(
                "a tenant's currency stays: end this one with `last_period`, and add another tenant who pays in {after}"
            ),
        ))
    }
}

/// What the manifest does not date holds from the month of the edit, `month`.
fn told(fact: Fact, from: Month, month: Month) -> String {
    match fact {
        Fact::Rate => format!("{fact} changes from {from}"),
        Fact::Terms if from == month => {
            format!("{fact} change from {from}: `effective_from` gives them another month")
        }
        Fact::Terms | Fact::Tags => format!("{fact} change from {from}"),
    }
}

#[cfg(test)]
mod tests;
