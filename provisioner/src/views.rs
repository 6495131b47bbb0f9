//! What people and programs read: plans, outcomes and failures as text or JSON. Pure but for the printing.

pub mod apply;
pub mod failure;
pub mod field;
pub mod graph;
pub mod invoice;
pub mod plan;
pub mod plan_json;
pub mod printable;
pub mod problems;
pub mod rebuild;
pub mod style;
pub mod table;
pub mod terminal;
pub mod wrap;
