//! billform: what the command line does, as a library that the tests drive too.
//!
//! ```text
//! project (files -> manifest) -> stack (manifest -> graph) -> session (graph + cloud -> plan) -> apply -> views
//! ```

pub mod bundles;
pub mod checkout;
pub mod cli;
pub mod cloud;
pub mod commands;
pub mod demo;
pub mod drift_ignore;
pub mod drift_report;
pub mod duration;
pub mod exit;
pub mod failure;
pub mod kinds;
pub mod leaving_tenants;
pub mod ledger_reader;
pub mod limits;
pub mod link_key;
pub mod locked_run;
pub mod manifest_places;
pub mod outputs;
pub mod packaging;
pub mod permissions;
pub mod progress;
pub mod project;
pub mod saved_plan;
pub mod scope;
pub mod secrets;
pub mod sensitive;
pub mod session;
pub mod stack;
pub mod store;
pub mod views;
pub mod waiting;
