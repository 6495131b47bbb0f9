//! What a file says, whatever its order, style and aliases: each scalar by the steps to it.

use std::collections::BTreeMap;

use super::Refusal;
use crate::manifest::node::{Node, Span, Step, Value};
use crate::manifest::source::Source;
use crate::manifest::yaml;

/// What stands at each path, with its place. Lists and mappings stand there when they are empty.
pub(super) type Said = BTreeMap<Vec<Step>, (String, Span)>;

/// The tree of one of the sources; its problems when it has any.
pub(super) fn tree(sources: &[Source], file: usize) -> Result<Node, Refusal> {
    let mut problems = Vec::new();
    match yaml::parse(sources, file, &mut problems) {
        Some(tree) if problems.is_empty() => Ok(tree),
        _ => Err(Refusal::Unsound(problems)),
    }
}

/// What a tree says.
pub(super) fn said(tree: &Node) -> Said {
    fn walk(node: &Node, path: &mut Vec<Step>, found: &mut Said) {
        let mut below = |step: Step, node: &Node, path: &mut Vec<Step>| {
            path.push(step);
            walk(node, path, found);
            path.pop();
        };
        let text = match &node.value {
            Value::Plain(text) => format!("plain {text}"),
            Value::Quoted(text) => format!("quoted {text}"),
            Value::Hole => "hole".to_owned(),
            Value::List(items) if items.is_empty() => "list".to_owned(),
            Value::Map(entries) if entries.is_empty() => "map".to_owned(),
            Value::List(items) => {
                return items.iter().enumerate().for_each(|(index, item)| below(Step::from(index), item, path));
            }
            Value::Map(entries) => {
                return entries.iter().for_each(|entry| below(Step::from(&entry.key), &entry.node, path));
            }
        };
        found.insert(path.clone(), (text, node.span));
    }
    let mut found = Said::new();
    walk(tree, &mut Vec::new(), &mut found);
    found
}

/// What two trees say is the same.
pub(super) fn says_the_same(one: &Node, other: &Node) -> bool {
    let texts = |tree: &Node| -> Vec<(Vec<Step>, String)> {
        said(tree).into_iter().map(|(path, (text, _))| (path, text)).collect()
    };
    texts(one) == texts(other)
}

/// That an edit of a tenant in one file changed only what stands at some of its keys (`touched`), and that some are gone.
pub(super) fn assert_only(
    before: &Source,
    after: &str,
    id: &str,
    touched: &[Vec<Step>],
    gone: &[Vec<Step>],
) -> Result<(), Refusal> {
    let path = before.path.clone();
    let after = [Source { path: path.clone(), text: after.to_owned() }];
    let (old, new) = (tree(std::slice::from_ref(before), 0)?, tree(&after, 0)?);
    let Some(tenant) = path_of(&new, id) else { return Ok(()) };
    let under = |at: &[Step], key: &Vec<Step>| at.strip_prefix(&*tenant).is_some_and(|rest| rest.starts_with(key));
    let (old, new) = (said(&old), said(&new));
    let texts = |said: &Said, at: &[Step]| said.get(at).map(|(text, _)| text.clone());
    let other = old.keys().chain(new.keys()).find(|at| {
        let asked = touched.iter().chain(gone).any(|key| under(at, key) || is_emptied(at, &tenant, key));
        !asked && texts(&old, at) != texts(&new, at)
    });
    if let Some(at) = other {
        let span = old.get(at).or_else(|| new.get(at)).map(|(_, span)| *span);
        let by = match span.and_then(|span| span.alias) {
            Some((line, column)) => format!(": the alias at {path}:{line}:{column} repeats it"),
            None => format!(" in {path}"),
        };
        return Err(Refusal::impossible(
            format!("this would change `{}` too{by}", shown(at)),
            "write its value out there first; nothing was written",
        ));
    }
    let still = gone.iter().find_map(|key| Some((key, new.iter().find(|(at, _)| under(at, key))?)));
    if let Some((key, (_, (_, span)))) = still {
        let by = match span.alias {
            Some((line, column)) => format!("the alias at {path}:{line}:{column} brings it"),
            None => format!("{path} has it in line {}", span.line),
        };
        return Err(Refusal::impossible(
            format!("tenant `{id}` would still have `{}`: {by}", shown(key)),
            "edit it by hand; nothing was written",
        ));
    }
    Ok(())
}

/// Whether at this path an emptied mapping stands, which a key was taken out of or is put into.
fn is_emptied(at: &[Step], tenant: &[Step], key: &[Step]) -> bool {
    key.split_last().is_some_and(|(_, holder)| !holder.is_empty() && at.strip_prefix(tenant) == Some(holder))
}

/// The steps to a tenant in a file: a manifest, a list of tenants or one.
fn path_of(tree: &Node, id: &str) -> Option<Vec<Step>> {
    let is_it = |node: &Node| {
        let found = node.get("id").map(|id| &id.value);
        matches!(found, Some(Value::Plain(text) | Value::Quoted(text)) if text == id)
    };
    let (mut path, list) = match (&tree.value, tree.get("tenants").map(|node| &node.value)) {
        (Value::List(items), _) => (Vec::new(), items),
        (_, Some(Value::List(items))) => (vec![Step::from("tenants")], items),
        _ => return is_it(tree).then(Vec::new),
    };
    path.push(Step::from(list.iter().position(is_it)?));
    Some(path)
}

/// `tenants[1].tags.Client`.
fn shown(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.push_str(&format!(".{key}")),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}
