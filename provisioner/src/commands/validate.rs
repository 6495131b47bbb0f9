//! `validate`: every problem of the manifest in one run; needs no account.

use serde_json::json;

use crate::project::{Project, ProjectError};
use crate::stack;
use crate::ui::exit;
use crate::ui::failure::Outcome;
use crate::ui::options::{Format, Global};
use crate::ui::views::{problems, terminal};

/// Exits 0 for a sound manifest, 1 for one with problems.
pub fn run(global: &Global) -> Outcome {
    match Project::load(global) {
        Ok(project) => {
            let handlers = stack::handlers();
            let graph = stack::graph(&stack::Plan::of(&project.manifest, &handlers))?;
            let (tenants, resources) = (project.manifest.tenants.len(), graph.resources().len());
            match global.format {
                Format::Json => {
                    println!("{}", json!({ "valid": true, "problems": [], "tenants": tenants, "resources": resources }))
                }
                Format::Human => println!(
                    "The manifest is sound: {}, {}.",
                    counted(tenants, "tenant"),
                    counted(resources, "resource")
                ),
            }
            Ok(exit::DONE)
        }
        Err(ProjectError::Invalid(found)) if global.format == Format::Json => {
            terminal::print_json(&json!({ "valid": false, "problems": found }))?;
            Ok(exit::ERROR)
        }
        Err(ProjectError::Invalid(found)) => {
            terminal::print(&problems::render(&found, terminal::width()));
            Ok(exit::ERROR)
        }
        Err(ProjectError::Unreadable(failure)) => Err(failure),
    }
}

/// `1 tenant`, `2 tenants`.
fn counted(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}
