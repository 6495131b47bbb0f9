//! The strict Stripe: stateful, in memory, over HTTP on loopback. It refuses what Stripe refuses, in Stripe's words
//! where they are published; what it does not keep it refuses too, rather than pretend.
//!
//! Parameters are checked against Stripe's own published table (`data/stripe-params.json`). A client is pointed at it
//! by its base address: `stripe::ClientBuilder::new(key).url("http://127.0.0.1:PORT/")`.
//!
//! The package knows nothing of billform: it stands for Stripe, whatever its client is.

mod agenda;
mod call;
mod collection;
mod control;
mod currency;
mod events;
mod exchange;
mod handle;
mod hooks;
mod objects;
mod observer;
mod outbox;
mod pages;
#[cfg(test)]
mod provenance;
mod request;
mod routes;
mod state;
mod wire;
mod work;

pub use call::{Answered, Call};
pub use events::delivery::Attempt;
pub use events::disturbance::Disturbance;
pub use exchange::serve;
pub use handle::{Kind, Options, Seen, Stripe};
pub use hooks::Refused;
pub use observer::{Admission, Observer, Unobserved, Verdict};
pub use outbox::{Sent, Waiting, sign};
pub use work::Clock;
