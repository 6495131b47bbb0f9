//! A plan for people: grouped by tenant, one line per field, counts at the end.

use std::collections::BTreeMap;
use std::fmt::Write;

use engine::kind::{CallError, ErrorClass};
use engine::plan::{Reason, Refused};
use engine::{Action, Address, Owner, Plan, Step, Summary};
use serde_json::Value;

use super::alike::{self, Folding};
use super::field;
use super::money;
use super::style::{self, BOLD, DIM, RED, YELLOW, paint};
use super::terms;
use super::wrap::{columns, wrapped};
use crate::drift::report::owner_name;
use crate::ledger::money_effects::MoneyEffects;
use crate::run::renamed_tenants;

/// What the view says beside the plan itself.
pub struct Surroundings<'a> {
    /// The AWS account.
    pub account: &'a str,
    /// Its region.
    pub region: &'a str,
    /// Stripe's mode, `test` or `live`; none where the manifest has no `stripe`.
    pub stripe: Option<&'a str>,
    /// Sections of the manifest that are modelled and not provisioned yet.
    pub unprovisioned: &'a [&'a str],
    /// No bundle is at hand, so deployed functions keep their code.
    pub keeps_code: bool,
    /// The plan empties the stack, whatever the manifest has.
    pub destroys: bool,
    /// The calls that reading took, by service.
    pub calls: &'a BTreeMap<String, u64>,
    /// What it does to amounts.
    pub money: &'a MoneyEffects,
    /// Whether tenants with equal changes share one entry.
    pub folding: Folding,
    /// What is a matter of how the plan was made is told too: `-v`.
    pub verbose: bool,
    /// Columns to write in.
    pub width: usize,
}

/// The plan as text, with colours.
pub fn render(plan: &Plan, around: &Surroundings) -> String {
    let mut out = String::new();
    let changes: Vec<&Step> = plan.changes().collect();
    for group in alike::groups(&changes, around.folding) {
        heading(&mut out, group.tenant);
        group.steps.iter().for_each(|step| render_step(&mut out, step, around));
        if !group.alike.is_empty() {
            let line = format!("  {}", paint(DIM, format!("… {}", alike::told(&group.alike))));
            let _ = writeln!(out, "{}", wrapped(&line, around.width, 4));
        }
    }
    trouble(&mut out, plan, around.width);
    money(&mut out, around);
    notes(&mut out, plan, around);
    let gap = if out.is_empty() { "" } else { "\n" };
    out.push_str(&closing(plan, around, gap));
    out
}

fn heading(out: &mut String, tenant: Option<&str>) {
    let title = tenant.map_or_else(|| "Shared".to_owned(), |tenant| format!("Tenant {tenant}"));
    let gap = if out.is_empty() { "" } else { "\n" };
    let _ = writeln!(out, "{gap}{}", paint(BOLD, title));
}

fn render_step(out: &mut String, step: &Step, around: &Surroundings) {
    let width = around.width;
    let glyph = paint(style::of(step.action), format!("{:>3}", step.action.glyph()));
    let mut head = format!("{glyph} {}", paint(BOLD, &step.address));
    if let Some(reason) = reason(step, around.destroys) {
        let fits = columns(&head) + columns(&reason) + 4 <= width;
        let gap = if fits { "  ".to_owned() } else { format!("\n{:INDENT$}", "") };
        let _ = write!(head, "{gap}{}", paint(DIM, format!("({reason})")));
    }
    let _ = writeln!(out, "{}", wrapped(&head, width, INDENT));
    for line in lines(step, width.saturating_sub(INDENT)) {
        let _ = writeln!(out, "{:INDENT$}{line}", "");
    }
    if let Some(guard) = &step.guard {
        // The option stays on one line, to be copied.
        for line in [format!("holds {}", guard.described), format!("needs --approve {}", step.address)] {
            let line = format!("{:INDENT$}{}", "", paint(RED, line));
            let _ = writeln!(out, "{}", wrapped(&line, width, INDENT));
        }
    }
}

const INDENT: usize = 8;

fn lines(step: &Step, width: usize) -> Vec<String> {
    match (step.action, &step.desired) {
        (Action::Create, Some(Value::Object(fields))) => {
            let given = fields.iter().filter(|(_, value)| !is_empty(value));
            given.flat_map(|(path, value)| field::new(path, value, width)).collect()
        }
        (Action::Delete, _) => Vec::new(),
        _ => terms::unfolded(&step.fields).iter().map(|change| field::change(change, width)).collect(),
    }
}

/// Whether a field of something new says nothing.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Why, where the action alone does not say it, and what a delete leaves behind. That a plan which `destroys` deletes
/// needs no reason.
pub fn reason(step: &Step, destroys: bool) -> Option<String> {
    let why = why(step).filter(|_| !destroys || step.reason != Reason::NotWanted);
    let parts: Vec<String> = why.into_iter().chain(step.leaves.clone()).chain(step.notes.iter().cloned()).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn why(step: &Step) -> Option<String> {
    match &step.reason {
        Reason::Vanished => Some("it vanished behind our back".to_owned()),
        Reason::Unfinished => Some("an earlier apply did not finish it".to_owned()),
        Reason::Unmarked => Some("its ownership tags are gone or stale".to_owned()),
        Reason::Found => Some("ours, and not in the state".to_owned()),
        Reason::TakenOver(owner) => Some(format!("taken over from {}", owner_name(owner))),
        Reason::Imported(owner) => Some(imports(step.id.as_deref().unwrap_or_default(), owner, step.claim)),
        Reason::ForcesReplacement => Some("cannot be changed in place".to_owned()),
        Reason::NotWanted => Some("no longer in the manifest".to_owned()),
        Reason::AlreadyGone => Some("already gone".to_owned()),
        Reason::NoLongerOurs(owner) => Some(format!("now belongs to {}, left alone", owner_name(owner))),
        Reason::Moved(to) => Some(format!("stands at {to} now")),
        Reason::Renamed(from) => Some(format!("moved from {from}: its ownership tags are told")),
        Reason::New | Reason::Differs | Reason::Same => None,
    }
}

/// `imports cus_1`, and from whom, where another stack has it.
fn imports(id: &str, owner: &Owner, is_marked: bool) -> String {
    match owner {
        Owner::Stack { .. } if is_marked => format!("imports {id}, taken over from {}", owner_name(owner)),
        _ => format!("imports {id}"),
    }
}

/// How many addresses a note names.
const NAMED: usize = 8;

/// What introduces the imports that were carried out before: their entries have no effect.
pub const IMPORTS_DONE: &str = "Imports already done, can be removed:";

/// Names the imports that were carried out before; none when there are none.
pub fn imports_done(imported: &[Address]) -> Option<String> {
    let named: Vec<String> = imported.iter().take(NAMED).map(Address::to_string).collect();
    let more = imported.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!named.is_empty()).then(|| format!("{}{more}", named.join(", ")))
}

fn trouble(out: &mut String, plan: &Plan, width: usize) {
    let lines = plan.refused.iter().map(refused_line);
    let lines = lines.chain(plan.blocked.iter().map(|b| format!("{} waits for {}", b.address, b.because)));
    let lines = lines.chain(unreadable(plan));
    for (number, line) in lines.enumerate() {
        let gap = if number == 0 && !out.is_empty() { "\n" } else { "" };
        let line = format!("  {} {line}", paint(RED.bold(), "!"));
        let _ = writeln!(out, "{gap}{}", wrapped(&line, width, 4));
    }
}

fn money(out: &mut String, around: &Surroundings) {
    let lines = money::lines(around.money);
    if lines.is_empty() {
        return;
    }
    let gap = if out.is_empty() { "" } else { "\n" };
    let _ = writeln!(out, "{gap}{}", paint(BOLD, "Money"));
    for line in lines {
        let _ = writeln!(out, "{}", wrapped(&format!("  {line}"), around.width, 4));
    }
}

/// What cannot be read, once for each cause: a bad key fails every call.
pub fn unreadable(plan: &Plan) -> Vec<String> {
    let mut causes: Vec<(String, Vec<&Address>)> = Vec::new();
    for (address, error) in &plan.unreadable {
        let error = error.to_string();
        match causes.iter_mut().find(|(cause, _)| *cause == error) {
            Some((_, addresses)) => addresses.push(address),
            None => causes.push((error, vec![address])),
        }
    }
    let told = |(cause, addresses): (String, Vec<&Address>)| match addresses.as_slice() {
        [one] => format!("{one} cannot be read: {cause}"),
        [first, second] => format!("{first} and {second} cannot be read: {cause}"),
        [first, second, more @ ..] => format!("{first}, {second} and {} more cannot be read: {cause}", more.len()),
        [] => cause,
    };
    causes.into_iter().map(told).collect()
}

/// What to do about permissions that are missing: the roles of a repository have those that the manifest needed when they
/// were made, and nobody but a person may give them more.
pub const DENIED: &str = "`billform permissions` prints what was denied; roles of GitHub Actions get it by \
     `billform init --github --apply-roles`, run by hand with this manifest.";

/// Whether AWS refused to let something be read for want of a permission.
pub fn is_denied(plan: &Plan) -> bool {
    plan.unreadable.iter().any(|(_, error)| lacks_permission(error))
}

/// Whether a call was refused that a policy of AWS can allow.
pub fn lacks_permission(error: &CallError) -> bool {
    error.class == ErrorClass::Denied && !error.operation.starts_with("stripe:")
}

fn refused_line(refused: &Refused) -> String {
    refused.message.clone()
}

fn notes(out: &mut String, plan: &Plan, around: &Surroundings) {
    let mut first = true;
    let mut note = |text: String| {
        let gap = if first && !out.is_empty() { "\n" } else { "" };
        first = false;
        let _ = writeln!(out, "{gap}{}", wrapped(&text, around.width, 2));
    };
    for renamed in renamed_tenants::in_plan(plan) {
        note(format!(
            "{} looks like {} renamed. To keep its Stripe customer and payment method, add to the manifest:",
            renamed.to, renamed.from
        ));
        note(format!("  moved:\n    {}", renamed.moved()));
    }
    for (address, until) in &plan.pending {
        note(format!("{} {address} {until}", paint(YELLOW, "Pending:")));
    }
    if let Some(imported) = imports_done(&plan.imported) {
        note(format!("{IMPORTS_DONE} {imported}."));
    }
    if !around.unprovisioned.is_empty() {
        note(format!(
            "Not provisioned by this version, though the manifest has it: {}",
            around.unprovisioned.join(", ")
        ));
    }
    if around.keeps_code {
        note("No bundle is at hand, so deployed functions keep their code; `billform package` builds one.".to_owned());
    }
    if !around.verbose {
        return;
    }
    let not_read: Vec<String> = plan.not_read.iter().map(|(kind, fields)| not_read(kind, fields)).collect();
    if !not_read.is_empty() {
        note(format!(
            "Taken from the state, as lists do not give it: {}. `--refresh full` reads it.",
            not_read.join("; ")
        ));
    }
    if let Some(calls) = calls(around.calls) {
        note(paint(DIM, calls).to_string());
    }
}

/// `Read in 30 calls: iam 12, stripe 3, ….`
fn calls(calls: &BTreeMap<String, u64>) -> Option<String> {
    let total: u64 = calls.values().sum();
    let mut by_service: Vec<(&String, &u64)> = calls.iter().collect();
    by_service.sort_by_key(|(service, count)| (std::cmp::Reverse(**count), *service));
    let shown: Vec<String> = by_service.iter().map(|(service, count)| format!("{service} {count}")).collect();
    let calls = if total == 1 { "call" } else { "calls" };
    (total > 0).then(|| format!("Read in {total} {calls}: {}.", shown.join(", ")))
}

fn not_read(kind: &str, fields: &std::collections::BTreeSet<String>) -> String {
    format!("{kind} ({})", fields.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
}

fn closing(plan: &Plan, around: &Surroundings, gap: &str) -> String {
    let summary = plan.summary();
    let place = place(around.account, around.region, around.stripe);
    if summary.changes() == 0 && !plan.is_incomplete() {
        let text = match summary.no_op {
            0 => format!("No changes: the stack has nothing {place}, and is to have nothing."),
            1 => format!("No changes: the one resource {place} is as the manifest says."),
            many => format!("No changes: {many} resources {place} are as the manifest says."),
        };
        return format!("{gap}{}\n", wrapped(&text, around.width, 2));
    }
    let text = format!("{} {} {place}.", paint(BOLD, "Plan:"), counts(&summary, kept(plan)));
    let mut text = format!("{gap}{}\n", wrapped(&text, around.width, 2));
    if plan.is_incomplete() {
        let _ = writeln!(text, "{}", paint(YELLOW, "The plan is incomplete: see the lines marked ! above."));
    }
    if is_denied(plan) {
        let _ = writeln!(text, "{}", wrapped(DENIED, around.width, 2));
    }
    text
}

/// Where a plan's resources are: `in account 123456789012 (us-east-1) and Stripe (test mode)`.
pub fn place(account: &str, region: &str, stripe: Option<&str>) -> String {
    let stripe = stripe.map(|mode| format!(" and Stripe ({mode} mode)")).unwrap_or_default();
    format!("in account {account} ({region}){stripe}")
}

/// How many deletes leave what they delete where it is.
pub fn kept(plan: &Plan) -> usize {
    plan.changes().filter(|step| step.action == Action::Delete && step.leaves.is_some()).count()
}

/// `10 to create, 1 to update`; "nothing to change" when there is none. Of the deletes, `kept` leave something: they are told
/// apart.
pub fn counts(summary: &Summary, kept: usize) -> String {
    let of = |action: Action| summary.of(action);
    let words = [
        (of(Action::Create), "to create"),
        (of(Action::Update), "to update"),
        (of(Action::Replace), "to replace"),
        (of(Action::Delete).saturating_sub(kept), "to delete"),
        (kept, "to keep"),
        (of(Action::Adopt), "to adopt"),
        (of(Action::Import), "to import"),
        (of(Action::NoOp), "unchanged"),
    ];
    let some = words.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = some.map(|(count, word)| format!("{count} {word}")).collect();
    if parts.is_empty() { "nothing to change".to_owned() } else { parts.join(", ") }
}
