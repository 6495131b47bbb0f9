//! Where the state is kept: the stores behind the engine's port.

pub mod file;
