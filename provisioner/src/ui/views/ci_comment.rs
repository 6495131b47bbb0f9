//! A plan as the one comment of a pull request: what is risky first, then what it does to amounts, then what changes in
//! short, then all of it folded.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use engine::Action;

use super::markdown::{Document, LIMIT, code, last_lines, sentence};
use super::marker;
use super::money;
use super::plan_markdown::{MONEY, approval, beginning, whole};
use super::review::{Review, ReviewedStep};
use crate::ui::sensitive;

/// Bytes that the list of risks may take.
const RISKS: usize = 20_000;

/// Bytes that the effects on amounts may take.
const AMOUNTS: usize = 8_000;

/// Bytes that the short list of changes may take.
const SHORT: usize = 16_000;

/// Up to so many tenants that change alike are told one by one.
const TOLD_APART: usize = 10;

/// How many addresses, fields or tenants are named in one line.
const NAMED: usize = 3;

const FOLDED: (&str, &str) = ("\n<details>\n<summary>Full plan</summary>\n", "\n</details>\n");

/// The comment's body, its marker in the first line; below [`LIMIT`], whatever is planned.
pub fn render(review: &Review) -> String {
    let mut body = format!("{}\n{}", marker::plan(Some(&review.stack)), beginning(review).trim_end());
    body.push('\n');
    let mut risks = Document::within(RISKS, "", "the full plan below, or `billform plan`,");
    risks.list("Risks", risk_lines(review));
    body.push_str(&risks.finish());
    let mut amounts = Document::within(AMOUNTS, "", "`billform plan --format json`");
    amounts.list(MONEY, money::markdown(&review.money));
    body.push_str(&amounts.finish());
    let mut short = Document::within(SHORT, "", "the full plan below, or `billform plan`,");
    short.list("What changes", change_lines(review));
    body.push_str(&short.finish());
    if review.steps.is_empty() {
        return body;
    }
    let room = LIMIT - 1 - body.len() - FOLDED.0.len() - FOLDED.1.len();
    let mut full = Document::within(room, "", "`billform plan`");
    whole(review, &mut full);
    body.push_str(FOLDED.0);
    body.push_str(&full.finish());
    body.push_str(FOLDED.1);
    body
}

/// Whether there is nothing to review: no change, and nothing that keeps the plan from saying so.
pub fn says_nothing(review: &Review) -> bool {
    review.steps.is_empty() && !review.is_incomplete()
}

/// What replaces an older comment when nothing is to change any more.
pub fn no_changes(review: &Review) -> String {
    let pending = review.pending.iter().map(|line| format!("- Pending: {}\n", sentence(line))).collect::<String>();
    let gap = if pending.is_empty() { "" } else { "\n" };
    let unchanged = match review.summary.no_op {
        0 => "the stack has nothing, and is to have nothing".to_owned(),
        1 => "the one resource is as the manifest says".to_owned(),
        many => format!("{many} resources are as the manifest says"),
    };
    format!(
        "{}\n## Plan for {}\n\n**No changes:** {unchanged} in account {} ({}).\n{gap}{pending}",
        marker::plan(Some(&review.stack)),
        code(&review.stack),
        review.account,
        review.region
    )
}

/// A plan that failed: what it said, and how it exited. The stack is not known where the manifest cannot be read.
pub fn failed(stack: Option<&str>, said: &str, exit_code: Option<u8>) -> String {
    let of = stack.map(|stack| format!(" for {}", code(stack))).unwrap_or_default();
    let exited = exit_code.map(|code| format!(" with exit code {code}")).unwrap_or_default();
    let head = format!(
        "{}\n## Plan{of}\n\n**The plan failed**{exited}; nothing is known of what would change.\n\n",
        marker::plan(stack)
    );
    let plain = anstream::adapter::strip_str(said).to_string();
    let masked: Vec<String> = plain.lines().map(sensitive::text).collect();
    if masked.iter().all(|line| line.trim().is_empty()) {
        return format!("{head}It said nothing on stderr.\n");
    }
    let room = LIMIT - 1 - head.len();
    format!("{head}{}", last_lines(masked.join("\n").trim_end(), room))
}

fn risk_lines(review: &Review) -> Vec<String> {
    let risky = |step: &&ReviewedStep| step.action.destroys() || step.holds.is_some();
    let mut steps: Vec<&ReviewedStep> = review.steps.iter().filter(risky).collect();
    // What needs an approval first, then what goes for good; a stable sort keeps the plan's order within.
    steps.sort_by_key(|step| (step.holds.is_none(), step.action != Action::Delete));
    let in_the_way = review.in_the_way.iter().map(|line| format!("**incomplete**: {}", sentence(line)));
    let pending = review.pending.iter().map(|line| format!("pending: {}", sentence(line)));
    steps.into_iter().map(risk_line).chain(in_the_way).chain(pending).collect()
}

fn risk_line(step: &ReviewedStep) -> String {
    let mut line = format!("**{}** {}", step.action.name(), code(&step.address.to_string()));
    if let Some(tenant) = &step.tenant {
        let _ = write!(line, " of tenant {}", code(tenant));
    }
    if let Some(holds) = &step.holds {
        let _ = write!(line, ": it holds {}, so it needs {}", code(holds), approval(step));
    }
    if let Some(reason) = &step.reason {
        let between = if step.holds.is_some() { "; " } else { ": " };
        let _ = write!(line, "{between}{}", code(reason));
    }
    line
}

/// What is done to which kinds: what tenants that change alike have in common.
type Shape<'a> = Vec<(Action, &'a str)>;

/// Tenants that are told in one line, and where that line stands.
struct Together<'a> {
    at: usize,
    tenants: Vec<&'a str>,
}

/// One line for what all share, and one for each tenant; many tenants that change alike have one together.
fn change_lines(review: &Review) -> Vec<String> {
    let mut by_tenant: BTreeMap<Option<&str>, Vec<&ReviewedStep>> = BTreeMap::new();
    for step in &review.steps {
        by_tenant.entry(step.tenant.as_deref()).or_default().push(step);
    }
    let mut alike: BTreeMap<Shape, usize> = BTreeMap::new();
    for (tenant, steps) in &by_tenant {
        if tenant.is_some() {
            *alike.entry(shape(steps)).or_default() += 1;
        }
    }
    let mut lines = Vec::new();
    let mut together: BTreeMap<Shape, Together> = BTreeMap::new();
    for (tenant, steps) in &by_tenant {
        let Some(tenant) = tenant else {
            lines.push(format!("**Shared**: {}", told(steps)));
            continue;
        };
        let shape = shape(steps);
        if alike[&shape] <= TOLD_APART {
            lines.push(format!("**Tenant** {}: {}", code(tenant), told(steps)));
            continue;
        }
        match together.get_mut(&shape) {
            Some(group) => group.tenants.push(tenant),
            None => {
                // Its place; the text follows when all of them are known.
                together.insert(shape, Together { at: lines.len(), tenants: vec![tenant] });
                lines.push(String::new());
            }
        }
    }
    for (shape, Together { at, tenants }) in together {
        lines[at] = format!("**{} tenants alike** ({}): {}", tenants.len(), some(&tenants), told_shape(&shape));
    }
    lines
}

fn shape<'a>(steps: &[&'a ReviewedStep]) -> Shape<'a> {
    let mut shape: Shape = steps.iter().map(|step| (step.action, step.address.kind())).collect();
    shape.sort();
    shape
}

/// `acme`, `beta`, `gamma` and 997 more.
fn some(names: &[&str]) -> String {
    let named: Vec<String> = names.iter().take(NAMED).map(|name| code(name)).collect();
    let more = names.len().saturating_sub(NAMED);
    if more == 0 { named.join(", ") } else { format!("{} and {more} more", named.join(", ")) }
}

/// The changes of one group: up to three resources of a kind by their addresses, more as a count.
fn told(steps: &[&ReviewedStep]) -> String {
    let mut by_kind: BTreeMap<(Action, &str), Vec<&ReviewedStep>> = BTreeMap::new();
    for step in steps {
        by_kind.entry((step.action, step.address.kind())).or_default().push(step);
    }
    let mut parts: BTreeMap<Action, Vec<String>> = BTreeMap::new();
    for ((action, kind), steps) in by_kind {
        let entry = parts.entry(action).or_default();
        if steps.len() > NAMED {
            entry.push(format!("{} {}", steps.len(), code(kind)));
        } else {
            entry.extend(steps.into_iter().map(address_and_fields));
        }
    }
    let part = |(action, what): (Action, Vec<String>)| format!("{} {}", action.name(), what.join(", "));
    parts.into_iter().map(part).collect::<Vec<_>>().join("; ")
}

/// An address, with the fields that change in place.
fn address_and_fields(step: &ReviewedStep) -> String {
    let address = code(&step.address.to_string());
    let paths: Vec<&str> = step.fields.iter().filter_map(|row| row.first().map(String::as_str)).collect();
    if step.action == Action::Create || paths.is_empty() { address } else { format!("{address} ({})", some(&paths)) }
}

fn told_shape(shape: &[(Action, &str)]) -> String {
    let mut counts: BTreeMap<(Action, &str), usize> = BTreeMap::new();
    shape.iter().for_each(|one| *counts.entry(*one).or_default() += 1);
    let mut parts: BTreeMap<Action, Vec<String>> = BTreeMap::new();
    for ((action, kind), count) in counts {
        let times = if count == 1 { String::new() } else { format!("{count} ") };
        parts.entry(action).or_default().push(format!("{times}{}", code(kind)));
    }
    let part = |(action, what): (Action, Vec<String>)| format!("each {} {}", action.name(), what.join(", "));
    parts.into_iter().map(part).collect::<Vec<_>>().join("; ")
}
