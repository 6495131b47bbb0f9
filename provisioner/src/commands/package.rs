//! `package`: builds the handlers into a bundle, for the manifest's architecture or a named one.

use std::path::PathBuf;

use billing::manifest::model::Architecture;
use clap::{Args, ValueEnum};
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
    /// Where to write it; beside the manifest's state when left out, where plan and apply look. Without a manifest:
    /// bundle.zip in the current folder.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The processor to build for; the manifest's when left out, x86_64 without a manifest.
    #[arg(long, value_name = "ARCHITECTURE")]
    pub architecture: Option<Processor>,
    /// Builds for this machine, for the local cloud.
    #[arg(long)]
    pub host: bool,
    /// How it is compiled; with --host `dev` when left out, else `lambda`.
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<Profile>,
}

/// A processor that Lambda has, as Lambda writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Processor {
    /// Intel and AMD.
    #[value(name = "x86_64")]
    X86_64,
    /// AWS Graviton.
    Arm64,
}

impl Processor {
    fn architecture(self) -> Architecture {
        match self {
            Processor::X86_64 => Architecture::X86_64,
            Processor::Arm64 => Architecture::Arm64,
        }
    }
}

impl Arguments {
    fn profile(&self) -> Profile {
        self.profile.unwrap_or(if self.host { Profile::Dev } else { Profile::Lambda })
    }

    /// What to build for, and where to write it.
    fn target(&self, project: Option<&Project>) -> (Architecture, PathBuf) {
        let named = self.architecture.map(Processor::architecture);
        let architecture = named.or(project.map(|project| project.manifest.aws.architecture));
        let architecture = architecture.unwrap_or(Architecture::X86_64);
        let default = || project.map(|project| selection::path_for(project, architecture));
        let out = self.out.clone().or_else(default).unwrap_or_else(|| PathBuf::from("bundle.zip"));
        (architecture, out)
    }
}

/// Builds and prints the hash.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = if Project::exists(&global.manifest) { Some(Project::load(global)?) } else { None };
    let (architecture, out) = arguments.target(project.as_ref());
    let architecture = architecture.as_str();
    let recipe = Recipe { architecture, host: arguments.host, profile: arguments.profile() };
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
    let host = is_local_endpoint();
    let recipe = Recipe {
        architecture: project.manifest.aws.architecture.as_str(),
        host,
        profile: if host { Profile::Dev } else { Profile::Lambda },
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

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments() -> Arguments {
        Arguments { out: None, architecture: None, host: false, profile: None }
    }

    #[test]
    fn without_a_manifest_the_bundle_is_for_x86_64_and_lies_in_the_current_folder() {
        assert_eq!(arguments().target(None), (Architecture::X86_64, PathBuf::from("bundle.zip")));
        let named = Arguments { architecture: Some(Processor::Arm64), out: Some("a.zip".into()), ..arguments() };
        assert_eq!(named.target(None), (Architecture::Arm64, PathBuf::from("a.zip")));
    }

    #[test]
    fn a_local_cloud_gets_a_bundle_that_is_quick_to_build_unless_a_profile_is_named() {
        assert_eq!(arguments().profile(), Profile::Lambda);
        assert_eq!(Arguments { host: true, ..arguments() }.profile(), Profile::Dev);
        assert_eq!(Arguments { host: true, profile: Some(Profile::Lambda), ..arguments() }.profile(), Profile::Lambda);
    }
}
