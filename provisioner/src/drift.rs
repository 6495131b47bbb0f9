//! Reports of drift, and the rules that leave known drift alone. Pure.

pub mod acceptance;
pub mod authors;
pub mod document;
pub mod ignore;
pub mod issues;
pub mod report;
