//! Counts and disturbs Stripe's calls together with AWS's: the gateway's [`Traffic`] observes the strict Stripe.

use futures::FutureExt;
use futures::future::BoxFuture;
use localstripe::{Admission, Observer, Verdict};

use crate::gateway::traffic::{self, Traffic};

impl Observer for Traffic {
    fn admit<'a>(&'a self, operation: &'a str, write: bool) -> BoxFuture<'a, Box<dyn Admission>> {
        async move {
            let admitted: Box<dyn Admission> = Box::new(Traffic::admit(self, "stripe", operation, write).await);
            admitted
        }
        .boxed()
    }
}

impl Admission for traffic::Admission {
    fn verdict(&self) -> Verdict {
        match traffic::Admission::verdict(self) {
            traffic::Verdict::Proceed => Verdict::Proceed,
            traffic::Verdict::Fail => Verdict::Answer(500),
            traffic::Verdict::Throttle => Verdict::Answer(429),
            traffic::Verdict::CutOff => Verdict::CutOff,
            traffic::Verdict::LoseAnswer => Verdict::LoseAnswer,
            traffic::Verdict::HoldAnswer => Verdict::HoldAnswer,
            traffic::Verdict::HoldCall => Verdict::HoldCall,
            traffic::Verdict::ActLate => Verdict::ActLate(traffic::LATE),
        }
    }

    fn hold(&self) -> BoxFuture<'_, ()> {
        traffic::Admission::hold(self).boxed()
    }

    fn settle(self: Box<Self>, status: u16) {
        traffic::Admission::settle(*self, status);
    }
}
