//! The hidden first line by which a comment or issue is found again: an HTML comment, which GitHub does not show.
//!
//! Names within it are percent-encoded, so that none can end the comment or be taken for another.

use std::fmt::Write;

/// The plan of a stack: `<!-- billform:plan:client-billing -->`. Of none where it is not known which stack it is.
pub fn plan(stack: Option<&str>) -> String {
    format!("<!-- billform:plan:{} -->", encoded(stack.unwrap_or_default()))
}

/// What every plan's marker begins with.
pub const ANY_PLAN: &str = "<!-- billform:plan:";

/// The drift of a tenant's resources, or of those that all share.
pub fn drift(stack: &str, tenant: Option<&str>) -> String {
    match tenant {
        Some(tenant) => format!("{}tenant:{} -->", of_stack(stack), encoded(tenant)),
        None => format!("{}shared -->", of_stack(stack)),
    }
}

/// What the markers of all drift of a stack begin with.
pub fn of_stack(stack: &str) -> String {
    format!("<!-- billform:drift:{}:", encoded(stack))
}

/// The marker of a body: its first line, where that is one.
pub fn found(body: &str) -> Option<&str> {
    let first = body.trim_start_matches('\u{feff}').lines().next()?.trim_end();
    (first.starts_with("<!-- billform:") && first.ends_with(" -->")).then_some(first)
}

/// Longer names, in bytes, are cut and told apart by their digest: a marker is a part of a body that has a limit.
const LONGEST_NAME: usize = 200;

/// So many characters of a longer name are kept.
const KEPT: usize = 40;

/// A name as a marker has it.
fn encoded(name: &str) -> String {
    if name.len() <= LONGEST_NAME {
        return spelled(name);
    }
    let beginning: String = name.chars().take(KEPT).collect();
    // No short name has a `~`.
    format!("{}~{}", spelled(&beginning), engine::token::digest(&name.into()))
}

/// Letters, digits and `.`, `_`, `/` and single hyphens as they are, every other byte as `%2D`.
fn spelled(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"._/".contains(&byte) || (byte == b'-' && !out.ends_with('-'));
        if plain {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_marker_names_its_stack_and_is_found_in_the_first_line_alone() {
        let marker = plan(Some("client-billing/prod"));
        assert_eq!(marker, "<!-- billform:plan:client-billing/prod -->");
        assert!(marker.starts_with(ANY_PLAN));
        assert_eq!(found(&format!("{marker}\n## Plan")), Some(marker.as_str()));
        assert_eq!(found(&format!("{marker}\r\n## Plan")), Some(marker.as_str()));
        assert_eq!(found(&format!("> {marker}\n## Plan")), None);
        assert_eq!(found(&format!("text\n{marker}")), None);
        assert_eq!(found(""), None);
    }

    #[test]
    fn no_name_ends_the_marker_or_is_taken_for_another() {
        let names = ["a", "a-", "a--", "-->", "--", "a:b", "tenant:a", "shared", "ü", " ", "%2D", "a\nb", "@x <b>"];
        let long = [format!("{}1", "n".repeat(70_000)), format!("{}2", "n".repeat(70_000)), "-".repeat(201)];
        let names = names.into_iter().chain(long.iter().map(String::as_str)).collect::<Vec<_>>();
        let stacks = ["s", "s:shared", "s:tenant"];
        let mut all = BTreeSet::new();
        for stack in stacks {
            assert!(all.insert(drift(stack, None)));
            for &name in &names {
                let marker = drift(stack, Some(name));
                let inside =
                    marker.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")).expect("a comment");
                assert!(!inside.contains("--") && !inside.contains(['<', '>', ' ', '\n']), "{marker}");
                assert_eq!(found(&marker), Some(marker.as_str()));
                assert!(marker.starts_with(&of_stack(stack)) && marker.len() < 1_000);
                assert!(all.insert(marker.clone()), "{marker} twice");
            }
        }
    }
}
