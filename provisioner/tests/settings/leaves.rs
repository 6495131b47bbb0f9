//! The leaves of the manifest's JSON Schema: every setting that holds a value of its own.

use billing::manifest::{LATER, REFUSED};
use serde_json::Value;

/// One step from a document to a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To a key. `exclusive`: the mapping holds one of several keys, this one alone.
    Key { key: String, exclusive: bool },
    /// To the value of each key of a map, whose keys the user names.
    EachKey,
    /// To each element of a list.
    EachItem,
}

/// What a leaf holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Holds {
    /// Text; the examples are the schema's.
    Text { examples: Vec<String> },
    /// A whole number within bounds.
    Number { least: u64, most: u64 },
    /// `true` or `false`.
    Truth,
    /// One of these values.
    OneOf(Vec<Choice>),
}

/// One value that a setting knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub value: String,
    pub mark: Option<Mark>,
}

/// What the model says of a setting without effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Later,
    Refused,
}

/// A setting, and the mark that it or what it lies in carries.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    pub path: Vec<Step>,
    pub holds: Holds,
    /// The mark, and how many steps lead to what carries it.
    pub mark: Option<(Mark, usize)>,
}

impl Leaf {
    /// `tenants[].tags.*`.
    pub fn name(&self) -> String {
        name_of(&self.path)
    }
}

/// A path as text: `tenants[].tags.*`.
pub fn name_of(path: &[Step]) -> String {
    let mut name = String::new();
    for step in path {
        match step {
            Step::Key { key, .. } => {
                name.push_str(if name.is_empty() { "" } else { "." });
                name.push_str(key);
            }
            Step::EachKey => name.push_str(".*"),
            Step::EachItem => name.push_str("[]"),
        }
    }
    name
}

/// Every leaf of a schema.
pub fn leaves(schema: &Value) -> Vec<Leaf> {
    let mut walk = Walk { root: schema, path: Vec::new(), found: Vec::new() };
    walk.place(schema, None, false);
    walk.found
}

/// A place's schema: what it refers to, without references at its head.
pub fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(to) => resolved(root, root.pointer(to.trim_start_matches('#')).expect("the reference leads somewhere")),
        None => schema,
    }
}

/// What a place may hold; several things where the schema leaves a choice.
pub fn alternatives<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let schema = resolved(root, schema);
    let listed = ["anyOf", "oneOf"].into_iter().find_map(|keyword| schema[keyword].as_array());
    match listed {
        Some(listed) if choices(schema).is_none() => listed.iter().flat_map(|one| alternatives(root, one)).collect(),
        _ if schema["type"] == "null" => Vec::new(),
        _ => vec![schema],
    }
}

/// Whether the place holds exactly one of several keys.
pub fn is_exclusive(root: &Value, schema: &Value) -> bool {
    let objects = alternatives(root, schema).into_iter().filter(|one| one["properties"].is_object());
    objects.count() > 1
}

/// The values of an enumeration.
pub fn choices(schema: &Value) -> Option<Vec<Choice>> {
    let listed = schema["oneOf"].as_array()?;
    let choice = |one: &Value| Some(Choice { value: one["const"].as_str()?.to_owned(), mark: mark(one) });
    listed.iter().map(choice).collect()
}

fn mark(schema: &Value) -> Option<Mark> {
    match (schema[LATER] == true, schema[REFUSED].is_string()) {
        (true, _) => Some(Mark::Later),
        (_, true) => Some(Mark::Refused),
        _ => None,
    }
}

struct Walk<'a> {
    root: &'a Value,
    path: Vec<Step>,
    found: Vec<Leaf>,
}

impl<'a> Walk<'a> {
    /// `above` is the mark of what the place lies in.
    fn place(&mut self, schema: &'a Value, above: Option<(Mark, usize)>, exclusive: bool) {
        let own = mark(schema).map(|mark| (mark, self.path.len()));
        // Refusals inside what comes later are stronger; else the outermost mark counts.
        let mark = match (above, own) {
            (Some((Mark::Later, _)), Some((Mark::Refused, _))) | (None, _) => own,
            _ => above,
        };
        let exclusive = exclusive || is_exclusive(self.root, schema);
        for one in alternatives(self.root, schema) {
            self.one(one, mark, exclusive);
        }
    }

    fn one(&mut self, schema: &'a Value, mark: Option<(Mark, usize)>, exclusive: bool) {
        if let Some(choices) = choices(schema) {
            return self.leaf(Holds::OneOf(choices), mark);
        }
        if let Some(properties) = schema["properties"].as_object() {
            for (key, property) in properties {
                self.below(Step::Key { key: key.clone(), exclusive }, property, mark);
            }
        } else if schema["additionalProperties"].is_object() {
            self.below(Step::EachKey, &schema["additionalProperties"], mark);
        } else if schema["items"].is_object() {
            self.below(Step::EachItem, &schema["items"], mark);
        } else {
            self.leaf(scalar(schema), mark);
        }
    }

    fn below(&mut self, step: Step, schema: &'a Value, mark: Option<(Mark, usize)>) {
        self.path.push(step);
        self.place(schema, mark, false);
        self.path.pop();
    }

    fn leaf(&mut self, holds: Holds, mark: Option<(Mark, usize)>) {
        self.found.push(Leaf { path: self.path.clone(), holds, mark });
    }
}

fn scalar(schema: &Value) -> Holds {
    let is = |name: &str| schema["type"] == name || schema["type"].as_array().is_some_and(|t| t[0] == name);
    if is("boolean") {
        return Holds::Truth;
    }
    if is("integer") {
        let bound = |key: &str, default: u64| schema[key].as_u64().unwrap_or(default);
        return Holds::Number { least: bound("minimum", 0), most: bound("maximum", u32::MAX.into()) };
    }
    assert!(is("string"), "the schema holds what this walk does not know: {schema}");
    let examples = schema["examples"].as_array().into_iter().flatten().filter_map(Value::as_str);
    Holds::Text { examples: examples.map(str::to_owned).collect() }
}
