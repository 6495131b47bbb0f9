//! What a manifest has for an effect: the graph with each function's settings and each tenant's record, and what
//! commands take from it besides.

use std::path::PathBuf;

use billing::function::FunctionSpec;
use billing::manifest::{Manifest, Source, load};
use engine::Resource;
use serde_json::{Value, json};

use provisioner::commands::tenant;
use provisioner::project::Project;
use provisioner::stack::{Plan, graph};
use provisioner::store::site;

/// What came of a manifest.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It loads.
    Loaded {
        /// Everything that follows from it.
        effects: Value,
        /// What `plan` lists as not provisioned yet.
        later: Vec<String>,
    },
    /// It is refused; each problem's message.
    Refused(Vec<String>),
}

/// Reads a document as a manifest and looks at all that follows from it.
pub fn of(document: &Value, handlers: &[FunctionSpec]) -> Outcome {
    let source = Source { path: "billform.yaml".to_owned(), text: format!("{document:#}") };
    match load(&[source], None, handlers) {
        Ok(manifest) => {
            let later = manifest.unprovisioned_sections().into_iter().map(str::to_owned).collect();
            Outcome::Loaded { effects: effects(manifest, handlers), later }
        }
        Err(problems) => Outcome::Refused(problems.into_iter().map(|problem| problem.message).collect()),
    }
}

fn effects(manifest: Manifest, handlers: &[FunctionSpec]) -> Value {
    let graph = graph(&Plan::of(&manifest, handlers)).expect("a sound manifest's graph");
    let resources = graph.resources().values().map(resource);
    let resources: Vec<Value> = resources.collect();
    let days = manifest.auth.links.as_ref().map(|links| tenant::days_of(links, None));
    let project = Project { manifest, folder: PathBuf::from("folder") };
    let moves: Vec<String> =
        project.moves().expect("addresses").iter().map(|(from, to)| format!("{from} -> {to}")).collect();
    json!({
        "resources": resources,
        "moves": moves,
        "imports": graph.imports(),
        "state": format!("{:?}", site::whereabouts(&project)),
        "links hold, in days": days,
    })
}

fn resource(resource: &Resource) -> Value {
    let needs: Vec<String> = resource.depends_on.iter().map(ToString::to_string).collect();
    json!([resource.address.to_string(), resource.tenant, resource.desired, needs])
}
