//! The gateway in front of MiniStack.

pub mod classify;
pub mod fault;
pub mod pipeline;
pub mod protocol;
mod routes;
mod s3;
pub mod traffic;
