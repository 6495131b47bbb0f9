//! Exit codes: the CLI contract. When several hold: 1, then 4, 3, 2.

/// Done, nothing to do, or only pending.
pub const DONE: u8 = 0;
/// An error, also of usage.
pub const ERROR: u8 = 1;
/// Changes are present (`plan --detailed-exitcode`).
pub const CHANGES: u8 = 2;
/// Something differs from how billform left it (`drift`).
pub const DRIFT: u8 = 3;
/// Incomplete: a read failed or was refused.
pub const INCOMPLETE: u8 = 4;
/// Stopped by Ctrl-C, everything that was done is saved.
pub const INTERRUPTED: u8 = 130;
