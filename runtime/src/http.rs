//! Requests and answers of the HTTP API.

mod cookie;
mod format;
mod refusal;
mod request;
mod response;

pub use cookie::Cookie;
pub use format::Format;
pub use refusal::Refusal;
pub use request::Request;
pub use response::{Body, Response, gzip};
