//! The files of a manifest, and how they become one tree: the base, one environment over it, tenants beside it.

use super::node::{Entry, Node, Span, Standing, Step, Value};
use super::problem::Problem;
use super::source::{Role, Source};
use super::suggest::among;
use super::yaml;

impl Source {
    /// A file as it was read; a problem when it is no UTF-8 text.
    pub fn from_bytes(path: impl Into<String>, bytes: Vec<u8>) -> Result<Source, Problem> {
        let path = path.into();
        String::from_utf8(bytes).map(|text| Source { path: path.clone(), text }).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
            let sources = [Source { path, text: before }];
            let span = Span { file: 0, line, column, len: 1, alias: None };
            Problem::at(&sources, span, "the file is no UTF-8 text", Some("save it as UTF-8".to_owned()))
        })
    }
}

/// The tree of all sources, with `environment` set to the chosen one. None when the base cannot be read.
pub(super) fn assemble(sources: &[Source], chosen: Option<&str>, problems: &mut Vec<Problem>) -> Option<Node> {
    // A manifest given as one file is the base wherever it lies.
    let single = sources.len() == 1;
    let bases: Vec<usize> = (0..sources.len()).filter(|i| single || sources[*i].role() == Role::Base).collect();
    let base = match bases[..] {
        [base] => base,
        [] => {
            problems.push(no_base(sources));
            return None;
        }
        [_, second, ..] => {
            let hint = "only tenants/*.yaml and environments/*.yaml lie beside billform.yaml".to_owned();
            let message = "a second manifest: a folder holds one";
            problems.push(Problem::at(sources, Span::start_of(second), message, Some(hint)));
            return None;
        }
    };
    let mut tenants = Vec::new();
    for (file, _) in sources.iter().enumerate().filter(|(_, source)| !single && source.role() == Role::Tenants) {
        let Some(parsed) = yaml::parse(sources, file, problems) else { continue };
        tenants.extend(tenants_of(parsed, sources, problems));
    }
    let mut tree = yaml::parse(sources, base, problems)?;
    let named = environment_of(&tree);
    let wanted = chosen.map(str::to_owned).or_else(|| named.clone());
    append_tenants(&mut tree, tenants);
    if let Some(wanted) = wanted {
        let is_it = |source: &Source| !single && source.role() == Role::Environment(wanted.as_str());
        match sources.iter().position(is_it) {
            Some(file) => {
                let overlay = yaml::parse(sources, file, problems)?;
                merge(&mut tree, overlay);
            }
            None if chosen.is_some() && named.as_deref() != chosen => {
                problems.push(no_environment(sources, base, &wanted));
            }
            None => {}
        }
        set_environment(&mut tree, wanted);
    }
    Some(tree)
}

fn no_base(sources: &[Source]) -> Problem {
    let hint = "write billform.yaml, or run `billform init` to get a commented one".to_owned();
    Problem::at(sources, Span::start_of(0), "there is no manifest here", Some(hint))
}

fn no_environment(sources: &[Source], base: usize, wanted: &str) -> Problem {
    let known = sources.iter().filter_map(|source| match source.role() {
        Role::Environment(name) => Some(name),
        _ => None,
    });
    let known: Vec<&str> = known.collect();
    let hint = match known.is_empty() {
        true => format!("write environments/{wanted}.yaml with the keys that differ, or leave --environment out"),
        false => among(wanted, known.iter().copied(), "environments"),
    };
    Problem::at(sources, Span::start_of(base), format!("there is no environment `{wanted}`"), Some(hint))
}

/// A tenants file holds one tenant or a list of them. Under a `tenants:` of its own they are read all the same, so that this
/// is the one problem.
fn tenants_of(node: Node, sources: &[Source], problems: &mut Vec<Problem>) -> Vec<Node> {
    match node.value {
        Value::List(tenants) => tenants,
        Value::Map(mut entries) => match entries.iter().position(|entry| entry.key == "tenants") {
            None => vec![Node { value: Value::Map(entries), ..node }],
            Some(at) => {
                let own = entries.swap_remove(at);
                let hint = "take `tenants:` out: the file holds one tenant's keys, or a list of tenants".to_owned();
                let message = "a file in `tenants/` has no key `tenants`";
                problems.push(Problem::at(sources, own.key_span, message, Some(hint)));
                match own.node.value {
                    Value::List(tenants) => tenants,
                    _ => Vec::new(),
                }
            }
        },
        value => vec![Node { value, ..node }],
    }
}

fn append_tenants(tree: &mut Node, more: Vec<Node>) {
    let Some(first) = more.first() else { return };
    let span = first.span;
    let Value::Map(entries) = &mut tree.value else { return };
    match entries.iter_mut().find(|entry| entry.key == "tenants") {
        Some(Entry { node: Node { value: Value::List(tenants), .. }, .. }) => tenants.extend(more),
        // What stands there is no list; decoding says so.
        Some(_) => {}
        None => entries.push(Entry {
            key: "tenants".to_owned(),
            key_span: span,
            node: Node { span, value: Value::List(more) },
            standing: Standing::Written,
        }),
    }
}

/// The overlay's keys replace the base's; mappings are merged key by key.
fn merge(base: &mut Node, overlay: Node) {
    match (&mut base.value, overlay.value) {
        (Value::Map(entries), Value::Map(over)) => {
            for new in over {
                match entries.iter_mut().find(|entry| entry.key == new.key) {
                    Some(old) => {
                        old.key_span = new.key_span;
                        merge(&mut old.node, new.node);
                    }
                    None => entries.push(new),
                }
            }
        }
        (_, value) => *base = Node { span: overlay.span, value },
    }
}

fn environment_of(tree: &Node) -> Option<String> {
    match &tree.get("environment")?.value {
        Value::Plain(name) | Value::Quoted(name) => Some(name.clone()),
        _ => None,
    }
}

fn set_environment(tree: &mut Node, name: String) {
    if let Some(node) = tree.get_mut(&[Step::from("environment")]) {
        if matches!(&node.value, Value::Plain(old) | Value::Quoted(old) if *old != name) {
            node.value = Value::Quoted(name);
        }
        return;
    }
    let span = tree.own_place();
    if let Value::Map(entries) = &mut tree.value {
        let node = Node { span, value: Value::Quoted(name) };
        entries.push(Entry { key: "environment".to_owned(), key_span: span, node, standing: Standing::Written });
    }
}
