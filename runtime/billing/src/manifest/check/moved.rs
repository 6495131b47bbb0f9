//! Resources whose address changed.

use super::shapes::is_address;
use super::{Checker, steps};

pub(super) fn check(checker: &mut Checker<'_>) {
    for (i, moved) in checker.manifest.moved.iter().enumerate() {
        for (key, address) in [("from", &moved.from), ("to", &moved.to)] {
            if !is_address(address) {
                let hint = "write KIND.NAME, such as budget.acme; `billform state list` shows them".to_owned();
                checker.at(&steps!["moved", i, key], format!("`{address}` is no address"), hint);
            }
        }
        let kind = |address: &str| address.split_once('.').map(|(kind, _)| kind.to_owned());
        if kind(&moved.from) != kind(&moved.to) {
            let hint = "a resource keeps its kind: only what comes after the dot can change".to_owned();
            checker.at(&steps!["moved", i, "to"], "this moves a resource to another kind", hint);
        }
        if moved.from == moved.to {
            checker.at(&steps!["moved", i, "to"], "this moves an address to itself", "leave it out".to_owned());
        }
    }
}
