//! Manifests as they are read for the bundle's own handlers.

use billing::function::FunctionSpec;
use billing::manifest::{self, Manifest, Problem, Source};

/// Reads a manifest, which may name the handlers of `handlers.json`.
pub fn load(sources: &[Source], environment: Option<&str>) -> Result<Manifest, Vec<Problem>> {
    let handlers: Vec<FunctionSpec> = serde_json::from_str(include_str!("../../../handlers.json")).expect("specs");
    manifest::load(sources, environment, &handlers)
}
