//! Did-you-mean.

/// The known name that was most likely meant.
pub fn closest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = wrong.to_lowercase();
    let allowed = (wrong.chars().count() / 3).max(1);
    let distance = |name: &str| strsim::osa_distance(&lower, &name.to_lowercase());
    let ranked = known.into_iter().map(|name| (distance(name), name));
    let near = ranked.filter(|(distance, name)| *distance <= allowed || within(&lower, name));
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// One name holds the other, and is not a mere letter of it: `webhook_secret` and `secret`.
fn within(wrong: &str, name: &str) -> bool {
    wrong.len() >= 4 && name.len() >= 4 && (name.contains(wrong) || wrong.contains(name))
}

/// A hint for a name that is none of the known ones.
pub(super) fn among<'a>(wrong: &str, known: impl Iterator<Item = &'a str> + Clone, what: &str) -> String {
    if let Some(name) = closest(wrong, known.clone()) {
        return format!("did you mean `{name}`?");
    }
    let names: Vec<String> = known.map(|name| format!("`{name}`")).collect();
    match names.is_empty() {
        true => format!("the manifest names no {what}"),
        false => format!("known {what}: {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_mistakes_find_their_name() {
        let known = ["pricing", "products", "portal", "secrets"];
        assert_eq!(closest("pricng", known), Some("pricing"));
        assert_eq!(closest("Protal", known), Some("portal"));
        assert_eq!(closest("zebra", known), None);
        assert_eq!(among("zebra", ["a"].into_iter(), "pricing"), "known pricing: `a`");
    }
}
