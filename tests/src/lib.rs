//! What the end-to-end suites and the benchmark share. Nobody but this package's own tests and binaries imports it.

pub mod conformance;
pub mod faults;
pub mod github;
pub mod live;
pub mod stage;
