//! The manifest: text -> typed model, every problem at once with its place.
//!
//! ```text
//! sources --yaml--> trees with places --assemble--> one tree --decode--> model --defaults, check--> manifest
//! ```
//!
//! A fault is reported and taken out of the tree, then reading goes on; so the checks see what is sound and say
//! nothing about what was reported. It reads no file: the caller passes the texts.

mod anchors;
mod catalogue;
mod characters;
mod check;
mod decode;
mod defaults;
pub mod edit;
mod masking;
pub mod model;
mod no_effect;
mod node;
mod place;
mod places;
mod problem;
mod quoted;
mod recover;
mod scalar;
mod schema;
mod secret_values;
mod source;
mod sources;
mod steering;
mod suggest;
pub mod text;
mod yaml;

pub use characters::{is_steering, picture};
pub use check::{is_email, is_locale, is_tag_value};
pub use masking::{holds_secret, masked};
pub use model::Manifest;
pub use place::Place;
pub use places::{Places, places};
pub use problem::Problem;
pub use quoted::quoted;
pub use schema::{LATER, REFUSED, json_schema, tenant_schema};
pub use source::Source;
pub use suggest::closest;

use crate::function::FunctionSpec;
use catalogue::Catalogue;
use no_effect::NoEffect;

/// Reads a manifest from its files: `billform.yaml` or one file of any name, `tenants/*.yaml`, `environments/*.yaml`.
///
/// `environment` is the `--environment` asked for; its file's keys replace the base's, key by key. `handlers` are those of
/// the bundle: the functions and schedules that the manifest may name. All problems are found in one run, sorted by place.
pub fn load(
    sources: &[Source],
    environment: Option<&str>,
    handlers: &[FunctionSpec],
) -> Result<Manifest, Vec<Problem>> {
    let mut problems = Vec::new();
    let manifest = read(sources, environment, Catalogue(handlers), &mut problems);
    match manifest {
        Some(manifest) if problems.is_empty() => Ok(manifest),
        _ => {
            let order = |file: &str| sources.iter().position(|source| source.path == file);
            problems.sort_by_key(|problem| (order(&problem.file), problem.line, problem.column));
            problems.dedup();
            Err(problems)
        }
    }
}

fn read(
    sources: &[Source],
    environment: Option<&str>,
    catalogue: Catalogue<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Manifest> {
    let mut tree = sources::assemble(sources, environment, problems)?;
    secret_values::take_out(sources, &mut tree, problems);
    steering::take_out(sources, &mut tree, problems);
    let whole = tree.clone();
    catalogue.take_out_unknown(sources, &mut tree, problems);
    let mut manifest = recover::decode_reporting(sources, &mut tree, problems)?;
    check::empty_texts(sources, &tree, problems);
    defaults::fill(&mut manifest, catalogue);
    places::note_imports(sources, &tree, &mut manifest.imports);
    let NoEffect { refused, later } = no_effect::written_in(&tree);
    manifest.later = later;
    check::all(sources, &tree, &whole, &manifest, catalogue, problems);
    check::no_effect(sources, &tree, &refused, problems);
    Some(manifest)
}
