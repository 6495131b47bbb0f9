//! One run of a command against one account: what it looks at, what it plans, and the state it locks.

pub mod limits;
pub mod locked_run;
pub mod progress;
pub mod saved_plan;
pub mod scope;
pub mod secrets;
pub mod session;
pub mod waiting;
