//! Cases and how they are run: spread over a few clouds, each found good or bad.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::join_all;
use localcloud::gateway::fault::{Fault, FaultState};

use super::ground::Struck;
use super::{Change, Clean, Differences, Disturbance, Ground, Lacking};

/// One call of one change, disturbed in one way. Written `create/iam/CreateRole/2/killed-after`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// What the run does.
    pub change: Change,
    /// The call's service.
    pub service: String,
    /// Its operation.
    pub operation: String,
    /// Which of these calls, counted from 1.
    pub nth: u64,
    /// What becomes of it.
    pub disturbance: Disturbance,
}

impl Case {
    /// The fault that strikes the call.
    pub fn fault(&self) -> Fault {
        Fault { nth: self.nth, ..Fault::on_operation(&self.service, &self.operation, self.disturbance.effect()) }
    }

    /// How far the fault is when the run is killed.
    pub fn killed_at(&self) -> FaultState {
        if self.overlaps() { FaultState::Struck } else { FaultState::Holding }
    }

    /// Whether the next run starts while the struck call is under way.
    pub fn overlaps(&self) -> bool {
        self.disturbance == Disturbance::KilledActsLate
    }
}

/// Stripe's operations hold slashes and spaces, so the operation is what is left between the rest.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { change, service, operation, nth, disturbance } = self;
        write!(f, "{change}/{service}/{operation}/{nth}/{disturbance}")
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Case, String> {
        let shape = || format!("`{text}` is no case; one is written create/iam/CreateRole/2/killed-after");
        let (change, rest) = text.split_once('/').ok_or_else(shape)?;
        let (service, rest) = rest.split_once('/').ok_or_else(shape)?;
        let (rest, disturbance) = rest.rsplit_once('/').ok_or_else(shape)?;
        let (operation, nth) = rest.rsplit_once('/').ok_or_else(shape)?;
        Ok(Case {
            change: change.parse()?,
            service: service.to_owned(),
            operation: operation.to_owned(),
            nth: nth.parse().map_err(|_| shape())?,
            disturbance: disturbance.parse()?,
        })
    }
}

/// Who makes the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// The built program, killed by SIGKILL.
    Program,
    /// The engine in this process, killed by dropping its future, perhaps without a safeguard.
    Engine(Lacking),
}

/// What came of one case.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which.
    pub case: Case,
    /// What the disturbed run came to.
    pub struck: Struck,
    /// What differs in the end; the error is a run that did not end as it must.
    pub result: Result<Differences, String>,
    /// How long the case took.
    pub took: Duration,
}

impl Found {
    /// Whether everything is as after a clean run.
    pub fn is_good(&self) -> bool {
        self.result.as_ref().is_ok_and(Differences::is_empty)
    }
}

/// The clean runs, and clouds to run cases on.
pub struct Suite {
    grounds: Vec<Ground>,
    clean: BTreeMap<Change, Clean>,
}

impl Suite {
    /// Starts so many clouds and makes each of these changes undisturbed once.
    pub async fn new(at_once: usize, changes: &[Change]) -> Suite {
        let mut grounds = join_all((0..at_once.max(1)).map(|_| Ground::new())).await;
        let mut clean = BTreeMap::new();
        for change in BTreeSet::from_iter(changes.iter().copied()) {
            clean.insert(change, grounds[0].clean(change).await);
        }
        Suite { grounds, clean }
    }

    /// The clean runs.
    pub fn clean(&self) -> impl Iterator<Item = &Clean> {
        self.clean.values()
    }

    /// Every case of these changes.
    pub fn cases(&self) -> Vec<Case> {
        self.clean().flat_map(Clean::cases).collect()
    }

    /// Runs the cases, and tells of each as it ends.
    pub async fn run(&mut self, runner: Runner, cases: Vec<Case>, progress: &(dyn Fn(&Found) + Sync)) -> Vec<Found> {
        let open = Mutex::new(VecDeque::from(cases));
        let next = || open.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let clean = &self.clean;
        let lanes = self.grounds.iter_mut().map(async |ground| {
            let mut found = Vec::new();
            while let Some(case) = next() {
                let clean = &clean[&case.change];
                let one = tried(ground, runner, case, clean).await;
                progress(&one);
                found.push(one);
            }
            found
        });
        let mut found: Vec<Found> = join_all(lanes).await.into_iter().flatten().collect();
        found.sort_by(|a, b| a.case.cmp(&b.case));
        found
    }
}

/// A case that panics is a bad one, and the next goes on in an emptied account.
async fn tried(ground: &mut Ground, runner: Runner, case: Case, clean: &Clean) -> Found {
    let began = Instant::now();
    let run = async {
        match runner {
            Runner::Program => ground.run(&case, clean).await,
            Runner::Engine(lacking) => ground.run_lacking(&case, clean, lacking).await,
        }
    };
    let ran = AssertUnwindSafe(run).catch_unwind().await;
    let (struck, result) = ran.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let struck = Struck { reached: true, ended_well: false };
        (struck, Err(said.unwrap_or_else(|| "the case panicked".to_owned())))
    });
    Found { case, struck, result, took: began.elapsed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_read_as_it_is_written() {
        for text in ["create/iam/CreateRole/2/killed-after", "replace/stripe/POST /v1/prices/{price}/1/answer-lost"] {
            assert_eq!(text.parse::<Case>().expect("a case").to_string(), text);
        }
        for text in ["create", "create/iam/CreateRole/x/fails", "make/iam/CreateRole/1/fails"] {
            assert!(text.parse::<Case>().is_err(), "{text}");
        }
    }
}
