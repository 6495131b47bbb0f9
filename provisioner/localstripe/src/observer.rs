//! Watches the calls and may disturb them: counters, rate limits and faults come in here.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

/// What is to become of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is served.
    Proceed,
    /// It is answered with this status, without effect (429 as a rate limit, 5xx as Stripe's own errors).
    Answer(u16),
    /// The connection is closed, without effect.
    CutOff,
    /// It takes effect; the connection is then closed without an answer.
    LoseAnswer,
    /// It takes effect; the answer waits for [`Admission::hold`].
    HoldAnswer,
    /// It waits for [`Admission::hold`] before it takes effect.
    HoldCall,
    /// The connection is closed at once; it takes effect after this time all the same.
    ActLate(Duration),
}

/// Watches every call.
pub trait Observer: Send + Sync + 'static {
    /// Asked before a call takes effect; may wait. `operation` is the template, as `POST /v1/invoices/{invoice}/finalize`
    /// (`POST unknown` when there is none); `write` is whether it can change something.
    fn admit<'a>(&'a self, operation: &'a str, write: bool) -> BoxFuture<'a, Box<dyn Admission>>;
}

/// One call under way. Dropped without [`Admission::settle`], nobody was answered.
pub trait Admission: Send + Sync {
    /// What is to become of it.
    fn verdict(&self) -> Verdict;

    /// Waits until a held call or answer may go on.
    fn hold(&self) -> BoxFuture<'_, ()>;

    /// It was answered with this status.
    fn settle(self: Box<Self>, status: u16);
}

/// Lets every call pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn admit<'a>(&'a self, _operation: &'a str, _write: bool) -> BoxFuture<'a, Box<dyn Admission>> {
        let passed: Box<dyn Admission> = Box::new(Unobserved);
        std::future::ready(passed).boxed()
    }
}

impl Admission for Unobserved {
    fn verdict(&self) -> Verdict {
        Verdict::Proceed
    }

    fn hold(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    fn settle(self: Box<Self>, _status: u16) {}
}
