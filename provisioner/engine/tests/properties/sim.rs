//! Simulated time: an executor that, when nothing can go on, moves to the moment at which something can.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use engine::Clock;

#[derive(Default)]
pub(crate) struct Sim {
    state: Mutex<Time>,
}

#[derive(Default)]
struct Time {
    now_ms: u64,
    sequence: u64,
    sleepers: BTreeMap<(u64, u64), Waker>,
    crashed: bool,
}

impl Sim {
    pub(crate) fn now_ms(&self) -> u64 {
        self.state.lock().expect("one thread").now_ms
    }

    /// Ends [`Sim::run`] without an answer, as a killed process would.
    pub(crate) async fn crash(&self) {
        self.state.lock().expect("one thread").crashed = true;
        std::future::pending().await
    }

    /// Runs to the end; `None` after a crash, with the future dropped as it was.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        {
            let mut time = self.state.lock().expect("one thread");
            time.sleepers.clear();
            time.crashed = false;
        }
        loop {
            if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Some(answer);
            }
            let mut time = self.state.lock().expect("one thread");
            if time.crashed {
                return None;
            }
            let ((at_ms, _), waker) = time.sleepers.pop_first().expect("everything waits and nothing will happen");
            time.now_ms = time.now_ms.max(at_ms);
            drop(time);
            waker.wake();
        }
    }
}

#[async_trait]
impl Clock for Sim {
    async fn sleep(&self, ms: u64) {
        let (until_ms, sequence) = {
            let mut time = self.state.lock().expect("one thread");
            time.sequence += 1;
            (time.now_ms + ms, time.sequence)
        };
        poll_fn(|context| {
            let mut time = self.state.lock().expect("one thread");
            if time.now_ms >= until_ms {
                return Poll::Ready(());
            }
            time.sleepers.insert((until_ms, sequence), context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
