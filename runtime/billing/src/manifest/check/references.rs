//! Names that refer to an entry of a section.

use super::Checker;
use crate::manifest::node::{Step, Value};
use crate::manifest::suggest::among;

/// Reports a name that is no entry of a section.
pub(super) fn refer(checker: &mut Checker<'_>, path: &[Step], name: &str, section: &str) {
    if checker.whole.get(section).is_some_and(|node| !matches!(node.value, Value::Map(_))) {
        // The section is no mapping at all, which was reported.
        return;
    }
    let known = checker.names_in(section);
    if !known.contains(&name) {
        let hint = match known.is_empty() {
            true => format!("add `{section}: {{{name}: …}}`, or leave this out"),
            false => among(name, known.iter().copied(), section),
        };
        checker.at(path, format!("`{section}` has no entry `{name}`"), hint);
    }
}
