//! Secrets that are written into a manifest, where only their names belong.

use super::masking::holds_secret;
use super::node::{Node, Value};
use super::problem::Problem;
use super::source::Source;

/// Reports every value that is a secret itself, and takes it out so that nothing else is said about it.
pub(super) fn take_out(sources: &[Source], node: &mut Node, problems: &mut Vec<Problem>) {
    match &mut node.value {
        Value::Plain(text) | Value::Quoted(text) if holds_secret(text) => {
            let hint = "name a secret instead: `secrets: {stripe: {key: apiKey}}` and `secret_key: stripe`; \
                        its value comes from BILLFORM_SECRET_STRIPE or a prompt. This one is spent: replace it";
            let message = "a secret's value stands in the manifest";
            problems.push(Problem::at(sources, node.span, message, Some(hint.to_owned())));
            node.value = Value::Hole;
        }
        Value::Map(entries) => {
            entries.iter_mut().for_each(|entry| take_out(sources, &mut entry.node, problems));
        }
        Value::List(items) => items.iter_mut().for_each(|item| take_out(sources, item, problems)),
        Value::Plain(_) | Value::Quoted(_) | Value::Hole => {}
    }
}
