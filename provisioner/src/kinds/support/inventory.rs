//! What an account holds, kind by kind, whoever made it: taken after a destroy, it shows that nothing is left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::kind::CallError;

use crate::cloud::Cloud;
use crate::kinds::KINDS;

/// [`engine::kind_meta::KindMeta::plural`] -> names. Of two things of one name the second is `name #2`.
pub type Inventory = BTreeMap<&'static str, BTreeSet<String>>;

/// Lists everything of every kind, as the services' own listings have it.
pub async fn of(cloud: &Arc<Cloud>) -> Result<Inventory, CallError> {
    let listed = KINDS.iter().map(|kind| async { Ok((kind.meta.plural, numbered(kind.inventory(cloud).await?))) });
    futures::future::try_join_all(listed).await.map(|listed| listed.into_iter().collect())
}

fn numbered(names: Vec<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in names {
        let again = |n: u32| if n == 1 { name.clone() } else { format!("{name} #{n}") };
        let free = (1..).map(again).find(|name| !found.contains(name));
        found.extend(free);
    }
    found
}

/// A line per kind.
pub fn lines(inventory: &Inventory) -> Vec<String> {
    let told = |names: &BTreeSet<String>| match names.is_empty() {
        true => "none".to_owned(),
        false => names.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    };
    inventory.iter().map(|(kind, names)| format!("{kind}: {}", told(names))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_of_one_name_are_numbered() {
        let names = ["a", "b", "a", "a"].map(str::to_owned);
        assert_eq!(numbered(names.into()), ["a", "a #2", "a #3", "b"].map(str::to_owned).into());
        let inventory =
            BTreeMap::from([("http apis", numbered(vec!["x".to_owned(); 2])), ("budgets", BTreeSet::new())]);
        assert_eq!(lines(&inventory), ["budgets: none", "http apis: x, x #2"]);
    }
}
