//! `iam_role`: the role one function runs as, with its one inline policy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a role is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The role's name, at most 64 characters.
    pub name: String,
    /// Shown in the console.
    pub description: String,
    /// The service that may assume it: `lambda.amazonaws.com`.
    pub trusted_service: String,
    /// The inline policy document, as JSON.
    pub policy: Value,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}
