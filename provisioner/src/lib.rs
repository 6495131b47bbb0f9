//! billform: what the command line does, as a library that the tests drive too.

pub mod cloud;
pub mod kinds;
