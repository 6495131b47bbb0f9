//! The strict Stripe over real HTTP: with the client the product uses, and with raw requests for what that cannot send.

mod answers;
mod balance;
mod calls;
mod checkout;
mod client;
mod credit_notes;
mod currencies;
mod events;
mod hooks;
mod invoices;
mod lines;
mod local;
mod payment_intents;
mod payments;
mod portal;
mod receiver;
mod refunds;
mod refusals;
mod repeats;
mod setup_intents;
mod stripe_cli;
mod stripe_python;
mod test_clocks;
mod webhooks;

use local::{Local, START, id, ids};
