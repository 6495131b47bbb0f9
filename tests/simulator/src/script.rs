//! A plan, played day by day.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use oracle::exact::Exact;
use oracle::facts::{Facts, Figure, Rate, RecordType, Tags, Tenant, TenantId, Terms, undated_edit_holds_from};
use oracle::month::{Month, days_after, midnight};

use super::event::{Company, Deed, Event, Trouble, Workload};
use super::plan::Plan;
use super::random::Random;

/// The tag that tells tenants apart.
pub const TENANT_TAG: &str = "ClientOrganization";
/// The tag that tells tenants apart which share a value of the tenant tag.
pub const SECOND_TAG: &str = "Environment";

/// One row of AWS's bill, but for its figure: day, tag value, service, record type.
type RowKey = (Date, String, String, RecordType);

/// What a row of AWS's bill is now.
#[derive(Clone, Debug)]
struct Row {
    usd: Exact,
    /// When AWS shows it first. This and the next stay as they are, so that a later figure takes the place of one to
    /// come.
    shown_at: Timestamp,
    /// From when it is no estimate.
    final_at: Timestamp,
}

/// A plan while it is played.
#[derive(Clone, Debug)]
pub struct Script {
    events: Vec<Event>,
    played: usize,
    facts: Facts,
    rows: BTreeMap<RowKey, Row>,
}

impl Script {
    /// Returns a plan on the eve of its first day.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let mut events = plan.events.clone();
        events.sort_by_key(|event| event.on);
        let mut facts = Facts::default();
        facts.policy = plan.policy.clone();
        Self { events, played: 0, facts, rows: BTreeMap::new() }
    }

    /// Lets everything up to a day happen, that day included. Returns the troubles that are due.
    pub fn advance(&mut self, day: Date) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        while let Some(event) = self.events.get(self.played).filter(|event| event.on <= day).cloned() {
            self.played += 1;
            match event.deed {
                Deed::Trouble(trouble) => troubles.push(trouble),
                deed => self.play(event.on, deed),
            }
        }
        troubles
    }

    /// Returns what is true: tenants as the manifest says, AWS's figures with the instants at which they become known,
    /// some of which are still to come.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Notes the day on which a company has its first record.
    pub fn record(&mut self, tenant: &TenantId, day: Date) {
        if let Some(tenant) = self.facts.tenants.get_mut(tenant) {
            tenant.recorded.get_or_insert(day);
        }
    }

    fn play(&mut self, on: Date, deed: Deed) {
        match deed {
            Deed::Join(company) => self.join(company),
            Deed::Leave { tenant, last_period } => {
                if let Some(tenant) = self.facts.tenants.get_mut(&tenant) {
                    tenant.last_period = Some(last_period.max(tenant.first_period));
                }
            }
            Deed::SetTerms { tenant, from, terms } => {
                if let Some(tenant) = self.facts.tenants.get_mut(&tenant) {
                    set_terms(tenant, on, from, terms);
                }
            }
            Deed::Rename { tenant, from, value } => {
                if let Some(tenant) = self.facts.tenants.get_mut(&tenant) {
                    tenant.tags.retain(|(held, _)| *held != from);
                    tenant.tags.push((from, tags(&value)));
                }
            }
            Deed::StateRate { currency, date, per_dollar } => {
                self.facts.rates.push(Rate { date, stated: on, currency, per_dollar });
            }
            Deed::Run(workload) => self.run(on, &workload),
            Deed::Restate { value, from, until, percent } => self.restate(on, &value, (from, until), percent),
            Deed::Mend { was, is, from, until } => self.mend(on, &was, &is, (from, until)),
            Deed::Trouble(_) => {}
        }
    }

    /// A company joins, unless the id is taken: an id comes back only once its company has left for good.
    fn join(&mut self, company: Company) {
        let is_taken = |(id, tenant): (&TenantId, &Tenant)| {
            id.id == company.tenant.id && tenant.last_period.is_none_or(|last| last >= company.first_period)
        };
        if self.facts.tenants.iter().any(is_taken) || self.facts.tenants.contains_key(&company.tenant) {
            return;
        }
        let from = company.first_period;
        let tenant = Tenant {
            recorded: None,
            first_period: from,
            last_period: None,
            currency: vec![(from, company.currency)],
            terms: vec![(from, company.terms)],
            tags: vec![(from.first(), tags(&company.value))],
        };
        self.facts.tenants.insert(company.tenant, tenant);
    }

    fn run(&mut self, on: Date, workload: &Workload) {
        for days in 0..workload.days {
            let Ok(day) = workload.from.checked_add(Span::new().days(i64::from(days))) else { return };
            let mut random = Random::of(workload.seed, &day.to_string());
            let amount = i128::from(random.below(workload.most) + 1);
            let is_given = matches!(workload.record, RecordType::Credit | RecordType::Refund);
            let usd = Exact::fraction(if is_given { -amount } else { amount }, 10_000).unwrap_or_default();
            let key = (day, workload.value.clone(), workload.service.clone(), workload.record);
            let shown_at = days_after(midnight(day), 1 + workload.lag);
            let final_at = days_after(shown_at, workload.estimated);
            let row = self.rows.entry(key.clone()).or_insert_with(|| Row { usd: Exact::zero(), shown_at, final_at });
            row.usd += &usd;
            let row = row.clone();
            self.say(&key, &row, midnight(on));
        }
    }

    fn restate(&mut self, on: Date, value: &str, days: (Date, Date), percent: i32) {
        let factor = Exact::fraction(i128::from(percent), 100).unwrap_or_default();
        for key in self.keys(value, days) {
            let Some(row) = self.rows.get_mut(&key) else { continue };
            // AWS counts to ten decimals, no further.
            let tenth_decimal = &(&row.usd * &factor) * &Exact::whole(10_i128.pow(10));
            row.usd = Exact::fraction(tenth_decimal.round_to(1), 10_i128.pow(10)).unwrap_or_default();
            let row = row.clone();
            self.say(&key, &row, midnight(on));
        }
    }

    fn mend(&mut self, on: Date, was: &str, is: &str, days: (Date, Date)) {
        if was == is {
            return;
        }
        for key in self.keys(was, days) {
            let Some(moved) = self.rows.remove(&key) else { continue };
            let nothing = Row { usd: Exact::zero(), ..moved.clone() };
            self.say(&key, &nothing, midnight(on));
            let key = (key.0, is.to_owned(), key.2, key.3);
            let row = self.rows.entry(key.clone()).or_insert_with(|| Row { usd: Exact::zero(), ..moved.clone() });
            row.usd += &moved.usd;
            let row = row.clone();
            self.say(&key, &row, midnight(on));
        }
    }

    fn keys(&self, value: &str, (from, until): (Date, Date)) -> Vec<RowKey> {
        let is_struck = |key: &&RowKey| key.0 >= from && key.0 <= until && key.1 == value;
        self.rows.keys().filter(is_struck).cloned().collect()
    }

    /// Has AWS say what a row is from an instant on, but not before it shows the row at all.
    fn say(&mut self, key: &RowKey, row: &Row, from: Timestamp) {
        let (day, value, service, record) = key;
        let known_at = from.max(row.shown_at);
        let mut say = |known_at, estimated| {
            let figure = Figure { known_at, usd: row.usd.clone(), estimated };
            self.facts.record(*day, &tags(value), service, *record, figure);
        };
        let is_estimate = known_at < row.final_at;
        say(known_at, is_estimate);
        if is_estimate {
            say(row.final_at, false);
        }
    }
}

/// Edits terms. An edit without a date of what nothing was recorded of yet takes the place of all that has begun.
fn set_terms(tenant: &mut Tenant, on: Date, from: Option<Month>, terms: Terms) {
    let present = undated_edit_holds_from(midnight(on));
    let from = match (from, tenant.recorded) {
        (Some(from), _) => from,
        (None, Some(_)) => present,
        (None, None) => {
            tenant.terms.retain(|(held, _)| *held > present);
            tenant.first_period
        }
    };
    tenant.terms.retain(|(held, _)| *held != from);
    tenant.terms.push((from, terms));
}

/// Returns the tags of what events write as one value: `T000`, or `G000/e1` for a value of both tags; empty is untagged.
pub(crate) fn tags(value: &str) -> Tags {
    let (first, second) = value.split_once('/').map_or((value, ""), |(first, second)| (first, second));
    let pairs = [(TENANT_TAG, first), (SECOND_TAG, second)].into_iter().filter(|(_, value)| !value.is_empty());
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
