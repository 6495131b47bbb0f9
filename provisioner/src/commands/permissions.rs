//! `permissions`: the IAM policy billform itself needs for this manifest, from the kinds' data.

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};
use engine::kind::Verb;

use crate::cli::Global;
use crate::exit;
use crate::failure::Outcome;
use crate::permissions;
use crate::project::Project;
use crate::stack;

/// Arguments of `permissions`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The command the policy is for.
    #[arg(long = "for", value_name = "COMMAND", default_value = "apply")]
    pub command: For,
}

/// A command that needs permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum For {
    /// Only reads.
    Plan,
    /// Reads, creates, updates and deletes what the manifest drops.
    Apply,
    /// Reads and deletes.
    Destroy,
    /// Only reads, of every kind: what a kind left behind that the manifest no longer has is found, too.
    Drift,
}

impl For {
    fn verbs(self) -> BTreeSet<Verb> {
        match self {
            For::Plan | For::Drift => [Verb::Read].into(),
            For::Apply => [Verb::Read, Verb::Create, Verb::Update, Verb::Delete].into(),
            For::Destroy => [Verb::Read, Verb::Delete].into(),
        }
    }
}

/// Prints the policy document, ready for IAM.
pub fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let handlers = stack::handlers();
    // A stand-in for a bundle: which code is deployed makes no difference to what is allowed.
    let graph = stack::graph(&stack::Plan { manifest: &project.manifest, handlers: &handlers, code_sha256: None })?;
    let kinds = match arguments.command {
        For::Drift => permissions::Of::EveryKind,
        For::Plan | For::Apply | For::Destroy => permissions::Of::KindsIn,
    };
    let policy = permissions::policy(&project.manifest, &graph, &arguments.command.verbs(), kinds);
    let text = serde_json::to_string_pretty(&policy)?;
    println!("{text}");
    let size = permissions::size(&policy);
    if size > permissions::MANAGED_POLICY_LIMIT {
        anstream::eprintln!(
            "The policy has {size} characters, IAM takes {} per managed policy: attach its statements as several.",
            permissions::MANAGED_POLICY_LIMIT
        );
    }
    Ok(exit::DONE)
}
