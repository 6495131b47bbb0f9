//! How the account and the state of a case differ from those of a clean run.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::stage::Inventory;

/// What should not be, or should be and is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// Resources that no clean run leaves behind.
    pub orphans: Vec<String>,
    /// Resources of a name that is there already.
    pub duplicates: Vec<String>,
    /// Resources that are missing, and records of the state that differ.
    pub others: Vec<String>,
}

impl Differences {
    /// Between what a clean run leaves and what is there. What is `optional` may be missing.
    pub fn between(clean: &Inventory, optional: &Inventory, found: &Inventory) -> Differences {
        let may_miss = |service: &str, name: &str| optional.get(service).is_some_and(|names| names.contains(name));
        let mut differences = Differences::default();
        for (service, names) in found {
            let expected = clean.get(service);
            for name in names.iter().filter(|name| expected.is_none_or(|expected| !expected.contains(*name))) {
                // The inventory numbers things of one name: `portal #2`.
                match name.split_once(" #") {
                    Some(_) => differences.duplicates.push(format!("{service}: {name}")),
                    None => differences.orphans.push(format!("{service}: {name}")),
                }
            }
        }
        for (service, names) in clean {
            let there = found.get(service);
            let missing = names.iter().filter(|name| there.is_none_or(|there| !there.contains(*name)));
            let missing = missing.filter(|name| !may_miss(service, name));
            differences.others.extend(missing.map(|name| format!("missing, {service}: {name}")));
        }
        differences
    }

    /// The same with the records that differ.
    pub fn with_records(mut self, clean: &BTreeMap<String, Value>, found: &BTreeMap<String, Value>) -> Differences {
        let addresses = clean.keys().chain(found.keys().filter(|address| !clean.contains_key(*address)));
        for address in addresses {
            let (clean, found) = (clean.get(address), found.get(address));
            if clean != found {
                let shown = |record: Option<&Value>| record.map_or_else(|| "nothing".to_owned(), Value::to_string);
                self.others.push(format!("state, {address}: {} instead of {}", shown(found), shown(clean)));
            }
        }
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.orphans.is_empty() && self.duplicates.is_empty() && self.others.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn inventory(names: &[&str]) -> Inventory {
        BTreeMap::from([("apis", names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>())])
    }

    #[test]
    fn what_is_too_much_twice_and_missing_is_told_apart() {
        let clean = inventory(&["a", "b"]);
        let nothing = Inventory::new();
        assert!(Differences::between(&clean, &nothing, &clean).is_empty());
        assert!(Differences::between(&clean, &inventory(&["b"]), &inventory(&["a"])).is_empty());
        let differences = Differences::between(&clean, &nothing, &inventory(&["a", "a #2", "c"]));
        assert_eq!(differences.orphans, ["apis: c"]);
        assert_eq!(differences.duplicates, ["apis: a #2"]);
        assert_eq!(differences.others, ["missing, apis: b"]);
    }

    #[test]
    fn records_that_differ_are_named() {
        let clean = BTreeMap::from([("a".to_owned(), json!(1)), ("b".to_owned(), json!(2))]);
        let found = BTreeMap::from([("a".to_owned(), json!(1)), ("c".to_owned(), json!(3))]);
        let differences = Differences::default().with_records(&clean, &found);
        assert_eq!(differences.others, ["state, b: nothing instead of 2", "state, c: 3 instead of nothing"]);
    }
}
