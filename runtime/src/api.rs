//! Handlers that answer HTTP requests: routes, and the way from a request to its answer.

mod route;
mod serve;

pub use route::{Call, Route, Serve};
pub use serve::{Answer, Api, Incoming, Served, api};
