//! `secret`: a secret's place and fingerprint. Its value comes from the environment, a prompt, or is generated
//! at create; it is never stored by billform. A salted hash of it in a tag shows a change without reading it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a secret is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The secret's name: `client-billing/stripe-api-key`.
    pub name: String,
    /// What it is for, shown in the console.
    pub description: String,
    /// Where the value comes from.
    pub source: Source,
    /// The JSON key the value is stored under; plain text without one.
    pub json_key: Option<String>,
    /// Days until a deleted secret is gone for good, 7-30; 0 deletes at once.
    pub recovery_days: u32,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// Where a secret's value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// `BILLFORM_SECRET_<NAME>`, or a prompt on a terminal; the field is NAME.
    Given(String),
    /// 32 random bytes in hex, made at create.
    Generated,
}
