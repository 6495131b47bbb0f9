//! GitHub's REST API, as far as `ci` needs it: comments of pull requests, issues and the comments on those.
//!
//! Fields, parameters and statuses are those of GitHub's published OpenAPI description of the API version that
//! [`client::API_VERSION`] names. A token is sent to the API's own origin and to no other.

pub mod client;
pub mod error;
pub mod limits;
pub mod link;
pub mod place;
pub mod types;
