//! Drift as a GitHub comment: the same sections as for people, in tables.

use engine::diff::FieldChange;
use engine::{Drifted, Unapplied};

use super::drift::{Surroundings, also, remarks, unseen, verdict};
use super::field;
use super::markdown::{Block, Document, LONGEST_TEXT, code, sentence};
use crate::drift::report::{DriftReport, Sort, happened};

/// The report as Markdown; below [`super::markdown::LIMIT`], whatever was found.
pub fn render(report: &DriftReport, around: &Surroundings) -> String {
    let (head, rest) = verdict(report, around);
    let mut beginning = format!("## Drift of {}\n\n**{head}** {rest}\n", code(around.stack));
    if report.is_incomplete() {
        beginning.push_str("\n**The report is incomplete**: see what could not be read, below.\n");
    }
    for sentence in also(report) {
        beginning.push_str(&format!("\n{sentence}\n"));
    }
    let mut document = Document::new(beginning.trim_end(), "`billform drift`");
    let found = report.drift.drifted.iter().map(|found| (found.tenant.as_deref(), found_block(found)));
    document.section("Changed behind billform's back", found);
    document.list("Could not be read", unseen(report).iter().map(|line| sentence(line)));
    let todo = report.drift.unapplied.iter().map(|todo| (todo.tenant.as_deref(), todo_block(todo)));
    document.section("In the manifest, not applied yet", todo);
    let ignored = report.ignored.iter().map(|ignored| {
        let until = ignored.by.until().map_or_else(|| "without an end".to_owned(), |until| format!("until {until}"));
        format!("{}, {until}", sentence(&super::drift::ignored_what(ignored)))
    });
    document.list("Ignored", ignored);
    document.list("Notes", remarks(report).into_iter().map(|(head, text)| format!("{head} {}", sentence(&text))));
    document.finish()
}

fn found_block(found: &Drifted) -> Block {
    let sort = Sort::of(&found.finding);
    let head = match happened(found) {
        Some(what) => format!("{} **{}**: {}", code(&found.address.to_string()), sort.name(), code(&what)),
        None => format!("{} **{}**", code(&found.address.to_string()), sort.name()),
    };
    Block { head, columns: &["Field", "Found", "As left"], rows: rows(&found.fields), below: Vec::new() }
}

fn todo_block(todo: &Unapplied) -> Block {
    let head = format!("{} **{}**", code(&todo.address.to_string()), todo.action.name());
    Block { head, columns: &["Field", "As applied", "In the manifest"], rows: rows(&todo.fields), below: Vec::new() }
}

/// A row for each field: its path, what is there, what it is or was to be; cut around what differs.
pub fn rows(fields: &[FieldChange]) -> Vec<Vec<String>> {
    let row = |change: &FieldChange| {
        let (before, after) = field::both(change, 2 * LONGEST_TEXT);
        [change.path.clone(), before, after].into()
    };
    fields.iter().map(row).collect()
}
