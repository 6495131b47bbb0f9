//! The manifest's version, and the ids that its names start with.

use super::values::id;
use super::{Checker, steps};

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    if manifest.version != 1 {
        let hint = "write `version: 1`, or use a newer billform".to_owned();
        checker.at(&steps!["version"], format!("version {} is not known", manifest.version), hint);
    }
    id(checker, &steps!["project"], &manifest.project);
    if let Some(environment) = &manifest.environment {
        id(checker, &steps!["environment"], environment);
    }
}
