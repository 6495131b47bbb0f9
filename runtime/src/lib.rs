//! The billing handlers that billform deploys: each loads, asks a pure `billing` function, and saves.
//!
//! Handlers see [`ports`] only; [`adapters`] reach AWS and Stripe; `main.rs` is the one place that starts anything.

pub mod adapters;
pub mod api;
pub mod auth;
pub mod deadline;
pub mod environment;
pub mod error;
pub mod events;
pub mod handler;
pub mod handlers;
pub mod http;
pub mod pages;
pub mod ports;
pub mod process;
pub mod registry;
pub mod run;
pub mod secret;
pub mod settings;
pub mod spec;
pub mod stripe_events;
