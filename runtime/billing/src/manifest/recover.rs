//! Decodes a tree and, at each fault, reports it, takes the faulty part out and decodes again: one run finds them all.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::{DecodeError, Fault, decode};
use super::model::Manifest;
use super::node::{Entry, Node, Standing, Step, Value};
use super::problem::Problem;
use super::source::Source;
use super::suggest::among;

/// After so many problems the rest is not looked for: each costs a reading of the whole manifest.
const MOST_PROBLEMS: usize = 200;

/// The manifest without its faulty parts, which are reported; None when too little is left. The tree keeps holes where
/// they were, so that nothing is reported about them twice.
pub(super) fn decode_reporting(sources: &[Source], tree: &mut Node, problems: &mut Vec<Problem>) -> Option<Manifest> {
    let mut taken_out = BTreeSet::new();
    // Numbers where text belongs, by path, and which problem says so.
    let mut unquoted: BTreeMap<Vec<Step>, usize> = BTreeMap::new();
    let start = problems.len();
    while problems.len() < start + MOST_PROBLEMS {
        let error = match decode::<Manifest>(tree) {
            Ok(manifest) => {
                // What was said about them is enough: no check says more.
                unquoted.keys().for_each(|path| make_hole(tree, path));
                return Some(manifest);
            }
            Err(error) => error,
        };
        let path = error.path();
        // What is under a hole follows from what was reported there.
        if let Some(earlier) = unquoted.remove(&path) {
            // Quotes alone would not do.
            problems[earlier] = report(sources, tree, &error, &path);
        } else if !under_hole(tree, &path) && !follows(&error, &path, &taken_out) {
            if let Fault::Unquoted { .. } = error.fault {
                unquoted.insert(path.clone(), problems.len());
            }
            problems.push(report(sources, tree, &error, &path));
        }
        take_out(tree, &error, path, &mut taken_out)?;
    }
    let message = format!("there are more than {MOST_PROBLEMS} problems; the rest was not looked for");
    problems.push(Problem::at(sources, tree.own_place(), message, Some("mend these and run again".to_owned())));
    None
}

/// Whether the steps lead to or through a hole, or a key that was put in for a missing one.
fn under_hole(tree: &Node, path: &[Step]) -> bool {
    let mut node = tree;
    for step in path {
        let next = match (step, &node.value) {
            (Step::Key(key), Value::Map(entries)) => {
                let entry = entries.iter().find(|entry| entry.key == *key);
                if entry.is_some_and(|entry| entry.standing == Standing::MadeUp) {
                    return true;
                }
                entry.map(|entry| &entry.node)
            }
            (Step::Index(index), Value::List(items)) => items.get(*index),
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => return node.value == Value::Hole,
        }
    }
    node.value == Value::Hole
}

/// Whether something is missing only because it was taken out.
fn follows(error: &DecodeError, path: &[Step], taken_out: &BTreeSet<Vec<Step>>) -> bool {
    match &error.fault {
        Fault::MissingKey { key } => taken_out.contains(&child(path, key)) || taken_out.contains(path),
        Fault::Emptied => true,
        _ => false,
    }
}

fn child(path: &[Step], key: &str) -> Vec<Step> {
    let mut path = path.to_vec();
    path.push(Step::from(key));
    path
}

/// Changes the tree so that the next reading gets past the fault. None when the root itself is at fault.
fn take_out(tree: &mut Node, error: &DecodeError, path: Vec<Step>, taken_out: &mut BTreeSet<Vec<Step>>) -> Option<()> {
    match &error.fault {
        Fault::MissingKey { key } if !taken_out.contains(&child(&path, key)) => {
            let node = tree.get_mut(&path)?;
            if node.value == Value::Hole {
                // From here on it is a mapping, in which everything is missing because it was none.
                taken_out.insert(path.clone());
            }
            make_up(tree.get_mut(&path)?, key);
            Some(())
        }
        Fault::UnknownKey { .. } => {
            let (last, parent) = path.split_last()?;
            let Value::Map(entries) = &mut tree.get_mut(parent)?.value else { return None };
            entries.iter_mut().find(|entry| Step::from(&entry.key) == *last)?.standing = Standing::PassedOver;
            Some(())
        }
        Fault::Unquoted { text, .. } if !under_hole(tree, &path) => {
            tree.get_mut(&path)?.value = Value::Quoted(text.clone());
            Some(())
        }
        _ if under_hole(tree, &path) || matches!(error.fault, Fault::MissingKey { .. }) => {
            // An empty value does not do here: the default may, or the part around it goes.
            pass_over(tree, path, taken_out)
        }
        _ if path.is_empty() => None,
        _ => {
            make_hole(tree, &path);
            Some(())
        }
    }
}

fn make_hole(tree: &mut Node, path: &[Step]) {
    if let Some(node) = tree.get_mut(path) {
        node.value = Value::Hole;
    }
}

/// Puts an empty value under a missing key.
fn make_up(node: &mut Node, key: &str) {
    let span = node.span;
    let entry = Entry {
        key: key.to_owned(),
        key_span: span,
        node: Node { span, value: Value::Hole },
        standing: Standing::MadeUp,
    };
    match &mut node.value {
        Value::Map(entries) => entries.push(entry),
        value => *value = Value::Map(vec![entry]),
    }
}

/// Has the node that steps lead to passed over from now on: a key with its value, or an element of a list.
fn pass_over(tree: &mut Node, path: Vec<Step>, taken_out: &mut BTreeSet<Vec<Step>>) -> Option<()> {
    let (last, parent) = path.split_last()?;
    match (&mut tree.get_mut(parent)?.value, last) {
        (Value::Map(entries), Step::Key(key)) => {
            let entry = entries.iter_mut().find(|entry| entry.key == *key)?;
            entry.node.value = Value::Hole;
            entry.standing = Standing::PassedOver;
        }
        (Value::List(items), Step::Index(index)) => items.get_mut(*index)?.value = Value::Hole,
        _ => return None,
    }
    taken_out.insert(path);
    Some(())
}

/// Keys that the ledger's records have beside the manifest's. The checks refuse them; no hint names them.
const OF_RECORDS: &[&str] = &["sharing"];

fn report(sources: &[Source], tree: &Node, error: &DecodeError, path: &[Step]) -> Problem {
    let name = path.iter().rev().find_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) => None,
    });
    let named = match (name, path.last()) {
        (Some(list), Some(Step::Index(_))) => format!("an entry of `{list}`"),
        (Some(name), _) => format!("`{name}`"),
        (None, _) => "the manifest".to_owned(),
    };
    let name = name.unwrap_or_default();
    let mut on_key = false;
    let (message, hint) = match &error.fault {
        Fault::UnknownKey { known } => {
            on_key = true;
            let known = known.iter().copied().filter(|key| !OF_RECORDS.contains(key));
            (format!("unknown key `{name}`"), Some(among(name, known, "keys here")))
        }
        Fault::MissingKey { key } => {
            (format!("the key `{key}` is missing{}", in_what(path)), example_of(key, name).map(str::to_owned))
        }
        Fault::UnknownValue { value, known } => {
            let message = format!("`{name}` cannot be `{value}`");
            (message, Some(among(value, known.iter().copied(), "values")))
        }
        Fault::Unquoted { text, is } => {
            (format!("`{name}` takes text, and `{text}` without quotes is {is}"), Some(format!("quote it: \"{text}\"")))
        }
        Fault::Nothing => {
            on_key = true;
            (format!("nothing follows `{name}`"), Some("give it a value, or leave the key out".to_owned()))
        }
        Fault::Emptied => ("nothing is left here".to_owned(), None),
        Fault::Type { expected, found, hint } => (format!("{named} takes {expected}, not {found}"), hint.clone()),
        Fault::Other(message) => (message.clone(), None),
    };
    let raw = raw_place(tree, path, on_key);
    Problem::at(sources, raw, message, hint)
}

/// The place of what a decoding error is about; indexes count every element.
fn raw_place(tree: &Node, path: &[Step], on_key: bool) -> super::node::Span {
    let (mut node, mut place) = (tree, tree.own_place());
    for (depth, step) in path.iter().enumerate() {
        let last = depth + 1 == path.len();
        match (step, &node.value) {
            (Step::Key(key), Value::Map(entries)) => {
                let Some(entry) = entries.iter().find(|entry| entry.key == *key) else { return place };
                let scalar = matches!(entry.node.value, Value::Plain(_) | Value::Quoted(_));
                place = if last && scalar && !on_key { entry.node.span } else { entry.key_span };
                node = &entry.node;
            }
            (Step::Index(index), Value::List(items)) => {
                let Some(item) = items.get(*index) else { return place };
                place = item.own_place();
                node = item;
            }
            _ => return place,
        }
    }
    place
}

/// ` in `aws``, ` in `tenants``: what lacks a key.
fn in_what(path: &[Step]) -> String {
    match path.last() {
        Some(Step::Key(key)) => format!(" in `{key}`"),
        Some(Step::Index(_)) => match path.iter().rev().nth(1) {
            Some(Step::Key(list)) => format!(" in this entry of `{list}`"),
            _ => " here".to_owned(),
        },
        None => String::new(),
    }
}

/// How the keys that must be there are written; `section` is what lacks the key.
fn example_of(key: &str, section: &str) -> Option<&'static str> {
    Some(match key {
        "id" if section == "imports" => "give the id that the resource has in the cloud: `id: cus_…`, a bucket's name",
        "version" => "start the manifest with `version: 1`",
        "project" => "name the system: `project: client-billing`",
        "aws" => "say which account: `aws: {account: \"123456789012\", region: us-east-1}`",
        "account" => "write the account number in quotes: `account: \"123456789012\"`",
        "region" => "name the region: `region: us-east-1`",
        "attribution" => "say how cost is told apart: `attribution: {tenant_tag: ClientOrganization}`",
        "id" => "give the tenant an id of small letters, digits and dashes: `id: acme`",
        "name" => "give it a name: `name: Acme Printing`",
        "email" => "say where invoices go: `email: billing@acme.example`",
        "secret_key" => "name the entry of `secrets` that holds the key: `secret_key: stripe`",
        "amount" => "write an amount and a currency: `amount: \"29.00 USD\"`",
        _ => return None,
    })
}
