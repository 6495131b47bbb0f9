//! A stand-in for GitHub's REST API on loopback: the operations that `billform ci` uses, and no others. It records what
//! it is asked, answers in the shape of GitHub's published schema (`schema.json`), pages its lists, and refuses what
//! GitHub refuses.
//!
//! Every behaviour has a row in `provenance.toml`; a test binds the two. What is not modelled is answered with 501, so
//! that a client which begins to use it is noticed.

mod actions;
mod control;
mod operations;
mod refusal;
mod server;
mod shape;
mod state;

#[cfg(test)]
mod tests;

pub use actions::Artifact;
pub use control::{Fault, Hub, REPOSITORY, Rights, Seen};
pub use state::{Comment, Issue};
