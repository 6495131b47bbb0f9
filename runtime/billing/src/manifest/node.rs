//! A manifest's text as a tree in which every key and value knows its place.

/// A place in one of the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Which source, by its position.
    pub file: usize,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters.
    pub len: usize,
    /// Where the alias stands that repeats what stands here: its line and column. None for what is read where it stands.
    pub alias: Option<(usize, usize)>,
}

impl Span {
    /// The first character of a source.
    pub(super) fn start_of(file: usize) -> Span {
        Span { file, line: 1, column: 1, len: 1, alias: None }
    }
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub span: Span,
    pub value: Value,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// An unquoted scalar, not yet known to be text, a number or a truth value.
    Plain(String),
    /// A quoted scalar.
    Quoted(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order written; keys are unique.
    Map(Vec<Entry>),
    /// Something was wrong here and has been reported: reads as an empty value of any type.
    Hole,
}

/// One key of a mapping and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub key: String,
    pub key_span: Span,
    pub node: Node,
    pub standing: Standing,
}

/// How an entry came to be in the tree, and whether it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Written in a source.
    Written,
    /// Put in for a key that is missing, so that reading can go on.
    MadeUp,
    /// Reported and passed over, so that the key's default holds.
    PassedOver,
}

/// One step from a node to one below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// To the value of a key.
    Key(String),
    /// To an element of a list.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Step {
        Step::Key(key.to_owned())
    }
}

impl From<&String> for Step {
    fn from(key: &String) -> Step {
        Step::Key(key.clone())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Step {
        Step::Index(index)
    }
}

impl Node {
    /// The entries of a mapping; none of anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The node that steps lead to. Indexes count every element.
    pub(super) fn get_mut(&mut self, path: &[Step]) -> Option<&mut Node> {
        let Some((step, rest)) = path.split_first() else { return Some(self) };
        let child = match (step, &mut self.value) {
            (Step::Key(key), Value::Map(entries)) => {
                entries.iter_mut().find(|entry| entry.key == *key).map(|entry| &mut entry.node)
            }
            (Step::Index(index), Value::List(items)) => items.get_mut(*index),
            _ => None,
        };
        child?.get_mut(rest)
    }

    /// The place to point at for what steps lead to: the value where it is a scalar, the key where it is a mapping or
    /// list, and what encloses it where it is missing. None where a problem was reported before.
    ///
    /// Indexes count the elements that were read, as the typed model does.
    pub(super) fn place(&self, path: &[Step]) -> Option<Span> {
        self.place_under(self.own_place(), path)
    }

    fn place_under(&self, named_at: Span, path: &[Step]) -> Option<Span> {
        let Some((step, rest)) = path.split_first() else {
            return match self.value {
                Value::Hole => None,
                Value::Plain(_) | Value::Quoted(_) => Some(self.span),
                Value::List(_) | Value::Map(_) => Some(named_at),
            };
        };
        match (step, &self.value) {
            (_, Value::Hole) => None,
            (Step::Key(key), Value::Map(entries)) => match entries.iter().find(|entry| entry.key == *key) {
                Some(entry) if entry.standing == Standing::MadeUp => None,
                Some(entry) => entry.node.place_under(entry.key_span, rest),
                None => Some(named_at),
            },
            (Step::Index(index), Value::List(items)) => {
                let mut read = items.iter().filter(|item| item.value != Value::Hole);
                read.nth(*index).map_or(Some(named_at), |item| item.place_under(item.own_place(), rest))
            }
            _ => Some(named_at),
        }
    }

    /// The place of a key that steps lead to, whatever its value is.
    pub(super) fn key_place(&self, path: &[Step]) -> Option<Span> {
        let (last, parents) = path.split_last()?;
        let place = self.place(path)?;
        let mut node = self;
        for step in parents {
            node = match (step, &node.value) {
                (Step::Key(key), _) => node.get(key)?,
                (Step::Index(index), Value::List(items)) => {
                    items.iter().filter(|item| item.value != Value::Hole).nth(*index)?
                }
                _ => return Some(place),
            };
        }
        let Step::Key(key) = last else { return Some(place) };
        let entry = node.entries().iter().find(|entry| entry.key == *key);
        Some(entry.map_or(place, |entry| entry.key_span))
    }

    /// Where to point for the node as a whole: a mapping's first key, else itself.
    pub(super) fn own_place(&self) -> Span {
        self.entries().first().map_or(self.span, |entry| entry.key_span)
    }
}
