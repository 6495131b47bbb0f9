//! `lambda_function`: one handler of the bundle, deployed; its code is compared by CodeSha256.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a function is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The function's name.
    pub name: String,
    /// Shown in the console.
    pub description: String,
    /// The ARN of the role it runs as (known: it follows from the role's name).
    pub role_arn: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// Memory in MB.
    pub memory_mb: u32,
    /// Time-out in seconds.
    pub timeout_s: u32,
    /// Environment variables, no secrets.
    pub environment: BTreeMap<String, String>,
    /// Base64 of the bundle's SHA-256; none keeps the deployed code.
    pub code_sha256: Option<String>,
    /// Who may invoke it: statement id -> permission.
    pub permissions: BTreeMap<String, InvokePermission>,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// One statement of the function's resource policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvokePermission {
    /// `apigateway.amazonaws.com`, `events.amazonaws.com`.
    pub principal: String,
    /// The ARN (pattern) it may call from.
    pub source_arn: engine::Input<String>,
}
