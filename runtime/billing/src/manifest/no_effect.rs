//! Settings that a manifest writes and that have no effect yet, as the marks of the model say: those about money are
//! refused, the others are listed by `plan`.

use super::node::{Node, Standing, Step, Value};
use super::schema::Place;

/// What a manifest writes without effect.
#[derive(Debug, Default)]
pub(super) struct NoEffect {
    /// What is refused, in the manifest's order.
    pub refused: Vec<Refused>,
    /// What is provisioned later, by name: `auth.cognito`, `api.surfaces: usage`. Each once, in the manifest's order.
    pub later: Vec<String>,
}

/// A setting about money that has no effect yet.
#[derive(Debug)]
pub(super) struct Refused {
    /// The steps to it; indexes count the elements that were read.
    pub path: Vec<Step>,
    /// Its name: `invoicing.approval: automatic`.
    pub name: String,
    /// What to write instead.
    pub instead: &'static str,
}

/// Walks the tree beside the schema.
pub(super) fn written_in(tree: &Node) -> NoEffect {
    let mut walk = Walk { path: Vec::new(), found: NoEffect::default() };
    walk.node(tree, Place::root());
    walk.found
}

struct Walk {
    path: Vec<Step>,
    found: NoEffect,
}

impl Walk {
    fn node(&mut self, node: &Node, place: Place<'static>) {
        match &node.value {
            Value::Map(entries) => {
                for entry in entries.iter().filter(|entry| entry.standing == Standing::Written) {
                    let Some(place) = place.key(&entry.key) else { continue };
                    self.path.push(Step::from(&entry.key));
                    self.marks(place, None, is_empty(&entry.node));
                    self.node(&entry.node, place);
                    self.path.pop();
                }
            }
            Value::List(items) => {
                let Some(place) = place.item().map(Place::resolved) else { return };
                for (index, item) in items.iter().filter(|item| item.value != Value::Hole).enumerate() {
                    self.path.push(Step::from(index));
                    self.node(item, place);
                    self.path.pop();
                }
            }
            Value::Plain(text) | Value::Quoted(text) => {
                if let Some(place) = place.value(text) {
                    self.marks(place, Some(text), false);
                }
            }
            Value::Hole => {}
        }
    }

    /// Notes what the place is marked with; `value` is the value that carries the mark, else the key does. An empty list
    /// or mapping asks for no money: it is not refused.
    fn marks(&mut self, place: Place<'static>, value: Option<&str>, empty: bool) {
        let name = || match value {
            Some(value) => format!("{}: {value}", dotted(&self.path)),
            None => dotted(&self.path),
        };
        if let Some(instead) = place.refused().filter(|_| !empty) {
            let refused = Refused { path: self.path.clone(), name: name(), instead };
            self.found.refused.push(refused);
        } else if place.is_later() && !self.found.later.contains(&name()) {
            let name = name();
            self.found.later.push(name);
        }
    }
}

/// Whether nothing is written here.
fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Hole => true,
        Value::Plain(_) | Value::Quoted(_) => false,
    }
}

/// The keys of a path: `invoicing.approval`, `tenants.accounts`.
fn dotted(path: &[Step]) -> String {
    let keys = path.iter().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) => None,
    });
    keys.collect::<Vec<_>>().join(".")
}
