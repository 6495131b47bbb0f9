//! The gateway in front of MiniStack.

pub mod pipeline;
pub mod protocol;
