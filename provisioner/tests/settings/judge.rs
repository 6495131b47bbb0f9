//! Whether a setting has an effect, is refused by name, or is truly marked as provisioned later.

use billing::function::FunctionSpec;
use serde_json::{Value, json};

use super::edit::{At, dotted, get, merge, places, put};
use super::effects::{Outcome, of};
use super::leaves::{Choice, Holds, Leaf, Mark, Step};
use super::samples;

/// So many values of a setting without effect are looked at in each place: they differ in nothing, so more would not
/// either.
const ENOUGH: usize = 4;

/// Tries settings out on documents.
pub struct Judge<'a> {
    schema: &'a Value,
    documents: Vec<Value>,
    handlers: Vec<FunctionSpec>,
}

/// A place of a document.
struct Spot {
    document: Value,
    at: Vec<At>,
}

impl<'a> Judge<'a> {
    /// Judges by the schema's marks, on these documents.
    pub fn new(schema: &'a Value, documents: Vec<Value>) -> Self {
        Judge { schema, documents, handlers: provisioner::stack::handlers() }
    }

    /// What is wrong with a leaf, each as a sentence that begins with its name.
    pub fn complaints(&self, leaf: &Leaf) -> Vec<String> {
        let verdicts = match (&leaf.holds, leaf.path.last(), leaf.mark) {
            (_, _, Some((Mark::Refused, depth))) => vec![self.is_refused(leaf, depth)],
            (Holds::OneOf(choices), last, None) => {
                let listed = last == Some(&Step::EachItem);
                let marked = choices.iter().filter(|choice| choice.mark.is_some());
                let marked = marked.map(|choice| self.marked_choice(leaf, choice, listed));
                marked.chain([self.open_choices(leaf, choices, listed)]).collect()
            }
            (Holds::OneOf(choices), _, Some((Mark::Later, depth))) => {
                let refused = choices.iter().filter(|choice| choice.mark == Some(Mark::Refused));
                let refused = refused.map(|choice| self.marked_choice(leaf, choice, false));
                refused.chain([self.comes_later(leaf, depth)]).collect()
            }
            (_, _, Some((Mark::Later, depth))) => vec![self.comes_later(leaf, depth)],
            (_, _, None) => vec![self.has_an_effect(leaf)],
        };
        let wrong = verdicts.into_iter().filter_map(Result::err);
        wrong.map(|complaint| format!("{}: {complaint}", leaf.name())).collect()
    }

    /// Every place of the leaf in the documents.
    fn spots(&self, leaf: &Leaf) -> Vec<Spot> {
        let patch = samples::patch(leaf);
        let patched = self.documents.iter().map(|document| {
            let mut document = document.clone();
            merge(&mut document, &patch);
            document
        });
        let spots = patched.flat_map(|document| {
            let places = places(&document, &leaf.path);
            places.into_iter().map(move |at| Spot { document: document.clone(), at })
        });
        spots.collect()
    }

    fn with(&self, spot: &Spot, value: Option<&Value>) -> Outcome {
        of(&put(self.schema, &spot.document, &spot.at, value), &self.handlers)
    }

    /// Values to try there: none, what stands there, samples.
    fn values(&self, leaf: &Leaf, spot: &Spot) -> Vec<Option<Value>> {
        let now = get(&spot.document, &spot.at);
        let samples = samples::values(leaf, now).into_iter().map(Some);
        [None, now.cloned()].into_iter().chain(samples).collect()
    }

    /// Two values load and have different effects, or one is refused by name.
    fn has_an_effect(&self, leaf: &Leaf) -> Result<(), &'static str> {
        let mut new_value_loads = false;
        for spot in self.spots(leaf) {
            let mut loaded: Vec<Value> = Vec::new();
            let now = get(&spot.document, &spot.at);
            for value in self.values(leaf, &spot) {
                match self.with(&spot, value.as_ref()) {
                    Outcome::Loaded { effects, .. } if loaded.first().is_some_and(|first| *first != effects) => {
                        return Ok(());
                    }
                    Outcome::Loaded { effects, .. } => {
                        new_value_loads |= value.is_some() && value.as_ref() != now;
                        loaded.push(effects);
                    }
                    Outcome::Refused(messages) if is_named(&messages, leaf, &spot.at) => return Ok(()),
                    Outcome::Refused(_) => {}
                }
            }
        }
        Err(if new_value_loads { "no value has an effect" } else { "no other value of it loads: give it samples" })
    }

    /// Wherever it is written, it is refused by the name of what carries the mark; left out, the manifest loads.
    fn is_refused(&self, leaf: &Leaf, depth: usize) -> Result<(), &'static str> {
        let mut refused = false;
        for spot in self.spots(leaf) {
            let marked = Spot { document: spot.document.clone(), at: spot.at[..depth].to_vec() };
            if !matches!(self.with(&marked, None), Outcome::Loaded { .. }) {
                continue;
            }
            for value in samples::values(leaf, None).iter().take(ENOUGH) {
                match self.with(&spot, Some(value)) {
                    Outcome::Loaded { .. } => return Err("is marked as refused and is taken"),
                    Outcome::Refused(messages) => refused |= names(&messages, &dotted(&marked.at)),
                }
            }
        }
        if refused { Ok(()) } else { Err("is marked as refused, and no refusal names it") }
    }

    /// Whatever stands there, and with the marked section or without it, the same follows; and `plan` lists it.
    fn comes_later(&self, leaf: &Leaf, depth: usize) -> Result<(), &'static str> {
        let mut most = 0;
        for spot in self.spots(leaf) {
            let marked = Spot { document: spot.document.clone(), at: spot.at[..depth].to_vec() };
            let mut same = None;
            if let Outcome::Loaded { effects, .. } = self.with(&marked, None) {
                same = Some(effects);
            }
            let (bare, mut loaded) = (usize::from(same.is_some()), 0);
            for value in self.values(leaf, &spot).iter().flatten() {
                let Outcome::Loaded { effects, later } = self.with(&spot, Some(value)) else { continue };
                if *same.get_or_insert_with(|| effects.clone()) != effects {
                    return Err("is marked as provisioned later and has an effect: take the mark away");
                }
                if !later.contains(&dotted(&marked.at)) {
                    return Err("is marked as provisioned later, and `plan` does not list it");
                }
                loaded += 1;
                if loaded == ENOUGH {
                    break;
                }
            }
            most = most.max(if loaded > 0 { bare + loaded } else { 0 });
        }
        if most < 2 { Err("no two values of it load: give it samples") } else { Ok(()) }
    }

    /// A value that is refused, or that changes nothing and is listed.
    fn marked_choice(&self, leaf: &Leaf, choice: &Choice, listed: bool) -> Result<(), &'static str> {
        let mut tried = false;
        for (without, with, name) in self.pairs(leaf, choice, listed) {
            let Outcome::Loaded { effects: before, .. } = of(&without, &self.handlers) else { continue };
            let name = format!("{name}: {}", choice.value);
            match (choice.mark, of(&with, &self.handlers)) {
                (Some(Mark::Refused), Outcome::Loaded { .. }) => {
                    return Err("a value is marked as refused and is taken");
                }
                (Some(Mark::Refused), Outcome::Refused(messages)) => tried |= names(&messages, &name),
                (_, Outcome::Loaded { effects, .. }) if effects != before => {
                    return Err("a value is marked as provisioned later and has an effect: take the mark away");
                }
                (_, Outcome::Loaded { later, .. }) if !later.contains(&name) => {
                    return Err("a value is marked as provisioned later, and `plan` does not list it");
                }
                (_, Outcome::Loaded { .. }) => tried = true,
                (_, Outcome::Refused(_)) => {}
            }
        }
        if tried { Ok(()) } else { Err("a marked value is neither refused by name nor taken: give it samples") }
    }

    /// Documents without a choice and with it, and the setting's name.
    fn pairs(&self, leaf: &Leaf, choice: &Choice, listed: bool) -> Vec<(Value, Value, String)> {
        let value = json!(choice.value);
        let mut pairs = Vec::new();
        for Spot { document, at } in self.spots(leaf) {
            let changed = |at: &[At], value: Option<&Value>| put(self.schema, &document, at, value);
            if !listed {
                pairs.push((changed(&at, None), changed(&at, Some(&value)), dotted(&at)));
                // A setting that must be there is there with another value.
                pairs.push((document.clone(), changed(&at, Some(&value)), dotted(&at)));
                continue;
            }
            let list = &at[..at.len() - 1];
            let now = get(&document, list).and_then(Value::as_array).cloned().unwrap_or_default();
            let all = samples::values(leaf, None);
            for base in [now, all] {
                let others: Vec<Value> = base.into_iter().filter(|one| *one != value).collect();
                let more: Vec<Value> = others.iter().cloned().chain([value.clone()]).collect();
                pairs.push((changed(list, Some(&json!(others))), changed(list, Some(&json!(more))), dotted(list)));
            }
        }
        pairs
    }

    /// The values without a mark differ in what follows from them. One alone has nothing to differ from.
    fn open_choices(&self, leaf: &Leaf, choices: &[Choice], listed: bool) -> Result<(), &'static str> {
        let open: Vec<&Choice> = choices.iter().filter(|choice| choice.mark.is_none()).collect();
        match (listed, open.len()) {
            (false, ..2) => Ok(()),
            (false, _) if self.spots(leaf).iter().any(|spot| self.all_differ(spot, &open)) => Ok(()),
            (true, count) => {
                let effective = |choice: &&Choice| {
                    let mut pairs = self.pairs(leaf, choice, true).into_iter();
                    let mut taken = false;
                    let differs = pairs.any(|(without, with, _)| {
                        let without = of(&without, &self.handlers);
                        taken |= matches!(without, Outcome::Loaded { .. });
                        let loaded = (without, of(&with, &self.handlers));
                        matches!(loaded, (Outcome::Loaded { effects: a, .. }, Outcome::Loaded { effects: b, .. }) if a != b)
                    });
                    // The only one that can be written, and it must be.
                    differs || (count == 1 && !taken)
                };
                if open.iter().all(effective) { Ok(()) } else { Err("a value of the list has no effect") }
            }
            _ => Err("two of its values have the same effect, or do not load"),
        }
    }

    fn all_differ(&self, spot: &Spot, choices: &[&Choice]) -> bool {
        let mut seen: Vec<Value> = Vec::new();
        choices.iter().all(|choice| match self.with(spot, Some(&json!(choice.value))) {
            Outcome::Loaded { effects, .. } if !seen.contains(&effects) => {
                seen.push(effects);
                true
            }
            _ => false,
        })
    }
}

/// Whether a refusal says that the named setting has no effect yet.
fn names(messages: &[String], name: &str) -> bool {
    messages.contains(&format!("`{name}` has no effect yet"))
}

/// Whether a refusal names the leaf: it has no effect yet, or it is a constant that can be nothing else.
fn is_named(messages: &[String], leaf: &Leaf, at: &[At]) -> bool {
    let constant = matches!(leaf.holds, Holds::Number { least, most } if least == most);
    let key = dotted(at);
    names(messages, &key) || (constant && messages.iter().any(|message| message.starts_with(&key)))
}
