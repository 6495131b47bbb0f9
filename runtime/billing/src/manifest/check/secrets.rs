//! Secrets are named so that each has an environment variable of its own.

use super::{Checker, steps};
use crate::manifest::model::Secret;

/// Secrets whose names in the manifest would share an environment variable.
pub(super) fn check(checker: &mut Checker<'_>) {
    let names: Vec<&String> = checker.manifest.secrets.keys().collect();
    for (i, name) in names.iter().enumerate() {
        let variable = Secret::variable(name);
        if let Some(other) = names[..i].iter().find(|other| Secret::variable(other) == variable) {
            let message = format!("the secrets `{other}` and `{name}` would both be read from {variable}");
            checker.at_key(&steps!["secrets", *name], message, "rename one of them".to_owned());
        }
    }
}
