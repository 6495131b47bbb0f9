//! A plan as a GitHub comment.

use std::fmt::Write as _;

use engine::{Action, Plan};

use super::markdown::{Block, Document, code, sentence};
use super::money;
use super::plan::{DENIED, IMPORTS_DONE, Surroundings, counts, imports_done, place};
use super::review::{Review, ReviewedStep};

/// The heading over what a plan does to amounts.
pub const MONEY: &str = "Money";

/// The plan as Markdown; below [`super::markdown::LIMIT`], whatever is planned.
pub fn render(plan: &Plan, around: &Surroundings) -> String {
    let review = Review::new(plan, around);
    let mut document = Document::new(beginning(&review).trim_end(), "`billform plan`");
    document.list(MONEY, money::markdown(&review.money));
    whole(&review, &mut document);
    document.finish()
}

/// The heading, and the one sentence that counts.
pub fn beginning(review: &Review) -> String {
    let mut beginning = format!("## Plan for {}\n\n", code(&review.stack));
    let changes = review.summary.changes();
    let what = if changes == 0 { "nothing to change".to_owned() } else { counts(&review.summary, review.kept) };
    let place = place(&review.account, &review.region, review.stripe.as_deref());
    let _ = writeln!(beginning, "**Plan:** {what} {place}.");
    if review.is_incomplete() {
        beginning.push_str("\n**The plan is incomplete**: see what stands in its way, below.\n");
    }
    if review.denied {
        let _ = writeln!(beginning, "\n{DENIED}");
    }
    beginning
}

/// Every change with its fields, then what stands in the way, then notes.
pub fn whole(review: &Review, document: &mut Document) {
    document.section("Changes", review.steps.iter().map(|step| (step.tenant.as_deref(), block(step))));
    document.list("In the way", review.in_the_way.iter().map(|line| sentence(line)));
    document.list("Notes", notes(review));
}

/// The option that lets a guarded step go, as code.
pub fn approval(step: &ReviewedStep) -> String {
    code(&format!("--approve {}", step.address))
}

fn block(step: &ReviewedStep) -> Block {
    let mut head = format!("{} **{}**", code(&step.address.to_string()), step.action.name());
    if let Some(reason) = &step.reason {
        let _ = write!(head, ": {}", code(reason));
    }
    if let Some(holds) = &step.holds {
        let _ = write!(head, "; it holds {}, which needs {}", code(holds), approval(step));
    }
    let columns: &[&str] =
        if step.action == Action::Create { &["Field", "Value"] } else { &["Field", "Found", "Planned"] };
    Block { head, columns, rows: step.fields.clone(), below: Vec::new() }
}

fn notes(review: &Review) -> Vec<String> {
    let mut notes: Vec<String> = review.pending.iter().map(|line| format!("Pending: {}", sentence(line))).collect();
    notes.extend(review.renamed.iter().map(|moved| {
        format!("Looks like a tenant renamed; under `moved:` this keeps its Stripe customer: {}", sentence(moved))
    }));
    notes.extend(imports_done(&review.imported).map(|imported| format!("{IMPORTS_DONE} {}", sentence(&imported))));
    if !review.unprovisioned.is_empty() {
        let sections = sentence(&review.unprovisioned.join(", "));
        notes.push(format!("Not provisioned by this version, though the manifest has it: {sections}"));
    }
    if review.keeps_code {
        notes.push("No bundle is at hand, so deployed functions keep their code.".to_owned());
    }
    if !review.not_read.is_empty() {
        let kinds = sentence(&review.not_read.join(", "));
        notes.push(format!("Some fields of {kinds} were taken from the state; `--refresh full` reads them."));
    }
    notes
}
