//! The manifest's imports: where existing resources are to stand, and which of them lead nowhere.

use std::collections::BTreeSet;

use billing::manifest::closest;
use billing::manifest::model::{Import, Manifest};
use engine::{Address, Graph};

use crate::kinds;

/// Returns the imports as the engine takes them: address and id.
pub(super) fn of(manifest: &Manifest) -> impl Iterator<Item = (Address, String)> {
    let parsed = manifest.imports.iter().map(|import| Some((import.to.parse().ok()?, import.id.clone())));
    parsed.flatten()
}

/// An import to an address at which the manifest has nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray<'a> {
    /// The import.
    pub import: &'a Import,
    /// What is wrong with it.
    pub message: String,
    /// What was probably meant.
    pub hint: String,
}

/// Returns the imports that lead nowhere: to a kind that does not exist, a tenant or another resource that the manifest
/// does not have.
pub fn strays<'a>(manifest: &'a Manifest, graph: &Graph) -> Vec<Stray<'a>> {
    let wanted = |import: &&Import| import.to.parse().is_ok_and(|to: Address| graph.get(&to).is_some());
    let unwanted = manifest.imports.iter().filter(|import| !wanted(import));
    unwanted.filter_map(|import| stray(import, graph)).collect()
}

fn stray<'a>(import: &'a Import, graph: &Graph) -> Option<Stray<'a>> {
    // What is no address at all was reported with the manifest's other problems.
    let to: Address = import.to.parse().ok()?;
    let kinds: BTreeSet<&str> = kinds::metas().map(|meta| meta.name).collect();
    if !kinds.contains(to.kind()) {
        let hint = did_you_mean(to.kind(), kinds.into_iter())
            .unwrap_or_else(|| "`billform kinds` lists the kinds there are".to_owned());
        return Some(Stray { import, message: format!("`{}` is not a kind of resource", to.kind()), hint });
    }
    let alike: Vec<_> = graph.resources().values().filter(|resource| resource.address.kind() == to.kind()).collect();
    let message = match alike.iter().any(|resource| resource.tenant.is_some()) {
        true => format!("the manifest has no tenant `{}`, so nothing can be imported at {to}", to.name()),
        false => format!("the manifest has no {to}, so nothing can be imported there"),
    };
    let addresses: Vec<String> = alike.iter().map(|resource| resource.address.to_string()).collect();
    let hint = did_you_mean(&import.to, addresses.iter().map(String::as_str))
        .unwrap_or_else(|| "`billform graph` shows the addresses there are".to_owned());
    Some(Stray { import, message, hint })
}

fn did_you_mean<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    closest(wrong, known).map(|near| format!("did you mean `{near}`?"))
}
