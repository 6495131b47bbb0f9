//! Carrying out a plan: executes, decides nothing.
//!
//! One loop owns the state and the journal; the calls of independent steps run beside each other. Before any call the
//! intent of its step is in the journal, and the results of everything that has ended by then go into the same append.

mod calls;
mod outcome;
mod queue;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::future::{BoxFuture, Either, select};
use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;

use crate::clock::Clock;
use crate::input::{references, resolve};
use crate::kind::{Applied, ErrorClass, Removal};
use crate::observer::{Event, Observer};
use crate::plan::{Plan, Step};
use crate::retry::{Retrier, RetryPolicy};
use crate::state::{Entry, Intent, StateStore, StoreError, last_applied};
use crate::status::{ApplyError, Status};
use crate::{Action, Kinds, Record, State};

use calls::{Caller, Job, Made};
pub use outcome::Outcome;
use queue::Queue;

/// How to carry out a plan.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many steps of a service run at once, by [`crate::KindMeta::service`].
    pub limits: BTreeMap<&'static str, usize>,
    /// The same for services without a limit of their own.
    pub default_limit: usize,
    /// How many steps run at once in all.
    pub total_limit: usize,
    /// When calls are made again.
    pub retry: RetryPolicy,
    /// Idempotency tokens count from here at least, so that none comes twice when an older state was put back.
    pub generation: u64,
    /// Set by whoever wants it to stop: nothing new starts, what runs ends, all is saved.
    pub stop: Arc<AtomicBool>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            limits: BTreeMap::new(),
            default_limit: 10,
            total_limit: 40,
            retry: RetryPolicy::default(),
            generation: 0,
            stop: Arc::default(),
        }
    }
}

impl Options {
    /// How many steps of a service may run at once; never none.
    pub fn limit(&self, service: &str) -> usize {
        self.limits.get(service).copied().unwrap_or(self.default_limit).max(1)
    }
}

/// Carries out `plan` and keeps what came of it. `state` is the one the plan was made from.
pub async fn apply(
    plan: &Plan,
    state: State,
    kinds: &Kinds,
    store: &dyn StateStore,
    clock: &dyn Clock,
    options: &Options,
    observer: &dyn Observer,
) -> Outcome {
    let retrier = Retrier { clock, policy: options.retry, observer };
    let services = plan.steps.iter().map(|step| kinds.of(&step.address).map_or("", |kind| kind.meta().service));
    let mut run = Run {
        plan,
        kinds,
        store,
        options,
        retrier,
        generation: state.serial.max(options.generation),
        queue: Queue::new(plan, services.collect(), options),
        state,
        statuses: vec![None; plan.steps.len()],
        begun: vec![false; plan.steps.len()],
        entries: Vec::new(),
        resumed: Vec::new(),
        running: FuturesUnordered::new(),
        ended: Vec::new(),
        broken: None,
        halted: None,
    };
    run.settle_unchanged();
    run.drive().await;
    run.finish().await
}

/// A step's end: which, and what came of it.
type Ended = (usize, Result<Made, ApplyError>);

struct Run<'a> {
    plan: &'a Plan,
    kinds: &'a Kinds,
    store: &'a dyn StateStore,
    options: &'a Options,
    retrier: Retrier<'a>,
    generation: u64,
    queue: Queue<'a>,
    state: State,
    statuses: Vec<Option<Status>>,
    /// Whether a step was announced; a replacement starts twice.
    begun: Vec<bool>,
    /// What happened and is not in the journal yet.
    entries: Vec<Entry>,
    /// Replacements whose first half is done, with what is next; they go on even when the run is stopped.
    resumed: Vec<(usize, Job)>,
    running: FuturesUnordered<BoxFuture<'a, Ended>>,
    /// What ended while the journal was written.
    ended: Vec<Ended>,
    broken: Option<StoreError>,
    /// Why no more calls may be made.
    halted: Option<String>,
}

impl<'a> Run<'a> {
    /// Brings the state up to date for the steps that make no call; it is saved with the first entries.
    fn settle_unchanged(&mut self) {
        for (at, step) in self.plan.steps.iter().enumerate() {
            if step.action.is_change() {
                continue;
            }
            self.statuses[at] = Some(Status::Unchanged);
            if step.forgets() {
                self.note(Entry::Removed(step.address.clone()));
            } else if step.desired.is_none() {
                continue;
            } else if let Ok(desired) = self.inputs(step) {
                let found = Applied {
                    id: step.id.clone().unwrap_or_default(),
                    outputs: step.outputs.clone(),
                    pending: step.pending.clone(),
                };
                let record = self.record(step, desired, found);
                let known = self.state.records.get(&step.address) == Some(&record);
                let unsettled =
                    self.state.intents.contains_key(&step.address) || self.state.renamed.contains_key(&step.address);
                if !known || unsettled {
                    self.note(Entry::Exists(Box::new(record)));
                }
            }
        }
    }

    async fn drive(&mut self) {
        loop {
            let starting = self.starting();
            if !self.entries.is_empty() {
                self.append().await;
            }
            for (at, job) in starting {
                self.start(at, job);
            }
            let mut ended = std::mem::take(&mut self.ended);
            if ended.is_empty() {
                ended.extend(self.running.next().await);
            }
            while let Some(Some(more)) = self.running.next().now_or_never() {
                ended.push(more);
            }
            if ended.is_empty() {
                return;
            }
            for (at, result) in ended {
                self.take(at, result);
            }
        }
    }

    fn may_start(&self) -> bool {
        self.may_go_on() && !self.options.stop.load(Ordering::Relaxed)
    }

    /// Whether calls that change something may be made, also the second halves of replacements.
    fn may_go_on(&self) -> bool {
        self.broken.is_none() && self.halted.is_none()
    }

    /// What starts now, its intents noted. Steps that cannot even start fail here, which may make others fail.
    fn starting(&mut self) -> Vec<(usize, Job)> {
        let mut starting = std::mem::take(&mut self.resumed);
        if self.may_start() {
            let mut taken = self.queue.take();
            while !taken.is_empty() {
                for at in taken {
                    match self.first_job(at) {
                        Ok(job) => starting.push((at, job)),
                        Err(error) => self.settle(at, Status::Failed(error)),
                    }
                }
                taken = self.queue.take();
            }
        }
        for (at, job) in &starting {
            self.note_intent(*at, job);
        }
        starting
    }

    fn first_job(&self, at: usize) -> Result<Job, ApplyError> {
        let step = &self.plan.steps[at];
        self.kinds.of(&step.address)?;
        Ok(match step.action {
            Action::Create => Job::Create { desired: self.inputs(step)? },
            // A replacement whose inputs are not known yet may turn out to be none.
            action if action == Action::Delete || action == Action::Replace && !step.awaits_outputs() => Job::Delete {
                id: step.id.clone().unwrap_or_default(),
                fields: step.observed.clone().unwrap_or_default(),
            },
            _ => {
                let record =
                    self.state.records.get(&step.address).filter(|record| Some(&record.id) == step.id.as_ref());
                let last = last_applied(record, self.state.intents.get(&step.address));
                Job::Change { desired: self.inputs(step)?, last }
            }
        })
    }

    /// The desired fields with every reference resolved from what exists by now.
    fn inputs(&self, step: &Step) -> Result<Value, ApplyError> {
        let desired = step.desired.as_ref().unwrap_or(&Value::Null);
        let resolved =
            resolve(desired, &|reference| self.state.records.get(&reference.of)?.outputs.get(&reference.name).cloned());
        let Some(lacking) = references(&resolved).into_iter().next() else { return Ok(resolved) };
        let outputs = self.state.records.get(&lacking.of).map(|record| &record.outputs);
        let given: Vec<&str> = outputs.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        Err(ApplyError::NoSuchOutput {
            address: step.address.clone(),
            given: if given.is_empty() { "none".to_owned() } else { given.join(", ") },
            wanted: Box::new(lacking),
        })
    }

    fn note(&mut self, entry: Entry) {
        self.state.take(entry.clone());
        self.entries.push(entry);
    }

    /// Writes down what is about to be called, except where no call can come of it.
    fn note_intent(&mut self, at: usize, job: &Job) {
        let step = &self.plan.steps[at];
        let fields = match job {
            Job::Create { desired } => Arc::new(desired.clone()),
            Job::Change { .. } if step.fields.is_empty() && !step.claim => return,
            Job::Change { desired, .. } => Arc::new(desired.clone()),
            Job::Delete { fields, .. } => Arc::clone(fields),
        };
        self.note(Entry::Intent(Intent {
            address: step.address.clone(),
            tenant: step.tenant.clone(),
            fields,
            depends_on: step.depends_on.clone(),
            generation: Some(self.generation_of(step)),
            takes_over: step.takes_over(),
            replaces: self.replaced_by(step, job),
        }));
    }

    /// The id of what a create comes in place of, also where an earlier run deleted that.
    fn replaced_by(&self, step: &Step, job: &Job) -> Option<String> {
        let Job::Create { .. } = job else { return None };
        let before = || self.state.intents.get(&step.address)?.replaces.clone();
        step.id.clone().filter(|_| step.action.destroys()).or_else(before)
    }

    /// What the tokens of a step count by: what a killed run began is finished under that run's count.
    fn generation_of(&self, step: &Step) -> u64 {
        let begun = self.state.intents.get(&step.address).and_then(|intent| intent.generation);
        let made = self.state.records.get(&step.address).and_then(|record| record.generation);
        begun.or(made).unwrap_or(self.generation)
    }

    /// Appends all entries at once, while what runs goes on running.
    async fn append(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        if self.broken.is_some() {
            return;
        }
        let mut append = self.store.append(&entries);
        let result = loop {
            if self.running.is_empty() {
                break append.await;
            }
            match select(append, self.running.next()).await {
                Either::Left((result, _)) => break result,
                Either::Right((ended, unfinished)) => {
                    self.ended.extend(ended);
                    append = unfinished;
                }
            }
        };
        self.broken = result.err();
    }

    /// Starts the calls of a step whose intent is in the journal; if the journal broke, it does not start.
    fn start(&mut self, at: usize, job: Job) {
        let step = &self.plan.steps[at];
        let kind = match self.kinds.of(&step.address) {
            Ok(kind) if self.may_go_on() => kind,
            Ok(_) => return self.settle(at, Status::NotStarted),
            Err(unknown) => return self.settle(at, Status::Failed(unknown.into())),
        };
        if !std::mem::replace(&mut self.begun[at], true) {
            self.retrier.observer.event(&Event::Started { address: step.address.clone(), action: step.action });
        }
        let generation = self.generation_of(step);
        let caller = Caller { step, kind, stack: &self.plan.stack, generation, retrier: self.retrier };
        self.running.push(Box::pin(async move { (at, caller.run(job).await) }));
    }

    /// Takes in what came of a step.
    fn take(&mut self, at: usize, result: Result<Made, ApplyError>) {
        let step = &self.plan.steps[at];
        match result {
            Ok(Made::Applied(applied)) => {
                let status = applied.pending.clone().map_or(Status::Done, Status::Pending);
                self.exists(at, applied, status);
            }
            Ok(Made::Unchanged(found)) => {
                let adopted = matches!(step.action, Action::Adopt | Action::Import);
                let status = found.pending.clone().map(Status::Pending);
                let status = status.unwrap_or(if adopted { Status::Done } else { Status::Unchanged });
                self.exists(at, found, status);
            }
            Ok(Made::MustReplace { id, fields }) => self.resumed.push((at, Job::Delete { id, fields })),
            Ok(Made::Removed(removal)) => self.removed(at, removal),
            Err(ApplyError::Call(error)) if error.class == ErrorClass::Halted => {
                self.halted.get_or_insert(error.message);
                self.settle(at, Status::NotStarted);
            }
            Err(error) => {
                if let ApplyError::NotOurs { .. } = error {
                    // The intent must not make it ours in the eyes of the next plan.
                    self.note(Entry::Removed(step.address.clone()));
                }
                self.settle(at, Status::Failed(error));
            }
        }
    }

    fn exists(&mut self, at: usize, applied: Applied, status: Status) {
        let step = &self.plan.steps[at];
        match self.inputs(step) {
            Ok(desired) => {
                let generation = Some(self.generation_of(step));
                let record = Record { generation, ..self.record(step, desired, applied) };
                self.note(Entry::Exists(Box::new(record)));
                self.settle(at, status);
            }
            Err(error) => self.settle(at, Status::Failed(error)),
        }
    }

    fn removed(&mut self, at: usize, removal: Removal) {
        let step = &self.plan.steps[at];
        self.note(Entry::Removed(step.address.clone()));
        if step.action == Action::Delete {
            let status = match removal {
                Removal::Gone => Status::Done,
                Removal::Archived(why) => Status::Archived(why),
                Removal::Kept(why) => Status::Kept(why),
            };
            return self.settle(at, status);
        }
        match self.inputs(step) {
            Ok(desired) => self.resumed.push((at, Job::Create { desired })),
            Err(error) => self.settle(at, Status::Failed(error)),
        }
    }

    /// Ends a step that was taken from the queue, and with it what it leaves no chance.
    fn settle(&mut self, at: usize, status: Status) {
        if status.succeeded() {
            self.queue.succeeded(at);
        } else {
            for skipped in self.queue.failed(at) {
                let status = match status {
                    Status::NotStarted => Status::NotStarted,
                    _ => Status::Skipped { because: self.plan.steps[at].address.clone() },
                };
                self.finished(skipped, status);
            }
        }
        self.finished(at, status);
    }

    fn finished(&mut self, at: usize, status: Status) {
        let Step { address, action, .. } = &self.plan.steps[at];
        let event = Event::Finished { address: address.clone(), action: *action, status: status.clone() };
        self.retrier.observer.event(&event);
        self.statuses[at] = Some(status);
    }

    /// What is remembered of a resource that is now as desired.
    fn record(&self, step: &Step, desired: Value, applied: Applied) -> Record {
        let before = self.state.records.get(&step.address).map(|record| &record.fields).or(step.observed.as_ref());
        let fields = match self.kinds.of(&step.address) {
            Ok(kind) => kind.remembered(desired, before.map(Arc::as_ref)),
            Err(_) => desired,
        };
        Record {
            address: step.address.clone(),
            id: applied.id,
            tenant: step.tenant.clone(),
            fields: fields.into(),
            outputs: applied.outputs,
            depends_on: step.depends_on.clone(),
            pending: applied.pending,
            generation: None,
        }
    }

    async fn finish(mut self) -> Outcome {
        self.state.serial = self.generation + 1;
        for (step, begun) in self.plan.steps.iter().zip(&self.begun) {
            if let Some(record) = self.state.records.get_mut(&step.address) {
                record.generation = None;
            }
            // What was tried and failed was heard of: whoever tries again asks anew, not for the answer it got.
            if let Some(intent) = self.state.intents.get_mut(&step.address).filter(|_| *begun) {
                intent.generation = None;
            }
        }
        let folded = self.store.fold(&self.state).await.err();
        let statuses: BTreeMap<_, _> = self
            .plan
            .steps
            .iter()
            .zip(self.statuses)
            .map(|(step, status)| (step.address.clone(), status.unwrap_or(Status::NotStarted)))
            .collect();
        let stop = self.options.stop.load(Ordering::Relaxed);
        Outcome {
            stopped: stop && statuses.values().any(|status| *status == Status::NotStarted),
            summary: outcome::summary(self.plan, &statuses),
            statuses,
            state: self.state,
            store_error: self.broken.or(folded),
            halted: self.halted,
        }
    }
}
