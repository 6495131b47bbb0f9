//! The engine: a desired graph, what is known and what is seen become a plan; a plan becomes calls.
//!
//! It knows no cloud, and reaches no clock, network, environment or file: kinds, the state store, the
//! clock and whoever watches are ports. Planning is pure; applying executes and decides nothing.

pub mod address;
pub mod diff;
pub mod input;
pub mod kind;
pub mod resource;
pub mod state;

pub use address::Address;
pub use input::Input;
pub use kind::{Applied, CallError, Kind, KindMeta, Observed, Owner};
pub use resource::Resource;
pub use state::{Record, State};
