//! The facts of an edited tenant as they would have been in a month that is over.

use std::collections::BTreeMap;

use billing::Month;
use billing::pricing::Terms;
use billing::tenant::{Fact, TagSpan, TagValues, TenantRecord};

/// A tenant's deployed record, and the one that is written over it.
pub(super) struct Change {
    deployed: TenantRecord,
    /// As the manifest has it.
    stated: TenantRecord,
    /// As it is stored, with its history.
    written: TenantRecord,
    /// The month of the edit.
    this: Month,
    /// From when on other terms hold.
    terms_from: Option<Month>,
    /// From when on other tag values do.
    tags_from: Option<Month>,
}

impl Change {
    /// The edit made in `this` month; none where nothing that decides amounts is edited.
    pub(super) fn of(deployed: &TenantRecord, wanted: &TenantRecord, this: Month) -> Option<Change> {
        let first_period = wanted.first_period.or(deployed.first_period);
        let stated = TenantRecord { first_period, ..wanted.clone() };
        let written = stated.clone().following(deployed, this);
        let changes = written.changes_from(deployed);
        let place = |record: &TenantRecord| (record.currency, record.first_period, record.last_period);
        // A rate stated otherwise for months that are over changes none of them, and would have.
        if changes.is_empty() && place(&written) == place(deployed) && written.rates == deployed.rates {
            return None;
        }
        let from = |fact: Fact| changes.iter().find(|(changed, _)| *changed == fact).map(|(_, from)| *from);
        let (terms_from, tags_from) = (from(Fact::Terms), from(Fact::Tags));
        Some(Change { deployed: deployed.clone(), stated, written, this, terms_from, tags_from })
    }

    pub(super) fn id(&self) -> &str {
        &self.deployed.id
    }

    pub(super) fn deployed(&self) -> &TenantRecord {
        &self.deployed
    }

    /// Whether the edit is one of tag values.
    pub(super) fn changes_tags(&self) -> bool {
        self.written.tags != self.deployed.tags
    }

    /// The record by which the month would have been billed, had the edit been made before it.
    pub(super) fn supposed(&self, month: Month) -> TenantRecord {
        let rates = match self.written.rates != self.deployed.rates && self.stated.rate_for(month).is_ok() {
            true => self.stated.rates.clone(),
            false => self.written.rates.clone(),
        };
        TenantRecord { terms: self.terms(month), rates, tags: self.tags(month), ..self.written.clone() }
    }

    /// The tag values of the month, else those that come to hold by the edit.
    fn tags(&self, month: Month) -> BTreeMap<String, TagValues> {
        let Some(from) = self.tags_from.filter(|from| *from > month && self.changes_tags()) else {
            return self.written.tags.clone();
        };
        // What is replaced within that month is not held any more after it.
        let after = from.period().end();
        let held = |values: &TagValues| {
            let spans = values.spans().iter().filter(|span| span.covers(after));
            TagValues::new(spans.map(|span| TagSpan::always(&span.value)))
        };
        self.stated.tags.iter().map(|(key, values)| (key.clone(), held(values))).collect()
    }

    /// The terms of the month, else those that come to hold by the edit.
    fn terms(&self, month: Month) -> Vec<Terms> {
        let held = match self.terms_from {
            None => self.written.terms_for(month),
            Some(from) => self.written.terms_for(from.max(month)).or_else(|| self.written.terms_for(self.this)),
        };
        held.map(undated).into_iter().collect()
    }

    /// Which facts of the month are others, in words; its tag values are looked at for themselves.
    pub(super) fn reasons(&self, month: Month) -> Vec<&'static str> {
        let (before, after) = (&self.deployed, &self.supposed(month));
        let terms = |record: &TenantRecord| record.terms_for(month).map(undated);
        let rate = |record: &TenantRecord| record.rate_for(month).ok().flatten().cloned();
        let bills = before.bills(month) != after.bills(month);
        let reasons = [
            (terms(before) != terms(after), "terms"),
            (rate(before) != rate(after), "exchange rate"),
            (before.currency != after.currency, "currency"),
            (bills && before.first_period != after.first_period, "first month"),
            (bills && before.last_period != after.last_period, "last month"),
        ];
        reasons.into_iter().filter(|(differs, _)| *differs).map(|(_, word)| word).collect()
    }
}

fn undated(terms: &Terms) -> Terms {
    Terms { effective_from: None, ..terms.clone() }
}
