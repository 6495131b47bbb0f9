//! `package`: builds the handlers into a bundle, for the manifest's architecture.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::bundle::packaging::{self, Profile, Recipe};
use crate::bundle::selection;
use crate::cloud::bundle::Bundle;
use crate::project::Project;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};

/// Arguments of `package`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Where to write it; beside the manifest's state when left out, where plan and apply look.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Builds for this machine, for the local cloud.
    #[arg(long)]
    pub host: bool,
    /// How it is optimised.
    #[arg(long, value_name = "PROFILE", default_value = "release")]
    pub profile: Profile,
}

/// Builds and tells the hash.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let architecture = project.manifest.aws.architecture.as_str();
    let out = arguments.out.clone().unwrap_or_else(|| selection::default_path(&project));
    let recipe = Recipe { architecture, host: arguments.host, profile: arguments.profile };
    let built = packaging::build(recipe, &out, &tell).await?;
    match global.format {
        Format::Human => println!("{}  {} bytes  sha256 {}", out.display(), built.bytes, built.sha256),
        Format::Json => println!(
            "{}",
            json!({ "path": out, "bytes": built.bytes, "sha256": built.sha256, "architecture": architecture })
        ),
    }
    Ok(exit::DONE)
}

/// The first apply's own packaging: for AWS the manifest's architecture, for a local endpoint this machine.
pub async fn for_project(_global: &Global, project: &Project) -> Result<Bundle, Failure> {
    let out = selection::default_path(project);
    let recipe = Recipe {
        architecture: project.manifest.aws.architecture.as_str(),
        host: is_local_endpoint(),
        profile: Profile::Release,
    };
    tell("nothing is deployed yet and no bundle is at hand: packaging first");
    packaging::build(recipe, &out, &tell).await?;
    Ok(Bundle::read(&out)?)
}

/// A local cloud runs functions as processes of this machine, whatever architecture the manifest names.
fn is_local_endpoint() -> bool {
    let endpoint = std::env::var("AWS_ENDPOINT_URL").unwrap_or_default();
    ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|local| endpoint.starts_with(local))
}

fn tell(line: &str) {
    anstream::eprintln!("{line}");
}
