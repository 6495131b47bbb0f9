//! The strict Stripe over real HTTP: with the client the product uses, and with raw requests for what that cannot send.

mod answers;
mod client;
mod currencies;
mod events;
mod invoices;
mod local;
mod receiver;
mod refusals;
mod test_clocks;
mod webhooks;

use local::{Local, START, id, ids};
