//! Who calls what, how often and how many at once; the faults that strike them and the rates they are held to. One
//! [`Traffic`] sees the AWS and the Stripe side, so "the n-th write" means the n-th write of the whole apply.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::fault::{Effect, Fault, FaultError, FaultState, FaultStatus};
use super::rates::{Rate, RateError, Rates};

/// How late a call takes effect whose connection closed before it did: later than a caller looks, and calls again.
pub const LATE: Duration = Duration::from_secs(3);

/// How many calls the log remembers; older ones are still counted.
const LOG_LENGTH: usize = 20_000;

/// A handle on the counters and faults; clones are the same thing.
#[derive(Clone, Debug)]
pub struct Traffic {
    board: Arc<Mutex<Board>>,
    changed: watch::Sender<()>,
    /// The moment that the buckets' times count from.
    began: Instant,
}

/// Numbers by service and operation.
pub type ByOperation = BTreeMap<String, BTreeMap<String, u64>>;

#[derive(Debug, Default)]
struct Board {
    /// Grows with every reset: what began before one no longer counts.
    epoch: u64,
    total: u64,
    in_flight: u64,
    in_flight_peak: u64,
    services: ByOperation,
    rejections: ByOperation,
    log: VecDeque<LoggedCall>,
    latency: Duration,
    rates: Rates,
    last_fault: u64,
    faults: Vec<FaultStatus>,
}

/// What was counted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// All calls.
    pub total: u64,
    /// Calls not yet answered.
    pub in_flight: u64,
    /// The most calls that were under way at once.
    pub in_flight_peak: u64,
    /// Calls by service and operation.
    pub services: ByOperation,
    /// Calls that were over a rate limit, by service and operation; they are counted above as well.
    pub rejections: ByOperation,
    /// The calls in the order they came, the newest 20,000 of them.
    pub log: Vec<LoggedCall>,
}

impl Counts {
    /// How often an operation was called.
    pub fn of(&self, service: &str, operation: &str) -> u64 {
        self.services.get(service).and_then(|operations| operations.get(operation)).copied().unwrap_or(0)
    }

    /// How many calls were over a rate limit.
    pub fn rejected(&self) -> u64 {
        self.rejections.values().flat_map(BTreeMap::values).sum()
    }
}

/// One call in the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoggedCall {
    /// Counts from 1.
    pub n: u64,
    /// As requests are signed for it, or `stripe`.
    pub service: String,
    /// As the API names it.
    pub operation: String,
    /// Whether it changes something.
    pub write: bool,
    /// The HTTP status; `null` while under way and when no answer was sent.
    pub status: Option<u16>,
}

/// What is to become of an admitted call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing special.
    Proceed,
    /// Answer with an internal error, do nothing.
    Fail,
    /// Close the connection, do nothing.
    CutOff,
    /// Answer with the throttling error, do nothing.
    Throttle,
    /// Do it, then close the connection.
    LoseAnswer,
    /// Do it, then wait for [`Admission::hold`] before answering.
    HoldAnswer,
    /// Wait for [`Admission::hold`], then do it.
    HoldCall,
    /// Close the connection, and do it after [`LATE`].
    ActLate,
}

/// A call under way. Dropping it without [`Admission::settle`] means that nobody was answered.
#[derive(Debug)]
pub struct Admission {
    traffic: Traffic,
    epoch: u64,
    number: u64,
    verdict: Verdict,
    fault: Option<u64>,
    status: Option<u16>,
}

impl Default for Traffic {
    fn default() -> Traffic {
        Traffic::new()
    }
}

impl Traffic {
    /// Counters at zero, no faults.
    pub fn new() -> Traffic {
        Traffic { board: Arc::default(), changed: watch::Sender::new(()), began: Instant::now() }
    }

    /// Counts a call, lets the set latency pass and says what is to become of it.
    pub async fn admit(&self, service: &str, operation: &str, write: bool) -> Admission {
        let (admission, latency) = self.enter(service, operation, write);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        admission
    }

    /// What was counted since the start or the last reset.
    pub fn counts(&self) -> Counts {
        let board = self.board();
        Counts {
            total: board.total,
            in_flight: board.in_flight,
            in_flight_peak: board.in_flight_peak,
            services: board.services.clone(),
            rejections: board.rejections.clone(),
            log: board.log.iter().cloned().collect(),
        }
    }

    /// Starts counting from zero. Faults, latency and rates stay.
    pub fn reset(&self) {
        let mut board = self.board();
        board.epoch += 1;
        (board.total, board.in_flight, board.in_flight_peak) = (0, 0, 0);
        board.services.clear();
        board.rejections.clear();
        board.log.clear();
    }

    /// Arms these faults in place of all earlier ones and gives their ids. Answers held by earlier ones go out.
    pub fn arm(&self, faults: Vec<Fault>) -> Result<Vec<u64>, FaultError> {
        if let Some(at) = faults.iter().position(|fault| fault.nth == 0) {
            return Err(FaultError::NthIsZero { position: at + 1 });
        }
        let mut board = self.board();
        let first = board.last_fault + 1;
        board.last_fault += faults.len() as u64;
        let ids: Vec<u64> = (first..=board.last_fault).collect();
        let armed = |(id, fault)| FaultStatus { id, fault, state: FaultState::Armed, seen: 0, call: None };
        board.faults = ids.iter().copied().zip(faults).map(armed).collect();
        drop(board);
        self.changed.send_replace(());
        Ok(ids)
    }

    /// Takes all faults away; what they held goes on.
    pub fn disarm(&self) {
        self.board().faults.clear();
        self.changed.send_replace(());
    }

    /// Every call waits this long before it does anything.
    pub fn set_latency(&self, latency: Duration) {
        self.board().latency = latency;
    }

    /// The latency that is set.
    pub fn latency(&self) -> Duration {
        self.board().latency
    }

    /// Holds all calls from now on to these rates; none lifts every limit.
    pub fn set_rates(&self, rates: Vec<Rate>) -> Result<(), RateError> {
        self.board().rates.set(rates)
    }

    /// The rates that calls are held to.
    pub fn rates(&self) -> Vec<Rate> {
        self.board().rates.in_force().to_vec()
    }

    /// The faults and how far they have come.
    pub fn faults(&self) -> Vec<FaultStatus> {
        self.board().faults.clone()
    }

    /// Lets all held calls and answers go on.
    pub fn release(&self) {
        for fault in self.board().faults.iter_mut().filter(|fault| fault.state == FaultState::Holding) {
            fault.state = FaultState::Done;
        }
        self.changed.send_replace(());
    }

    /// Waits until the fault has come to `state` or beyond; at once when there is no such fault any more.
    pub async fn until(&self, fault: u64, state: FaultState) {
        let mut changes = self.changed.subscribe();
        while self.state_of(fault).is_some_and(|now| (now as u8) < state as u8) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    fn enter(&self, service: &str, operation: &str, write: bool) -> (Admission, Duration) {
        let mut board = self.board();
        board.total += 1;
        board.in_flight += 1;
        board.in_flight_peak = board.in_flight_peak.max(board.in_flight);
        add_one(&mut board.services, service, operation);
        let (number, epoch, latency) = (board.total, board.epoch, board.latency);
        if board.log.len() == LOG_LENGTH {
            board.log.pop_front();
        }
        let (service_name, operation_name) = (service.to_owned(), operation.to_owned());
        board.log.push_back(LoggedCall {
            n: number,
            service: service_name,
            operation: operation_name,
            write,
            status: None,
        });
        let struck = strike(&mut board.faults, number, service, operation, write);
        // A call that a fault takes away costs no token.
        let over = struck.is_none() && board.rates.take(service, operation, self.began.elapsed()).is_err();
        if over {
            add_one(&mut board.rejections, service, operation);
        }
        drop(board);
        if struck.is_some() {
            self.changed.send_replace(());
        }
        let unstruck = if over { Verdict::Throttle } else { Verdict::Proceed };
        let verdict = struck.map_or(unstruck, |(_, effect)| verdict(effect));
        // A network that is cut off stays so: no single call ends it.
        let fault = struck.filter(|(_, effect)| *effect != Effect::CutOff).map(|(id, _)| id);
        (Admission { traffic: self.clone(), epoch, number, verdict, fault, status: None }, latency)
    }

    fn leave(&self, admission: &Admission) {
        let mut board = self.board();
        if board.epoch == admission.epoch {
            board.in_flight -= 1;
            let first = board.log.front().map_or(0, |call| call.n);
            let at = admission.number.checked_sub(first).and_then(|at| usize::try_from(at).ok());
            if let Some(call) = at.and_then(|at| board.log.get_mut(at)) {
                call.status = admission.status;
            }
        }
        drop(board);
        self.set_state(admission.fault, FaultState::Done);
    }

    fn set_state(&self, fault: Option<u64>, state: FaultState) {
        let Some(id) = fault else { return };
        if let Some(fault) = self.board().faults.iter_mut().find(|fault| fault.id == id) {
            fault.state = state;
        }
        self.changed.send_replace(());
    }

    fn state_of(&self, id: u64) -> Option<FaultState> {
        self.board().faults.iter().find(|fault| fault.id == id).map(|fault| fault.state)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        // Nothing panics while it holds the lock, and counters are still counters if something did.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// The call's number in the log.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What is to become of the call.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The call is held, before it takes effect or after: returns when it may go on.
    pub async fn hold(&self) {
        let Some(id) = self.fault else { return };
        self.traffic.set_state(self.fault, FaultState::Holding);
        self.traffic.until(id, FaultState::Done).await;
    }

    /// The call was answered with this status.
    pub fn settle(mut self, status: u16) {
        self.status = Some(status);
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.traffic.clone().leave(self);
    }
}

fn add_one(counts: &mut ByOperation, service: &str, operation: &str) {
    *counts.entry(service.to_owned()).or_default().entry(operation.to_owned()).or_default() += 1;
}

fn strike(
    faults: &mut [FaultStatus],
    number: u64,
    service: &str,
    operation: &str,
    write: bool,
) -> Option<(u64, Effect)> {
    let mut struck = None;
    for status in faults.iter_mut() {
        let lasts = status.fault.effect == Effect::CutOff;
        if !(status.state == FaultState::Armed || lasts) || !status.fault.counts(service, operation, write) {
            continue;
        }
        status.seen += 1;
        // Two faults due at one call: the first strikes, the other waits for its next one.
        if status.seen >= status.fault.nth && struck.is_none() {
            status.state = FaultState::Struck;
            status.call.get_or_insert(number);
            struck = Some((status.id, status.fault.effect));
        }
    }
    struck
}

fn verdict(effect: Effect) -> Verdict {
    match effect {
        Effect::FailBefore => Verdict::Fail,
        Effect::CutOff => Verdict::CutOff,
        Effect::Throttle => Verdict::Throttle,
        Effect::LoseAnswer => Verdict::LoseAnswer,
        Effect::HoldAnswer => Verdict::HoldAnswer,
        Effect::HoldCall => Verdict::HoldCall,
        Effect::ActLate => Verdict::ActLate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calls_are_counted_numbered_and_logged_with_their_status() {
        let traffic = Traffic::new();
        let first = traffic.admit("iam", "GetRole", false).await;
        let second = traffic.admit("stripe", "PostCustomers", true).await;
        assert_eq!(traffic.counts().in_flight, 2);
        second.settle(200);
        drop(first);
        let counts = traffic.counts();
        assert_eq!((counts.total, counts.in_flight, counts.in_flight_peak), (2, 0, 2));
        assert_eq!(counts.of("stripe", "PostCustomers"), 1);
        assert_eq!(counts.log[0].status, None);
        assert_eq!((counts.log[1].n, counts.log[1].status), (2, Some(200)));
    }

    #[tokio::test]
    async fn a_reset_forgets_calls_under_way() {
        let traffic = Traffic::new();
        let before = traffic.admit("iam", "GetRole", false).await;
        traffic.reset();
        let after = traffic.admit("iam", "GetRole", false).await;
        before.settle(500);
        assert_eq!(traffic.counts().in_flight, 1);
        after.settle(200);
        assert_eq!(traffic.counts().log[0].status, Some(200));
    }

    #[tokio::test]
    async fn the_nth_write_is_struck_and_no_other() {
        let traffic = Traffic::new();
        traffic.arm(vec![Fault::on_write(2, Effect::Throttle)]).unwrap();
        let mut verdicts = Vec::new();
        for write in [true, false, true, true] {
            verdicts.push(traffic.admit("s3", "X", write).await.verdict());
        }
        assert_eq!(verdicts, [Verdict::Proceed, Verdict::Proceed, Verdict::Throttle, Verdict::Proceed]);
        let fault = &traffic.faults()[0];
        assert_eq!((fault.state, fault.seen, fault.call), (FaultState::Done, 2, Some(3)));
    }

    #[tokio::test]
    async fn a_network_that_is_cut_off_stays_so_until_something_else_is_armed() {
        let traffic = Traffic::new();
        traffic.arm(vec![Fault::on_call(2, Effect::CutOff)]).unwrap();
        let mut verdicts = Vec::new();
        for write in [true, false, true] {
            verdicts.push(traffic.admit("s3", "X", write).await.verdict());
        }
        assert_eq!(verdicts, [Verdict::Proceed, Verdict::CutOff, Verdict::CutOff]);
        let fault = &traffic.faults()[0];
        assert_eq!((fault.state, fault.seen, fault.call), (FaultState::Struck, 3, Some(2)));
        traffic.arm(Vec::new()).unwrap();
        assert_eq!(traffic.admit("s3", "X", true).await.verdict(), Verdict::Proceed);
    }

    #[tokio::test]
    async fn calls_over_a_rate_are_throttled_and_counted() {
        let traffic = Traffic::new();
        let rate = Rate {
            service: "iam".to_owned(),
            operations: vec!["Get*".to_owned()],
            except: Vec::new(),
            each: false,
            per_second: 1,
            burst: 2,
        };
        traffic.set_rates(vec![rate]).unwrap();
        traffic.arm(vec![Fault::on_call(1, Effect::FailBefore)]).unwrap();
        let mut verdicts = Vec::new();
        for operation in ["GetRole", "GetRole", "GetRole", "GetRole", "CreateRole"] {
            verdicts.push(traffic.admit("iam", operation, false).await.verdict());
        }
        use Verdict::*;
        assert_eq!(verdicts, [Fail, Proceed, Proceed, Throttle, Proceed]);
        let counts = traffic.counts();
        assert_eq!((counts.of("iam", "GetRole"), counts.rejected(), counts.rejections["iam"]["GetRole"]), (4, 1, 1));
        traffic.reset();
        assert_eq!(traffic.counts().rejected(), 0);
        traffic.set_rates(Vec::new()).unwrap();
        assert_eq!(traffic.admit("iam", "GetRole", false).await.verdict(), Proceed);
    }

    #[tokio::test]
    async fn a_held_answer_is_told_and_goes_out_when_released() {
        let traffic = Traffic::new();
        let id = traffic.arm(vec![Fault::on_call(1, Effect::HoldAnswer)]).unwrap()[0];
        let admission = traffic.admit("iam", "CreateRole", true).await;
        assert_eq!(traffic.faults()[0].state, FaultState::Struck);
        let held = tokio::spawn(async move {
            admission.hold().await;
            admission.settle(200);
        });
        traffic.until(id, FaultState::Holding).await;
        assert_eq!(traffic.faults()[0].state, FaultState::Holding);
        assert!(!held.is_finished());
        traffic.release();
        held.await.unwrap();
        assert_eq!(traffic.faults()[0].state, FaultState::Done);
    }

    #[tokio::test]
    async fn a_client_that_goes_ends_the_hold() {
        let traffic = Traffic::new();
        let id = traffic.arm(vec![Fault::on_call(1, Effect::HoldAnswer)]).unwrap()[0];
        let admission = traffic.admit("iam", "CreateRole", true).await;
        let held = tokio::spawn(async move { admission.hold().await });
        traffic.until(id, FaultState::Holding).await;
        held.abort();
        traffic.until(id, FaultState::Done).await;
        assert_eq!(traffic.counts().in_flight, 0);
    }

    #[test]
    fn the_zeroth_call_cannot_be_struck() {
        let faults = vec![Fault::on_call(1, Effect::Throttle), Fault::on_call(0, Effect::Throttle)];
        assert!(Traffic::new().arm(faults).unwrap_err().to_string().starts_with("fault 2: nth is 0"));
    }
}
