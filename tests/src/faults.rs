//! The fault suite: one call of a run is disturbed, the run is made again undisturbed, and everything must be as if
//! nothing had happened: the same resources, none twice, none left over, the same state, and nothing more to do.
//!
//! A case names its call by service, operation and "the nth of these", as a clean run's log has them. The nth call
//! of all is another one from run to run, since calls run beside each other; so some would be struck twice and some
//! never. The nth of one operation exists in every run.
//!
//! One code path for the sample in CI (`tests/tests/faults`) and for everything on demand (the program `faults`).

mod change;
mod clean;
mod comparison;
mod disturbance;
mod draw;
mod ground;
mod lacking;
mod report;
mod suite;

pub use change::Change;
pub use clean::Clean;
pub use comparison::Differences;
pub use disturbance::Disturbance;
pub use draw::draw;
pub use ground::Ground;
pub use lacking::Lacking;
pub use report::{size, table};
pub use suite::{Case, Found, Runner, Suite};
