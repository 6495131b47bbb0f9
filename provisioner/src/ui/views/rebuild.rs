//! What a rebuild of the state found, beside what was remembered.

use std::fmt::Write;

use engine::{Address, Rebuilt, State};
use serde_json::{Value, json};

use super::style::{BOLD, GREEN, YELLOW, paint};
use super::wrap::wrapped;

/// What became of the remembered resources.
struct Compared<'a> {
    /// Found in the cloud, and not remembered.
    found: Vec<&'a Address>,
    /// Remembered, and not found.
    missing: Vec<&'a Address>,
    /// Remembered otherwise.
    differing: Vec<&'a Address>,
}

fn compare<'a>(before: &'a State, rebuilt: &'a Rebuilt) -> Compared<'a> {
    let (old, new) = (&before.records, &rebuilt.state.records);
    Compared {
        found: new.keys().filter(|address| !old.contains_key(*address)).collect(),
        missing: old.keys().filter(|address| !new.contains_key(*address)).collect(),
        differing: new
            .iter()
            .filter(|(at, record)| old.get(at).is_some_and(|o| o != *record))
            .map(|(at, _)| at)
            .collect(),
    }
}

/// As text for `width` columns, with colours.
pub fn render(before: &State, rebuilt: &Rebuilt, width: usize) -> String {
    let compared = compare(before, rebuilt);
    let mut out = String::new();
    let groups = [
        ("+", "found in the cloud", &compared.found),
        ("-", "no longer in the cloud", &compared.missing),
        ("~", "remembered otherwise", &compared.differing),
    ];
    for (glyph, what, addresses) in groups {
        for address in addresses {
            let _ = writeln!(out, "  {glyph} {} ({what})", paint(BOLD, address));
        }
    }
    for (address, id) in &rebuilt.doubles {
        let text = format!("  {} {id} says that it is {address}, too; delete one of the two", paint(YELLOW, "!"));
        let _ = writeln!(out, "{}", wrapped(&text, width, 4));
    }
    let count = rebuilt.state.records.len();
    let same = count - compared.found.len() - compared.differing.len();
    let text = format!(
        "{} {count} resources are ours: {} found, {} remembered otherwise, {same} as remembered; {} gone.",
        paint(GREEN.bold(), "State rebuilt:"),
        compared.found.len(),
        compared.differing.len(),
        compared.missing.len(),
    );
    let _ = writeln!(out, "{}", wrapped(&text, width, 2));
    out
}

/// As one JSON document: `billform-rebuild/1`.
pub fn json(before: &State, rebuilt: &Rebuilt) -> Value {
    let compared = compare(before, rebuilt);
    json!({
        "format": "billform-rebuild/1",
        "resources": rebuilt.state.records.len(),
        "found": compared.found,
        "gone": compared.missing,
        "differing": compared.differing,
        "doubles": rebuilt.doubles.iter().map(|(address, id)| json!({"address": address, "id": id})).collect::<Vec<_>>(),
    })
}
