//! One field of a resource on one line: `memory_mb: 256 -> 512`.

use engine::diff::FieldChange;
use engine::input::{as_reference, references};
use serde_json::Value;

/// A change, cut to fit `width` columns. Field values never hold secrets: kinds keep those out of their fields.
pub fn change(change: &FieldChange, width: usize) -> String {
    let forces = if change.forces_replacement { "  (forces replacement)" } else { "" };
    two(change, " -> ", forces, width)
}

/// A field that others changed: what is there, and what it was left as.
pub fn drifted(change: &FieldChange, width: usize) -> String {
    two(change, ", was left as ", "", width)
}

/// Both values with something between and behind them, cut to fit `width` columns.
fn two(change: &FieldChange, between: &str, behind: &str, width: usize) -> String {
    let room = width.saturating_sub(change.path.chars().count() + 2 + behind.len()).max(20);
    let (before, after) = both(change, room.saturating_sub(between.len()));
    format!("{}: {before}{between}{after}{behind}", change.path)
}

/// Both values, together no longer than `room`: what is too long is cut around what differs.
pub fn both(change: &FieldChange, room: usize) -> (String, String) {
    let (before, after) = (text(&change.before), text(&change.after));
    let (one, other) = (before.chars().count(), after.chars().count());
    if one + other <= room {
        return (before, after);
    }
    // What a short one does not need, the other may have.
    let half = room / 2;
    let rooms = if one < half {
        (one, room - one)
    } else if other < half {
        (room - other, other)
    } else {
        (half, half)
    };
    around_difference(&before, &after, rooms)
}

/// A field of something new: on one line where it fits, else a map with a line for each key, else cut to fit.
pub fn new(path: &str, value: &Value, width: usize) -> Vec<String> {
    let text = text(value);
    let room = width.saturating_sub(path.len() + 2).max(10);
    match value {
        Value::Object(fields) if as_reference(value).is_none() && text.chars().count() > room => {
            fields.iter().flat_map(|(key, below)| new(&format!("{path}.{key}"), below, width)).collect()
        }
        _ => vec![format!("{path}: {}", cut(&text, room))],
    }
}

/// A value as a person reads it.
pub fn text(value: &Value) -> String {
    if let Some(reference) = as_reference(value) {
        return format!("(known after apply: {} of {})", reference.name, reference.of);
    }
    match value {
        Value::Null => "(none)".to_owned(),
        other if references(other).is_empty() => other.to_string(),
        _ => "(known after apply)".to_owned(),
    }
}

/// The first `width` characters, with a mark where some are left out.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Both texts cut to their widths, around the first character that differs: the rest is the same and tells nothing.
fn around_difference(before: &str, after: &str, (one, other): (usize, usize)) -> (String, String) {
    let same = before.chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
    let skip = same.saturating_sub(one.min(other) / 3);
    let window = |text: &str, width: usize| {
        let mark = if skip > 0 { "…" } else { "" };
        let rest: String = text.chars().skip(skip).collect();
        format!("{mark}{}", cut(&rest, width.saturating_sub(mark.chars().count()).max(8)))
    };
    (window(before, one), window(after, other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(before: Value, after: Value) -> FieldChange {
        FieldChange { path: "policy".to_owned(), before, after, forces_replacement: false }
    }

    #[test]
    fn a_short_change_is_shown_whole() {
        assert_eq!(change(&of(json!(1), json!(null)), 80), "policy: 1 -> (none)");
    }

    #[test]
    fn a_long_change_shows_where_it_differs_and_fits() {
        let long = "x".repeat(300);
        let line = change(&of(json!(format!("{long}old")), json!(format!("{long}new"))), 80);
        assert!(line.contains("old") && line.contains("new"), "{line}");
        assert!(line.chars().count() <= 80, "{line}");
    }

    #[test]
    fn what_a_short_value_does_not_need_the_other_has() {
        let one = of(json!("x".repeat(100)), json!(null));
        let (before, after) = both(&one, 60);
        assert_eq!((before.chars().count(), after.as_str()), (54, "(none)"));
        let line = drifted(&one, 60);
        assert!(line.ends_with("x…, was left as (none)") && line.chars().count() == 60, "{line}");
    }

    #[test]
    fn a_new_map_that_does_not_fit_has_a_line_for_each_key() {
        let tags = json!({"a": "x".repeat(30), "b": {"c": "y".repeat(30), "d": 1}});
        assert_eq!(new("tags", &json!({"a": 1}), 40), [r#"tags: {"a":1}"#]);
        let lines = new("tags", &tags, 40);
        assert_eq!(lines[1..], [format!("tags.b.c: \"{}…", "y".repeat(28)), "tags.b.d: 1".to_owned()]);
        assert!(lines.iter().all(|line| line.chars().count() <= 40), "{lines:#?}");
    }

    #[test]
    fn a_reference_is_known_after_apply() {
        let reference = json!({"$output": {"of": "http_api.main", "name": "id"}});
        assert_eq!(text(&reference), "(known after apply: id of http_api.main)");
        assert_eq!(text(&json!([reference])), "(known after apply)");
    }
}
