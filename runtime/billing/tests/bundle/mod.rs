//! Manifests as they are read for the bundle's own handlers.

#![allow(dead_code)]

use billing::function::FunctionSpec;
use billing::manifest::{self, Manifest, Problem, Source};

/// The handlers of `handlers.json`.
pub fn handlers() -> Vec<FunctionSpec> {
    serde_json::from_str(include_str!("../../../handlers.json")).expect("specs")
}

/// Reads a manifest, which may name the handlers of `handlers.json`.
pub fn load(sources: &[Source], environment: Option<&str>) -> Result<Manifest, Vec<Problem>> {
    manifest::load(sources, environment, &handlers())
}
