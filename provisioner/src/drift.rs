//! Reports of drift, and the rules that leave known drift alone. Pure.

pub mod ignore;
pub mod report;
