//! A tenant's terms that change, field by field, with the month from which each holds: `terms.markup from 2026-12`.

use std::collections::{BTreeMap, BTreeSet};

use engine::diff::{FieldChange, below};
use serde_json::Value;

/// The tenant record's list of terms, oldest first, each with the month it begins in or none.
const FIELD: &str = "record.terms";
const BEGINS: &str = "effective_from";

/// The changes, with one of the list of terms replaced by those of its fields.
pub fn unfolded(changes: &[FieldChange]) -> Vec<FieldChange> {
    let fields = |change: &FieldChange| match (change.before.as_array(), change.after.as_array()) {
        (Some(before), Some(after)) if change.path == FIELD => Some(of_fields(before, after)),
        _ => None,
    };
    changes.iter().flat_map(|change| fields(change).unwrap_or_else(|| vec![change.clone()])).collect()
}

/// What differs from the beginning of each stretch on; what differed in the same way before is not told again.
fn of_fields(before: &[Value], after: &[Value]) -> Vec<FieldChange> {
    let begins: BTreeSet<Option<&str>> = before.iter().chain(after).map(beginning).chain([None]).collect();
    let mut told: BTreeMap<String, (Value, Value)> = BTreeMap::new();
    let mut changes = Vec::new();
    for begins in begins {
        let differing = differing(in_force(before, begins), in_force(after, begins));
        for (field, (before, after)) in &differing {
            if told.get(field) == Some(&(before.clone(), after.clone())) {
                continue;
            }
            let from = begins.map(|month| format!(" from {month}")).unwrap_or_default();
            changes.push(FieldChange {
                path: format!("terms.{field}{from}"),
                before: before.clone(),
                after: after.clone(),
                forces_replacement: false,
            });
        }
        told = differing;
    }
    changes
}

fn beginning(terms: &Value) -> Option<&str> {
    terms.get(BEGINS).and_then(Value::as_str)
}

fn in_force<'a>(terms: &'a [Value], at: Option<&str>) -> Option<&'a Value> {
    terms.iter().filter(|terms| beginning(terms) <= at).max_by_key(|terms| beginning(terms))
}

fn differing(before: Option<&Value>, after: Option<&Value>) -> BTreeMap<String, (Value, Value)> {
    let (before, after) = (leaves(before), leaves(after));
    let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |of: &BTreeMap<String, Value>, field: &String| of.get(field).cloned().unwrap_or_default();
    let both = fields.into_iter().map(|field| (field.clone(), (value(&before, field), value(&after, field))));
    both.filter(|(_, (before, after))| before != after).collect()
}

/// The values by path, lists whole.
fn leaves(terms: Option<&Value>) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut open: Vec<(String, &Value)> = terms.into_iter().map(|terms| (String::new(), terms)).collect();
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Object(fields) => open
                .extend(fields.iter().filter(|(key, _)| *key != BEGINS).map(|(key, value)| (below(&path, key), value))),
            other => _ = found.insert(path, other.clone()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(before: Value, after: Value) -> Vec<String> {
        let change = FieldChange { path: FIELD.to_owned(), before, after, forces_replacement: false };
        unfolded(&[change]).iter().map(|change| super::super::field::change(change, 200)).collect()
    }

    #[test]
    fn a_markup_is_told_with_the_month_it_holds_from() {
        let before = json!([{"markup": "8%", "fee": {"flat": "2.00 USD"}}]);
        let after = json!([
            {"markup": "8%", "fee": {"flat": "2.00 USD"}},
            {"markup": "9%", "fee": {"flat": "2.00 USD"}, "effective_from": "2026-12"},
        ]);
        assert_eq!(told(before, after), [r#"terms.markup from 2026-12: "8%" -> "9%""#]);
    }

    #[test]
    fn what_always_held_and_several_stretches_are_told_once_each() {
        let before = json!([{"markup": "8%"}, {"markup": "8%", "tax": "19%", "effective_from": "2026-12"}]);
        let after = json!([
            {"markup": "9%"},
            {"markup": "9%", "tax": "7%", "effective_from": "2026-12"},
            {"markup": "9%", "fee": {"tiers": [{"percent": "5%"}]}, "effective_from": "2027-02"},
        ]);
        assert_eq!(
            told(before, after),
            [
                r#"terms.markup: "8%" -> "9%""#,
                r#"terms.tax from 2026-12: "19%" -> "7%""#,
                r#"terms.fee.tiers from 2027-02: (none) -> [{"percent":"5%"}]"#,
                r#"terms.tax from 2027-02: "19%" -> (none)"#,
            ]
        );
    }

    #[test]
    fn other_fields_stay_as_they_are() {
        let change = FieldChange {
            path: "record.name".to_owned(),
            before: json!("A"),
            after: json!("B"),
            forces_replacement: false,
        };
        assert_eq!(unfolded(std::slice::from_ref(&change)), [change]);
    }
}
