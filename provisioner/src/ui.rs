//! The terminal's side: the command line, what is shown, failures and exit codes.

pub mod cli;
pub mod duration;
pub mod exit;
pub mod failure;
pub mod options;
pub mod sensitive;
pub mod views;
