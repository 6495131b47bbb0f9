//! Each defect put back, one after the other, and the same seeds without any: a table in Markdown.

use std::fmt;

use super::{Campaign, Enough, Planted, Played};

/// What became of every defect, and of the same seeds without one.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    control: Played,
}

/// What became of one defect.
#[derive(Debug)]
struct Row {
    planted: Planted,
    /// How many seeds there were until it was found, or in all.
    seeds: u64,
    /// The first violation; none where no seed shows the defect.
    violation: Option<String>,
}

impl Table {
    /// Plays a campaign's seeds with each defect until it is found, and as many seeds as that took at most without any.
    #[must_use]
    pub fn of(campaign: Campaign, threads: usize) -> Table {
        let rows: Vec<Row> = Planted::ALL.map(|planted| Row::of(campaign, planted, threads)).into();
        let most = rows.iter().map(|row| row.seeds).max().unwrap_or_default();
        let control = Campaign { enough: Enough::Seeds(most), planted: None, ..campaign };
        Table { rows, control: control.play(threads, |_, _, _| {}) }
    }

    /// Says whether every defect was found, and nothing without one.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.rows.iter().all(|row| row.violation.is_some()) && self.control.failed.is_none()
    }
}

impl Row {
    fn of(campaign: Campaign, planted: Planted, threads: usize) -> Row {
        let played = Campaign { planted: Some(planted), ..campaign }.play(threads, |_, _, _| {});
        let seeds = played.failed.as_ref().map_or(played.seeds, |(plan, _)| plan.seed - campaign.first + 1);
        let violation = played.failed.and_then(|(_, failure)| failure.violations.first().map(ToString::to_string));
        Row { planted, seeds, violation }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Defect | What it does | Seeds | First violation |")?;
        writeln!(f, "|---|---|---:|---|")?;
        for Row { planted, seeds, violation } in &self.rows {
            let violation = violation.as_deref().map_or_else(|| "not found".to_owned(), |found| format!("`{found}`"));
            writeln!(f, "| `{planted}` | {} | {seeds} | {violation} |", planted.does())?;
        }
        let Played { seeds, counts, failed } = &self.control;
        let found = failed.as_ref().and_then(|(_, failure)| failure.violations.first());
        let found = found.map_or_else(|| "no violation".to_owned(), |found| format!("`{found}`"));
        writeln!(f, "\nWithout a defect: {seeds} seeds, {counts}: {found}.")
    }
}
