//! Eventual consistency: for a while after a write, reads show what was there before it, as AWS's do.
//!
//! Off by default. It works from the outside, with nothing but what passed the gateway, so it is careful about what it
//! claims. A read that is repeated gives its earlier answer again while every write that this answer lacks is younger
//! than the delay. A read that nobody asked before a create says "not found" if it is about what was created. Anything
//! else is answered truthfully: what was there before is not known. So a read is never staler than the delay, and may
//! be fresher. Writes always meet the truth, and so do the rules of the gateway itself.

mod services;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::pipeline::{Answer, Call};
use super::protocol;
use super::traffic::ByOperation;
use services::{Plane, names, same};

/// How many answers are remembered; beyond that all are forgotten, and reads are answered truthfully.
const REMEMBERED: usize = 20_000;

/// For how long reads lag behind writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// At least so many milliseconds; 0, with no `at_most_ms`, is off.
    #[serde(default)]
    pub delay_ms: u64,
    /// Each write draws its own delay up to so many milliseconds, from the seed. Less than `delay_ms` draws none.
    #[serde(default)]
    pub at_most_ms: u64,
    /// Repeats the draws.
    #[serde(default)]
    pub seed: u64,
}

/// A handle on what was read and written; clones are the same thing.
#[derive(Clone, Debug, Default)]
pub struct Lag(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    delay: Delay,
    /// How many writes drew a delay.
    drawn: u64,
    writes: Vec<Write>,
    answers: HashMap<Question, Remembered>,
    stale: ByOperation,
}

/// A write that reads may not show yet.
#[derive(Debug)]
struct Write {
    plane: &'static Plane,
    /// What it was about; none is the whole service.
    names: Vec<String>,
    creates: bool,
    at: Instant,
    /// From when on everybody sees it.
    settles_at: Instant,
}

/// A read, as far as its answer depends on it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Question {
    service: String,
    operation: String,
    /// One caller's answer is not another's.
    access_key: Option<String>,
    region: Option<String>,
    path: String,
    body: Bytes,
}

/// An answer and when it was asked for.
#[derive(Debug)]
struct Remembered {
    answer: Answer,
    asked_at: Instant,
}

impl Delay {
    /// Always the same.
    pub fn of_ms(delay_ms: u64) -> Delay {
        Delay { delay_ms, ..Delay::default() }
    }

    fn is_off(&self) -> bool {
        self.delay_ms == 0 && self.at_most_ms == 0
    }

    /// The delay of the n-th write.
    fn of(&self, n: u64) -> Duration {
        let spread = self.at_most_ms.saturating_sub(self.delay_ms);
        // SplitMix64 (Steele, Lea, Flood 2014): any seed will do.
        let state = self.seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Duration::from_millis(self.delay_ms + (mixed ^ (mixed >> 31)) % (spread + 1))
    }
}

impl Lag {
    /// Lets reads lag so from now on. What was remembered is forgotten.
    pub fn set(&self, delay: Delay) {
        *self.memory() = Memory { delay, ..Memory::default() };
    }

    /// The delay that is set.
    pub fn delay(&self) -> Delay {
        self.memory().delay
    }

    /// How many reads were answered with what was there before, by service and operation.
    pub fn stale(&self) -> ByOperation {
        self.memory().stale.clone()
    }

    /// The old picture, if the call is a read that gets one.
    pub fn answer(&self, call: &Call) -> Option<Answer> {
        self.answer_at(call, Instant::now())
    }

    /// Takes in what MiniStack and the rules answered to a call that came at `asked_at`.
    pub fn learn(&self, call: &Call, answer: &Answer, asked_at: Instant) {
        self.learn_at(call, answer, asked_at, Instant::now());
    }

    fn answer_at(&self, call: &Call, now: Instant) -> Option<Answer> {
        let mut memory = self.memory();
        let plane = memory.plane(call).filter(|_| !call.write)?;
        let about = names(plane, call);
        let unseen: Vec<&Write> = memory.writes.iter().filter(|write| write.concerns(plane, &about)).collect();
        let lacking = |asked_at: Instant| unseen.iter().filter(move |write| write.at > asked_at);
        let answer = match memory.answers.get(&question(call)) {
            Some(old) => {
                let mut lacking = lacking(old.asked_at).peekable();
                let replays = lacking.peek().is_some() && lacking.all(|write| write.settles_at > now);
                replays.then(|| old.answer.clone())
            }
            None => {
                let created = |write: &&Write| write.creates && write.settles_at > now;
                let not_there = !about.is_empty() && unseen.iter().copied().any(|write| created(&write));
                plane.not_found.filter(|_| not_there).map(|(status, code)| {
                    protocol::error(call, status, code, "It does not exist, or not everybody knows yet that it does.")
                })
            }
        };
        if answer.is_some() {
            let counts = memory.stale.entry(call.service.clone()).or_default();
            *counts.entry(call.operation.clone()).or_default() += 1;
        }
        answer
    }

    fn learn_at(&self, call: &Call, answer: &Answer, asked_at: Instant, now: Instant) {
        let mut memory = self.memory();
        let Some(plane) = memory.plane(call) else { return };
        if !call.write {
            if memory.answers.len() == REMEMBERED {
                memory.answers.clear();
            }
            memory.answers.insert(question(call), Remembered { answer: answer.clone(), asked_at });
        } else if answer.is_success() {
            memory.drawn += 1;
            let settles_at = now + memory.delay.of(memory.drawn);
            let mut about = names(plane, call);
            about.extend(services::made(plane, answer));
            let creates = plane.creates.contains(&call.operation.as_str());
            memory.writes.push(Write { plane, names: about, creates, at: now, settles_at });
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn plane(&self, call: &Call) -> Option<&'static Plane> {
        if self.delay.is_off() { None } else { services::plane(call) }
    }
}

impl Write {
    /// Whether a read of this plane, about these names, would show it. What names nothing is about everything.
    fn concerns(&self, plane: &Plane, about: &[String]) -> bool {
        let met = || self.names.iter().any(|name| about.iter().any(|asked| same(name, asked)));
        std::ptr::eq(self.plane, plane) && (about.is_empty() || self.names.is_empty() || met())
    }
}

fn question(call: &Call) -> Question {
    Question {
        service: call.service.clone(),
        operation: call.operation.clone(),
        access_key: call.access_key.clone(),
        region: call.region.clone(),
        path: call.uri.to_string(),
        body: call.body.clone(),
    }
}

#[cfg(test)]
mod tests;
