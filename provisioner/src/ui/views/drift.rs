//! Drift for people: what others changed, then what is merely not applied yet, each grouped by tenant; counts at the
//! end.

use std::collections::BTreeMap;
use std::fmt::Write;

use engine::{Action, Drifted, Unapplied};

use super::field;
use super::style::{self, BOLD, DIM, GREEN, RED, YELLOW, paint};
use super::wrap::{columns, wrapped};
use crate::drift::authors::Author;
use crate::drift::ignore::Ignored;
use crate::drift::report::{DriftReport, Sort, happened};
use crate::ui::sensitive;

/// What the view says beside the report itself.
pub struct Surroundings<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The AWS account.
    pub account: &'a str,
    /// Its region.
    pub region: &'a str,
    /// Columns to write in.
    pub width: usize,
}

const INDENT: usize = 8;

/// The report as text, with colours.
pub fn render(report: &DriftReport, around: &Surroundings) -> String {
    let width = around.width;
    let mut out = String::new();
    section(
        &mut out,
        "Changed behind billform's back",
        &report.drift.drifted,
        |found| &found.tenant,
        |out, found| {
            render_found(out, found, report.authors.get(&found.address), width);
        },
    );
    section(
        &mut out,
        "In the manifest, not applied yet",
        &report.drift.unapplied,
        |todo| &todo.tenant,
        |out, todo| {
            render_todo(out, todo, width);
        },
    );
    ignored(&mut out, &report.ignored, width);
    trouble(&mut out, report, width);
    notes(&mut out, report, width);
    closing(&mut out, report, around);
    out
}

/// A heading, and below it the items under their tenants; nothing when there are none.
fn section<T>(
    out: &mut String,
    title: &str,
    items: &[T],
    tenant: impl Fn(&T) -> &Option<String>,
    render: impl Fn(&mut String, &T),
) {
    let mut group: Option<&Option<String>> = None;
    for item in items {
        if group != Some(tenant(item)) {
            let name = tenant(item).as_ref().map_or_else(|| "Shared".to_owned(), |tenant| format!("Tenant {tenant}"));
            gap(out);
            if group.is_none() {
                let _ = writeln!(out, "{}", paint(BOLD.underline(), title));
            }
            let _ = writeln!(out, "{}", paint(BOLD, name));
            group = Some(tenant(item));
        }
        render(out, item);
    }
}

fn gap(out: &mut String) {
    if !out.is_empty() {
        out.push('\n');
    }
}

fn render_found(out: &mut String, found: &Drifted, author: Option<&Author>, width: usize) {
    let sort = Sort::of(&found.finding);
    let glyph = paint(style::of_drift(sort), format!("{:>3}", glyph(sort)));
    let mut head = format!("{glyph} {}", paint(BOLD, &found.address));
    if let Some(what) = happened(found) {
        let fits = columns(&head) + columns(&what) + 4 <= width;
        let gap = if fits { "  ".to_owned() } else { format!("\n{:INDENT$}", "") };
        let _ = write!(head, "{gap}{}", paint(DIM, format!("({what})")));
    }
    let _ = writeln!(out, "{}", wrapped(&head, width, INDENT));
    for change in &found.fields {
        let _ = writeln!(out, "{:INDENT$}{}", "", field::drifted(change, width.saturating_sub(INDENT)));
    }
    if let Some(Author::Known { who, at, event }) = author {
        let line = sensitive::text(&format!("by {who}, {event} at {at}"));
        let line = format!("{:INDENT$}{}", "", paint(DIM, line));
        let _ = writeln!(out, "{}", wrapped(&line, width, INDENT));
    }
}

/// The mark before an address: what happened to it, as a plan would mark doing that.
pub fn glyph(sort: Sort) -> &'static str {
    match sort {
        Sort::Changed | Sort::Unmarked => "~",
        Sort::Vanished => "-",
        Sort::Replaced => "-/+",
        Sort::Taken => "<",
        Sort::Unknown => "+",
    }
}

fn render_todo(out: &mut String, todo: &Unapplied, width: usize) {
    let glyph = paint(style::of(todo.action), format!("{:>3}", todo.action.glyph()));
    let _ = writeln!(out, "{glyph} {}", paint(BOLD, &todo.address));
    for change in &todo.fields {
        let _ = writeln!(out, "{:INDENT$}{}", "", field::change(change, width.saturating_sub(INDENT)));
    }
}

fn ignored(out: &mut String, ignored: &[Ignored], width: usize) {
    if ignored.is_empty() {
        return;
    }
    gap(out);
    let _ = writeln!(out, "{}", paint(BOLD.underline(), "Ignored"));
    for one in ignored {
        let until = one.by.until().map_or_else(|| "without an end".to_owned(), |until| format!("until {until}"));
        let line = format!("    {} {}", ignored_what(one), paint(DIM, format!("({until})")));
        let _ = writeln!(out, "{}", wrapped(&line, width, INDENT));
    }
}

/// `lambda_function.costs: memory_mb, tags.Old`, or what happened to it.
pub fn ignored_what(ignored: &Ignored) -> String {
    let found = &ignored.found;
    let paths: Vec<&str> = found.fields.iter().map(|change| change.path.as_str()).collect();
    let what = if paths.is_empty() { happened(found).unwrap_or_default() } else { paths.join(", ") };
    format!("{}: {what}", found.address)
}

/// What could not be looked at, a line each.
pub fn unseen(report: &DriftReport) -> Vec<String> {
    let unreadable = report.drift.unreadable.iter();
    let unreadable = unreadable.map(|(address, error)| format!("{address} cannot be read: {error}"));
    let unlisted = report.unlisted.iter();
    let unlisted = unlisted.map(|(kind, error)| format!("{kind}: what there is cannot be listed: {error}"));
    unreadable.chain(unlisted).map(|line| crate::ui::sensitive::text(&line)).collect()
}

fn trouble(out: &mut String, report: &DriftReport, width: usize) {
    let lines = unseen(report);
    if !lines.is_empty() {
        gap(out);
    }
    for line in lines {
        let line = format!("  {} {line}", paint(RED.bold(), "!"));
        let _ = writeln!(out, "{}", wrapped(&line, width, 4));
    }
}

/// What a person should know beside the findings: its beginning, and the rest.
pub fn remarks(report: &DriftReport) -> Vec<(&'static str, String)> {
    let pending = report.drift.pending.iter().map(|(address, until)| ("Pending:", format!("{address} {until}")));
    let expired = report.expired.iter().map(|by| ("Expired:", format!("--ignore {by} hides nothing any more")));
    let idle = report.idle.iter().map(|by| ("Needless:", format!("--ignore {by} hides nothing: no such drift")));
    let moved = report.state_moved.then(|| {
        let text = "an apply went on while this was read, so what it touched may be shown as drift; look again";
        ("In motion:", text.to_owned())
    });
    pending.chain(expired).chain(idle).chain(moved).collect()
}

fn notes(out: &mut String, report: &DriftReport, width: usize) {
    let notes = remarks(report);
    if !notes.is_empty() {
        gap(out);
    }
    for (head, text) in notes {
        let _ = writeln!(out, "{}", wrapped(&format!("{} {text}", paint(YELLOW, head)), width, 2));
    }
}

fn closing(out: &mut String, report: &DriftReport, around: &Surroundings) {
    gap(out);
    let mut line = |text: &str| {
        let _ = writeln!(out, "{}", wrapped(text, around.width, 2));
    };
    let (head, rest) = verdict(report, around);
    let colour = if report.drift.is_drifted() { BOLD } else { GREEN.bold() };
    line(&format!("{} {rest}", paint(colour, head)));
    for text in also(report) {
        line(&text);
    }
    if report.is_incomplete() {
        line(&paint(YELLOW, "The report is incomplete: see the lines marked ! above."));
    }
}

/// The one sentence that counts, its first words apart.
pub fn verdict(report: &DriftReport, around: &Surroundings) -> (&'static str, String) {
    let place = format!("in account {} ({})", around.account, around.region);
    if report.drift.is_drifted() {
        return ("Drift:", format!("{} {place}; {} compared.", counts(report), resources(report.drift.compared)));
    }
    let rest = match report.drift.compared {
        0 => format!("nothing that billform left {place} was there to compare."),
        1 => format!("the one resource {place} is as billform left it."),
        many => format!("{many} resources {place} are as billform left them."),
    };
    let seen = if report.is_incomplete() { "No drift seen:" } else { "No drift:" };
    (seen, rest)
}

/// Sentences that follow the verdict: what is not applied, and what is ignored.
pub fn also(report: &DriftReport) -> Vec<String> {
    let unapplied = (!report.drift.unapplied.is_empty())
        .then(|| format!("Not applied yet: {}; `billform plan` shows it whole.", unapplied(report)));
    unapplied.into_iter().chain(ignored_counts(&report.ignored)).collect()
}

/// `2 changed, 1 vanished`.
pub fn counts(report: &DriftReport) -> String {
    let some = Sort::ALL.into_iter().map(|sort| (report.count(sort), sort.name())).filter(|(count, _)| *count > 0);
    some.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

fn unapplied(report: &DriftReport) -> String {
    let words = [
        (Action::Create, "to create"),
        (Action::Update, "to update"),
        (Action::Replace, "to replace"),
        (Action::Delete, "to delete"),
        (Action::Adopt, "to adopt"),
        (Action::Import, "to import"),
    ];
    let some = words.into_iter().map(|(action, word)| (report.unapplied(action), word)).filter(|(count, _)| *count > 0);
    some.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

fn resources(count: usize) -> String {
    if count == 1 { "1 resource".to_owned() } else { format!("{count} resources") }
}

/// `2 ignored until 2026-12-31.`, a sentence for each end.
fn ignored_counts(ignored: &[Ignored]) -> Vec<String> {
    let mut by_end: BTreeMap<_, usize> = BTreeMap::new();
    for one in ignored {
        *by_end.entry(one.by.until()).or_default() += 1;
    }
    let end = |(until, count): (Option<jiff::civil::Date>, usize)| match until {
        Some(until) => format!("{count} ignored until {until}."),
        None => format!("{count} ignored without an end."),
    };
    by_end.into_iter().map(end).collect()
}
