//! A plan as a GitHub comment.

use std::fmt::Write as _;

use engine::{Action, Plan, Step};
use serde_json::Value;

use super::field;
use super::markdown::{Block, Document, code, sentence};
use super::plan::{Surroundings, counts, reason, unreadable};
use crate::ui::sensitive;

/// The plan as Markdown; below [`super::markdown::LIMIT`], whatever is planned.
pub fn render(plan: &Plan, around: &Surroundings) -> String {
    let mut beginning = format!("## Plan for {}\n\n", code(&plan.stack));
    let summary = plan.summary();
    let what = if summary.changes() == 0 { "nothing to change".to_owned() } else { counts(&summary) };
    let _ = writeln!(beginning, "**Plan:** {what} in account {} ({}).", around.account, around.region);
    if plan.is_incomplete() {
        beginning.push_str("\n**The plan is incomplete**: see what stands in its way, below.\n");
    }
    let mut document = Document::new(beginning.trim_end(), "`billform plan`");
    document.section("Changes", plan.changes().map(|step| (step.tenant.as_deref(), block(step, around.destroys))));
    document.list("In the way", in_the_way(plan).iter().map(|line| sentence(&sensitive::text(line))));
    document.list("Notes", notes(plan, around));
    document.finish()
}

fn block(step: &Step, destroys: bool) -> Block {
    let mut head = format!("{} **{}**", code(&step.address.to_string()), step.action.name());
    if let Some(reason) = reason(step, destroys) {
        let _ = write!(head, ": {}", code(&reason));
    }
    if let Some(guard) = &step.guard {
        let approve = code(&format!("--approve {}", step.address));
        let _ = write!(head, "; it holds {}, which needs {approve}", code(&guard.described));
    }
    if step.action == Action::Create {
        let rows = created(step);
        return Block { head, columns: &["Field", "Value"], rows };
    }
    let mut fields = step.fields.clone();
    fields.iter_mut().for_each(sensitive::mask);
    Block { head, columns: &["Field", "Found", "Planned"], rows: super::drift_markdown::rows(&fields) }
}

fn created(step: &Step) -> Vec<Vec<String>> {
    let Some(Value::Object(fields)) = &step.desired else { return Vec::new() };
    let given = fields.iter().filter(|(_, value)| !super::plan::is_empty(value));
    given.map(|(path, value)| vec![path.clone(), field::text(value)]).collect()
}

fn in_the_way(plan: &Plan) -> Vec<String> {
    let refused = plan.refused.iter().map(|refused| refused.message.clone());
    let blocked = plan.blocked.iter().map(|blocked| format!("{} waits for {}", blocked.address, blocked.because));
    refused.chain(blocked).chain(unreadable(plan)).collect()
}

fn notes(plan: &Plan, around: &Surroundings) -> Vec<String> {
    let mut notes: Vec<String> = plan
        .pending
        .iter()
        .map(|(address, until)| format!("Pending: {}", sentence(&format!("{address} {until}"))))
        .collect();
    if !around.unprovisioned.is_empty() {
        let sections = sentence(&around.unprovisioned.join(", "));
        notes.push(format!("Not provisioned by this version, though the manifest has it: {sections}"));
    }
    if around.keeps_code {
        notes.push("No bundle is at hand, so deployed functions keep their code.".to_owned());
    }
    if !plan.not_read.is_empty() {
        let kinds: Vec<&str> = plan.not_read.keys().map(String::as_str).collect();
        let kinds = sentence(&kinds.join(", "));
        notes.push(format!("Some fields of {kinds} were taken from the state; `--refresh full` reads them."));
    }
    notes
}
