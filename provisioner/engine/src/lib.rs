//! The engine: a desired graph, what is known and what is seen become a plan; a plan becomes calls.
//!
//! It knows no cloud, and reaches no clock, network, environment or file: kinds, the state store, the
//! clock and whoever watches are ports. Planning is pure; applying executes and decides nothing.

pub mod action;
pub mod address;
pub mod apply;
pub mod clock;
pub mod diff;
pub mod drift;
pub mod graph;
pub mod guard;
pub mod import;
pub mod input;
pub mod kind;
pub mod kind_meta;
pub mod kinds;
pub mod observer;
pub mod part;
pub mod plan;
pub mod planner;
pub mod promise;
pub mod rebuild;
pub mod refresh;
pub mod resource;
pub mod retry;
pub mod state;
pub mod status;
pub mod token;

pub use action::Action;
pub use address::Address;
pub use apply::{Options, Outcome, apply};
pub use clock::Clock;
pub use drift::{Drift, Drifted, Finding, Unapplied, drift};
pub use graph::{Graph, GraphError};
pub use guard::guards;
pub use input::Input;
pub use kind::{Applied, CallError, Kind, Listed, Observed, Owner};
pub use kind_meta::KindMeta;
pub use kinds::{Kinds, UnknownKind};
pub use observer::{Event, Observer};
pub use plan::{Mode, Plan, Reason, Step, Summary};
pub use planner::plan;
pub use promise::{Broken, Promise};
pub use rebuild::{Rebuilt, rebuild};
pub use refresh::{Observations, RefreshOptions, Seen, refresh, refresh_only};
pub use resource::Resource;
pub use retry::RetryPolicy;
pub use state::{Record, State};
pub use status::{ApplyError, Status};
