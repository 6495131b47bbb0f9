//! What anchors (`&name`) name and aliases (`*name`) repeat, within limits: a few lines of aliases of aliases can stand for
//! more than any memory holds.

use std::collections::BTreeMap;

use super::node::{Node, Value};

/// How much anchors and aliases may repeat in one file, in bytes of text and [`EACH`] a value or key.
const LARGEST: usize = 8 << 20;
/// What a value or key takes beside its text, in bytes.
const EACH: usize = 64;

/// The values of a file that have an anchor, by the parser's number of it.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    named: BTreeMap<usize, Option<Named>>,
    repeated: usize,
}

/// A value with an anchor that was read to its end.
#[derive(Debug)]
struct Named {
    node: Node,
    weight: usize,
    depth: usize,
}

/// Why an alias stands for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is within the value that it repeats.
    Endless,
    /// What it repeats has more levels than are left.
    TooDeep,
    /// With it, more would be repeated than a file may repeat.
    TooLarge,
}

impl Anchors {
    /// A value with an anchor begins.
    pub(super) fn open(&mut self, anchor: usize) {
        self.named.insert(anchor, None);
    }

    /// It was read to its end.
    pub(super) fn close(&mut self, anchor: usize, node: &Node) -> Result<(), Refused> {
        let (weight, depth) = size(node);
        self.take(weight)?;
        self.named.insert(anchor, Some(Named { node: node.clone(), weight, depth }));
        Ok(())
    }

    /// The value of an anchor as the alias at this line and column repeats it, where so many levels are left.
    pub(super) fn repeat(&mut self, anchor: usize, alias: (usize, usize), levels: usize) -> Result<Node, Refused> {
        let Some(Named { weight, depth, .. }) = self.named.get(&anchor).and_then(Option::as_ref) else {
            return Err(Refused::Endless);
        };
        if *depth > levels {
            return Err(Refused::TooDeep);
        }
        self.take(*weight)?;
        let mut node = match self.named.get(&anchor) {
            Some(Some(named)) => named.node.clone(),
            _ => return Err(Refused::Endless),
        };
        mark(&mut node, alias);
        Ok(node)
    }

    fn take(&mut self, weight: usize) -> Result<(), Refused> {
        let repeated = self.repeated.saturating_add(weight);
        if repeated > LARGEST {
            return Err(Refused::TooLarge);
        }
        self.repeated = repeated;
        Ok(())
    }
}

/// How much a value takes, and how many levels of lists and mappings it has.
fn size(node: &Node) -> (usize, usize) {
    let below = |(weight, depth): (usize, usize), (more, level): (usize, usize)| (weight + more, depth.max(level + 1));
    match &node.value {
        Value::Plain(text) | Value::Quoted(text) => (EACH + text.len(), 0),
        Value::Hole => (EACH, 0),
        Value::List(items) => items.iter().map(size).fold((EACH, 1), below),
        Value::Map(entries) => {
            let entry = |entry: &super::node::Entry| {
                let (weight, depth) = size(&entry.node);
                (EACH + entry.key.len() + weight, depth)
            };
            entries.iter().map(entry).fold((EACH, 1), below)
        }
    }
}

/// Notes at all of a value which alias repeats it: of aliases within what an alias repeats, the outer one.
fn mark(node: &mut Node, alias: (usize, usize)) {
    node.span.alias = Some(alias);
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| mark(item, alias)),
        Value::Map(entries) => {
            for entry in entries {
                entry.key_span.alias = Some(alias);
                mark(&mut entry.node, alias);
            }
        }
        Value::Plain(_) | Value::Quoted(_) | Value::Hole => {}
    }
}
