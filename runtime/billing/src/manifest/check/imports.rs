//! Resources that exist and are taken over. Whether there is such an address is known where the resources are made.

use std::collections::BTreeMap;

use super::shapes::is_address;
use super::{Checker, report_repeats, steps};
use crate::manifest::node::Step;

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let mut addresses = Vec::new();
    let mut ids: BTreeMap<&str, Vec<(String, Vec<Step>)>> = BTreeMap::new();
    for (i, import) in manifest.imports.iter().enumerate() {
        let to = steps!["imports", i, "to"];
        match import.to.split_once('.') {
            Some((kind, _)) if is_address(&import.to) => {
                addresses.push((import.to.clone(), to.to_vec()));
                ids.entry(kind).or_default().push((import.id.clone(), steps!["imports", i, "id"].to_vec()));
            }
            _ => {
                let hint = "write KIND.NAME, such as stripe_customer.acme; `billform plan` shows them".to_owned();
                checker.at(&to, format!("`{}` is not an address", import.to), hint);
            }
        }
    }
    report_repeats(checker, "the address", &addresses, "one resource is imported there");
    // Two kinds may name their resources alike: a role and its function.
    for of_kind in ids.values() {
        report_repeats(checker, "the id", of_kind, "a resource stands at one address");
    }
}
