//! A plan in a file: `plan --out FILE`, then `apply FILE` does that and nothing else.

use std::fs;
use std::path::Path;

use engine::Plan;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::failure::Failure;
use crate::project::Project;
use crate::store::file;

/// The format this billform writes.
const FORMAT: &str = "billform-saved-plan/1";

/// A saved plan and what it was made for.
#[derive(Debug, Serialize, Deserialize)]
pub struct SavedPlan {
    format: String,
    /// The AWS account it is for.
    account: String,
    /// SHA-256 of the desired graph it was made from, in hex.
    desired: String,
    /// Base64 of the SHA-256 of the bundle it deploys.
    pub bundle_sha256: Option<String>,
    /// Whether it empties the stack.
    pub destroy: bool,
    /// What to do. Desired fields hold no secrets: kinds keep those out.
    pub plan: Plan,
}

impl SavedPlan {
    /// A plan to be saved. `desired` is [`fingerprint`] of the graph.
    pub fn new(project: &Project, plan: Plan, desired: String, bundle_sha256: Option<String>, destroy: bool) -> Self {
        let account = project.manifest.aws.account.clone();
        SavedPlan { format: FORMAT.to_owned(), account, desired, bundle_sha256, destroy, plan }
    }

    /// Writes it whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(self)?;
        file::replace(path, &text)
            .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))
    }

    /// Reads one; another format is refused.
    pub fn read(path: &Path) -> Result<SavedPlan, Failure> {
        let shown = path.display();
        let text = fs::read(path).map_err(|error| Failure::new(format!("the plan {shown} cannot be read: {error}")))?;
        let saved: SavedPlan = serde_json::from_slice(&text).map_err(|error| {
            Failure::new(format!("{shown} is no saved plan: {error}")).hint("`billform plan --out FILE` makes one")
        })?;
        if saved.format != FORMAT {
            return Err(Failure::new(format!("{shown} has the format {}, this billform reads {FORMAT}", saved.format))
                .hint("plan again with this version"));
        }
        Ok(saved)
    }

    /// Refuses a plan that was made for another account or another manifest.
    pub fn check(&self, project: &Project, desired: &str) -> Result<(), Failure> {
        if self.account != project.manifest.aws.account {
            return Err(Failure::new(format!(
                "the plan is for AWS account {}, the manifest for {}",
                self.account, project.manifest.aws.account
            )));
        }
        if self.desired != desired {
            return Err(Failure::new("the plan was made from another manifest or bundle than the present one")
                .hint("plan again, look at it, then apply the new plan"));
        }
        Ok(())
    }
}

/// What a graph wants, as one hash in hex.
pub fn fingerprint(graph: &engine::Graph) -> Result<String, Failure> {
    let resources: Vec<_> = graph.resources().values().collect();
    Ok(hex::encode(Sha256::digest(serde_json::to_vec(&resources)?)))
}
