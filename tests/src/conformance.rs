//! One suite that every kind passes, driven through the engine as a command drives it, on the local cloud.
//!
//! A [`Fixture`] says as data what a kind is to be asked; the suite knows no kind. What it finds it tells as
//! [`Finding`]s, so that tests of its own can see it fail.

mod checks;
mod fixture;
mod world;

pub use checks::{check, check_lagging};
pub use fixture::{Act, Field, Fixture, Mutation, NAMED, Ownership, Variant, act};
pub use world::World;

/// One way in which a kind does not conform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which check found it: `adopt`.
    pub check: &'static str,
    /// What was seen.
    pub what: String,
}
