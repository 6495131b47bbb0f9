//! The AWS account, and where billform keeps its state.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::manifest::text::{AccountText, Seconds};

/// The AWS account and what holds for every resource in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// The account number, quoted: any other account is refused before anything is read.
    #[schemars(with = "AccountText")]
    pub account: String,
    /// The region of all regional resources: `us-east-1`.
    #[schemars(regex(pattern = r"^[a-z]{2}(-[a-z]+)+-[0-9]$"))]
    pub region: String,
    /// The processor that functions run on.
    #[serde(default)]
    pub architecture: Architecture,
    /// Tags of every resource, beside billform's own.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The account that pays, where it is another one: cost data and allocation tags live there.
    #[serde(default)]
    #[schemars(extend("x-billform-refused" = "leave it out, and run billform in the account that pays: cost is read and tags are activated there"))]
    pub payer: Option<Payer>,
}

/// The processor that functions run on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Architecture {
    /// Graviton, the cheaper one.
    #[default]
    #[serde(rename = "arm64")]
    Arm64,
    /// Intel and AMD.
    #[serde(rename = "x86_64")]
    X86_64,
}

impl Architecture {
    /// As Lambda writes it: `arm64`, `x86_64`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Architecture::Arm64 => "arm64",
            Architecture::X86_64 => "x86_64",
        }
    }
}

/// The account that pays, and the role that billform takes in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Payer {
    /// The payer's account number, quoted.
    #[schemars(with = "AccountText")]
    pub account: String,
    /// Name or ARN of the role to assume there; none when the present credentials reach it.
    #[serde(default)]
    pub role: Option<String>,
}

/// Where billform keeps its state: one of `file` and `s3`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A file, relative to the manifest's folder: `.billform/state.json`.
    File(String),
    /// An object in S3, shared by a team.
    S3(S3State),
}

impl Default for State {
    fn default() -> Self {
        State::File(".billform/state.json".to_owned())
    }
}

/// A state object in S3.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct S3State {
    /// The bucket; `billform init` makes it, no `destroy` removes it, and several stacks may share it.
    pub bucket: String,
    /// The object's key; `billform/<stack>.json` when left out.
    #[serde(default)]
    pub key: String,
    /// The bucket's region; the manifest's when left out.
    #[serde(default)]
    pub region: String,
    /// How long the lock of a run that died keeps others out; a living run renews it.
    #[serde(default = "a_minute")]
    pub lease: Seconds,
}

fn a_minute() -> Seconds {
    Seconds::new(60)
}
