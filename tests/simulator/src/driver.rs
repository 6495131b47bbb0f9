//! Plays a plan day by day against the real handlers, and has the oracle judge each day.

mod applying;
mod evening;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use localstripe::{Options, Stripe};
use oracle::bills::Bills;
use oracle::facts::{Policy, TenantId};
use oracle::finality::ended_months;
use oracle::invariant::judge;
use oracle::month::{Month, midnight};
use oracle::violation::Violation;
use oracle::world::World;
use runtime::handler::Started;
use runtime::run::Run;
use serde_json::{Value, json};

use super::audit::Audit;
use super::deliveries::Deliveries;
use super::disturbance::Disturbance;
use super::event::Trouble;
use super::gate::{Due, Fault};
use super::handlers::start;
use super::invoices::{ADD_LINES, CREATE_DRAFT, CREDIT};
use super::memory::Memory;
use super::observer::Observer;
use super::people::{Person, UNDONE_AFTER_DAYS};
use super::plan::Plan;
use super::planted::Planted;
use super::random::Random;
use super::records::Records;
use super::said::Said;
use super::script::Script;
use super::shared::Shared;
use super::webhook::Webhook;

/// When cost is synced, and when invoices are worked on, in hours of the day.
const SYNC_HOUR: i64 = 6;
const INVOICER_HOUR: i64 = 8;
/// When the operator looks at what waits for approval.
const OPERATOR_HOUR: i64 = 10;
/// How often of a hundred days the operator approves a draft that waits.
const APPROVES_PERCENT: u32 = 40;
/// How long a run may take.
const TIMEOUT: Duration = Duration::from_secs(900);

/// What a simulation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Days played.
    pub days: u64,
    /// Runs of handlers, approvals among them.
    pub runs: u64,
    /// Calls of ports.
    pub calls: u64,
    /// Months of tenants that ended.
    pub tenant_months: u64,
    /// Invoices in Stripe, in whatever state.
    pub documents: u64,
    /// Credit notes in Stripe.
    pub credit_notes: u64,
}

impl Counts {
    /// Adds those of another simulation.
    pub fn add(&mut self, other: &Counts) {
        self.days += other.days;
        self.runs += other.runs;
        self.calls += other.calls;
        self.tenant_months += other.tenant_months;
        self.documents += other.documents;
        self.credit_notes += other.credit_notes;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { days, runs, calls, tenant_months, documents, credit_notes } = self;
        write!(f, "{tenant_months} tenant-months, {days} days, {runs} runs, {calls} calls, ")?;
        write!(f, "{documents} invoices, {credit_notes} credit notes")
    }
}

/// The day on which something was wrong, and what there was.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The day.
    pub on: Date,
    /// What is wrong.
    pub violations: Vec<Violation>,
    /// What was seen.
    pub world: World,
    /// What the handler said of the first violation's tenant.
    pub said: Vec<String>,
}

/// One simulation.
pub struct Simulation {
    shared: Arc<Shared>,
    cost_sync: Box<dyn Started>,
    invoicer: Box<dyn Started>,
    sweep: Box<dyn Started>,
    deliveries: Deliveries,
    audit: Audit,
    /// Whether the last thing that happened was a sweep that came to its end.
    is_swept: bool,
    records: Records,
    observer: Observer,
    said: Said,
    bills: Bills,
    customers: BTreeMap<TenantId, String>,
    operator: Random,
    out_until: Date,
    undo: Vec<(Date, String)>,
    /// Calls of the last whole run of each handler: a kill at a call drawn is at the same place of any run.
    usual_calls: [u32; 2],
    counts: Counts,
}

impl Simulation {
    /// On the eve of a plan's first day. Odd seeds approve automatically.
    ///
    /// # Panics
    /// The handlers do not start on the settings of a stack.
    #[must_use]
    pub fn new(plan: &Plan, planted: Option<Planted>) -> Simulation {
        let stripe = Stripe::new(Options {
            start: Some(midnight(plan.first.first())),
            seed: Some(plan.seed),
            ..Options::default()
        });
        let shared = Arc::new(Shared::new(Script::new(plan), stripe, planted));
        let ports = Arc::new(Memory::new(Arc::clone(&shared)));
        let is_manual = plan.seed.is_multiple_of(2);
        let policy = match planted {
            Some(Planted::SettlesAtOnce) => Policy { settle_days: 0, ..plan.policy.clone() },
            _ => plan.policy.clone(),
        };
        let handler = |name| start(name, &policy, is_manual, ports.clone()).expect("a handler that starts");
        let webhook = Webhook::new(Arc::clone(&shared), &policy, ports.clone()).expect("a handler that starts");
        let deliveries = Deliveries::new(Arc::clone(&shared), webhook, Random::of(plan.seed, "deliveries"));
        Simulation {
            cost_sync: handler("cost_sync"),
            invoicer: handler("invoicer"),
            sweep: handler("payment_sweep"),
            deliveries,
            audit: Audit::default(),
            is_swept: false,
            shared,
            records: Records::default(),
            observer: Observer::default(),
            said: Said::default(),
            bills: Bills::default(),
            customers: BTreeMap::new(),
            operator: Random::of(plan.seed, "operator"),
            out_until: plan.first.first(),
            undo: Vec::new(),
            usual_calls: [40, 40],
            counts: Counts::default(),
        }
    }

    /// Plays a plan to its end, or to the first day on which something is wrong.
    ///
    /// # Errors
    /// The failure.
    pub fn play(plan: &Plan, planted: Option<Planted>) -> (Counts, Result<(), Box<Failure>>) {
        Simulation::play_until(plan, planted, Date::MAX)
    }

    /// The same, no further than a day.
    ///
    /// # Errors
    /// The failure.
    pub fn play_until(plan: &Plan, planted: Option<Planted>, last: Date) -> (Counts, Result<(), Box<Failure>>) {
        let mut simulation = Simulation::new(plan, planted);
        let failure = plan.days().take_while(|day| *day <= last).find_map(|day| simulation.day(day));
        simulation.counts.calls = simulation.shared.gate.all_calls();
        (simulation.counts.documents, simulation.counts.credit_notes) = simulation.observer.count();
        let now = simulation.shared.now().min(plan.last.close());
        simulation.counts.tenant_months = simulation.shared.with_facts(|facts| {
            let ended = facts.tenants.keys().map(|tenant| ended_months(facts, tenant, now).len() as u64);
            ended.sum()
        });
        (simulation.counts, failure.map_or(Ok(()), |failure| Err(Box::new(failure))))
    }

    /// Plays a day: what happens, then the handlers' runs. Returns what is wrong after it, if anything is.
    pub fn day(&mut self, day: Date) -> Option<Failure> {
        self.counts.days += 1;
        self.move_to(day, 0);
        let troubles = self.shared.with_script(|script| script.advance(day));
        self.is_swept = false;
        self.people(day, &troubles);
        self.payers(day, &troubles);
        self.apply(day);
        for trouble in &troubles {
            if let Trouble::Outage { days } = trouble {
                self.out_until = self.out_until.max(later(day, i64::from(*days)));
            }
        }
        if day < self.out_until {
            self.deliveries.refuse();
            self.observer.disturb(None);
            return None;
        }
        let disturbance = Disturbance::of(&troubles);
        self.morning(&disturbance);
        self.runs(day, &disturbance);
        match disturbance.is_harmless() {
            true => self.observer.settle(at(day, INVOICER_HOUR)),
            false => self.observer.disturb(None),
        }
        if disturbance.is_harmless() {
            self.approve(day);
        }
        self.observer.refresh(&self.shared);
        self.evening(day, &troubles, &disturbance);
        self.judged(day)
    }

    fn move_to(&self, day: Date, hour: i64) {
        self.shared.move_to(at(day, hour));
    }

    fn people(&mut self, day: Date, troubles: &[Trouble]) {
        let (due, later_on): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.undo).into_iter().partition(|(on, _)| *on <= day);
        self.undo = later_on;
        for (_, document) in due {
            Person { shared: &self.shared, observer: &self.observer }.undo(&document);
            self.observer.refresh(&self.shared);
            self.observer.disturb(None);
        }
        for trouble in troubles {
            let acted = Person { shared: &self.shared, observer: &self.observer }.act(trouble);
            self.observer.refresh(&self.shared);
            let Some((tenant, document)) = acted else { continue };
            self.observer.disturb(Some(&tenant));
            if matches!(trouble, Trouble::EditDraft(_)) {
                self.undo.push((later(day, UNDONE_AFTER_DAYS), document));
            }
        }
    }

    /// Runs the day's handlers.
    fn runs(&mut self, day: Date, disturbance: &Disturbance) {
        let mut hours = vec![(0, SYNC_HOUR), (1, INVOICER_HOUR)];
        if let Disturbance::Repeated { seed } = disturbance {
            let mut random = Random::new(*seed);
            let early = |random: &mut Random| (random.below(2) as usize, 1 + i64::from(random.below(5)));
            let mut repeated = vec![early(&mut random), early(&mut random)];
            repeated.sort_by_key(|(_, hour)| *hour);
            repeated.append(&mut hours);
            hours = repeated;
        }
        for (handler, hour) in hours {
            self.move_to(day, hour);
            self.run(day, handler, disturbance);
        }
    }

    fn run(&mut self, day: Date, handler: usize, disturbance: &Disturbance) {
        let fault = disturbance.fault(handler, self.usual_calls[handler]).map(|(due, fault)| self.aimed(due, fault));
        let (event, count) = (self.event(day, handler), disturbance.runs_at_once());
        self.shared.gate.begin_run(fault, disturbance.interleaving());
        let started = if handler == 0 { &self.cost_sync } else { &self.invoicer };
        let runs = (0..count).map(|number| {
            let run = Run::lasting(format!("{day}-{handler}-{number}-{}", self.counts.runs), TIMEOUT);
            let events = event.clone();
            async move {
                let mut answers = Vec::new();
                for event in events {
                    answers.push(started.handle(event, &run).await.map(|outcome| outcome.answer));
                }
                answers
            }
        });
        let answers = block_on(futures::future::join_all(runs));
        self.counts.runs += u64::from(count);
        if disturbance.is_harmless() {
            self.usual_calls[handler] = self.shared.gate.calls();
        }
        if handler == 1 && disturbance.is_harmless() {
            self.said.clear();
            for answer in answers.into_iter().flatten().flatten() {
                self.said.add(answer.get());
            }
        }
        self.observer.refresh(&self.shared);
    }

    /// The events of a run: the schedule's, but for the defects that know one month only.
    fn event(&self, day: Date, handler: usize) -> Vec<Value> {
        if handler == 0 && self.shared.has(Planted::SyncsLastMonthOnly) {
            let last = Month::of(day).plus(-1);
            return vec![json!({"start": last.first().to_string(), "end": last.last().to_string()})];
        }
        if handler == 0 || !self.shared.has(Planted::LastMonthOnly) {
            return vec![json!({})];
        }
        let period = Month::of(day).plus(-1).to_string();
        let tenants = self.observer.tenants();
        tenants.map(|tenant| json!({"tenant": tenant.id, "period": period})).collect()
    }

    /// Three defects show at one call only: the fault waits for it.
    fn aimed(&self, due: Due, fault: Fault) -> (Due, Fault) {
        match self.shared.planted {
            Some(Planted::DoubleDraft) => (Due::Doing(CREATE_DRAFT), Fault::AnswerLost),
            Some(Planted::CreditedTwice) => (Due::Doing(CREDIT), Fault::AnswerLost),
            Some(Planted::HalfDrawn) => (Due::Doing(ADD_LINES), Fault::Killed),
            _ => (due, fault),
        }
    }

    /// The operator approves some of what waits for it.
    fn approve(&mut self, day: Date) {
        for draft in self.said.approvable() {
            if !self.operator.chance(APPROVES_PERCENT) {
                continue;
            }
            self.move_to(day, OPERATOR_HOUR);
            let event = json!({
                "action": "approve", "tenant": draft.tenant, "period": draft.month.to_string(), "total": draft.total,
                "by": "operator",
            });
            self.shared.gate.begin_run(None, None);
            let run = Run::lasting(format!("{day}-approve-{}", self.counts.runs), TIMEOUT);
            if let Ok(outcome) = block_on(self.invoicer.handle(event, &run)) {
                self.said.add(outcome.answer.get());
            }
            self.counts.runs += 1;
        }
    }

    /// Returns what there is in Stripe and in the ledger.
    #[must_use]
    pub fn world(&self) -> World {
        let mut world = self.observer.world(&self.shared, &self.said);
        for (tenant, account) in &mut world.accounts {
            self.audit.tell(tenant, account);
        }
        World { events: self.deliveries.events(), is_swept: self.is_swept, ..world }
    }

    fn judged(&mut self, day: Date) -> Option<Failure> {
        let world = self.world();
        let bills = &mut self.bills;
        let violations = self.shared.with_facts(|facts| judge(bills, facts, &world));
        if self.is_swept {
            self.deliveries.forget_settled();
        }
        let tenant = violations.first()?.tenant.clone();
        let said = tenant.iter().flat_map(|tenant| self.said.of(&tenant.id));
        let said = said.map(|(month, answer)| format!("{month} {answer}")).collect();
        Some(Failure { on: day, violations, world, said })
    }
}

fn later(day: Date, days: i64) -> Date {
    day.checked_add(Span::new().days(days)).expect("a day of the calendar")
}

fn at(day: Date, hour: i64) -> Timestamp {
    midnight(day).checked_add(Span::new().hours(hour)).expect("an hour of the calendar")
}
