//! How many steps of a service run at once: what its kinds say.

use std::collections::BTreeMap;

use crate::kinds;

/// Steps in flight per service. Of kinds that differ the smaller number counts.
pub fn per_service() -> BTreeMap<&'static str, usize> {
    let mut limits = BTreeMap::new();
    for meta in kinds::metas() {
        let limit = limits.entry(meta.service).or_insert(meta.steps_at_once);
        *limit = meta.steps_at_once.min(*limit);
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_one_service_agree() {
        let limits = per_service();
        for meta in kinds::metas() {
            assert_eq!(meta.steps_at_once, limits[meta.service], "{}", meta.name);
        }
    }
}
