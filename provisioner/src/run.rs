//! One run of a command against one account: what it looks at, what it plans, and the state it locks.

pub mod authors;
pub mod drift_issues;
pub mod imports;
pub mod limits;
pub mod locked_run;
pub mod merged_plan;
pub mod money;
pub mod one_comment;
pub mod portal;
pub mod progress;
pub mod renamed_tenants;
pub mod saved_plan;
pub mod saved_review;
pub mod scope;
pub mod secrets;
pub mod session;
pub mod waiting;
