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
use crate::store::permissions::Use;

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
    /// Making the bucket of the state (`state.s3`), which is done once.
    Init,
    /// Only reads.
    Plan,
    /// Reads, creates, updates and deletes what the manifest drops.
    Apply,
    /// Reads and deletes.
    Destroy,
}

impl For {
    fn verbs(self) -> BTreeSet<Verb> {
        match self {
            For::Init => BTreeSet::new(),
            For::Plan => [Verb::Read].into(),
            For::Apply => [Verb::Read, Verb::Create, Verb::Update, Verb::Delete].into(),
            For::Destroy => [Verb::Read, Verb::Delete].into(),
        }
    }

    fn use_of_state(self) -> Use {
        match self {
            For::Init => Use::Make,
            For::Plan => Use::Read,
            For::Apply | For::Destroy => Use::Write,
        }
    }
}

/// Prints the policy document, ready for IAM.
pub fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let handlers = stack::handlers();
    // A stand-in for a bundle: which code is deployed makes no difference to what is allowed.
    let graph = stack::graph(&stack::Plan { manifest: &project.manifest, handlers: &handlers, code_sha256: None })?;
    let policy =
        permissions::policy(&project.manifest, &graph, &arguments.command.verbs(), arguments.command.use_of_state());
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
