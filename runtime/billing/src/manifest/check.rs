//! What the types cannot say, section by section: references, ranges, combinations that cannot be; and, across sections,
//! names that AWS takes.

mod api;
mod attribution;
mod auth;
mod aws;
mod budgets;
mod costs;
mod dated;
mod functions;
mod fx;
mod imports;
mod invoicing;
mod ledger;
mod moved;
mod names;
mod notifications;
mod portal;
mod pricing;
mod products;
mod project;
mod references;
mod schedules;
mod secrets;
mod shapes;
mod state;
mod storage;
mod stripe;
mod tenants;
mod values;

pub use shapes::{is_email, is_locale};
pub use values::is_tag_value;

use super::catalogue::Catalogue;
use super::model::Manifest;
use super::no_effect::Refused;
use super::node::{Node, Step, Value};
use super::problem::Problem;
use super::source::Source;

/// Steps to a value: `steps!["tenants", 3, "email"]`.
macro_rules! steps {
    ($($step:expr),+ $(,)?) => { [$($crate::manifest::node::Step::from($step)),+] };
}
use steps;

/// A decoded manifest under examination, and the problems found.
struct Checker<'a> {
    sources: &'a [Source],
    /// The tree as it was decoded: without what was reported.
    tree: &'a Node,
    /// The tree as it was written: what was reported is still there, and may be referred to.
    whole: &'a Node,
    manifest: &'a Manifest,
    catalogue: Catalogue<'a>,
    problems: &'a mut Vec<Problem>,
}

/// Every check, on a manifest whose defaults are filled in.
pub(super) fn all(
    sources: &[Source],
    tree: &Node,
    whole: &Node,
    manifest: &Manifest,
    catalogue: Catalogue<'_>,
    problems: &mut Vec<Problem>,
) {
    let mut checker = Checker { sources, tree, whole, manifest, catalogue, problems };
    project::check(&mut checker);
    aws::check(&mut checker);
    state::check(&mut checker);
    fx::check(&mut checker);
    attribution::check(&mut checker);
    costs::check(&mut checker);
    pricing::check(&mut checker);
    products::check(&mut checker);
    secrets::check(&mut checker);
    stripe::check(&mut checker);
    budgets::check(&mut checker);
    invoicing::check(&mut checker);
    ledger::check(&mut checker);
    auth::check(&mut checker);
    functions::check(&mut checker);
    schedules::check(&mut checker);
    api::check(&mut checker);
    portal::check(&mut checker);
    notifications::check(&mut checker);
    storage::check(&mut checker);
    moved::check(&mut checker);
    imports::check(&mut checker);
    tenants::check(&mut checker);
    names::check(&mut checker);
}

/// Settings about money that have no effect yet: nothing is billed otherwise than the manifest says.
pub(super) fn no_effect(sources: &[Source], tree: &Node, refused: &[Refused], problems: &mut Vec<Problem>) {
    for setting in refused {
        if let Some(span) = tree.place(&setting.path) {
            let message = format!("`{}` has no effect yet", setting.name);
            problems.push(Problem::at(sources, span, message, Some(setting.instead.to_owned())));
        }
    }
}

/// Empty quoted texts: they would read as "left out". Tag values may be empty.
pub(super) fn empty_texts(sources: &[Source], tree: &Node, problems: &mut Vec<Problem>) {
    for entry in tree.entries() {
        if entry.key == "tags" {
            continue;
        }
        if entry.node.value == Value::Quoted(String::new()) {
            let hint = "give it a value, or leave the key out".to_owned();
            let message = format!("`{}` is empty", entry.key);
            problems.push(Problem::at(sources, entry.node.span, message, Some(hint)));
        }
        empty_texts(sources, &entry.node, problems);
    }
    if let Value::List(items) = &tree.value {
        items.iter().for_each(|item| empty_texts(sources, item, problems));
    }
}

impl<'a> Checker<'a> {
    /// Reports a problem with the value that the steps lead to, unless one was reported there.
    fn at(&mut self, path: &[Step], message: impl AsRef<str>, hint: impl Into<Option<String>>) {
        if let Some(span) = self.tree.place(path) {
            self.problems.push(Problem::at(self.sources, span, message, hint.into()));
        }
    }

    /// Reports a problem with the key that the steps lead to.
    fn at_key(&mut self, path: &[Step], message: impl AsRef<str>, hint: impl Into<Option<String>>) {
        if let Some(span) = self.tree.key_place(path) {
            self.problems.push(Problem::at(self.sources, span, message, hint.into()));
        }
    }

    /// Whether a problem was reported where the steps lead, so that what was read there means nothing.
    fn is_reported(&self, path: &[Step]) -> bool {
        self.tree.place(path).is_none()
    }

    /// Whether the manifest writes what the steps lead to.
    fn is_written(&self, path: &[Step]) -> bool {
        let mut node = self.tree;
        path.iter().all(|step| match step {
            Step::Key(key) => match node.get(key) {
                Some(child) => {
                    node = child;
                    true
                }
                None => false,
            },
            Step::Index(_) => false,
        })
    }

    /// `FILE:LINE:COLUMN` of what the steps lead to.
    fn place_text(&self, path: &[Step]) -> String {
        self.tree.place(path).map_or_else(String::new, |span| {
            let file = self.sources.get(span.file).map_or("", |source| source.path.as_str());
            format!("{file}:{}:{}", span.line, span.column)
        })
    }

    /// The names that a section was written with, faulty ones too.
    fn names_in(&self, section: &str) -> Vec<&'a str> {
        let whole: &'a Node = self.whole;
        whole.get(section).map_or(&[][..], Node::entries).iter().map(|entry| entry.key.as_str()).collect()
    }
}

/// Reports each value that was seen before: `(what, value, path)`.
fn report_repeats(checker: &mut Checker<'_>, what: &str, values: &[(String, Vec<Step>)], hint: &str) {
    let mut seen: std::collections::BTreeMap<&str, &[Step]> = std::collections::BTreeMap::new();
    for (value, path) in values {
        match seen.get(value.as_str()) {
            Some(first) => {
                let first = checker.place_text(first);
                checker.at(path, format!("{what} `{value}` is taken"), format!("the first is at {first}; {hint}"));
            }
            None => {
                seen.insert(value, path);
            }
        }
    }
}
