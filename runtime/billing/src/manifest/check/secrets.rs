//! Secrets are named, not written.

use super::{Checker, steps};
use crate::manifest::masking::holds_secret;
use crate::manifest::model::Secret;
use crate::manifest::node::{Node, Value};
use crate::manifest::problem::Problem;
use crate::manifest::source::Source;

/// Reports every value that is a secret itself, and takes it out so that nothing else is said about it.
pub(in crate::manifest) fn take_out_values(sources: &[Source], node: &mut Node, problems: &mut Vec<Problem>) {
    match &mut node.value {
        Value::Plain(text) | Value::Quoted(text) if holds_secret(text) => {
            let hint = "name a secret instead: `secrets: {stripe: {key: apiKey}}` and `secret_key: stripe`; \
                        its value comes from BILLFORM_SECRET_STRIPE or a prompt. This one is spent: replace it";
            let message = "a secret's value stands in the manifest";
            problems.push(Problem::at(sources, node.span, message, Some(hint.to_owned())));
            node.value = Value::Hole;
        }
        Value::Map(entries) => {
            entries.iter_mut().for_each(|entry| take_out_values(sources, &mut entry.node, problems));
        }
        Value::List(items) => items.iter_mut().for_each(|item| take_out_values(sources, item, problems)),
        Value::Plain(_) | Value::Quoted(_) | Value::Hole => {}
    }
}

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
