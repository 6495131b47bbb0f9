//! `http_api`: an HTTP API (API Gateway v2) with its routes, integrations and one auto-deployed stage.
//! Its id is random: it is found by its ownership tags, never by its name alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What an HTTP API is to be. Outputs: `id`, `endpoint` (with the stage), `execution_arn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The API's name.
    pub name: String,
    /// Shown in the console.
    pub description: String,
    /// Route key -> ARN of the function that answers: `GET /costs`.
    pub routes: BTreeMap<String, String>,
    /// Cross-origin rules; none for no browser access.
    pub cors: Option<Cors>,
    /// The one stage.
    pub stage: Stage,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// Cross-origin rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cors {
    /// `https://mmp-toledo.billing.example.com`.
    pub allow_origins: BTreeSet<String>,
    /// `GET`, …
    pub allow_methods: BTreeSet<String>,
    /// `authorization`, …
    pub allow_headers: BTreeSet<String>,
    /// How long browsers remember, in seconds.
    pub max_age_s: u32,
}

/// The stage an API is served under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// `prod`.
    pub name: String,
    /// Requests a second, steady.
    pub throttle_rate: u32,
    /// Requests at once.
    pub throttle_burst: u32,
    /// ARN of the log group that access lines go to.
    pub access_log_arn: Option<String>,
}
