//! billform: what the command line does, as a library that the tests drive too.
//!
//! ```text
//! project (files -> manifest) -> stack (manifest -> graph) -> run (graph + cloud -> plan -> apply) -> ui::views
//! ```

pub mod bundle;
pub mod cloud;
pub mod commands;
pub mod demo;
pub mod drift;
pub mod kinds;
pub mod ledger;
pub mod project;
pub mod run;
pub mod stack;
pub mod store;
pub mod ui;
