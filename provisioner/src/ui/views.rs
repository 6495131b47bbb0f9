//! What people and programs read: plans, outcomes and failures as text, JSON, Markdown or SARIF. Pure but for the printing.

pub mod alike;
pub mod apply;
pub mod clock;
pub mod drift;
pub mod drift_json;
pub mod drift_markdown;
pub mod drift_sarif;
pub mod failure;
pub mod field;
pub mod graph;
pub mod invoice;
pub mod locks;
pub mod markdown;
pub mod plan;
pub mod plan_json;
pub mod plan_markdown;
pub mod printable;
pub mod problems;
pub mod rebuild;
pub mod style;
pub mod table;
pub mod terminal;
pub mod wrap;
